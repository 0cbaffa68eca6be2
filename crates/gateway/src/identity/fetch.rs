//! One small document from an issuer, over HTTPS. Redirects are not followed.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{Error, address::private, jose::LONGEST_KEY_SET};

/// Whom connections to issuers trust: the public authorities, and those of the operator's file.
pub(crate) fn trust(extra: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = extra {
        let fault = |reason: String| Error::Tls { file: file.to_owned(), reason };
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setting { name: "extra_roots", reason: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// How documents are fetched.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) patience: Duration,
    /// Whether hosts may resolve to private addresses.
    pub(crate) private: bool,
}

/// A document and how long it may be kept, where the answer says so.
pub(crate) type Document = (Bytes, Option<Duration>);

impl Fetcher {
    /// Fetches the document at `url`: `https`, or `http` on a loopback host.
    pub(crate) async fn get(&self, url: &str) -> Result<Document, String> {
        match timeout(self.patience, self.get_patiently(url)).await {
            Ok(outcome) => outcome.map_err(|reason| format!("`{url}`: {reason}")),
            Err(_) => Err(format!("`{url}`: no answer within {} s", self.patience.as_secs())),
        }
    }

    async fn get_patiently(&self, url: &str) -> Result<Document, String> {
        let uri: Uri = url.parse().map_err(|_| "it is not a URL".to_owned())?;
        let host = uri.host().ok_or("it names no host")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let secure = secure(&uri)?;
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = self.connect(bare, port).await?;
        if !secure {
            return ask(stream, &uri).await;
        }
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| "its host is malformed".to_owned())?;
        let stream = TlsConnector::from(self.tls.clone())
            .connect(name, stream)
            .await
            .map_err(|error| format!("no secure connection: {error}"))?;
        ask(stream, &uri).await
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let found: Vec<SocketAddr> =
            lookup_host((host, port)).await.map_err(|error| format!("its host is not found: {error}"))?.collect();
        // A public name that resolves to a private address is somebody else's name for our own network.
        let stated = self.private || is_loopback_name(host) || host.parse::<std::net::IpAddr>().is_ok();
        let Some(address) = found.into_iter().find(|address| stated || !private(address.ip())) else {
            return Err("its host is on a private network, which the settings do not allow".to_owned());
        };
        TcpStream::connect(address).await.map_err(|error| error.to_string())
    }
}

/// Whether the URL is secure; an error where it is neither secure nor on this machine.
pub(crate) fn secure(uri: &Uri) -> Result<bool, String> {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), _) => Ok(true),
        (Some("http"), Some(host)) if is_loopback_name(host.trim_start_matches('[').trim_end_matches(']')) => Ok(false),
        _ => Err("only https is trusted, or http on a loopback host".to_owned()),
    }
}

/// Whether `url` names, as an address and not by a name, a host of this machine or its network that is not `from`'s.
pub(crate) fn leads_inside(url: &Uri, from: &Uri) -> bool {
    let host =
        |uri: &Uri| uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase());
    let inside = |host: &str| is_loopback_name(host) || host.parse::<std::net::IpAddr>().is_ok_and(private);
    host(url) != host(from) && host(url).is_some_and(|host| inside(&host))
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn ask<S>(stream: S, uri: &Uri) -> Result<Document, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    let driver = tokio::spawn(connection);
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = Request::get(target)
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("brigandine/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(told)?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answers {}", answer.status().as_u16()));
    }
    let kept = answer.headers().get(header::CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
    let body = Limited::new(answer.into_body(), LONGEST_KEY_SET);
    let whole = body.collect().await.map_err(|_| format!("its answer is broken or over {LONGEST_KEY_SET} bytes"))?;
    driver.abort();
    Ok((whole.to_bytes(), kept))
}

fn max_age(cache_control: &str) -> Option<Duration> {
    cache_control
        .split(',')
        .find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok())
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_on_the_network_leads_to_public_hosts_or_to_itself() {
        let from: Uri = "https://login.example.com/pool".parse().unwrap();
        for inside in
            ["https://10.0.0.7/keys", "https://localhost/keys", "https://[::1]/keys", "https://169.254.169.254/"]
        {
            assert!(leads_inside(&inside.parse().unwrap(), &from), "{inside}");
        }
        assert!(!leads_inside(&"https://keys.example.net/".parse().unwrap(), &from));
        let own: Uri = "https://10.0.0.7/issuer".parse().unwrap();
        assert!(!leads_inside(&"https://10.0.0.7/keys".parse().unwrap(), &own));
    }
}
