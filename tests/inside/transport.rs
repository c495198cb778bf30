//! What holds of every host: HEAD is GET without a body.

use bytes::Bytes;
use carnet_http::route::{Route, Surface};
use carnet_server::routes;
use carnet_tests::{Contoso, Reply, TENANT};
use http::{Method, Request};

/// Asks a path of a host; with the administrator's token for Graph.
async fn ask(t: &Contoso, method: Method, (host, path): (&str, &str), token: &str) -> Reply {
    let request = Request::builder().method(method).uri(path).header("host", host);
    let request = request.header("accept", "text/html").header("authorization", format!("Bearer {token}"));
    t.send(request.body(Bytes::new()).unwrap()).await
}

fn host(row: &Route) -> &'static str {
    match row.surface {
        Surface::Login | Surface::Health => "localhost:8443",
        Surface::Graph => "graph.microsoft.com",
        Surface::PowerPlatform => "api.powerplatform.com",
        Surface::Bap => "api.bap.microsoft.com",
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    for place in [
        ("localhost:8443", "/healthz".to_owned()),
        ("localhost:8443", "/readyz".to_owned()),
        ("localhost:8443", format!("/{TENANT}/v2.0/.well-known/openid-configuration")),
        ("sts.windows.net", format!("/{TENANT}/.well-known/openid-configuration")),
        ("localhost:8443", format!("/{TENANT}/discovery/v2.0/keys")),
        ("localhost:8443", "/common/discovery/keys".to_owned()),
        ("graph.microsoft.com", "/v1.0/applications?$top=2".to_owned()),
        ("graph.microsoft.com", "/v1.0/me".to_owned()),
        ("graph.microsoft.com", "/v1.0/nowhere".to_owned()),
        ("evil.example", "/".to_owned()),
    ] {
        let place = (place.0, place.1.as_str());
        let get = ask(&t, Method::GET, place, &token).await;
        let head = ask(&t, Method::HEAD, place, &token).await;
        assert_eq!((head.status, head.text().as_str()), (get.status, ""), "{place:?}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{place:?}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{place:?}");
    }
}

#[tokio::test]
async fn every_path_that_takes_get_takes_head_and_no_other_does() {
    let t = Contoso::start().await;
    let rows = routes();
    for row in &rows {
        let path: Vec<&str> = row.path.split('/').collect();
        let path: Vec<String> = path
            .into_iter()
            .map(|part| match part.split_once("({") {
                Some((name, _)) => format!("{name}(appId='x')"),
                None if part.starts_with('{') => TENANT.to_owned(),
                None => part.to_owned(),
            })
            .collect();
        let path = path.join("/");
        let get = ask(&t, Method::GET, (host(row), &path), "x").await;
        let head = ask(&t, Method::HEAD, (host(row), &path), "x").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{row:?}");
        let reads = |other: &&Route| {
            (other.surface, other.path) == (row.surface, row.path)
                && other.method.is_none_or(|method| *method == Method::GET)
        };
        if !rows.iter().any(|other| reads(&other)) {
            assert_eq!(head.status, 405, "{row:?}");
        }
    }
}
