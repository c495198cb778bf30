//! Certificate authorities for tests: a moment, names, and a client that verifies.

use carnet_http::listen::tls::Leaf;
use carnet_wire::time::Timestamp;
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    client::danger::ServerCertVerifier,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{sync::Arc, time::Duration};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) fn hosts(list: &[&str]) -> Vec<String> {
    list.iter().map(|host| (*host).to_owned()).collect()
}

/// Whether a client that trusts these CAs, in PEM, takes the leaf for this name.
pub(crate) fn verify(trusted: &str, leaf: &Leaf, name: &str) -> bool {
    const SOUND: &str = "the fixture is sound";
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate.expect(SOUND)).expect(SOUND);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build().expect(SOUND);
    let time = UnixTime::since_unix_epoch(Duration::from_millis(NOW.millis() as u64));
    let name = ServerName::try_from(name.to_owned()).expect(SOUND);
    verifier.verify_server_cert(&leaf.chain[0], &[], &name, &[], time).is_ok()
}
