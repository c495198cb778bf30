//! Requests that are none: methods, content types, sizes, doubled and missing fields, unknown tenants.

use carnet_tests::{CONFIDENTIAL, Contoso, SECRET, TENANT, form};
use http::{HeaderValue, Method};

const SCOPE: &str = "https://api.powerplatform.com/.default";

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ]
}

fn path() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

#[tokio::test]
async fn a_field_may_come_once() {
    let t = Contoso::start().await;
    t.token(&good()).await.good();
    for (name, value) in good() {
        let doubled = [good(), vec![(name, value)]].concat();
        assert!(t.token(&doubled).await.no().starts_with("400 invalid_request"), "{name}");
    }
    let stranger = [good(), vec![("whatever", "1")]].concat();
    t.token(&stranger).await.good();
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_named() {
    let t = Contoso::start().await;
    let without = |name: &str| good().into_iter().filter(|field| field.0 != name).collect::<Vec<_>>();
    for (name, no) in [
        ("grant_type", "400 invalid_request 900144"),
        ("client_id", "400 invalid_request 900144"),
        ("scope", "400 invalid_request 900144"),
    ] {
        let reply = t.token(&without(name)).await;
        assert_eq!(reply.no(), no, "{name}");
        assert!(reply.json()["error_description"].as_str().unwrap().contains(name), "{name}");
    }
    let other = [without("grant_type"), vec![("grant_type", "telepathy")]].concat();
    assert_eq!(t.token(&other).await.no(), "400 unsupported_grant_type 70003");
}

#[tokio::test]
async fn only_a_form_by_post_is_read() {
    let t = Contoso::start().await;
    let mut get = form(&path(), &good());
    *get.method_mut() = Method::GET;
    assert_eq!(t.send(get).await.no(), "400 invalid_request 900561");
    let mut json = form(&path(), &good());
    json.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    assert_eq!(t.send(json).await.status, 415);
    let mut packed = form(&path(), &good());
    packed.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(t.send(packed).await.status, 415);
}

#[tokio::test]
async fn a_body_has_its_largest_size_and_a_form_its_largest_number() {
    let t = Contoso::start().await;
    let padding = "x".repeat(65_536);
    assert_eq!(t.token(&[good(), vec![("padding", &padding)]].concat()).await.status, 413);
    let names: Vec<String> = (0..47).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = good().into_iter().chain(names.iter().map(|name| (name.as_str(), "1"))).collect();
    assert!(t.token(&many).await.no().starts_with("400 invalid_request"));
    t.token(&many[..50]).await.good();
}

#[tokio::test]
async fn a_tenant_is_named_by_its_id_or_its_domain() {
    let t = Contoso::start().await;
    let ask = async |tenant: &str| {
        let reply = t.form(&format!("/{tenant}/oauth2/v2.0/token"), &good()).await;
        if reply.status == 200 { "yes".to_owned() } else { reply.no() }
    };
    for (tenant, told) in [
        (TENANT, "yes"),
        ("contoso.example", "yes"),
        ("CONTOSO.example", "yes"),
        ("b7a1c0de-0000-4000-8000-000000000002", "400 invalid_request 90002"),
        ("contoso", "400 invalid_request 900023"),
        ("common", "400 invalid_request 50059"),
        ("organizations", "400 invalid_request 50059"),
    ] {
        assert_eq!(ask(tenant).await, told, "{tenant}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_misdirected() {
    let t = Contoso::start().await;
    let mut foreign = form(&path(), &good());
    foreign.headers_mut().insert("host", HeaderValue::from_static("login.evil.example"));
    assert_eq!(t.send(foreign).await.status, 421);
    let mut microsoft = form(&path(), &good());
    microsoft.headers_mut().insert("host", HeaderValue::from_static("login.microsoftonline.com"));
    let issuer = format!("https://sts.windows.net/{TENANT}/");
    assert_eq!(t.send(microsoft).await.claims()["iss"], issuer);
}

#[tokio::test]
async fn a_secret_is_in_no_answer() {
    let t = Contoso::start().await;
    let canary = "canary-5f1d7c0a";
    for name in
        ["client_secret", "client_id", "scope", "grant_type", "client_assertion", "refresh_token", "password"]
    {
        let fields: Vec<_> = good().into_iter().filter(|field| field.0 != name).collect();
        let reply = t.token(&[fields, vec![(name, canary)]].concat()).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let public = ["client_id", "scope", "grant_type"].contains(&name);
        assert!(public || !text.contains(canary), "{name}: {text}");
    }
}
