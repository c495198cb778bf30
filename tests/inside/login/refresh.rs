//! Refresh tokens: issued with `offline_access`, bound to user and client, spent with a grace.

use carnet_tests::{AZURE_CLI, Contoso, PUBLIC, Reply, UNCONSENTED};
use serde_json::json;

const SCOPE: &str = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";
const ALWAYS: &str = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read offline_access";
const GRAPH: &str = "https://graph.microsoft.com/.default offline_access";

async fn first(t: &Contoso) -> String {
    refresh_token(&t.by_password(PUBLIC, "ada", ALWAYS).await)
}

fn refresh_token(reply: &Reply) -> String {
    reply.good()["refresh_token"].as_str().unwrap().to_owned()
}

async fn redeem(t: &Contoso, client: &str, token: &str) -> Reply {
    let fields = [("grant_type", "refresh_token"), ("client_id", client), ("scope", ALWAYS)];
    t.token(&[&fields[..], &[("refresh_token", token)]].concat()).await
}

#[tokio::test]
async fn it_is_given_for_offline_access_only() {
    let t = Contoso::start().await;
    assert_eq!(t.by_password(PUBLIC, "ada", SCOPE).await.good()["refresh_token"], json!(null));
    let one = first(&t).await;
    let two = redeem(&t, PUBLIC, &one).await;
    let all = "AppManagement.ApplicationPackages.Read EnvironmentManagement.Environments.Read";
    assert_eq!(two.claims()["scp"], all);
    assert_ne!(refresh_token(&two), one);
}

#[tokio::test]
async fn it_is_its_clients_alone() {
    let t = Contoso::start().await;
    let token = first(&t).await;
    assert!(redeem(&t, UNCONSENTED, &token).await.no().starts_with("400 invalid_grant"));
    assert!(redeem(&t, AZURE_CLI, &token).await.no().starts_with("400 invalid_grant"));
    redeem(&t, PUBLIC, &token).await.good();
    let made_up = "1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(redeem(&t, PUBLIC, made_up).await.no(), "400 invalid_grant 9002313");
}

#[tokio::test]
async fn a_used_one_is_good_for_a_minute_and_then_ends_its_family() {
    let t = Contoso::start().await;
    let one = first(&t).await;
    let two = refresh_token(&redeem(&t, PUBLIC, &one).await);
    t.later(59);
    redeem(&t, PUBLIC, &one).await.good();
    t.later(62);
    assert!(redeem(&t, PUBLIC, &one).await.no().starts_with("400 invalid_grant"));
    assert!(redeem(&t, PUBLIC, &two).await.no().starts_with("400 invalid_grant"), "the family goes on");
}

#[tokio::test]
async fn it_dies_with_the_service_principal_of_its_client() {
    let t = Contoso::start().await;
    let (old, kept) = (first(&t).await, refresh_token(&t.by_password(AZURE_CLI, "ada", GRAPH).await));
    let admin = t.graph_token("admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{PUBLIC}')");
    let held = t.get(&path, &admin).await.good();
    let consent = t.get("/v1.0/oauth2PermissionGrants", &admin).await.good();
    let grants = consent["value"].as_array().unwrap();
    let mut grant = grants.iter().find(|it| it["clientId"] == held["id"]).unwrap().clone();
    assert_eq!(t.call("DELETE", &path, &admin, json!(null)).await.status, 204);
    assert_eq!(redeem(&t, PUBLIC, &old).await.no(), "401 invalid_client 7000229");
    let again = t.call("POST", "/v1.0/servicePrincipals", &admin, json!({ "appId": PUBLIC })).await.good();
    grant["clientId"] = again["id"].clone();
    grant.as_object_mut().unwrap().remove("id");
    t.call("POST", "/v1.0/oauth2PermissionGrants", &admin, grant).await.good();
    let new = first(&t).await;
    assert_eq!(redeem(&t, PUBLIC, &old).await.no(), "400 invalid_grant 50173");
    redeem(&t, PUBLIC, &new).await.good();
    // Another client's lives on.
    let fields = [("grant_type", "refresh_token"), ("client_id", AZURE_CLI), ("scope", GRAPH)];
    t.token(&[&fields[..], &[("refresh_token", &kept)]].concat()).await.good();
}

#[tokio::test]
async fn a_tenant_may_tolerate_reuse() {
    let t = Contoso::with("refresh_reuse = \"tolerate\"", "").await;
    let one = first(&t).await;
    redeem(&t, PUBLIC, &one).await.good();
    t.later(86_400);
    redeem(&t, PUBLIC, &one).await.good();
}

#[tokio::test]
async fn it_slides_for_ninety_days() {
    let t = Contoso::start().await;
    let one = first(&t).await;
    t.later(89 * 86_400);
    let two = refresh_token(&redeem(&t, PUBLIC, &one).await);
    t.later(89 * 86_400);
    let three = refresh_token(&redeem(&t, PUBLIC, &two).await);
    t.later(91 * 86_400);
    assert_eq!(redeem(&t, PUBLIC, &three).await.no(), "400 invalid_grant 700082");
}
