//! What is answered while the database is away (`security.md`, row 153).

use super::*;
use std::time::{Duration, Instant};

fn by_secret<'a>(client: &'a str, secret: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", "https://api.powerplatform.com/.default"),
    ]
}

/// Sends a request until it gets this status, bounded.
async fn until(
    t: &Contoso,
    node: usize,
    status: u16,
    request: impl Fn() -> http::Request<bytes::Bytes>,
) -> Reply {
    let begun = Instant::now();
    loop {
        let reply = t.send_to(node, request()).await;
        if reply.status == status || begun.elapsed() > Duration::from_secs(20) {
            assert_eq!(reply.status, status, "{reply:?}");
            return reply;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn with_the_database_away_discovery_and_keys_answer_and_nothing_is_issued_row_153() {
    let Some(setup) = Setup::new("", "").postgres(2).await else { return };
    let t = setup.start().await;
    let open = [
        format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
        format!("/{TENANT}/.well-known/openid-configuration"),
        "/contoso.example/v2.0/.well-known/openid-configuration".to_owned(),
        "/common/v2.0/.well-known/openid-configuration".to_owned(),
        format!("/{TENANT}/discovery/v2.0/keys"),
        format!("/{TENANT}/discovery/keys"),
        "/common/discovery/v2.0/keys".to_owned(),
        format!(
            "/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Flocalhost%3A8443%2F{TENANT}%2Foauth2%2Fv2.0%2Fauthorize"
        ),
        "/common/userrealm/ada@contoso.example?api-version=1.0".to_owned(),
        "/healthz".to_owned(),
    ];
    let get = |path: &str| {
        let request = http::Request::get(path).header("host", "localhost:8443");
        request.body(bytes::Bytes::new()).unwrap()
    };
    let before = [0, 1].map(|node| (node, &open)).map(async |(node, open)| {
        let mut bodies = Vec::new();
        for path in open {
            let reply = t.send_to(node, get(path)).await;
            assert_eq!(reply.status, 200, "{path}");
            bodies.push(reply.body);
        }
        bodies
    });
    let before = futures_util::future::join_all(before).await;
    let good = || form(&format!("/{TENANT}/oauth2/v2.0/token"), &by_secret(CONFIDENTIAL, SECRET));
    let token = t.send(good()).await.access_token();
    assert_eq!(t.get(&packages(), &token).await.status, 200);

    t.database_away().await;
    for node in [0, 1] {
        let no = until(&t, node, 503, good).await;
        assert_eq!((no.no().as_str(), no.header("retry-after")), ("503 temporarily_unavailable 90006", "1"));
        // Within a second nobody can say any more which tenants there are.
        let unknown = || get("/b7a1c0de-0000-4000-8000-00000000dead/v2.0/.well-known/openid-configuration");
        let _ = until(&t, node, 503, unknown).await;
        for (path, body) in open.iter().zip(&before[node]) {
            let reply = t.send_to(node, get(path)).await;
            assert_eq!((reply.status, &reply.body), (200, body), "{path}");
        }
        for path in ["/nowhere.example/discovery/v2.0/keys", "/readyz"] {
            assert_eq!(t.send_to(node, get(path)).await.status, 503, "{path}");
        }
        // Our own APIs look up who still exists, which nobody can say now.
        let bearer = http::Request::get(packages())
            .header("host", "localhost:8443")
            .header("authorization", format!("Bearer {token}"))
            .body(bytes::Bytes::new());
        assert_eq!(t.send_to(node, bearer.unwrap()).await.status, 503);
    }
    // The token itself can be verified by whoever has the keys.
    let keys = t.send_to(1, get(&open[4])).await.json();
    let jws = carnet_wire::jose::Jws::parse(&token).unwrap();
    let key = carnet_tests::public_key(&keys, jws.header().kid.as_deref().unwrap()).unwrap();
    assert!(jws.into_verified(&key).is_ok());

    t.database_back().await;
    for node in [0, 1] {
        let _ = until(&t, node, 200, good).await;
    }
    assert_eq!(t.get(&packages(), &token).await.status, 200);
    let nowhere = t.send(get("/nowhere.example/discovery/v2.0/keys")).await;
    assert_eq!(nowhere.status, 400);
}
