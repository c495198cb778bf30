//! Permission grants: given by an administrator, seen in the next token, taken back.

use carnet_tests::{Contoso, UNCONSENTED, UNREGISTERED};
use serde_json::{Value, json};

const GRANTS: &str = "/v1.0/oauth2PermissionGrants";
const SCOPE: &str = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";
const POWER_PLATFORM: &str = "8578e004-a5c6-46e7-913e-12f58912df43";

async fn principal(t: &Contoso, token: &str, app: &str) -> String {
    let path = format!("/v1.0/servicePrincipals(appId='{app}')");
    t.get(&path, token).await.good()["id"].as_str().unwrap().to_owned()
}

async fn grant(t: &Contoso, token: &str) -> Value {
    json!({
        "clientId": principal(t, token, UNCONSENTED).await,
        "consentType": "AllPrincipals",
        "resourceId": principal(t, token, POWER_PLATFORM).await,
        "scope": "AppManagement.ApplicationPackages.Read",
    })
}

#[tokio::test]
async fn consent_works_from_the_next_token_on_until_it_is_taken_back() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let ask = async || t.by_password(UNCONSENTED, "ada", SCOPE).await;
    assert_eq!(ask().await.no(), "400 invalid_grant 65001");
    let made = t.call("POST", GRANTS, &token, grant(&t, &token).await).await;
    assert_eq!(made.status, 201, "{made:?}");
    ask().await.good();
    let path = format!("{GRANTS}/{}", made.json()["id"].as_str().unwrap());
    let wider = json!({ "scope": "AppManagement.ApplicationPackages.Read AppManagement.ApplicationPackages.Install" });
    assert_eq!(t.call("PATCH", &path, &token, wider).await.status, 204);
    let install = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Install";
    t.by_password(UNCONSENTED, "ada", install).await.good();
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.status, 204);
    assert_eq!(ask().await.no(), "400 invalid_grant 65001");
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.no(), "404 Request_ResourceNotFound");
}

#[tokio::test]
async fn one_grant_binds_one_client_to_one_resource() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let body = grant(&t, &token).await;
    let made = t.call("POST", GRANTS, &token, body.clone()).await.good();
    assert_eq!(t.call("POST", GRANTS, &token, body.clone()).await.status, 409);
    let query = format!("{GRANTS}?$filter=clientId%20eq%20'{}'", body["clientId"].as_str().unwrap());
    assert_eq!(t.get(&query, &token).await.good()["value"][0]["id"], made["id"]);
    for (name, value) in [
        ("clientId", json!("d0000000-0000-4000-8000-00000000dead")),
        ("resourceId", json!("nonsense")),
        ("consentType", json!("Everybody")),
        ("consentType", json!("Principal")),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        assert!(t.call("POST", GRANTS, &token, wrong).await.status >= 400, "{name}");
    }
}

#[tokio::test]
async fn consent_for_one_user_is_that_users_alone() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let mut body = grant(&t, &token).await;
    body["consentType"] = "Principal".into();
    body["principalId"] = "c0000000-0000-4000-8000-000000000002".into();
    assert_eq!(t.call("POST", GRANTS, &token, body).await.status, 201);
    t.by_password(UNCONSENTED, "ada", SCOPE).await.good();
    assert_eq!(t.by_password(UNCONSENTED, "admin", SCOPE).await.no(), "400 invalid_grant 65001");
}

#[tokio::test]
async fn an_application_role_is_in_the_next_token() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let (client, graph) = (
        principal(&t, &token, carnet_tests::CONFIDENTIAL).await,
        principal(&t, &token, "00000003-0000-0000-c000-000000000000").await,
    );
    let path = format!("/v1.0/servicePrincipals/{client}/appRoleAssignments");
    let role = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30";
    let body = json!({ "principalId": client, "resourceId": graph, "appRoleId": role });
    assert_eq!(t.call("POST", &path, &token, body.clone()).await.status, 201);
    let ask = async || {
        t.by_secret(carnet_tests::CONFIDENTIAL, carnet_tests::SECRET, "https://graph.microsoft.com").await
    };
    assert_eq!(ask().await.claims()["roles"], json!(["Application.Read.All"]));
    let reader = t.by_secret(UNREGISTERED, carnet_tests::SECRET, "https://graph.microsoft.com").await;
    let refused = t.call("POST", &path, &reader.access_token(), body).await;
    assert_eq!(refused.no(), "403 Authorization_RequestDenied");
}
