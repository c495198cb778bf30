//! Microsoft's APIs: all permissions of Graph, the APIs that every tenant has, and those that appear.

use super::contoso;
use carnet_tenant::offered::Offered;
use carnet_tests::{
    AZURE_CLI, CONFIDENTIAL, Contoso, FABRIKAM, OTHER_TENANT, PASSWORD, POWER_PLATFORM_CLI, PUBLIC, SECRET,
    TENANT, UNCONSENTED,
    browser::{Browser, VERIFIER, back, number, query, redemption},
};
use carnet_wire::catalogue::{Catalogue, FirstParty};
use serde_json::{Value, json};

const GRAPH_ID: &str = "00000003-0000-0000-c000-000000000000";
const KEY_VAULT: &str = "https://vault.azure.net";
const KEY_VAULT_ID: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";
const DEVOPS_ID: &str = "499b84ac-1321-427f-aa17-267ca6975798";
/// Azure Kubernetes Service, which is asked for by its id.
const KUBERNETES_ID: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";
const DATAVERSE: &str = "https://admin.services.crm.dynamics.com";
const DATAVERSE_ID: &str = "00000007-0000-0000-c000-000000000000";
const UNKNOWN: &str = "400 invalid_resource 500011";

/// The service principal of an application; none: the tenant does not hold it.
async fn principal(t: &Contoso, token: &str, app: &str) -> Option<Value> {
    let found = t.get(&format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{app}'"), token).await.good();
    found["value"].as_array().unwrap().first().cloned()
}

async fn redeem(t: &Contoso, client: &str, code: &str) -> Value {
    let mut fields = redemption(code);
    for field in &mut fields {
        if field.0 == "client_id" {
            field.1 = client;
        }
    }
    t.token(&fields).await.claims()
}

#[tokio::test]
async fn a_person_consents_to_permissions_of_graph_that_need_no_administrator() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let asked = query(UNCONSENTED, &[("scope", "Mail.Read Files.Read Sites.Read.All openid profile")]);
    let page = browser.sign_in(&asked, "ada", PASSWORD).await;
    let text = page.text();
    for shown in
        ["Read your mail", "Mail.Read", "Read your files", "Read SharePoint sites", "Microsoft Graph"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let code = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"].clone();
    let claims = redeem(&t, UNCONSENTED, &code).await;
    let mut scopes: Vec<&str> = claims["scp"].as_str().unwrap().split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["Files.Read", "Mail.Read", "Sites.Read.All", "email", "openid", "profile"]);
}

#[tokio::test]
async fn the_consent_page_has_sentences_of_our_own_for_the_permissions_that_people_meet_most() {
    let t = contoso("").await;
    let graph = FirstParty::builtin(GRAPH_ID.parse().unwrap()).unwrap();
    let (ours, others): (Vec<_>, Vec<_>) = graph.scopes().iter().partition(|it| it.display_name != it.value);
    assert!(ours.len() >= 40, "{}", ours.len());
    for (some, own) in [(ours.chunks(40).next().unwrap(), true), (&others[..5], false)] {
        let names: Vec<&str> = some.iter().map(|it| it.value.as_str()).collect();
        let scope = names.join(" ");
        let asked = query(UNCONSENTED, &[("scope", &scope)]);
        let text = Browser::new(&t).sign_in(&asked, "admin", PASSWORD).await.text();
        for permission in some {
            let title = permission.display_name.replace('\'', "&#39;");
            assert!(text.contains(&format!(">{title}<")), "{title}: {text}");
            assert!(text.contains(&permission.value), "{}", permission.value);
            assert_eq!(title.contains(' '), own, "{title}");
        }
    }
}

#[tokio::test]
async fn a_permission_that_needs_an_administrator_is_not_a_persons_to_give() {
    let t = contoso("").await;
    // As security.md, row 157: what changes the directory, and what is published in no table.
    for scope in ["AccessReview.Read.All", "Device.Read.All", "AgentCollection.Read.Global"] {
        let asked = query(UNCONSENTED, &[("scope", scope)]);
        let page = Browser::new(&t).sign_in(&asked, "ada", PASSWORD).await;
        assert_eq!(number(&page), 90_094, "{scope}");
        let page = Browser::new(&t).sign_in(&asked, "admin", PASSWORD).await;
        assert!(page.text().contains(scope), "{scope}");
    }
    let page =
        Browser::new(&t).sign_in(&query(UNCONSENTED, &[("scope", "Mail.Reads")]), "ada", PASSWORD).await;
    assert_eq!(number(&page), 650_053);
}

#[tokio::test]
async fn a_service_principal_says_of_each_permission_who_may_consent() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let graph = principal(&t, &token, GRAPH_ID).await.unwrap();
    let scopes = graph["oauth2PermissionScopes"].as_array().unwrap();
    assert_eq!((scopes.len(), graph["appRoles"].as_array().unwrap().len()), (807, 716));
    let of = |value: &str| scopes.iter().find(|it| it["value"] == value).unwrap();
    assert_eq!((&of("Mail.Read")["type"], &of("User.Read.All")["type"]), (&json!("User"), &json!("Admin")));
    assert_eq!(of("Mail.Send")["adminConsentDisplayName"], "Send mail in your name");
    assert_eq!(of("Acronym.Read.All")["adminConsentDisplayName"], "Acronym.Read.All");
    let role = graph["appRoles"].as_array().unwrap().iter().find(|it| it["value"] == "Mail.Read").unwrap();
    assert_eq!(role["allowedMemberTypes"], json!(["Application"]));
    assert_eq!(role["id"], "810c84a8-4a9e-49e6-bf7d-12d183f40d01");
}

#[tokio::test]
async fn an_application_holds_any_application_permission_of_graph() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let graph = principal(&t, &token, GRAPH_ID).await.unwrap();
    let own = principal(&t, &token, CONFIDENTIAL).await.unwrap();
    let assigned = json!({
        "principalId": own["id"], "resourceId": graph["id"], "appRoleId": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    });
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", own["id"].as_str().unwrap());
    assert_eq!(t.call("POST", &path, &token, assigned).await.status, 201);
    let claims = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.claims();
    assert_eq!(claims["roles"], json!(["Mail.Read"]));
}

#[tokio::test]
async fn the_usual_apis_are_in_every_tenant_and_the_others_are_not() {
    let t = Contoso::with_tenants(&[FABRIKAM]).await;
    for tenant in [TENANT, OTHER_TENANT] {
        let directory = t.store.directory(tenant.parse().unwrap()).await.unwrap().unwrap();
        for known in Catalogue::builtin().applications {
            let held = directory.principal_by_app(known.app_id);
            if known.in_every_tenant {
                assert!(held.is_some(), "{}", known.display_name);
            }
            // What it publishes is Microsoft's, not the tenant's.
            if let Some(held) = held {
                assert_eq!(held.scopes, Offered::Microsoft(known), "{}", known.display_name);
            }
        }
        let vault = KEY_VAULT_ID.parse().unwrap();
        assert!(directory.principal_by_app(vault).is_none());
        for name in [
            "https://graph.microsoft.com",
            "https://graph.windows.net/",
            "https://management.azure.com/",
            "https://service.powerapps.com/",
            "https://service.flow.microsoft.com/",
            "https://outlook.office365.com/",
            "https://outlook.office.com",
            "00000003-0000-0ff1-ce00-000000000000",
        ] {
            assert!(directory.principal_by_name(name).is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn an_api_appears_when_somebody_consents_to_it() {
    let t = contoso("").await;
    let admin = t.graph_token("admin").await;
    for (scope, id, audience) in [
        (format!("{KEY_VAULT}/user_impersonation"), KEY_VAULT_ID, KEY_VAULT),
        (format!("{KUBERNETES_ID}/user.read"), KUBERNETES_ID, KUBERNETES_ID),
        (format!("{DEVOPS_ID}/vso.code"), DEVOPS_ID, DEVOPS_ID),
    ] {
        assert_eq!(principal(&t, &admin, id).await, None, "{scope}");
        // Nobody can be asked here.
        assert_eq!(t.by_password(UNCONSENTED, "ada", &scope).await.no(), UNKNOWN, "{scope}");
        let browser = Browser::new(&t);
        let page = browser.sign_in(&query(UNCONSENTED, &[("scope", &scope)]), "ada", PASSWORD).await;
        assert!(page.text().contains("Permissions requested"), "{scope}: {}", page.text());
        // A question makes nothing appear, and a no does not either.
        let declined = browser.submit(&page, &[("answer", "no")]).await;
        assert_eq!(back(&declined)["error"], "access_denied");
        assert_eq!(principal(&t, &admin, id).await, None, "{scope}");
        let page = browser.open(&query(UNCONSENTED, &[("scope", &scope)])).await;
        let code = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"].clone();
        let claims = redeem(&t, UNCONSENTED, &code).await;
        assert_eq!(claims["aud"].as_str(), Some(audience), "{scope}");
        assert_eq!(claims["scp"].as_str(), scope.rsplit('/').next(), "{scope}");
        let made = principal(&t, &admin, id).await.unwrap();
        assert_eq!(made["appOwnerOrganizationId"], "f8cdef31-a31e-4b4a-93e4-5f571e91255a");
        // From now on it is known to every grant, and consent is Ada's own.
        t.by_password(UNCONSENTED, "ada", &scope).await.good();
        assert_eq!(t.by_password(UNCONSENTED, "admin", &scope).await.no(), "400 invalid_grant 65001");
    }
    // The person who consented is named for it.
    let audit = t.engine().await.read("select body from audit", vec![]).await.unwrap();
    let added = audit.iter().filter(|row| {
        let body = row.text(0);
        body.contains("Add service principal") && body.contains("Azure Key Vault")
    });
    assert_eq!(added.count(), 1);
}

#[tokio::test]
async fn an_api_appears_for_a_preauthorised_client_of_microsofts_alone() {
    let t = contoso("").await;
    let admin = t.graph_token("admin").await;
    let scope = format!("{DATAVERSE}/.default");
    assert_eq!(principal(&t, &admin, DATAVERSE_ID).await, None);
    // An application of the tenant cannot make it appear this way, and no wrong password does.
    assert_eq!(t.by_password(PUBLIC, "ada", &scope).await.no(), UNKNOWN);
    assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, DATAVERSE).await.no(), UNKNOWN);
    let wrong = [
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("username", "ada@contoso.example"),
        ("password", "wrong"),
        ("scope", scope.as_str()),
    ];
    assert_eq!(t.token(&wrong).await.no(), "400 invalid_grant 50126");
    // A client of Microsoft's that is not preauthorised makes nothing appear either.
    let vault = format!("{KEY_VAULT}/.default");
    assert_eq!(t.by_password(POWER_PLATFORM_CLI, "ada", &vault).await.no(), "400 invalid_grant 65002");
    for id in [DATAVERSE_ID, KEY_VAULT_ID] {
        assert_eq!(principal(&t, &admin, id).await, None);
    }
    let claims = t.by_password(AZURE_CLI, "ada", &scope).await.claims();
    assert_eq!(
        (claims["aud"].as_str(), claims["scp"].as_str()),
        (Some(DATAVERSE), Some("user_impersonation"))
    );
    let made = principal(&t, &admin, DATAVERSE_ID).await.unwrap();
    t.by_password(AZURE_CLI, "admin", &scope).await.good();
    assert_eq!(principal(&t, &admin, DATAVERSE_ID).await.unwrap()["id"], made["id"]);
    for (client, api, scopes) in [
        (AZURE_CLI, KEY_VAULT, "user_impersonation"),
        (AZURE_CLI, KUBERNETES_ID, "user.read"),
        ("1950a258-227b-4e31-a9cf-717495945fc2", DEVOPS_ID, "user_impersonation"),
    ] {
        let claims = t.by_password(client, "ada", &format!("{api}/.default")).await.claims();
        assert_eq!((claims["aud"].as_str(), claims["scp"].as_str()), (Some(api), Some(scopes)));
    }
    // What was made for one client is there for every other.
    assert!(principal(&t, &admin, KEY_VAULT_ID).await.is_some());
    assert_eq!(t.by_password(POWER_PLATFORM_CLI, "ada", &vault).await.no(), "400 invalid_grant 65002");
}

#[tokio::test]
async fn an_api_appears_in_a_browser_sign_in_of_a_preauthorised_client() {
    let t = contoso("").await;
    let admin = t.graph_token("admin").await;
    let scope = format!("{DATAVERSE}/.default");
    let asked = query(AZURE_CLI, &[("scope", &scope), ("redirect_uri", "http://localhost:4711")]);
    let page = Browser::new(&t).sign_in(&asked, "ada", PASSWORD).await;
    // An address without a path is answered with a slash after its port.
    let location = page.header("location").strip_prefix("http://localhost:4711/?").expect("an answer");
    let code = location.split('&').find_map(|pair| pair.strip_prefix("code=")).expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", AZURE_CLI),
        ("code", code),
        ("redirect_uri", "http://localhost:4711"),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(t.token(&fields).await.claims()["aud"].as_str(), Some(DATAVERSE));
    assert!(principal(&t, &admin, DATAVERSE_ID).await.is_some());
}

#[tokio::test]
async fn an_administrator_creates_an_api_and_may_delete_it_again() {
    let t = Contoso::start().await;
    let (admin, ada) = (t.graph_token("admin").await, t.graph_token("ada").await);
    let create = async |token: &str| {
        t.call("POST", "/v1.0/servicePrincipals", token, json!({ "appId": KEY_VAULT_ID })).await
    };
    assert_eq!(create(&ada).await.no(), "403 Authorization_RequestDenied");
    let made = create(&admin).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(made["oauth2PermissionScopes"][0]["value"], "user_impersonation");
    assert_eq!(made["servicePrincipalNames"], json!([KEY_VAULT_ID, KEY_VAULT]));
    assert_eq!(create(&admin).await.status, 409);
    let path = |id: &Value| format!("/v1.0/servicePrincipals/{}", id.as_str().unwrap());
    assert_eq!(t.call("DELETE", &path(&made["id"]), &admin, Value::Null).await.status, 204);
    // One that every tenant has stays.
    let exchange = principal(&t, &admin, "00000002-0000-0ff1-ce00-000000000000").await.unwrap();
    let kept = t.call("DELETE", &path(&exchange["id"]), &admin, Value::Null).await;
    assert_eq!(kept.no(), "403 Authorization_RequestDenied");
}

#[tokio::test]
async fn consent_to_everything_registered_makes_its_apis_appear() {
    let t = contoso("").await;
    let admin = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{UNCONSENTED}')");
    let wants = json!({ "requiredResourceAccess": [{
        "resourceAppId": KEY_VAULT_ID,
        "resourceAccess": [{ "id": "f53da476-18e3-4152-8e01-aec403e6edc0", "type": "Scope" }],
    }] });
    assert_eq!(t.call("PATCH", &path, &admin, wants).await.status, 204);
    let browser = Browser::new(&t);
    let scope = format!("{KEY_VAULT}/.default");
    let page = browser.sign_in(&query(UNCONSENTED, &[("scope", &scope)]), "admin", PASSWORD).await;
    let fields = [("answer", "yes"), ("everyone", "1")];
    let code = back(&browser.submit(&page, &fields).await)["code"].clone();
    assert_eq!(redeem(&t, UNCONSENTED, &code).await["scp"], "user_impersonation");
    assert_eq!(
        t.by_password(UNCONSENTED, "ada", &scope).await.claims()["scp"],
        "user_impersonation",
        "the consent is everyone's"
    );
}

#[tokio::test]
async fn the_store_keeps_of_microsofts_apis_which_they_are_and_no_list() {
    let t = contoso("").await;
    let rows = t.engine().await.read("select kind from object", vec![]).await.unwrap();
    assert!(!rows.is_empty());
    let directory = t.directory().await;
    let graph = directory.principal_by_app(GRAPH_ID.parse().unwrap()).unwrap();
    let text = serde_json::to_string(&**graph).unwrap();
    assert!(text.len() < 1000, "{}", text.len());
    let again = t.again().await.directory().await;
    assert_eq!(again.principal_by_app(GRAPH_ID.parse().unwrap()), Some(graph));
}
