//! Where AWS calls go when no endpoint was named: to a socket here that says so.
//!
//! Without it an SDK would send the function's data to the real services under placeholder credentials, and wait and retry
//! before it failed. Here each call fails at once, with a message that names the way out, and the function's need is on
//! record.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use brigandine_model::{Happening, NotEnforced, Sink};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

use crate::Error;

const MESSAGE: &str = "AWS calls lead nowhere here: name an endpoint or a profile for them";
/// Most connections at a time, all functions together.
const CONNECTIONS: usize = 256;
/// Most function and service pairs that are told of; after so many it is clear.
const TOLD: usize = 256;
/// Most bytes of a request that are read before it is refused.
const PATIENCE_BYTES: usize = 16 * 1024 * 1024;

/// The socket, and what was already told of.
pub(crate) struct Nowhere {
    listener: TcpListener,
    /// What functions are given as endpoint, up to their own name.
    pub(crate) url: String,
}

impl Nowhere {
    pub(crate) async fn open() -> Result<Self, Error> {
        let failed = |source| Error::Loopback { source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let url = format!("http://{}/", listener.local_addr().map_err(failed)?);
        Ok(Self { listener, url })
    }

    /// Refuses calls until it is aborted.
    pub(crate) async fn serve(self, sink: Arc<dyn Sink>) {
        let told = Arc::new(Mutex::new(BTreeSet::new()));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            if connections.len() >= CONNECTIONS {
                continue;
            }
            let (sink, told) = (sink.clone(), told.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (sink, told) = (sink.clone(), told.clone());
                async move {
                    let (parts, body) = request.into_parts();
                    // The body is read to its end so that the client reads the answer; what it holds is of no interest.
                    drop(Limited::new(body, PATIENCE_BYTES).collect().await);
                    tell(&*sink, &told, parts.uri.path(), &parts.headers);
                    Ok::<_, Infallible>(refusal(&parts.headers))
                }
            });
            let mut builder = http1::Builder::new();
            let connection = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            connections.spawn(async move { drop(connection.await) });
        }
    }
}

/// One event per function and service.
fn tell(sink: &dyn Sink, told: &Mutex<BTreeSet<(String, String)>>, path: &str, headers: &HeaderMap) {
    let function = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let service = service(headers).unwrap_or("a service");
    let short = |text: &str| text.chars().take(64).collect::<String>();
    let pair = (short(function), short(service));
    let first = told.lock().is_ok_and(|mut told| told.len() < TOLD && told.insert(pair.clone()));
    if first {
        let reason = format!("its call to {} had no endpoint and failed", pair.1);
        super::emit(sink, Happening::NotEnforced(NotEnforced { subject: pair.0.into(), reason: reason.into() }));
    }
}

/// The service a request is signed for.
fn service(headers: &HeaderMap) -> Option<&str> {
    let signed = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    signed.split_once("Credential=")?.1.split('/').nth(3)
}

fn refusal(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, body) = if content_type.contains("json") {
        let document = serde_json::json!({"__type": "NoEndpoint", "message": MESSAGE});
        ("application/x-amz-json-1.0", document.to_string())
    } else {
        let error = format!("<Error><Code>NoEndpoint</Code><Message>{MESSAGE}</Message></Error>");
        ("application/xml", format!("<ErrorResponse>{error}</ErrorResponse>"))
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static("NoEndpoint"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_read_from_the_signature() {
        let mut headers = HeaderMap::new();
        assert_eq!(service(&headers), None);
        let signed = "AWS4-HMAC-SHA256 Credential=X/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host";
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(signed));
        assert_eq!(service(&headers), Some("dynamodb"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Credential=X/y"));
        assert_eq!(service(&headers), None);
    }
}
