//! What requests without proof may write, and what is answered while the database is away (`docs/security.md`, rows
//! 148 and 153).

use super::*;
use carnet_tests::{
    AZURE_CLI, UNREGISTERED,
    browser::{Browser, query},
};
use std::time::{Duration, Instant};

/// Records and counts of a code in this minute.
async fn traces(t: &Contoso, code: u32) -> (usize, i64) {
    let (tenant, now) = (TENANT.parse().unwrap(), t.clock.now());
    t.store.flush_denials().await.unwrap();
    let mut records = t.store.sign_ins(tenant, now, 1000).await.unwrap();
    records.retain(|it| it.at.seconds() / 60 == now.seconds() / 60);
    let counts = t.store.denial_counts(tenant, (now, now), 1000).await.unwrap();
    let counted = counts.iter().filter(|it| it.code == code).map(|it| it.count).sum();
    (records.iter().filter(|it| it.error == code).count(), counted)
}

fn by_secret<'a>(client: &'a str, secret: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("scope", "https://api.powerplatform.com/.default"),
    ]
}

#[tokio::test]
async fn the_first_ten_wrong_secrets_of_a_minute_leave_a_record_with_their_trace_id_row_148() {
    let t = Contoso::start().await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let mut shown = Vec::new();
    for _ in 0..30 {
        let reply = t.send_from("2001:db8::1", form(&path, &by_secret(CONFIDENTIAL, "wrong"))).await;
        assert_eq!(told(&reply), "401 invalid_client 7000215");
        shown.push(reply.json()["trace_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(traces(&t, 7_000_215).await, (10, 20));
    let records = t.store.sign_ins(TENANT.parse().unwrap(), NOW, 50).await.unwrap();
    let mut kept: Vec<String> = records.iter().map(|it| it.trace.to_string()).collect();
    kept.sort();
    shown.truncate(10);
    shown.sort();
    assert_eq!(kept, shown);
    // The same network is the same source; another one, another application and the next minute are not.
    let ask = async |address: &str, client: &str| {
        assert_eq!(t.send_from(address, form(&path, &by_secret(client, "wrong"))).await.status, 401);
    };
    ask("2001:db8::ffff", CONFIDENTIAL).await;
    assert_eq!(traces(&t, 7_000_215).await, (10, 21));
    ask("2001:db8:0:1::1", CONFIDENTIAL).await;
    ask("2001:db8::1", UNREGISTERED).await;
    assert_eq!(traces(&t, 7_000_215).await, (12, 21));
    // Whoever has the right secret is recorded all the time.
    for _ in 0..12 {
        t.send_from("2001:db8::1", form(&path, &by_secret(CONFIDENTIAL, SECRET))).await.good();
    }
    assert_eq!(traces(&t, 0).await, (12, 0));
    t.later(60);
    ask("2001:db8::1", CONFIDENTIAL).await;
    assert_eq!(traces(&t, 7_000_215).await, (1, 0));
}

#[tokio::test]
async fn every_failure_of_the_token_endpoint_is_recorded_ten_times_and_then_counted_row_148() {
    let (t, _) = certified("").await;
    let wrong_password = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", "ada@contoso.example"),
        ("password", "wrong"),
        ("scope", "https://api.powerplatform.com/.default"),
    ];
    let nobody = wrong_password.map(|(name, value)| match name {
        "username" => (name, "nobody@contoso.example"),
        _ => (name, value),
    });
    let code = [
        ("grant_type", "authorization_code"),
        ("client_id", PUBLIC),
        ("code", "1.none"),
        ("redirect_uri", "http://localhost"),
        ("code_verifier", "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"),
    ];
    let device = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", PUBLIC),
        ("device_code", "none"),
    ];
    // The grant type is missing, and the application is named.
    let malformed = [("client_id", PUBLIC), ("grant_type", "")];
    let assertion = showing(CERTIFIED, "a.b.c");
    let expired = by_secret(UNREGISTERED, "");
    for fields in [
        &by_secret(CONFIDENTIAL, "wrong")[..],
        &wrong_password,
        // Somebody who is not there leaves as much.
        &nobody,
        &code,
        &refreshing("1.none"),
        &device,
        &malformed,
        &assertion,
        &expired,
    ] {
        // Each in a minute of its own.
        t.later(60);
        let mut number = 0;
        for _ in 0..13 {
            let reply = t.token(fields).await;
            assert!(matches!(reply.status, 400 | 401), "{fields:?} {reply:?}");
            number = reply.json()["error_codes"][0].as_u64().unwrap() as u32;
        }
        assert_eq!(traces(&t, number).await, (10, 3), "{number}: {fields:?}");
    }
}

#[tokio::test]
async fn what_names_no_application_or_no_tenant_leaves_no_record_row_148() {
    let t = Contoso::start().await;
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let stranger = "a0000000-0000-4000-8000-00000000dead";
    for fields in [&[][..], &[("client_id", "")], &[("client_id", "x")], &[("client_id", stranger)]] {
        assert_eq!(t.token(fields).await.status, 400, "{fields:?}");
    }
    for number in 0..20 {
        let client = format!("a0000000-0000-4000-8000-{number:012}");
        let known = [PUBLIC, CONFIDENTIAL, UNREGISTERED].contains(&client.as_str());
        let reply = t.token(&by_secret(&client, "x")).await;
        assert!(
            known || ["400 unauthorized_client 700016", "401 invalid_client 7000215"].contains(&&*reply.no())
        );
    }
    let get = http::Request::get(path).header("host", "localhost:8443").body(bytes::Bytes::new()).unwrap();
    assert_eq!(t.send(get).await.no(), "400 invalid_request 900561");
    t.store.flush_denials().await.unwrap();
    let (tenant, now) = (TENANT.parse().unwrap(), t.clock.now());
    let records = t.store.sign_ins(tenant, now, 100).await.unwrap();
    assert!(records.iter().all(|it| it.app.is_some_and(|app| app.to_string() != stranger)), "{records:?}");
    assert!(records.iter().all(|it| it.error != 700_016 && it.error != 900_561));
    let counts = t.store.denial_counts(tenant, (now, now), 100).await.unwrap();
    assert!(counts.iter().all(|it| it.app.is_none() && it.source == "127.0.0.1"), "{counts:?}");
    let strangers = counts.iter().find(|it| it.code == 700_016).unwrap();
    assert!(strangers.count > 10, "one row, whatever ids were tried");
    let rows = counts.len();
    // A tenant that is found by its user's name, and refused before anybody asks for the application.
    for number in 0..20 {
        let client = format!("a0000000-0000-4000-8000-0000000001{number:02}");
        let fields = [
            ("grant_type", "password"),
            ("client_id", &*client),
            ("username", "ada@contoso.example"),
            ("password", "x"),
            ("scope", "openid"),
        ];
        assert_eq!(token_at(&t, "common", &fields).await.no(), "400 invalid_request 9001023");
    }
    assert_eq!(traces(&t, 9_001_023).await, (0, 20));
    let rows = rows + 1;
    // A tenant that is not here: nothing at all. A client that Microsoft's own are: a record.
    for tenant in ["b7a1c0de-0000-4000-8000-00000000dead", "nowhere.example", "common", "-"] {
        assert_eq!(token_at(&t, tenant, &by_secret(CONFIDENTIAL, "wrong")).await.status, 400, "{tenant}");
    }
    assert_eq!(t.token(&[("client_id", AZURE_CLI)]).await.status, 400);
    t.store.flush_denials().await.unwrap();
    assert_eq!(t.store.sign_ins(tenant, now, 100).await.unwrap().len(), records.len() + 1);
    assert_eq!(t.store.denial_counts(tenant, (now, now), 100).await.unwrap().len(), rows);
}

#[tokio::test]
async fn wrong_passwords_and_codes_on_pages_are_recorded_ten_times_and_then_counted_row_148() {
    let password = carnet_tests::PASSWORD;
    let mfa = format!(
        "[[user]]\nname = \"mfa@contoso.example\"\npassword = \"{password}\"\ntotp = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n"
    );
    let t = Contoso::with("", &mfa).await;
    t.registered(&[PUBLIC]).await;
    for number in 0..14 {
        let page = Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", &format!("Wrong-{number}")).await;
        assert!(page.text().contains("role=\"alert\""));
    }
    assert_eq!(traces(&t, 50_126).await, (10, 4));
    let browser = Browser::new(&t);
    let mut page = browser.sign_in(&query(PUBLIC, &[]), "mfa", password).await;
    for number in 0..12 {
        page = browser.submit(&page, &[("otc", &format!("{number:06}"))]).await;
    }
    let (records, counted) = traces(&t, 500_121).await;
    assert_eq!((records, records as i64 + counted), (10, 12));
}

#[tokio::test]
async fn a_failure_that_is_only_counted_ends_the_family_all_the_same_row_148() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let first = t.code("ada").await;
    let _ = t.redeem(&first).await.good();
    for _ in 0..12 {
        assert_eq!(t.redeem(&first).await.no(), "400 invalid_grant 54005");
    }
    assert_eq!(traces(&t, 54_005).await, (10, 2));
    let second = t.code("ada").await;
    let refresh = refresh_of(&t.redeem(&second).await);
    let refresh = refresh_of(&t.token(&refreshing(&refresh)).await);
    assert_eq!(t.redeem(&second).await.no(), "400 invalid_grant 54005");
    assert_eq!(traces(&t, 54_005).await, (10, 3));
    assert_eq!(t.token(&refreshing(&refresh)).await.no(), "400 invalid_grant 50173");
}

#[tokio::test]
async fn a_source_that_asks_for_device_codes_without_end_has_to_wait_row_148() {
    let t = Contoso::start().await;
    let fields = [("client_id", PUBLIC), ("scope", "https://api.powerplatform.com/.default")];
    let ask = async |address: &str| {
        t.send_from(address, form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields)).await
    };
    for _ in 0..100 {
        let _ = ask("192.0.2.1").await.good();
    }
    for _ in 0..3 {
        let reply = ask("192.0.2.1").await;
        let waits = (reply.no(), reply.header("retry-after").to_owned());
        assert_eq!(waits, ("429 temporarily_unavailable 90055".to_owned(), "60".to_owned()));
    }
    let begun = ask("192.0.2.2").await.good();
    assert_eq!(t.token(&polling(PUBLIC, &begun)).await.no(), "400 authorization_pending 70016");
    t.later(900);
    let _ = ask("192.0.2.1").await.good();
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
