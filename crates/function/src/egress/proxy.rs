//! The HTTP proxy: tunnels by `CONNECT`, and requests in the clear.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit};

use super::{EgressServer, judging::Refused, plain};

/// The answer of the proxy, or of whoever was asked.
pub(super) type Said = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

/// Serves one connection of a function.
pub(super) async fn serve(server: Arc<EgressServer>, stream: TcpStream, place: OwnedSemaphorePermit) {
    drop(stream.set_nodelay(true));
    let place = Arc::new(place);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(server.settings.patience);
    let service = service_fn(move |request| {
        let (server, place) = (server.clone(), place.clone());
        async move { Ok::<_, Infallible>(answer(&server, request, place).await) }
    });
    // A function that breaks off its own connection harms only itself.
    drop(builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await);
}

async fn answer(server: &Arc<EgressServer>, request: Request<Incoming>, place: Arc<OwnedSemaphorePermit>) -> Said {
    if request.method() == Method::CONNECT {
        return tunnel(server, request, place).await;
    }
    plain::forward(server, request).await
}

/// A tunnel: made before it is granted, so that the function hears what is wrong.
async fn tunnel(server: &Arc<EgressServer>, request: Request<Incoming>, place: Arc<OwnedSemaphorePermit>) -> Said {
    let authority = request.uri().authority().cloned();
    let Some((host, port)) =
        authority.as_ref().and_then(|one| Some((super::policy::host(one.host())?, one.port_u16()?)))
    else {
        return said(StatusCode::BAD_REQUEST, "name a host and a port");
    };
    let made = match server.reach(&host, port, None).await {
        Ok(made) => made,
        Err(refused) => return refusal(refused, &host),
    };
    let server = server.clone();
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            server.pass_tunnel(TokioIo::new(upgraded), made, (&host, port)).await;
        }
        drop(place);
    });
    said(StatusCode::OK, "")
}

/// What a function is told when it may not.
pub(super) fn refusal(refused: Refused, host: &str) -> Said {
    match refused {
        Refused::NoHost => said(StatusCode::BAD_REQUEST, "that is no host"),
        Refused::NotGranted => said(StatusCode::FORBIDDEN, &format!("`{host}` is not granted to this function")),
        Refused::PrivateAddress => {
            said(StatusCode::FORBIDDEN, &format!("`{host}` is on a private network or reserved"))
        }
        Refused::Unresolved => said(StatusCode::BAD_GATEWAY, &format!("`{host}` has no address")),
        Refused::Unreachable => said(StatusCode::BAD_GATEWAY, &format!("`{host}` cannot be reached")),
    }
}

pub(super) fn said(status: StatusCode, message: &str) -> Said {
    let body = Full::new(Bytes::from(message.to_owned())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    if status != StatusCode::OK {
        let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    response
}
