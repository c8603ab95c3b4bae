//! TLS and mTLS, with certificates that can be replaced while calls come in.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::config::TlsFiles;
use crate::events::{Events, Level};

/// What changes when a file is written or replaced: times in seconds and nanoseconds, size, inode.
type Signature = Vec<Option<(i64, i64, u64, u64)>>;

/// The files of a certificate, read again by the first handshake after they changed.
///
/// A connection keeps the certificate that it began with. If new files do not fit together, the old
/// certificate stays: a file may be half written.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: TlsFiles,
    events: Arc<Events>,
    current: Mutex<(Signature, Arc<ServerConfig>)>,
}

impl Certificates {
    /// Reads the files.
    pub(crate) fn open(files: TlsFiles, events: Arc<Events>) -> Result<Self, String> {
        // Taken before the files are read, so that a change in between is noticed.
        let signature = signature(&files);
        let current = Mutex::new((signature, read(&files)?));
        Ok(Self {
            files,
            events,
            current,
        })
    }

    /// The configuration for a handshake.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock();
        let now = signature(&self.files);
        if now != current.0 {
            current.0 = now;
            match read(&self.files) {
                Ok(config) => {
                    current.1 = config;
                    let message = format!("certificate loaded={}", self.files.cert.display());
                    self.events.log(Level::Info, message);
                }
                Err(error) => {
                    let message = format!("certificate kept=true error={error:?}");
                    self.events.log(Level::Error, message);
                }
            }
        }
        Arc::clone(&current.1)
    }
}

/// Whether the files of a certificate can be used.
pub fn check_certificate(files: &TlsFiles) -> Result<(), String> {
    read(files).map(drop)
}

fn paths(files: &TlsFiles) -> impl Iterator<Item = &Path> {
    let own = [files.cert.as_path(), &files.key];
    own.into_iter().chain(files.client_ca.as_deref())
}

fn signature(files: &TlsFiles) -> Signature {
    let one = |path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
    };
    paths(files).map(one).collect()
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    load(files).map_err(|error| {
        let names: Vec<_> = paths(files)
            .map(|path| path.display().to_string())
            .collect();
        format!("cannot use the certificate ({}): {error}", names.join(", "))
    })
}

fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(text)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(text)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(text)?)
        }
    };
    let content = std::fs::read(&files.key).map_err(text)?;
    if content.windows(9).any(|text| text == b"ENCRYPTED") {
        let message = "the private key must not be encrypted: a server cannot ask for its password";
        return Err(message.to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(&content).map_err(text)?;
    let chain = certificates(&files.cert)?;
    let mut config = builder.with_single_cert(chain, key).map_err(text)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(path).map_err(text)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(text)?;
    if found.is_empty() {
        return Err(format!("{} has no certificate", path.display()));
    }
    Ok(found)
}

fn text(error: impl Display) -> String {
    error.to_string()
}
