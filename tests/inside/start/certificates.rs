//! One store, one set of certificate authorities, and a certificate for each name that a server answers to.

use super::{Site, get, given, pem, starts, status};
use carnet_http::clock::{Clock, SystemClock};
use carnet_server::{Notice, PublicUrl, Running, certificate::ca::Authority};
use carnet_tests::{database::restored, fixture};
use carnet_wire::{digest::sha256, time::Timestamp};
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{fs, path::Path};

/// Microsoft's names without a region that every server has a certificate for.
const MICROSOFT: [&str; 7] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "graph.microsoft.com",
    "api.powerplatform.com",
    "api.bap.microsoft.com",
];

async fn is_taken(server: &Running, trusted: &str, name: &str) -> bool {
    status(server, trusted, name).await.is_some_and(|status| status != 421)
}

starts! {
    async fn a_name_has_a_certificate_if_and_only_if_it_is_answered(site) {
    let server = site.start("one", given("https://carnet.example"), &["b.example", "192.0.2.7", "[2001:db8::7]"]).await.unwrap();
    let trusted = pem(&server.ready.ca_file);
    for name in ["localhost", "127.0.0.1", "::1", "carnet.example", "CARNET.example", "b.example", "192.0.2.7", "2001:db8::7"] {
        assert_eq!(status(&server, &trusted, name).await, Some(200), "{name}");
    }
    // The path is none of these hosts, which is another matter than the name.
    let regional = ["europe.api.bap.microsoft.com", "unitedstates.api.bap.microsoft.com", "westeurope.login.microsoft.com"];
    for name in MICROSOFT.into_iter().chain(regional) {
        // A second time, when the certificate is there already.
        for _ in 0..2 {
            assert!(is_taken(&server, &trusted, name).await, "{name}");
        }
    }
    for name in [
        "evil.example",
        "x.b.example",
        "x.graph.microsoft.com",
        "a.b.api.bap.microsoft.com",
        "b7a1c0de000040008000000000000.01.environment.api.powerplatform.com",
        "b7a1c0de000040008000000000000.01.tenant.api.powerplatform.com",
        "login.microsoftonline.us",
        "192.0.2.8",
        "2001:db8::8",
    ] {
        assert_eq!(status(&server, &trusted, name).await, None, "{name}");
    }
    server.stop().await;
}
}

starts! {
    async fn a_store_keeps_its_ca_and_a_new_name_adds_one(site) {
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    let first = pem(&server.ready.ca_file);
    assert!(server.new_ca);
    server.stop().await;
    // Another node, where there can be one.
    let server = site.start("two", given("https://carnet.example"), &["localhost", "b.example", "192.0.2.7"]).await.unwrap();
    let both = pem(&server.ready.ca_file);
    let names = ["192.0.2.7", "b.example", "carnet.example"].map(str::to_owned).to_vec();
    let told = Notice::CaAdded { names, file: server.ready.ca_file.clone() };
    assert!(!server.new_ca && server.notices.contains(&told), "{:?}", server.notices);
    for name in ["localhost", "login.microsoftonline.com", "europe.api.bap.microsoft.com"] {
        assert!(is_taken(&server, &first, name).await, "{name}");
    }
    for name in ["b.example", "carnet.example"] {
        assert_eq!(status(&server, &first, name).await, None, "{name}");
        assert_eq!(status(&server, &both, name).await, Some(200), "{name}");
    }
    // An address is no name that a client sends, so all addresses are in one certificate.
    assert_eq!(status(&server, &both, "127.0.0.1").await, Some(200));
    // The first page shows what clients have to trust, as tools show it of the file.
    let page = get(&server, &both, ("carnet.example", "/")).await.unwrap().replace("<wbr>", "");
    for certificate in CertificateDer::pem_slice_iter(both.as_bytes()) {
        let shown = sha256(&[&certificate.unwrap()]).map(|byte| format!("{byte:02X}")).join(":");
        assert!(page.contains(&format!(">{shown}<")), "{shown}: {page}");
    }
    server.stop().await;
    // Without the new names nothing is lost, and the same names add nothing.
    for hosts in [&[][..], &["b.example"]] {
        let server = site.start("one", PublicUrl::Unsaid, hosts).await.unwrap();
        assert_eq!(pem(&server.ready.ca_file), both);
        assert!(!server.new_ca && !server.notices.iter().any(|it| matches!(it, Notice::CaAdded { .. })));
        assert_eq!(status(&server, &first, "127.0.0.1").await, Some(200));
        server.stop().await;
    }
}
}

starts! {
    async fn the_key_of_a_ca_lies_in_no_file(site) {
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    for entry in fs::read_dir(site.data("one")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(11).any(|part| part == b"PRIVATE KEY"), "{}", path.display());
        assert!(!path.ends_with("ca-key.pem") && !path.ends_with("ca.json"));
    }
    server.stop().await;
}
}

#[tokio::test]
async fn nodes_that_start_at_once_on_an_empty_database_have_one_ca() {
    let Some(site) = Site::postgres().await else { return };
    let start = |node: &'static str| site.start(node, PublicUrl::Unsaid, &[]);
    let (one, two, three) = tokio::join!(start("one"), start("two"), start("three"));
    let nodes = [one.unwrap(), two.unwrap(), three.unwrap()];
    let trusted = pem(&nodes[0].ready.ca_file);
    assert_eq!(nodes.iter().filter(|node| node.new_ca).count(), 1);
    for node in &nodes {
        assert_eq!(pem(&node.ready.ca_file), trusted);
        assert_eq!(status(node, &trusted, "localhost").await, Some(200));
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn nodes_that_start_at_once_with_names_of_their_own_lose_none() {
    let Some(site) = Site::postgres().await else { return };
    site.start("zero", PublicUrl::Unsaid, &[]).await.unwrap().stop().await;
    let (one, two) = tokio::join!(
        site.start("one", PublicUrl::Unsaid, &["a.example"]),
        site.start("two", PublicUrl::Unsaid, &["b.example"])
    );
    one.unwrap().stop().await;
    two.unwrap().stop().await;
    let server = site.start("zero", PublicUrl::Unsaid, &["a.example", "b.example"]).await.unwrap();
    assert!(!server.notices.iter().any(|it| matches!(it, Notice::CaAdded { .. })), "{:?}", server.notices);
    let trusted = pem(&server.ready.ca_file);
    for name in ["localhost", "a.example", "b.example"] {
        assert_eq!(status(&server, &trusted, name).await, Some(200), "{name}");
    }
    server.stop().await;
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

/// The CA of a data folder as the previous release wrote it, for a server at `localhost`.
fn previous(data: &Path) -> Authority {
    let hosts =
        std::iter::once("localhost").chain(MICROSOFT.into_iter().filter(|name| *name != "sts.windows.net"));
    let authority = Authority::make(hosts.map(str::to_owned).collect(), now()).unwrap();
    let kept = authority.kept();
    let key = KeyPair::try_from(kept.key.expose()).unwrap();
    fs::create_dir_all(data).unwrap();
    fs::write(data.join("ca.pem"), &kept.certificate).unwrap();
    fs::write(data.join("ca-key.pem"), key.serialize_pem()).unwrap();
    let facts = serde_json::json!({ "hosts": kept.hosts, "made": kept.made });
    fs::write(data.join("ca.json"), facts.to_string()).unwrap();
    authority
}

/// A store that the previous release wrote.
async fn former(postgres: bool) -> Option<Site> {
    if !postgres {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::copy(fixture::folder(fixture::USUAL).path().join("carnet.db"), data.join("carnet.db")).unwrap();
        return Some(Site::over(folder, None));
    }
    let database = restored(include_str!("../../fixtures/usual.sql")).await?;
    Some(Site::over(tempfile::tempdir().unwrap(), Some(database)))
}

/// A law about a store of the previous release.
macro_rules! upgraded {
    (async fn $name:ident($site:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn law($site: Site) $body

            #[tokio::test]
            async fn sqlite() {
                law(former(false).await.unwrap()).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(site) = former(true).await {
                    law(site).await;
                }
            }
        }
    };
}

upgraded! {
    async fn a_store_of_the_previous_release_keeps_its_ca(site) {
    let data = site.data("one");
    let trusted = previous(&data).kept().certificate.clone();
    for start in 0..2 {
        let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
        assert!(!server.new_ca);
        for name in ["localhost", "127.0.0.1", "login.microsoftonline.com", "europe.api.bap.microsoft.com"] {
            assert!(is_taken(&server, &trusted, name).await, "{name}");
        }
        // This name came later: it has a CA of its own, so that nobody has to trust the others anew.
        let added = server.notices.iter().any(|it| {
            matches!(it, Notice::CaAdded { names, .. } if *names == ["sts.windows.net"])
        });
        assert_eq!(added, start == 0, "{:?}", server.notices);
        let all = pem(&server.ready.ca_file);
        assert!(all.starts_with(&trusted));
        assert_eq!(status(&server, &trusted, "sts.windows.net").await, None);
        assert!(is_taken(&server, &all, "sts.windows.net").await);
        server.stop().await;
        // The store has the key now.
        assert!(!data.join("ca-key.pem").exists() && !data.join("ca.json").exists());
    }
    // A folder without anything has what the store has.
    fs::remove_file(data.join("ca.pem")).unwrap();
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    assert!(is_taken(&server, &trusted, "localhost").await && pem(&data.join("ca.pem")).starts_with(&trusted));
    server.stop().await;
}
}

upgraded! {
    async fn a_store_of_the_previous_release_without_a_ca_gets_one(site) {
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    assert!(server.new_ca);
    let trusted = pem(&server.ready.ca_file);
    for name in ["localhost", "sts.windows.net"] {
        assert!(is_taken(&server, &trusted, name).await, "{name}");
    }
    server.stop().await;
}
}

upgraded! {
    async fn a_second_ca_of_the_previous_release_is_told_and_left_alone(site) {
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    let trusted = pem(&server.ready.ca_file);
    server.stop().await;
    let data = site.data("two");
    let other = previous(&data).kept().certificate.clone();
    let server = site.start("two", PublicUrl::Unsaid, &[]).await.unwrap();
    let key_file = data.join("ca-key.pem");
    assert!(key_file.exists());
    assert!(server.notices.contains(&Notice::CaUnused { key_file }), "{:?}", server.notices);
    assert!(is_taken(&server, &trusted, "localhost").await);
    assert_eq!(status(&server, &other, "localhost").await, None);
    server.stop().await;
}
}
