//! TLS 1.2 and 1.3 by rustls and aws-lc-rs, with a certificate that can be changed while it runs.

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key.
pub struct Leaf {
    /// The certificate, and those between it and the one that clients trust.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// The TLS side of a listener.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current {
    /// The certificate of every name without one of its own.
    usual: ArcSwap<CertifiedKey>,
    /// Certificates of names that clients asked for.
    named: Option<Named>,
}

/// Makes a leaf for a name that a client asks for; `None` where the name has none of its own.
pub type MakeLeaf = Box<dyn Fn(&str) -> Option<Leaf> + Send + Sync>;

struct Named {
    make: MakeLeaf,
    made: Mutex<Made>,
}

/// Maximum number of certificates that are kept. Clients choose the names, so the number has a bound.
const NAMED: usize = 256;

/// Certificates that were made, in two halves: when the newer one is full, it becomes the older one, which is dropped.
/// A name that clients ask for again moves to the newer half, so names in use stay however many others are asked for.
#[derive(Default)]
struct Made {
    newer: HashMap<String, Arc<CertifiedKey>>,
    older: HashMap<String, Arc<CertifiedKey>>,
}

impl Made {
    fn find(&mut self, name: &str) -> Option<Arc<CertifiedKey>> {
        if let Some(kept) = self.newer.get(name) {
            return Some(kept.clone());
        }
        let kept = self.older.remove(name)?;
        self.keep(name.to_owned(), kept.clone());
        Some(kept)
    }

    fn keep(&mut self, name: String, certificate: Arc<CertifiedKey>) {
        if self.newer.len() >= NAMED / 2 {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name, certificate);
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

impl Named {
    /// The certificate of a name. It is made in the handshake that first asks for it: that costs a new P-256 key and
    /// one signature, about as much as the handshake itself. The lock is not held meanwhile.
    fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let locked = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = locked().find(&name) {
            return Some(kept);
        }
        let leaf = (self.make)(&name)?;
        let made = Arc::new(certified(leaf.chain, leaf.key).ok()?);
        locked().keep(name, made.clone());
        Some(made)
    }

    fn forget(&self) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Made::default();
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = self.named.as_ref().zip(hello.server_name());
        let own = named.and_then(|(named, name)| named.certificate(name));
        Some(own.unwrap_or_else(|| self.usual.load_full()))
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
        Self::of((chain, key), None)
    }

    /// TLS with a leaf for most names, and further ones that are made when a client asks for their names.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn by_name(usual: Leaf, make: MakeLeaf) -> Result<Self, TlsError> {
        let named = Named { make, made: Mutex::default() };
        Self::of((usual.chain, usual.key), Some(named))
    }

    fn of((chain, key): CertificateAndKey, named: Option<Named>) -> Result<Self, TlsError> {
        let usual = ArcSwap::from_pointee(certified(chain, key)?);
        let current = Arc::new(Current { usual, named });
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
        Self::of(read_files(certificate, key)?, None)
    }

    /// Reads the operator's own files again. On an error the certificate stays what it was.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn reload(&self, certificate: &Path, key: &Path) -> Result<(), TlsError> {
        let (chain, key) = read_files(certificate, key)?;
        self.renew(chain, key)
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
        self.current.usual.store(Arc::new(certified(chain, key)?));
        if let Some(named) = &self.current.named {
            named.forget();
        }
        Ok(())
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

type CertificateAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_files(certificate: &Path, key: &Path) -> Result<CertificateAndKey, TlsError> {
    let wrong = |path: &Path, error: String| TlsError(format!("{}: {error}", path.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| wrong(certificate, error.to_string()))?
        .collect();
    let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    Ok((chain, key))
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| TlsError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[test]
    fn certificates_by_name_are_made_once_and_their_number_is_bounded() {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let make: MakeLeaf = Box::new(move |name| {
            counted.fetch_add(1, Relaxed);
            name.ends_with(".example").then(|| {
                let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
                let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
                Leaf { chain: vec![made.cert.into()], key: key.into() }
            })
        });
        let named = Named { make, made: Mutex::default() };
        let first = named.certificate("often.example").unwrap();
        for number in 0..2 * NAMED {
            assert!(named.certificate(&format!("n{number}.example")).is_some());
            assert!(Arc::ptr_eq(&first, &named.certificate("OFTEN.example").unwrap()));
            let made = named.made.lock().unwrap();
            assert!(made.newer.len() + made.older.len() <= NAMED);
        }
        assert_eq!(count.load(Relaxed), 1 + 2 * NAMED);
        assert!(named.certificate("evil.test").is_none());
        named.forget();
        assert!(!Arc::ptr_eq(&first, &named.certificate("often.example").unwrap()));
    }
}
