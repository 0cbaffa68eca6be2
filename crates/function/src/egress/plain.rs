//! Requests in the clear: seen whole, forwarded to the host that was judged and to no other.

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{
    EgressServer, policy,
    proxy::{Said, refusal, said},
};

/// Headers between two neighbours, not for whoever comes after them.
const NEIGHBOURLY: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(super) async fn forward(server: &EgressServer, mut request: Request<Incoming>) -> Said {
    let Some((host, port, authority)) = target(request.uri()) else {
        return said(StatusCode::BAD_REQUEST, "this is a proxy: name the whole address, of the form http://host/");
    };
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    strip(request.headers_mut());
    let seen = super::Request { method: request.method(), path: path.as_str(), headers: request.headers() };
    let made = match server.reach(&host, port, Some(seen)).await {
        Ok(made) => made,
        Err(refused) => return refusal(refused, &host),
    };
    *request.uri_mut() = Uri::from(path);
    request.headers_mut().insert(header::HOST, authority);
    let patience = server.settings.patience;
    let Ok(Ok((mut sender, connection))) = timeout(patience, http1::handshake(TokioIo::new(made.stream))).await else {
        return said(StatusCode::BAD_GATEWAY, "the host does not speak HTTP");
    };
    // It ends with its stream, whose silence is bounded.
    tokio::spawn(async move { drop(connection.await) });
    match sender.send_request(request).await {
        Ok(mut response) => {
            strip(response.headers_mut());
            response.map(BodyExt::boxed_unsync)
        }
        Err(_) => said(StatusCode::BAD_GATEWAY, "the host gave no answer"),
    }
}

/// Host, port, and the header that names both.
fn target(uri: &Uri) -> Option<(String, u16, HeaderValue)> {
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let named = HeaderValue::from_str(authority.as_str()).ok()?;
    Some((policy::host(authority.host())?, authority.port_u16().unwrap_or(80), named))
}

/// Takes away what is between neighbours, and what a neighbour calls so.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&NEIGHBOURLY) {
        headers.remove(name);
    }
}
