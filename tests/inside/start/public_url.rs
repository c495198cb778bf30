//! All nodes of a PostgreSQL store have one public URL; a server with a SQLite file calls itself as it is told.

use super::{Site, given};
use carnet_server::{Config, Notice, PublicUrl, Running, StartError};
use std::net::TcpListener;

const ONE: &str = "https://one.example";
const TWO: &str = "https://two.example:8443";

fn changed(url: &str) -> PublicUrl {
    PublicUrl::Changed(url.to_owned())
}

/// What a start was refused with, if the public URL is why.
fn refused(started: Result<Running, StartError>) -> (String, String) {
    match started.map(|_| ()) {
        Err(StartError::OtherPublicUrl { kept, given }) => (kept, given),
        other => panic!("{other:?}"),
    }
}

/// Starts a node and stops it; what it called itself and what it told of its URL.
async fn called(site: &Site, node: &str, url: PublicUrl) -> (String, Vec<Notice>) {
    let server = site.start(node, url, &[]).await.unwrap();
    let of_url =
        |it: &&Notice| matches!(it, Notice::PublicUrlChanged { .. } | Notice::PublicUrlNotKept { .. });
    let told = (server.ready.public_url.clone(), server.notices.iter().filter(of_url).cloned().collect());
    server.stop().await;
    told
}

#[tokio::test]
async fn the_first_public_url_of_a_database_is_that_of_all_its_nodes() {
    let Some(site) = Site::postgres().await else { return };
    assert_eq!(called(&site, "one", given("https://One.example:443/")).await, (ONE.to_owned(), vec![]));
    for url in [given(ONE), PublicUrl::Unsaid, changed(ONE)] {
        assert_eq!(called(&site, "two", url).await, (ONE.to_owned(), vec![]));
    }
    let error = site.start("two", given(TWO), &[]).await.map(|_| ()).unwrap_err();
    let told = error.to_string();
    for part in [ONE, TWO, &format!("carnet up --public-url {TWO} --change-public-url")] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(refused(site.start("three", given(TWO), &[]).await), (ONE.to_owned(), TWO.to_owned()));
}

#[tokio::test]
async fn a_change_is_told_and_holds_for_all_nodes() {
    let Some(site) = Site::postgres().await else { return };
    called(&site, "one", given(ONE)).await;
    let told = Notice::PublicUrlChanged { former: ONE.into(), url: TWO.into() };
    assert!(told.to_string().contains(ONE) && told.to_string().contains("are refused"), "{told}");
    assert_eq!(called(&site, "one", changed(TWO)).await, (TWO.to_owned(), vec![told]));
    assert_eq!(called(&site, "two", PublicUrl::Unsaid).await, (TWO.to_owned(), vec![]));
    assert_eq!(refused(site.start("two", given(ONE), &[]).await), (TWO.to_owned(), ONE.to_owned()));
    // A change where there is nothing is the first one.
    let Some(site) = Site::postgres().await else { return };
    assert_eq!(called(&site, "one", changed(TWO)).await, (TWO.to_owned(), vec![]));
    assert_eq!(called(&site, "one", PublicUrl::Unsaid).await, (TWO.to_owned(), vec![]));
}

#[tokio::test]
async fn of_two_nodes_that_start_at_once_with_different_urls_one_starts() {
    let Some(site) = Site::postgres().await else { return };
    let (one, two) = tokio::join!(site.start("one", given(ONE), &[]), site.start("two", given(TWO), &[]));
    let (running, no) = if one.is_ok() { (one, two) } else { (two, one) };
    let running = running.unwrap();
    assert_eq!(refused(no).0, running.ready.public_url);
    running.stop().await;
}

#[tokio::test]
async fn a_start_that_fails_keeps_no_public_url() {
    let Some(site) = Site::postgres().await else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let failing =
        |url: PublicUrl| carnet_server::start(Config { listen, public_url: url, ..site.config("one") });
    assert!(matches!(failing(given(TWO)).await.map(|_| ()), Err(StartError::Listen(_))));
    assert_eq!(called(&site, "one", given(ONE)).await, (ONE.to_owned(), vec![]));
    assert!(matches!(failing(changed(TWO)).await.map(|_| ()), Err(StartError::Listen(_))));
    assert_eq!(called(&site, "one", PublicUrl::Unsaid).await, (ONE.to_owned(), vec![]));
}

#[tokio::test]
async fn nodes_of_a_database_without_a_public_url_are_warned() {
    let Some(site) = Site::postgres().await else { return };
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    let url = server.ready.public_url.clone();
    assert!(url.starts_with("https://localhost:"), "{url}");
    assert!(server.notices.contains(&Notice::PublicUrlNotKept { url }), "{:?}", server.notices);
    server.stop().await;
    assert_eq!(called(&site, "one", given(ONE)).await, (ONE.to_owned(), vec![]));
}

#[tokio::test]
async fn with_a_sqlite_file_the_public_url_follows_the_listener() {
    let site = Site::sqlite();
    for url in [ONE, TWO] {
        assert_eq!(called(&site, "one", given(url)).await, (url.to_owned(), vec![]));
    }
    let server = site.start("one", PublicUrl::Unsaid, &[]).await.unwrap();
    let port = server.ready.listen.rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(server.ready.public_url, format!("https://localhost:{port}"));
    assert_eq!(server.notices.iter().filter(|it| matches!(it, Notice::PublicUrlNotKept { .. })).count(), 0);
    server.stop().await;
    let no = site.start("one", changed(ONE), &[]).await.map(|_| ());
    assert!(matches!(no, Err(StartError::NoPublicUrlToChange)));
}

#[tokio::test]
async fn a_name_of_microsofts_is_no_public_url_and_may_be_answered_beside_one() {
    let site = Site::sqlite();
    for name in ["login.microsoftonline.com", "graph.microsoft.com", "login.microsoftonline.us"] {
        for url in [given(&format!("https://{name}")), changed(&format!("https://{name}:8443"))] {
            let no = site.start("one", url, &[]).await.map(|_| ());
            assert!(matches!(&no, Err(StartError::MicrosoftPublicUrl(it)) if it == name), "{no:?}");
        }
    }
    let no = site.start("one", given(ONE), &["login.microsoftonline.us"]).await.map(|_| ());
    assert!(matches!(&no, Err(StartError::Host(it)) if it == "login.microsoftonline.us"), "{no:?}");
    let server = site.start("one", given(ONE), &["login.microsoftonline.com"]).await.unwrap();
    assert_eq!(server.ready.public_url, ONE);
    server.stop().await;
}
