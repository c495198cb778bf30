//! Who may call: the token's audience, life and signature, and the permission in it.

use carnet_tests::{CONFIDENTIAL, Contoso, PLATFORM, SECRET, UNREGISTERED};
use serde_json::{Value, json};

const GRAPH: &str = "https://graph.microsoft.com";
const LIST: &str = "/v1.0/applications";

#[tokio::test]
async fn a_token_is_for_one_api_and_for_its_time() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    t.get(LIST, &token).await.good();
    let invalid = "401 InvalidAuthenticationToken";
    assert_eq!(t.get(LIST, "").await.no(), invalid);
    assert_eq!(t.get(LIST, "nonsense").await.no(), invalid);
    let elsewhere = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(LIST, &elsewhere).await.no(), invalid);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = t.graph_token("ada").await;
    let swapped = format!("{head}.{}", other.rsplit_once('.').unwrap().1);
    assert_ne!(other.rsplit_once('.').unwrap().1, signature);
    assert_eq!(t.get(LIST, &swapped).await.no(), invalid);
    t.later(24 * 3600);
    assert_eq!(t.get(LIST, &token).await.no(), invalid);
}

#[tokio::test]
async fn an_application_does_what_its_roles_say_and_no_more() {
    let t = Contoso::start().await;
    let reader = t.by_secret(UNREGISTERED, SECRET, GRAPH).await.access_token();
    t.get(LIST, &reader).await.good();
    let create = async |token: &str| t.call("POST", LIST, token, json!({ "displayName": "x" })).await;
    assert_eq!(create(&reader).await.no(), "403 Authorization_RequestDenied");
    let none = t.by_secret(CONFIDENTIAL, SECRET, GRAPH).await.access_token();
    assert_eq!(t.get(LIST, &none).await.no(), "403 Authorization_RequestDenied");
    let path = format!("{LIST}(appId='{CONFIDENTIAL}')");
    assert_eq!(t.call("DELETE", &path, &reader, Value::Null).await.no(), "403 Authorization_RequestDenied");
}

#[tokio::test]
async fn a_user_without_a_role_changes_no_ones_application() {
    let t = Contoso::start().await;
    let ada = t.graph_token("ada").await;
    let path = format!("{LIST}(appId='{CONFIDENTIAL}')");
    let change = t.call("PATCH", &path, &ada, json!({ "displayName": "mine" })).await;
    assert_eq!(change.no(), "403 Authorization_RequestDenied");
    let secret = t.call("POST", &format!("{path}/addPassword"), &ada, json!({})).await;
    assert_eq!(secret.no(), "403 Authorization_RequestDenied");
    let grant = json!({ "clientId": "d0000000-0000-4000-8000-000000000004", "consentType": "AllPrincipals", "resourceId": "d0000000-0000-4000-8000-000000000001", "scope": "x" });
    let consent = t.call("POST", "/v1.0/oauth2PermissionGrants", &ada, grant).await;
    assert_eq!(consent.no(), "403 Authorization_RequestDenied");
}

#[tokio::test]
async fn a_path_that_is_not_there_and_a_method_that_is_not_are_told_apart() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    assert_eq!(t.get("/v1.0/spaceships", &token).await.no(), "400 BadRequest");
    assert_eq!(t.call("PUT", LIST, &token, json!({})).await.status, 405);
    t.get("/BETA/Applications", &token).await.good();
    t.get("/v1.0/myorganization/applications", &token).await.good();
}

#[tokio::test]
async fn who_no_longer_signs_in_no_longer_calls() {
    let t = Contoso::start().await;
    let reader = t.by_secret(UNREGISTERED, SECRET, GRAPH).await.access_token();
    let admin = t.graph_token("admin").await;
    let principal = format!("/v1.0/servicePrincipals(appId='{UNREGISTERED}')");
    t.call("PATCH", &principal, &admin, json!({ "accountEnabled": false })).await.good();
    assert_eq!(t.get(LIST, &reader).await.no(), "401 InvalidAuthenticationToken");
    t.call("PATCH", &principal, &admin, json!({ "accountEnabled": true })).await.good();
    t.get(LIST, &reader).await.good();
}
