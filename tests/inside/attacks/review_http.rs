//! 6.9, rows 144 to 163: what peers send that is no valid HTTP for us, or too much of it.

use super::redirects::{DEVICE_PAGE, contoso, stays};
use super::*;
use bytes::Bytes;
use carnet_http::{
    context::Body,
    listen::accept::Peer,
    route::{Route, Surface},
};
use carnet_server::routes;
use carnet_tests::{
    UNCONSENTED,
    browser::{Browser, number, query, submission},
    here, whole,
};
use futures_util::{FutureExt, future::join_all, stream};
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use std::{convert::Infallible, net::SocketAddr, sync::mpsc};
use uuid::Uuid;

fn peer(address: &str) -> Peer {
    Peer { addr: SocketAddr::new(address.parse().unwrap(), 50_000), tls: true }
}

/// A body that begins and never ends.
fn unfinished() -> Body {
    let frames = stream::pending::<Result<Frame<Bytes>, Infallible>>();
    StreamBody::new(frames).map_err(|never| match never {}).boxed()
}

fn by_secret() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", "https://api.powerplatform.com/.default"),
    ]
}

fn token_path() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

/// The forms of the token service, by their paths.
fn forms() -> Vec<String> {
    [
        "oauth2/v2.0/token",
        "oauth2/token",
        "oauth2/v2.0/devicecode",
        "oauth2/v2.0/authorize",
        "login",
        "consent",
    ]
    .iter()
    .chain(&["oauth2/deviceauth", "oauth2/v2.0/logout"])
    .map(|path| format!("/{TENANT}/{path}"))
    .collect()
}

#[tokio::test]
async fn bodies_that_never_arrive_have_one_budget_row_144() {
    let t = Contoso::start().await;
    let stalled =
        |from: &str| Box::pin(t.send_as(peer(from), form(&token_path(), &[]).map(|_| unfinished())));
    let mut waiting = Vec::new();
    let refused = loop {
        let mut request = stalled("192.0.2.1");
        match request.as_mut().now_or_never() {
            Some(reply) => break reply,
            None => waiting.push(request),
        }
        assert!(waiting.len() < 10_000, "nobody is refused");
    };
    assert_eq!(told(&refused), "503 temporarily_unavailable 90033");
    assert!(!refused.header("retry-after").is_empty());
    // One source has a quarter of the budget; the others and this machine go on.
    assert!(t.state().bodies.taken() <= 7 * 1024 * 1024);
    assert!(stalled("192.0.2.2").as_mut().now_or_never().is_none());
    assert!(stalled("127.0.0.1").as_mut().now_or_never().is_none());
    // Whoever sends a body at once is answered, also from there.
    let whole_form = form(&token_path(), &by_secret()).map(whole);
    t.send_as(peer("192.0.2.1"), whole_form).await.good();
    // Everybody together has no more than all of it, and an API tells it in its own words.
    let token = t.graph_token("admin").await;
    let write = || {
        let request = Request::post("/v1.0/groups").header("host", "localhost:8443");
        let request = request.header("authorization", format!("Bearer {token}"));
        Box::pin(t.send_as(here(), request.body(unfinished()).unwrap()))
    };
    let refused = loop {
        let mut request = write();
        match request.as_mut().now_or_never() {
            Some(reply) => break reply,
            None => waiting.push(request),
        }
        assert!(waiting.len() < 10_000, "nobody is refused");
    };
    assert_eq!(refusal(&refused), "503 ServiceUnavailable");
    assert!(!refused.header("retry-after").is_empty());
    assert!(t.state().bodies.taken() <= 28 * 1024 * 1024);
    // Peers that go away give back what they took.
    drop(waiting);
    assert_eq!(t.state().bodies.taken(), 0);
    assert!(stalled("192.0.2.1").as_mut().now_or_never().is_none());
}

/// A path of a row, with something in place of its variables.
fn example(row: &Route) -> String {
    let part = |part: &str| match part.split_once("({") {
        Some((name, _)) => format!("{name}(appId='{CONFIDENTIAL}')"),
        None if part.starts_with('{') => "c0000000-0000-4000-8000-000000000002".to_owned(),
        None => part.to_owned(),
    };
    row.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn no_body_of_a_stranger_is_waited_for_row_144() {
    let t = Contoso::start().await;
    let mut count = 0;
    for row in routes() {
        let host = match row.surface {
            Surface::Graph => "graph.microsoft.com",
            Surface::PowerPlatform => "api.powerplatform.com",
            Surface::Bap => "api.bap.microsoft.com",
            Surface::Login | Surface::Health => continue,
        };
        let Some(method) = row.method.filter(|method| *method != Method::GET) else { continue };
        for bearer in ["", "Bearer x"] {
            let mut request = Request::builder().method(method).uri(example(&row)).header("host", host);
            if !bearer.is_empty() {
                request = request.header("authorization", bearer);
            }
            let reply = t.send_as(here(), request.body(unfinished()).unwrap());
            let reply = reply.now_or_never().unwrap_or_else(|| panic!("{row:?} waits for the body"));
            // A preflight has no caller.
            let status = if method == Method::OPTIONS { 204 } else { 401 };
            assert_eq!(reply.status, status, "{row:?} {}", reply.text());
        }
        count += 1;
    }
    assert!(count > 20, "{count}");
    // What is refused by its head is not waited for either.
    for (name, value, status) in [
        (header::CONTENT_ENCODING, "gzip", 415),
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-16", 415),
        (header::CONTENT_TYPE, "application/json", 415),
    ] {
        let mut request = form(&token_path(), &[]).map(|_| unfinished());
        request.headers_mut().insert(&name, HeaderValue::from_static(value));
        let reply = t.send_as(here(), request).now_or_never().expect("an answer at once");
        assert_eq!(reply.status, status, "{name}: {value}");
    }
    assert_eq!(t.state().bodies.taken(), 0);
}

#[tokio::test]
async fn costly_lists_have_few_places_and_nobody_else_waits_row_149() {
    let t = Contoso::start().await;
    let (admin, ada) = (t.graph_token("admin").await, t.graph_token("ada").await);
    let filtered = |ids: &[&str]| {
        let filter = format!("id in ('{}')", ids.join("','"));
        format!("/v1.0/users?$filter={}", carnet_tests::percent(&filter))
    };
    let nobody = Uuid::nil().to_string();
    let costly = filtered(&[nobody.as_str(); 100]);
    assert_eq!(t.get(&costly, &admin).await.good()["value"], json!([]));
    assert_eq!(t.get(&filtered(&[&nobody, ADA]), &admin).await.good()["value"][0]["id"], ADA);
    let more = format!("/v1.0/users?$filter=id%20in%20({})", ["1"; 1000].join(","));
    assert_eq!(t.get(&more, &admin).await.no(), "400 Request_UnsupportedQuery");
    // The search threads are busy: one caller's requests wait, up to a number.
    let (open, gate) = mpsc::channel::<()>();
    let mut busy = Box::pin(t.state().searcher.search(Uuid::nil(), move || gate.recv().is_ok()));
    assert!(busy.as_mut().now_or_never().is_none());
    let lists = [
        "/v1.0/users",
        "/v1.0/applications",
        "/v1.0/servicePrincipals?$filter=startswith(displayName,'a')",
        "/v1.0/groups",
        "/v1.0/oauth2PermissionGrants",
        "/v1.0/me/memberOf",
    ];
    let mut waiting: Vec<_> =
        (0..16).map(|number| Box::pin(t.get(lists[number % lists.len()], &admin))).collect();
    for request in &mut waiting {
        assert!(request.as_mut().now_or_never().is_none());
    }
    let refused = t.get(&costly, &admin).now_or_never().expect("an answer at once");
    assert_eq!((refusal(&refused), refused.header("retry-after")), ("429 TooManyRequests".to_owned(), "1"));
    // Another caller's list waits; what names its object, and tokens, do not.
    let mut other = Box::pin(t.get("/v1.0/me/memberOf", &ada));
    assert!(other.as_mut().now_or_never().is_none());
    for light in [
        "/v1.0/me".to_owned(),
        format!("/v1.0/users/{ADA}"),
        "/v1.0/users?$filter=userPrincipalName%20eq%20'ada@contoso.example'".to_owned(),
        format!("/v1.0/applications?$filter=appId%20eq%20'{CONFIDENTIAL}'"),
        format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'{CONFIDENTIAL}')"),
    ] {
        let reply = t.get(&light, &admin).now_or_never().unwrap_or_else(|| panic!("{light} waits"));
        reply.good();
    }
    t.token(&by_secret()).await.good();
    open.send(()).unwrap();
    assert_eq!(busy.await, Ok(true));
    for reply in join_all(waiting).await {
        reply.good();
    }
    other.await.good();
    t.get(&costly, &admin).await.good();
}

#[tokio::test]
async fn lists_are_read_from_postgresql_too_row_149() {
    let Some(setup) = Setup::new("", "").postgres(1).await else { return };
    let t = setup.start().await;
    let token = t.graph_token("admin").await;
    let path = "/v1.0/users?$filter=startswith(displayName,'Ada')";
    let lists = join_all((0..8).map(|_| t.get(path, &token))).await;
    for list in lists {
        assert_eq!(list.good()["value"][0]["id"], ADA);
    }
}

#[tokio::test]
async fn user_codes_are_guessed_by_a_network_and_not_by_its_addresses_row_156() {
    let t = contoso().await;
    let guess = async |number: usize, network: &str| {
        // Each from a browser and an address of its own.
        let browser = Browser::at(&t, peer(&format!("{network}::{number:x}")));
        let page = browser.get(DEVICE_PAGE).await;
        let letters = b"BCDFGHJKLMNPQRSTVWXZ";
        let code: Vec<u8> = (0..9).map(|place| letters[(number + place * place) % 20]).collect();
        browser.submit(&page, &[("user_code", std::str::from_utf8(&code).unwrap())]).await.status
    };
    let mut told = Vec::new();
    for number in 0..20 {
        told.push(guess(number, "2001:db8:1:2").await);
    }
    assert_eq!(told[..5], [200; 5], "{told:?}");
    assert_eq!(told[12..], [429; 8], "{told:?}");
    assert_eq!(guess(3, "2001:db8:1:3").await, 200);
}

/// The request with one of its headers once more, or with another value.
fn again(mut request: Request<Bytes>, name: HeaderName, value: &str) -> Request<Bytes> {
    request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    request
}

#[tokio::test]
async fn two_headers_of_one_meaning_are_refused_row_159() {
    let t = Contoso::start().await;
    let mut all = Vec::new();
    for (token, path) in tokens(&t).await {
        let bearer = format!("Bearer {token}");
        for path in [path, USERINFO.to_owned()] {
            let request =
                Request::get(path).header("host", "localhost:8443").header("authorization", &bearer);
            all.push((request.body(Bytes::new()).unwrap(), bearer.clone()));
        }
    }
    let basic = |secret: &str| {
        use base64::Engine as _;
        let text = format!("{CONFIDENTIAL}:{secret}");
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let fields = [("grant_type", "client_credentials"), ("scope", "https://api.powerplatform.com/.default")];
    let request = again(form(&token_path(), &fields), header::AUTHORIZATION, &basic(SECRET));
    t.send(request.clone()).await.good();
    all.push((request, basic("another")));
    for (request, bearer) in all {
        for second in [bearer.as_str(), "Bearer x", "Basic x", ""] {
            let reply = t.send(again(request.clone(), header::AUTHORIZATION, second)).await;
            assert_eq!(reply.status, 400, "{} {second:.20} {}", request.uri(), reply.text());
        }
        for second in ["localhost:8443", "evil.example"] {
            let reply = t.send(again(request.clone(), header::HOST, second)).await;
            assert_eq!(reply.status, 400, "{} {second}", request.uri());
        }
    }
    let twice = again(form(&token_path(), &by_secret()), header::AUTHORIZATION, "Basic x");
    let twice = again(twice, header::AUTHORIZATION, "Basic x");
    assert_eq!(told(&t.send(twice).await), "400 invalid_request 9002313");
}

#[tokio::test]
async fn a_body_in_another_character_set_is_refused_row_159() {
    let t = Contoso::start().await;
    let with = |mut request: Request<Bytes>, media: &str| {
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(media).unwrap());
        request
    };
    let sets = ["utf-16", "\"UTF-16LE\"", "iso-8859-1", "utf-7", ""];
    for path in forms() {
        for set in sets {
            let media = format!("application/x-www-form-urlencoded; charset={set}");
            let reply = t.send(with(form(&path, &by_secret()), &media)).await;
            assert_eq!(reply.status, 415, "{path} {set}");
        }
    }
    for set in ["utf-8", "UTF-8", "\"Utf-8\""] {
        let media = format!("application/x-www-form-urlencoded;charset={set}");
        t.send(with(form(&token_path(), &by_secret()), &media)).await.good();
    }
    let token = t.graph_token("admin").await;
    let group = |media: &str| {
        let body =
            json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
        let request = Request::post("/v1.0/groups").header("host", "localhost:8443");
        let request = request.header("authorization", format!("Bearer {token}"));
        with(request.body(body.to_string().into()).unwrap(), media)
    };
    for set in sets {
        let reply = t.send(group(&format!("application/json; charset={set}"))).await;
        assert_eq!(reply.status, 415, "{set}");
    }
    t.send(group("application/json; charset=UTF-8")).await.good();
}

#[tokio::test]
async fn without_fetch_metadata_a_post_comes_from_the_whole_origin_of_ours_row_163() {
    let t = contoso().await;
    let plain = Peer { tls: false, ..here() };
    let posted = async |peer: Peer, origins: &[&str]| {
        let browser = Browser::at(&t, peer);
        let page = browser.open(&query(UNCONSENTED, &[])).await;
        let mut request = submission(&page, &[("username", "ada@contoso.example")]);
        request.headers_mut().remove("sec-fetch-site");
        for origin in origins {
            request = again(request, header::ORIGIN, origin);
        }
        browser.send(request).await
    };
    for (peer, origin) in [
        (here(), "https://localhost:8443"),
        (here(), "https://LOCALHOST:8443"),
        (plain, "http://localhost:8443"),
    ] {
        let reply = posted(peer, &[origin]).await;
        assert!(reply.status == 200 && reply.text().contains("passwd"), "{origin} {}", reply.text());
    }
    for (peer, origins) in [
        (here(), &["http://localhost:8443"][..]),
        (plain, &["https://localhost:8443"]),
        (here(), &["https://localhost"]),
        (here(), &["https://localhost:443"]),
        (here(), &["https://localhost:8444"]),
        (here(), &["https://127.0.0.1:8443"]),
        (here(), &["https://evil.example:8443"]),
        (here(), &["null"]),
        (here(), &[""]),
        (here(), &[]),
        (here(), &["https://localhost:8443", "https://localhost:8443"]),
        (here(), &["https://localhost:8443", "https://evil.example"]),
    ] {
        let reply = posted(peer, origins).await;
        assert_eq!((reply.status, number(&reply)), (403, 90_004), "{origins:?}");
        stays(&reply);
    }
    // What the browser says of itself comes first, and once.
    let browser = Browser::new(&t);
    let page = browser.open(&query(UNCONSENTED, &[])).await;
    let request = submission(&page, &[("username", "ada@contoso.example")]);
    let twice = again(request.clone(), HeaderName::from_static("sec-fetch-site"), "same-origin");
    assert_eq!(browser.send(twice).await.status, 403);
    assert_eq!(browser.send(request).await.status, 200);
}

#[tokio::test]
async fn no_body_of_a_caller_without_the_permission_is_waited_for() {
    let t = Contoso::start().await;
    let token = t.by_password(PUBLIC, "admin", "openid").await.access_token();
    let mut count = 0;
    for row in routes() {
        let Some(method) = row.method.filter(|method| *method != Method::GET) else { continue };
        if row.surface != Surface::Graph || row.access().is_none() {
            continue;
        }
        let request =
            Request::builder().method(method).uri(example(&row)).header("host", "graph.microsoft.com");
        let request = request.header("authorization", format!("Bearer {token}")).body(unfinished()).unwrap();
        let reply =
            tokio::time::timeout(std::time::Duration::from_secs(60), t.send_as(here(), request)).await;
        let reply = reply.unwrap_or_else(|_| panic!("{row:?} waits for the body"));
        assert_eq!(reply.no(), "403 Authorization_RequestDenied", "{row:?}");
        count += 1;
    }
    assert!(count > 20, "{count}");
    // The body of a caller with the permission is read.
    let token = t.graph_token("admin").await;
    let reply = t.call("POST", "/v1.0/applications", &token, json!({ "displayName": 7 })).await;
    assert_eq!(reply.no(), "400 Request_BadRequest");
}
