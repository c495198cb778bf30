//! Whole answers, member by member: what a client reads, in the order in which Entra sends it.

use carnet_tests::{CONFIDENTIAL, Contoso, PASSWORD, PLATFORM, PUBLIC, Reply, SECRET, TENANT, part};
use serde_json::{Value, json};

/// What differs from run to run: made-up ids, keys, signatures.
const MADE_UP: &[&str] =
    &["kid", "x5t", "aio", "uti", "rh", "access_token", "id_token", "refresh_token", "n", "x5c"];

fn shape(value: Value) -> Value {
    carnet_tests::steady(value, MADE_UP)
}

/// Status, headers and body, and every token in the body, read.
fn whole(reply: &Reply) -> Value {
    let body = reply.json();
    let read = |name: &str| match body[name].as_str() {
        Some(token) => json!({ "header": part(token, 0), "claims": part(token, 1) }),
        None => Value::Null,
    };
    let headers: serde_json::Map<_, _> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let tokens = (read("access_token"), read("id_token"));
    let headers = carnet_tests::steady(headers.into(), &["x-ms-request-id", "client-request-id"]);
    shape(json!({
        "status": reply.status, "headers": headers, "body": body, "access_token_read": tokens.0, "id_token_read": tokens.1,
    }))
}

#[tokio::test]
async fn an_application_token() {
    let t = Contoso::start().await;
    insta::assert_json_snapshot!("application_v2", whole(&t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await));
}

#[tokio::test]
async fn an_application_token_of_the_first_edition() {
    let t = Contoso::start().await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("resource", PLATFORM),
    ];
    let reply = t.form(&format!("/{TENANT}/oauth2/token"), &fields).await;
    insta::assert_json_snapshot!("application_v1", whole(&reply));
}

#[tokio::test]
async fn a_users_tokens() {
    let t = Contoso::start().await;
    let scope =
        "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read openid profile offline_access";
    insta::assert_json_snapshot!("user_v2", whole(&t.by_password(PUBLIC, "ada", scope).await));
}

#[tokio::test]
async fn a_users_tokens_of_the_first_edition() {
    let t = Contoso::start().await;
    let fields = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
        ("resource", PLATFORM),
        ("scope", "openid"),
    ];
    let reply = t.form(&format!("/{TENANT}/oauth2/token"), &fields).await;
    insta::assert_json_snapshot!("user_v1", whole(&reply));
}

/// An API of the tenant's own, and a client that may call it.
fn own_api(version: u8) -> String {
    include_str!("own_api.toml").replace("token_version = 2", &format!("token_version = {version}"))
}

const CALLER: &str = "a0000000-0000-4000-8000-000000000011";

#[tokio::test]
async fn tokens_for_an_api_of_ones_own() {
    for (version, names) in
        [(1, ["own_user_v1", "own_application_v1"]), (2, ["own_user_v2", "own_application_v2"])]
    {
        let t = Contoso::with("", &own_api(version)).await;
        let user = t.by_password(CALLER, "ada", "api://own/read openid profile").await;
        insta::assert_json_snapshot!(names[0], whole(&user)["access_token_read"]);
        let application = t.by_secret(CONFIDENTIAL, SECRET, "api://own").await;
        insta::assert_json_snapshot!(names[1], whole(&application)["access_token_read"]);
    }
}

#[tokio::test]
async fn tokens_for_graph() {
    let t = Contoso::start().await;
    let scope = "https://graph.microsoft.com/.default openid profile";
    let user = t.by_password(carnet_tests::AZURE_CLI, "ada", scope).await;
    let scp = user.claims()["scp"].as_str().unwrap().to_owned();
    assert!(!scp.split(' ').any(|scope| scope == "offline_access"), "{scp}");
    insta::assert_json_snapshot!("graph_user", whole(&user)["access_token_read"]);
    let application = t.by_secret(carnet_tests::UNREGISTERED, SECRET, "https://graph.microsoft.com").await;
    insta::assert_json_snapshot!("graph_application", whole(&application)["access_token_read"]);
}

#[tokio::test]
async fn a_denial() {
    let t = Contoso::start().await;
    let reply = t.by_secret(CONFIDENTIAL, "wrong", PLATFORM).await;
    let body = carnet_tests::steady(whole(&reply), &["trace_id", "correlation_id", "error_description"]);
    insta::assert_json_snapshot!("denial", body);
}

#[tokio::test]
async fn the_configurations() {
    let t = Contoso::start().await;
    let get = async |path: &str| t.get(&format!("/{TENANT}/{path}"), "").await.good();
    insta::assert_json_snapshot!("configuration_v2", get("v2.0/.well-known/openid-configuration").await);
    insta::assert_json_snapshot!("configuration_v1", get(".well-known/openid-configuration").await);
    insta::assert_json_snapshot!("keys_v2", shape(get("discovery/v2.0/keys").await));
}

#[test]
fn every_kept_shape_is_asked_for() {
    let source = include_str!("shapes.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("inside/login/snapshots");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let asked = name.strip_prefix("inside__login__shapes__").and_then(|it| it.strip_suffix(".snap"));
        assert!(asked.is_some_and(|it| source.contains(&format!("\"{it}\""))), "{name} is nobody's");
    }
}
