//! Grants as a person writes them: `api.example.com`, `*.example.org:443`, `db.internal:5432`.
//!
//! A name without a port, or with 443, is reached by TLS that names the same host. An exact name with another port is a TCP
//! target, in private networks too, for that is where databases are; with 80 it is a public web server. A wildcard stands
//! for one or more whole labels and is always reached by TLS. An address is granted only as itself.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Egress, Permit, Reach, Wish};

/// What a function may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    exact: BTreeSet<(String, u16)>,
    /// Suffixes with their dot.
    below: BTreeSet<(String, u16)>,
    /// The endpoint for AWS calls, wherever it is.
    endpoint: Option<(String, u16)>,
}

/// A grant that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no grant: write a host such as `api.example.com`, `*.example.org:443` or `db.internal:5432`")]
pub struct Unfit(pub String);

impl Grants {
    /// Reads a list of grants.
    pub fn parse<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<Self, Vec<Unfit>> {
        let mut grants = Self::default();
        let mut unfit = Vec::new();
        for text in written {
            if grants.add(text).is_none() {
                unfit.push(Unfit(text.escape_debug().take(128).collect()));
            }
        }
        if unfit.is_empty() { Ok(grants) } else { Err(unfit) }
    }

    /// The same grants and the endpoint for AWS calls at this URL, on this machine or on a private network.
    pub fn with_endpoint(mut self, url: &str) -> Self {
        let uri = url.parse::<http::Uri>().ok();
        self.endpoint = uri.as_ref().and_then(|uri| {
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
            Some((host(uri.host()?)?, port))
        });
        self
    }

    /// TCP targets: exact names with a port that is neither of the web's.
    pub fn targets(&self) -> impl Iterator<Item = (&str, u16)> {
        self.exact.iter().filter(|(_, port)| !matches!(port, 80 | 443)).map(|(host, port)| (host.as_str(), *port))
    }

    fn add(&mut self, text: &str) -> Option<()> {
        let (name, port) = split(text)?;
        match name.strip_prefix('*') {
            Some(suffix) => {
                let suffix = suffix.strip_prefix('.')?;
                // A wildcard over a whole top-level domain grants everything, by another word.
                let labels = host(suffix).filter(|host| host.contains('.') && host.parse::<IpAddr>().is_err())?;
                self.below.insert((format!(".{labels}"), port));
            }
            None => {
                self.exact.insert((host(name)?, port));
            }
        }
        Some(())
    }
}

impl Egress for Grants {
    fn judge(&self, wish: &Wish<'_>) -> Option<Permit> {
        let fits = |(host, port): &(String, u16)| host == wish.host && *port == wish.port;
        if self.endpoint.as_ref().is_some_and(fits) {
            return Some(Permit { reach: Reach::Here, named: false });
        }
        if self.exact.iter().any(fits) {
            return Some(exact(wish));
        }
        let is_below = |(suffix, port): &(String, u16)| {
            let label = wish.host.strip_suffix(suffix.as_str());
            *port == wish.port && label.is_some_and(|label| !label.is_empty())
        };
        let named = self.below.iter().any(is_below) && wish.host.parse::<IpAddr>().is_err();
        // In the clear nothing names the host but the request, which is of the function's own making.
        (named && wish.request.is_none()).then_some(Permit { reach: Reach::Public, named: true })
    }
}

/// How far the grant of one host and port goes.
fn exact(wish: &Wish<'_>) -> Permit {
    let address = wish.host.parse::<IpAddr>().ok();
    let is_here = wish.host == "localhost" || address.is_some_and(|address| address.is_loopback());
    let reach = match wish.port {
        _ if is_here => Reach::Here,
        80 | 443 => Reach::Public,
        _ => Reach::Private,
    };
    Permit { reach, named: wish.port == 443 && address.is_none() }
}

/// A host and its port, 443 without one.
fn split(text: &str) -> Option<(&str, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { 443 } else { rest.strip_prefix(':')?.parse().ok()? };
        return Some((host, port));
    }
    match text.split_once(':') {
        None => Some((text, 443)),
        Some((host, port)) => Some((host, port.parse().ok().filter(|port| *port != 0)?)),
    }
}

/// A host in its one form: lower case, no final dot, letters, digits, hyphens and underscores; or an address.
pub(super) fn host(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_canonical().to_string());
    }
    let lower = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    (lower.len() <= 253 && lower.split('.').all(is_label)).then_some(lower)
}

#[cfg(test)]
mod tests {
    use brigandine_model::LogicalId;

    use super::*;

    fn judge(grants: &Grants, host: &str, port: u16) -> Option<(Reach, bool)> {
        let permit = grants.judge(&Wish { function: &LogicalId::new("F"), host, port, request: None });
        permit.map(|permit| (permit.reach, permit.named))
    }

    #[test]
    fn grants_are_read_and_hold_for_what_they_name() {
        let written =
            ["api.example.com", "*.Example.org:443", "db.internal:5432", "web.example.com:80", "[fd12::1]:6379"];
        let grants = Grants::parse(written).unwrap();
        assert_eq!(judge(&grants, "api.example.com", 443), Some((Reach::Public, true)));
        assert_eq!(judge(&grants, "a.b.example.org", 443), Some((Reach::Public, true)));
        assert_eq!(judge(&grants, "db.internal", 5432), Some((Reach::Private, false)));
        assert_eq!(judge(&grants, "web.example.com", 80), Some((Reach::Public, false)));
        assert_eq!(judge(&grants, "fd12::1", 6379), Some((Reach::Private, false)));
        for (host, port) in [
            ("api.example.com", 80),
            ("xapi.example.com", 443),
            ("example.org", 443),
            ("notexample.org", 443),
            (".example.org", 443),
            ("db.internal", 5433),
            ("api.example.com.evil.example", 443),
        ] {
            assert_eq!(judge(&grants, host, port), None, "{host}:{port}");
        }
        assert_eq!(grants.targets().collect::<Vec<_>>(), [("db.internal", 5432), ("fd12::1", 6379)]);
    }

    #[test]
    fn what_is_no_grant_is_refused_by_name() {
        for text in ["", "*", "*.com", "*example.com", "a b", "https://x", "x:0", "x:99999", "a..b", "*.1.2.3.4", "x/y"]
        {
            assert!(Grants::parse([text]).is_err(), "{text}");
        }
        let unfit = Grants::parse(["good.example", "*.com", "a b"]).unwrap_err();
        assert_eq!(unfit.len(), 2);
    }

    #[test]
    fn the_endpoint_may_be_on_this_machine_and_nothing_else_there() {
        let grants = Grants::default().with_endpoint("http://127.0.0.1:4566/");
        assert_eq!(judge(&grants, "127.0.0.1", 4566), Some((Reach::Here, false)));
        assert_eq!(judge(&grants, "127.0.0.1", 22), None);
        let own = Grants::parse(["localhost:5432"]).unwrap();
        assert_eq!(judge(&own, "localhost", 5432), Some((Reach::Here, false)));
        assert_eq!(judge(&own, "127.0.0.1", 5432), None);
    }

    #[test]
    fn hosts_have_one_form() {
        assert_eq!(host("API.Example.com.").as_deref(), Some("api.example.com"));
        assert_eq!(host("[::ffff:10.0.0.1]").as_deref(), Some("10.0.0.1"));
        for text in ["", ".", "a..b", "a b", "ä.example", "a@b", "a%00b", &"x".repeat(64)] {
            assert_eq!(host(text), None, "{text}");
        }
    }
}
