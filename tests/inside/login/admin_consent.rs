//! Admin consent for a whole tenant: who may, to what, and what the client is told.

use super::contoso_with;
use carnet_tests::{
    Contoso, PASSWORD, Reply, SECRET, TENANT,
    browser::{Browser, back, number},
    part, percent,
};

const APP: &str = "a0000000-0000-4000-8000-000000000009";
const GRAPH: &str = "https://graph.microsoft.com";
const PLATFORM: &str = "https://api.powerplatform.com";

/// A tenant with an application that wants delegated permissions of two APIs, and an application permission.
async fn tenant() -> Contoso {
    let app = format!(
        r#"
[[application]]
name = "wide"
client_id = "{APP}"
redirect_uris = {{ web = ["http://localhost:4711/back"] }}
secrets = [{{ name = "good", value = "{SECRET}", expires = 2099-01-01 }}]
permissions = [
  {{ api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] }},
  {{ api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"], application = ["Application.Read.All"] }},
]
"#
    );
    contoso_with("", &app).await
}

async fn open(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Reply {
    let query: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    browser.get(&format!("{path}?{}", query.join("&"))).await
}

async fn signed_in(browser: &Browser<'_>, page: &Reply, user: &str) -> Reply {
    let name = format!("{user}@contoso.example");
    let asked = browser.submit(page, &[("username", &name)]).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

fn fields(scope: &str) -> Vec<(&str, &str)> {
    vec![
        ("client_id", APP),
        ("redirect_uri", "http://localhost:4711/back"),
        ("scope", scope),
        ("state", "s 1"),
    ]
}

#[tokio::test]
async fn an_administrator_consents_to_all_that_is_registered() {
    let t = tenant().await;
    assert_eq!(t.by_secret(APP, SECRET, GRAPH).await.claims().get("roles"), None);
    let browser = Browser::new(&t);
    let path = format!("/{TENANT}/v2.0/adminconsent");
    let default = format!("{GRAPH}/.default");
    let page = signed_in(&browser, &open(&browser, &path, &fields(&default)).await, "admin").await;
    let text = page.text();
    for shown in [
        "Permissions requested for your organisation",
        "wide",
        "AppManagement.ApplicationPackages.Read",
        "User.Read",
        "Application.Read.All",
        "Microsoft Graph",
        "localhost:4711",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let told = back(&browser.submit(&page, &[("answer", "yes")]).await);
    assert_eq!(
        (told["admin_consent"].as_str(), told["tenant"].as_str(), told["state"].as_str()),
        ("True", TENANT, "s 1")
    );
    assert_eq!(told["scope"], default);
    assert!(!told.contains_key("code"));
    let roles = &t.by_secret(APP, SECRET, GRAPH).await.claims()["roles"];
    assert_eq!(roles, &serde_json::json!(["Application.Read.All"]));
    // Nobody is asked any more.
    let query = [
        ("client_id", APP),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost:4711/back"),
        ("scope", "https://api.powerplatform.com/.default"),
    ];
    let reply = Browser::new(&t).sign_in(&query, "ada", PASSWORD).await;
    assert!(back(&reply).contains_key("code"));
}

#[tokio::test]
async fn named_permissions_are_granted_alone() {
    let t = tenant().await;
    let browser = Browser::new(&t);
    let path = &format!("/{TENANT}/v2.0/adminconsent");
    let scope = format!("{PLATFORM}/AppManagement.ApplicationPackages.Read");
    let page = signed_in(&browser, &open(&browser, path, &fields(&scope)).await, "admin").await;
    assert!(!page.text().contains("Application.Read.All"));
    let _ = back(&browser.submit(&page, &[("answer", "yes")]).await)["admin_consent"];
    assert_eq!(t.by_secret(APP, SECRET, GRAPH).await.claims().get("roles"), None);
    let token = t.graph_token("admin").await;
    let grants = t.get("/v1.0/oauth2PermissionGrants", &token).await.good();
    let own = grants["value"].as_array().unwrap().iter();
    let own: Vec<_> = own.filter(|it| it["scope"] == "AppManagement.ApplicationPackages.Read").collect();
    assert!(own.iter().any(|it| it["consentType"] == "AllPrincipals"), "{grants}");
}

#[tokio::test]
async fn a_no_and_who_may_not_are_told() {
    let t = tenant().await;
    let default = format!("{GRAPH}/.default");
    for (path, error, marked) in
        [("v2.0/adminconsent", "consent_required", true), ("adminconsent", "permission_denied", false)]
    {
        let browser = Browser::new(&t);
        let path = format!("/{TENANT}/{path}");
        let page = signed_in(&browser, &open(&browser, &path, &fields(&default)).await, "admin").await;
        let told = back(&browser.submit(&page, &[("answer", "no")]).await);
        assert_eq!((told["error"].as_str(), told.contains_key("admin_consent")), (error, marked));
        assert!(told["error_description"].starts_with("AADSTS65004"));
        let ada = Browser::new(&t);
        let page = signed_in(&ada, &open(&ada, &path, &fields(&default)).await, "ada").await;
        assert_eq!((page.status, number(&page)), (400, 90_094));
    }
    assert_eq!(t.by_secret(APP, SECRET, GRAPH).await.claims().get("roles"), None);
}

#[tokio::test]
async fn the_address_names_a_tenant_and_the_request_what_it_wants() {
    let t = tenant().await;
    let browser = Browser::new(&t);
    let default = format!("{GRAPH}/.default");
    for alias in ["common", "consumers"] {
        let reply = open(&browser, &format!("/{alias}/v2.0/adminconsent"), &fields(&default)).await;
        assert_eq!((reply.status, number(&reply)), (400, 9_002_328));
    }
    let path = format!("/{TENANT}/v2.0/adminconsent");
    assert_eq!(number(&open(&browser, &path, &fields("")).await), 900_144);
    let mut evil = fields(&default);
    evil[1].1 = "https://evil.example/";
    assert_eq!(number(&open(&browser, &path, &evil).await), 50_011);
    assert_eq!(number(&open(&browser, &path, &[("client_id", "")]).await), 900_144);
}

#[tokio::test]
async fn an_api_that_the_tenant_has_not_is_named() {
    let missing = format!(
        "[[application]]\nname = \"missing\"\nclient_id = \"{APP}\"\nredirect_uris = {{ web = [\"http://localhost:4711/back\"] }}\n"
    );
    let t = contoso_with("", &missing).await;
    let token = t.graph_token("admin").await;
    let nowhere = serde_json::json!({ "requiredResourceAccess": [{
        "resourceAppId": "b0000000-0000-4000-8000-0000000000ff",
        "resourceAccess": [{ "id": "b0000000-0000-4000-8000-0000000000fe", "type": "Scope" }],
    }] });
    let own = format!("/v1.0/applications(appId='{APP}')");
    assert_eq!(t.call("PATCH", &own, &token, nowhere).await.status, 204);
    let browser = Browser::new(&t);
    let path = format!("/{TENANT}/adminconsent");
    let page = signed_in(&browser, &open(&browser, &path, &fields("")).await, "admin").await;
    assert_eq!(number(&page), 650_052);
}

#[tokio::test]
async fn the_older_prompt_consents_for_everyone_and_signs_in() {
    let t = contoso_with("", "").await;
    let browser = Browser::new(&t);
    let query = [
        ("client_id", carnet_tests::UNCONSENTED),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost:4711/back"),
        ("resource", PLATFORM),
        ("prompt", "admin_consent"),
        ("code_challenge_method", "S256"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ];
    let page = open(&browser, &format!("/{TENANT}/oauth2/authorize"), &query).await;
    let page = signed_in(&browser, &page, "admin").await;
    assert!(page.text().contains("for your organisation"));
    assert!(back(&browser.submit(&page, &[("answer", "yes")]).await).contains_key("code"));
    let token = t.by_password(carnet_tests::UNCONSENTED, "ada", &format!("{PLATFORM}/.default")).await;
    assert_eq!(part(&token.access_token(), 1)["scp"], "AppManagement.ApplicationPackages.Read");
}
