//! The CA that releases before this one kept in the data folder: the store takes it over, so that nobody has to
//! trust another one.

use super::ca::Authority;
use carnet_http::listen::tls::TlsError;
use carnet_store::KeptAuthority;
use carnet_wire::{secret::SecretBytes, time::Timestamp};
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What `ca.json` says.
#[derive(Debug, Deserialize)]
struct Facts {
    hosts: Vec<String>,
    made: Timestamp,
}

/// A CA in the files of a data folder.
pub(super) struct Former {
    pub(super) authority: Arc<Authority>,
    files: [PathBuf; 2],
}

impl Former {
    /// The CA of a data folder; `None` where there is none, or only a part of one.
    ///
    /// # Errors
    /// [`TlsError`] when its key cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, TlsError> {
        let [certificate, key, facts] = ["ca.pem", "ca-key.pem", "ca.json"].map(|name| folder.join(name));
        let known = fs::read(&facts).ok().and_then(|text| serde_json::from_slice::<Facts>(&text).ok());
        let (Some(known), Ok(pem), Ok(text)) =
            (known, fs::read_to_string(&certificate), fs::read_to_string(&key))
        else {
            return Ok(None);
        };
        let wrong = |error: rcgen::Error| TlsError(format!("{}: {error}", key.display()));
        let pair = KeyPair::from_pem(&text).map_err(wrong)?;
        let Some(pem) = certificate_of(&pair, &pem) else { return Ok(None) };
        let pkcs8 = SecretBytes::new(pair.serialize_der());
        let kept = KeptAuthority { hosts: known.hosts, made: known.made, certificate: pem, key: pkcs8 };
        Ok(Some(Self { authority: Arc::new(Authority::restore(kept)?), files: [key, facts] }))
    }

    /// Whether it is one of these.
    pub(super) fn is_among(&self, list: &[Arc<Authority>]) -> bool {
        list.iter().any(|it| it.kept().key.expose() == self.authority.kept().key.expose())
    }

    /// The file of its private key.
    pub(super) fn key_file(&self) -> &Path {
        &self.files[0]
    }

    /// Removes its key, once the store has it.
    pub(super) fn remove(&self) {
        for path in &self.files {
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(path = %path.display(), cause = %error, "a file of the former CA could not be removed");
            }
        }
    }
}

/// The certificate over a key among those of a PEM file.
fn certificate_of(key: &KeyPair, pem: &str) -> Option<String> {
    const END: &str = "-----END CERTIFICATE-----";
    // The key's bytes are as they stand in a certificate over it.
    let raw = key.public_key_raw();
    let over = |text: &&str| {
        let der = CertificateDer::from_pem_slice(text.as_bytes());
        der.is_ok_and(|der| der.windows(raw.len()).any(|part| part == raw))
    };
    pem.split_inclusive(END).find(over).map(|text| format!("{}\n", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::ca_fixture::{NOW, hosts};
    use super::*;
    use serde_json::json;

    fn write(folder: &Path, certificate: &Authority, key: &Authority) {
        let key = KeyPair::try_from(key.kept().key.expose()).unwrap();
        let facts = json!({ "hosts": certificate.kept().hosts, "made": certificate.kept().made });
        fs::write(folder.join("ca.pem"), &certificate.kept().certificate).unwrap();
        fs::write(folder.join("ca-key.pem"), key.serialize_pem()).unwrap();
        fs::write(folder.join("ca.json"), facts.to_string()).unwrap();
    }

    #[test]
    fn a_whole_ca_is_read_and_its_key_removed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Former::read(folder.path()).unwrap().is_none());
        let [ca, other] = [(); 2].map(|()| Authority::make(hosts(&["localhost"]), NOW).unwrap());
        write(folder.path(), &ca, &ca);
        let former = Former::read(folder.path()).unwrap().unwrap();
        assert_eq!(former.authority.kept().certificate, ca.kept().certificate);
        assert!(former.is_among(&[ca.into()]) && !former.is_among(&[other.into()]));
        former.remove();
        assert!(Former::read(folder.path()).unwrap().is_none() && folder.path().join("ca.pem").exists());
    }

    #[test]
    fn a_part_of_a_ca_is_none_and_a_key_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let [ca, other] = [(); 2].map(|()| Authority::make(hosts(&["localhost"]), NOW).unwrap());
        write(folder.path(), &ca, &other);
        assert!(Former::read(folder.path()).unwrap().is_none());
        write(folder.path(), &ca, &ca);
        fs::write(folder.path().join("ca-key.pem"), "no key").unwrap();
        assert!(Former::read(folder.path()).is_err());
        write(folder.path(), &ca, &ca);
        fs::remove_file(folder.path().join("ca.json")).unwrap();
        assert!(Former::read(folder.path()).unwrap().is_none());
    }
}
