//! TLS with certificates that may change while the door stands open.

use std::{path::Path, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{Error, TlsFiles};

/// Certificate and key in use.
pub(crate) struct Certificates {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    stamp: ArcSwap<Stamp>,
}

/// What changes when a file changes: both files' times and lengths.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl std::fmt::Debug for Certificates {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificates {
    pub(crate) fn load(files: &TlsFiles) -> Result<Arc<Self>, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let stamp = stamp(files);
        let key = certified(files, &provider)?;
        Ok(Arc::new(Self {
            files: files.clone(),
            provider,
            current: ArcSwap::from_pointee(key),
            stamp: ArcSwap::from_pointee(stamp),
        }))
    }

    /// Takes the files up anew when they changed; whether they did. Files that cannot be used leave the old
    /// certificate in place, and are looked at again once they change again.
    pub(crate) fn refresh(&self) -> Result<bool, Error> {
        let now = stamp(&self.files);
        if **self.stamp.load() == now {
            return Ok(false);
        }
        self.stamp.store(Arc::new(now));
        self.current.store(Arc::new(certified(&self.files, &self.provider)?));
        Ok(true)
    }

    /// TLS 1.2 and 1.3, HTTP/2 offered before HTTP/1.1.
    pub(crate) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&self.files.certificate, &error))?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn certified(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(fault(&files.certificate, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| fault(&files.key, &error))?;
    // Fails where key and certificate do not belong together.
    CertifiedKey::from_der(chain, key, provider).map_err(|error| fault(&files.key, &error))
}

fn fault(file: &Path, reason: &dyn ToString) -> Error {
    Error::Tls { file: file.to_owned(), reason: reason.to_string() }
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}
