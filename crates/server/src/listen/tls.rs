//! TLS 1.2 and 1.3 by rustls and aws-lc-rs, with a certificate that can be changed while it runs.

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{path::Path, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// The TLS side of a listener.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the TLS certificate or key cannot be used: {0}")]
pub struct TlsError(pub String);

impl Tls {
    /// TLS with this certificate chain and key, in DER.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let current = Arc::new(Current(ArcSwap::from_pointee(certified(chain, key)?)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), current })
    }

    /// TLS with the operator's own files, in PEM.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let wrong = |path: &Path, error: String| TlsError(format!("{}: {error}", path.display()));
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
            .map_err(|error| wrong(certificate, error.to_string()))?
            .collect();
        let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
        let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
        Self::new(chain, key_der)
    }

    /// New connections get this certificate from now on.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn renew(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), TlsError> {
        self.current.0.store(Arc::new(certified(chain, key)?));
        Ok(())
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| TlsError(error.to_string()))
}
