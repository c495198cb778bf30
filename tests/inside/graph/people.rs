//! People and the organisation.

use carnet_tests::{Contoso, SECRET, TENANT, UNREGISTERED};

#[tokio::test]
async fn a_user_reads_itself_and_an_application_has_no_self() {
    let t = Contoso::start().await;
    let ada = t.graph_token("ada").await;
    assert_eq!(t.get("/v1.0/me", &ada).await.good()["userPrincipalName"], "ada@contoso.example");
    let app = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await.access_token();
    assert!(t.get("/v1.0/me", &app).await.status >= 400);
}

#[tokio::test]
async fn users_are_read_by_id_and_name_and_nobody_is_not_there() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    for key in ["ada@contoso.example", "ADA@contoso.example", "c0000000-0000-4000-8000-000000000002"] {
        let user = t.get(&format!("/v1.0/users/{key}"), &token).await.good();
        assert_eq!(user["displayName"], "Ada Example", "{key}");
        assert!(!user.to_string().to_lowercase().contains("argon"), "{user}");
    }
    assert_eq!(
        t.get("/v1.0/users/nobody@contoso.example", &token).await.no(),
        "404 Request_ResourceNotFound"
    );
    assert_eq!(t.get("/v1.0/users", &token).await.good()["value"].as_array().unwrap().len(), 2);
    let app = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.get("/v1.0/users", &app).await.no(), "403 Authorization_RequestDenied");
}

#[tokio::test]
async fn the_organisation_is_the_tenant() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let body = t.get("/v1.0/organization", &token).await.good();
    assert_eq!(body["value"][0]["id"], TENANT);
    assert_eq!(body["value"][0]["verifiedDomains"][0]["name"], "contoso.example");
}
