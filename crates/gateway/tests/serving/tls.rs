//! TLS, and certificates that change.

use std::{path::Path, sync::Arc, time::Duration};

use brigandine_gateway::{Door, Error, Settings, Timers, TlsFiles};
use brigandine_model::{Happening, Throttle};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::limits::HandClock;
use crate::stage::{Kept, Stage, echo, hear, open, open_app, settings};

fn certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

fn with_files(folder: &Path) -> Settings {
    let tls = Some(TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") });
    let timers = Timers { reload: Duration::from_millis(10), ..Timers::default() };
    Settings { tls, timers, ..settings() }
}

async fn trusting(
    stage: &Stage,
    root: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").unwrap(), stage.connect().await)
        .await
}

#[tokio::test]
async fn requests_come_in_over_tls_and_certificates_are_taken_up_anew() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let stage = open(open_app(), with_files(folder.path())).await;
    let mut stream = trusting(&stage, &first, &[b"http/1.1"]).await.unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let heard = hear(&mut stream).await.json();
    assert_eq!(
        (heard["scheme"].as_str(), heard["headers"]["x-forwarded-proto"].as_str()),
        (Some("https"), Some("https"))
    );
    let second = certificate(folder.path());
    stage
        .events
        .until(|what| match what {
            Happening::Reloaded(reloaded) if &*reloaded.subject == "TLS certificate" => Some(()),
            _ => None,
        })
        .await;
    // The key was written before the certificate: in between they did not fit, and the old pair served on.
    assert!(trusting(&stage, &second, &[]).await.is_ok());
    assert!(trusting(&stage, &first, &[]).await.is_err());
    // The connection from before goes on.
    stream.write_all(b"GET /b HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(hear(&mut stream).await.status, 200);
}

#[tokio::test]
async fn the_second_protocol_is_offered_first() {
    let folder = tempfile::tempdir().unwrap();
    let root = certificate(folder.path());
    let stage = open(open_app(), with_files(folder.path())).await;
    let stream = trusting(&stage, &root, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn a_failed_handshake_is_told() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let stage = open(open_app(), with_files(folder.path())).await;
    stage.connect().await.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(&*stage.events.failed("tls").await, "the handshake failed");
}

#[tokio::test]
async fn an_address_has_no_more_handshakes_than_twice_its_requests() {
    let folder = tempfile::tempdir().unwrap();
    let root = certificate(folder.path());
    let client_total = Some(Throttle { rate: 0.001, burst: 2 });
    let clock = Arc::new(HandClock::default());
    let stage = open(open_app(), Settings { client_total, clock, ..with_files(folder.path()) }).await;
    for _ in 0..4 {
        assert!(trusting(&stage, &root, &[]).await.is_ok());
    }
    assert!(trusting(&stage, &root, &[]).await.is_err());
    let told = |what: &Happening| match what {
        Happening::ConnectionRefused(refused) => Some(refused.reason),
        _ => None,
    };
    assert_eq!(stage.events.until(told).await, "address-rate");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    std::fs::write(folder.path().join("key.pem"), "nonsense").unwrap();
    let outcome = Door::new(Arc::new(open_app()), with_files(folder.path()), echo(), Arc::new(Kept::default()));
    assert!(matches!(outcome.err(), Some(Error::Tls { file, .. }) if file.ends_with("key.pem")));
}
