//! One meaning only: one host, one length, one path, one client, and no header that plays another's part.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use brigandine_model::{Guard, Refusal, Request};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{CONNECTION, HOST},
    request::Parts,
};
use ipnet::IpNet;

use crate::{
    address::{client_address, listed},
    canonical::canonical_path,
    visit::{Arrival, Peer, Step, Stop, Visit, refuse},
};

/// Requests with one meaning.
///
/// Double slashes are refused, not collapsed: some readers collapse them and others do not. A header whose name holds
/// an underscore or a dot is dropped where it could be taken for one of ours or for a name that proxies and functions
/// believe (`X_Forwarded_For`, `X.Authenticated.User`), or for one in which an authorizer looks for tokens; other such
/// headers pass.
pub(crate) struct OneMeaning;

impl Step for OneMeaning {
    type In = Arrival;
    type Out = Visit;

    fn pass(&self, arrival: Arrival) -> Result<Visit, Stop> {
        let Arrival { id, received, peer, ambiguity, mut head, body, plan, trace } = arrival;
        if let Some(code) = ambiguity {
            let reason = match code {
                "target-fragment" => "the request target holds a fragment",
                _ => "the request's framing has more than one meaning",
            };
            return Err(refuse(Guard::Canonical, 400, code, reason).into());
        }
        let client = client_address(peer.address, &head.headers, &plan.settings.trusted_proxies).ok_or_else(|| {
            let reason = "Forwarded and X-Forwarded-For name two different clients";
            refuse(Guard::Canonical, 400, "client-mismatch", reason)
        })?;
        trace.write(|facts| facts.client = client);
        method(&head.method)?;
        let host = host(&head)?;
        if plan.settings.development_identities() && !local(&host) {
            let reason = "development identities are in use, so only localhost and loopback addresses are served";
            return Err(refuse(Guard::Canonical, 421, "host-not-local", reason).into());
        }
        let path: Arc<str> = canonical_path(head.uri.path())
            .map_err(|fault| {
                let (code, reason) = fault.told();
                refuse(Guard::Canonical, 400, code, reason)
            })?
            .into();
        trace.write(|facts| facts.path = Some(path.clone()));
        let front = front(peer, &head.headers, &plan.settings.trusted_proxies);
        clean(&mut head.headers, &plan.token_headers);
        introduce(&mut head.headers, client, front);
        let request = Request {
            id,
            received,
            client,
            method: head.method,
            scheme: front.scheme,
            host,
            path,
            query: head.uri.query().unwrap_or_default().into(),
            headers: head.headers,
            body: Bytes::new(),
            version: head.version,
        };
        Ok(Visit { request, body, plan, trace })
    }
}

fn method(method: &Method) -> Result<(), Refusal> {
    if *method == Method::CONNECT || *method == Method::TRACE {
        return Err(refuse(Guard::Canonical, 405, "method-not-served", "this method is not served"));
    }
    Ok(())
}

/// The one host that target and header agree on, lower case, without port.
fn host(head: &Parts) -> Result<Arc<str>, Refusal> {
    let mut named = head.headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| bad_host())?;
            Some(host_name(text).ok_or_else(bad_host)?)
        }
        (None, _) => None,
        (Some(_), Some(_)) => {
            return Err(refuse(Guard::Canonical, 400, "host-twice", "the request names its host twice"));
        }
    };
    let target = target_host(&head.uri)?;
    match (header, target) {
        (Some(header), Some(target)) if header != target => {
            Err(refuse(Guard::Canonical, 400, "host-mismatch", "target and host header name different hosts"))
        }
        (Some(host), _) | (None, Some(host)) => Ok(host.into()),
        // HTTP/1.0 knows no hosts.
        (None, None) if head.version <= Version::HTTP_10 => Ok("".into()),
        (None, None) => Err(refuse(Guard::Canonical, 400, "host-missing", "the request names no host")),
    }
}

fn target_host(uri: &Uri) -> Result<Option<String>, Refusal> {
    if uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return Err(bad_host());
    }
    uri.authority().map(|authority| host_name(authority.as_str()).ok_or_else(bad_host)).transpose()
}

fn bad_host() -> Refusal {
    refuse(Guard::Canonical, 400, "host-malformed", "the request's host is malformed")
}

/// Host without port, lower case; nothing where it is not a plain name or address with an optional port.
fn host_name(authority: &str) -> Option<String> {
    let (name, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, after)) => {
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (format!("[{address}]"), after.strip_prefix(':').or(after.is_empty().then_some("0"))?)
        }
        None => match authority.split_once(':') {
            Some((name, port)) => (name.to_owned(), port),
            None => (authority.to_owned(), "0"),
        },
    };
    let plain = name.starts_with('[')
        || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)));
    (plain && port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() <= 5).then(|| name.to_ascii_lowercase())
}

/// Whether a host is this machine by its very name, so that no name server can say otherwise. Requests without a host
/// come from no browser.
fn local(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
    let loopback = address.is_ok_and(|address| address.to_canonical().is_loopback());
    loopback || matches!(host, "" | "localhost") || host.ends_with(".localhost")
}

/// Headers that concern only one connection (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names that proxies set and functions believe: nobody outside may set them.
const BELIEVED: [&str; 26] = [
    "forwarded",
    "remote-user",
    "remote-groups",
    "remote-email",
    "remote-name",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-remote-user",
    "x-authenticated-user",
    "x-original-url",
    "x-original-host",
    "x-rewrite-url",
    "client-ip",
    "remote-addr",
    "x-remote-addr",
    "x-originating-ip",
    "cf-connecting-ipv6",
    "cloudfront-viewer-address",
    "fastly-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-cert",
    // Taken for a setting by programs that read headers from the environment (CVE-2016-5385).
    "proxy",
];

/// Beginnings of such names.
const BELIEVED_FAMILIES: [&str; 12] = [
    "x-forwarded-",
    "x-amzn-oidc-",
    "x-amzn-request-context",
    "x-amzn-lambda-context",
    "x-auth-request-",
    "x-authenticated-",
    "x-brigandine-",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "ssl-client-",
    "x-ssl-client-",
];

/// Names of ours that an alias may not play.
const GUARDED: [&str; 7] =
    ["authorization", "cookie", "host", "content-length", "content-type", "x-api-key", "x-request-id"];

fn believed(name: &str) -> bool {
    BELIEVED.contains(&name) || BELIEVED_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a header could be taken for one that carries tokens here, and is none.
fn plays_a_token(name: &str, token_headers: &BTreeSet<String>) -> bool {
    let fold = |byte: u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte };
    let alike = |other: &String| other.len() == name.len() && name.bytes().map(fold).eq(other.bytes().map(fold));
    token_headers.iter().any(alike) && !token_headers.contains(name)
}

/// Takes away what is not the caller's to say. `token_headers` are those in which authorizers look for tokens.
fn clean(headers: &mut HeaderMap, token_headers: &BTreeSet<String>) {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        // A client may not name what guards and functions rely on as belonging to the connection only.
        .filter(|name| !GUARDED.contains(&name.as_str()) && !token_headers.contains(name))
        .collect();
    let mut dropped: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        let text = name.as_str();
        let alias = text.contains(['_', '.']).then(|| text.replace(['_', '.'], "-"));
        let aliased = alias
            .as_deref()
            .is_some_and(|plain| believed(plain) || GUARDED.contains(&plain) || HOP_BY_HOP.contains(&plain));
        let aliased = aliased || plays_a_token(text, token_headers);
        if aliased || believed(text) || HOP_BY_HOP.contains(&text) || named.iter().any(|other| other == text) {
            dropped.push(name.clone());
        }
    }
    for name in dropped {
        headers.remove(name);
    }
}

/// Scheme and port as the client met them: a trusted proxy's word where there is one.
fn front(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Peer {
    if !listed(trusted, peer.address) {
        return peer;
    }
    let last = |name: &str| headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim);
    let scheme = match last("x-forwarded-proto") {
        Some("https") => "https",
        Some("http") => "http",
        _ => peer.scheme,
    };
    let port = last("x-forwarded-port").and_then(|port| port.parse().ok()).unwrap_or(peer.port);
    Peer { scheme, port, ..peer }
}

/// Says what functions want to know of the client, as found out here.
fn introduce(headers: &mut HeaderMap, client: IpAddr, peer: Peer) {
    if let Ok(client) = HeaderValue::from_str(&client.to_string()) {
        headers.insert("x-forwarded-for", client);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static(peer.scheme));
    headers.insert("x-forwarded-port", HeaderValue::from(peer.port));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_plain_names_with_a_port() {
        for (text, name) in [
            ("Shop.localhost:3000", Some("shop.localhost")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("[::1]:80", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("a:b", None),
            ("user@host", None),
            ("", None),
            ("a/b", None),
            ("[::1]x", None),
            ("a:123456", None),
        ] {
            assert_eq!(host_name(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn this_machine_is_told_by_names_that_no_name_server_answers_for() {
        for host in ["localhost", "web.localhost", "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", ""] {
            assert!(local(host), "{host}");
        }
        for host in ["evil.example", "xlocalhost", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]", "localhost."]
        {
            assert!(!local(host), "{host}");
        }
    }

    #[test]
    fn nobody_outside_says_who_they_are() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-forwarded-for",
            "x_forwarded_for",
            "x.authenticated.user",
            "x-amzn-oidc-data",
            "forwarded",
            "remote_user",
            "x_api_key",
            "client_ip",
            "remote-addr",
            "x-remote-addr",
            "x-originating-ip",
            "fastly-client-ip",
            "x-azure-clientip",
            "cloudfront-viewer-address",
            "x-ms-client-principal-id",
            "x-goog-iap-jwt-assertion",
            "ssl-client-cert",
            "x-original-host",
            "x_original_url",
            "x-rewrite-url",
            "proxy",
            "x_token",
            "x.token",
            "my-token",
            "transfer-encoding",
            "keep-alive",
            "x-hop",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        headers.insert("connection", HeaderValue::from_static("close, X-Hop, Authorization, X-Token"));
        headers.insert("authorization", HeaderValue::from_static("x"));
        headers.insert("my_header", HeaderValue::from_static("x"));
        headers.insert("x-token", HeaderValue::from_static("x"));
        headers.insert("my_token", HeaderValue::from_static("x"));
        clean(&mut headers, &["x-token".to_owned(), "my_token".to_owned()].into());
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "my_header", "my_token", "x-token"]);
    }
}
