//! TLS on this server's own listeners. The certificate and its key are read again when their files
//! change, so that a renewal needs no restart.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Longest file with a certificate chain or a key, in bytes. Our judgement: chains have a few
/// kilobytes.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// How often the files are looked at. Our judgement: renewals come weeks before the end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate with its key, as their files have them.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    /// What the files looked like when they were read.
    files: [Option<(SystemTime, u64)>; 2],
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key, both in PEM.
    ///
    /// # Errors
    /// A file that can't be read or holds something else, or a key of another certificate.
    pub fn read(certificate: &Path, key: &Path) -> io::Result<Self> {
        // Before the contents: a change in between is noticed at the next look.
        let files = [looks_of(certificate), looks_of(key)];
        let config = config(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(Current { config, files }),
        })
    }

    /// What the next connection is accepted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(current.config.clone())
    }

    /// Reads the files again if they have changed; true if the new ones are in use. What can't be
    /// used is left: a renewal may write the certificate before the key.
    ///
    /// # Errors
    /// Why the new files can't be used.
    pub fn refresh(&self) -> io::Result<bool> {
        let files = [looks_of(&self.certificate), looks_of(&self.key)];
        let known = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .files;
        if files == known {
            return Ok(false);
        }
        let config = config(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { config, files };
        Ok(true)
    }

    /// Keeps looking at the files; ends only when it is dropped.
    pub async fn watch(&self) {
        let mut failed = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.refresh() {
                Ok(_) => failed = false,
                // Once for each time it begins to fail.
                Err(_) if failed => {}
                Err(e) => {
                    failed = true;
                    tracing::error!(cause = %e, "the new certificate or its key can't be used; the former one stays in use");
                }
            }
        }
    }
}

/// When a file was changed last, and its length.
fn looks_of(path: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn config(certificate: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let wrong = |path: &Path, what: &str| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {what}", path.display()),
        )
    };
    let chain = CertificateDer::pem_slice_iter(&bytes(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| wrong(certificate, &format!("no certificates in PEM: {e}")))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "there is no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_slice(&bytes(key)?)
        .map_err(|e| wrong(key, &format!("no private key in PEM: {e}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, secret);
    let mut config =
        config.map_err(|e| wrong(key, &format!("it doesn't fit the certificate: {e}")))?;
    // The server speaks nothing else.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(named)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(named)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: longer than {FILE_BYTES_MAX} bytes", path.display()),
        ));
    }
    Ok(bytes)
}
