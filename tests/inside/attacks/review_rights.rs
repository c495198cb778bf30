//! Rows 139 to 141, 150, 152 and 157: consent, built-in service principals, application roles, credentials.

use super::*;
use carnet_tests::{
    PASSWORD, POWER_PLATFORM_CLI, UNCONSENTED, UNREGISTERED,
    browser::{Browser, back, number, query},
};

const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
const PLATFORM_APP: &str = "8578e004-a5c6-46e7-913e-12f58912df43";
const DENIED: &str = "403 Authorization_RequestDenied";
/// An API of the tenant with a role for applications, `Read.All`.
const API: &str = "a0000000-0000-4000-8000-0000000000a1";
/// An application that holds the role of [`API`].
const HOLDER: &str = "a0000000-0000-4000-8000-0000000000a2";
/// A public client with every delegated permission of Graph that the tests name.
const CLIENT: &str = "a0000000-0000-4000-8000-0000000000a3";
/// An application that asks for OpenID Connect scopes and lists no permission.
const OIDC: &str = "a0000000-0000-4000-8000-0000000000a4";
/// An application with the application permission to assign application roles, and nothing else.
const ASSIGNER: &str = "a0000000-0000-4000-8000-0000000000a5";
/// An application with the application permission to change all applications.
const WRITER: &str = "a0000000-0000-4000-8000-0000000000a6";

const MORE: &str = r#"
[[user]]
name = "mallory@contoso.example"
id = "c0000000-0000-4000-8000-0000000000b1"
password = "Correct-horse-7"

[[user]]
name = "appadmin@contoso.example"
id = "c0000000-0000-4000-8000-0000000000b2"
password = "Correct-horse-7"
roles = ["Application Administrator"]

[[user]]
name = "ppadmin@contoso.example"
id = "c0000000-0000-4000-8000-0000000000b3"
password = "Correct-horse-7"
roles = ["Power Platform Administrator", "Application Administrator"]

[[application]]
name = "api"
client_id = "a0000000-0000-4000-8000-0000000000a1"
exposes = { app_roles = ["Read.All"] }

[[application]]
name = "holder"
client_id = "a0000000-0000-4000-8000-0000000000a2"
permissions = [{ api = "a0000000-0000-4000-8000-0000000000a1", application = ["Read.All"] }]
admin_consent = true

[[application]]
name = "client"
client_id = "a0000000-0000-4000-8000-0000000000a3"
public_client = true
permissions = [{ api = "00000003-0000-0000-c000-000000000000", delegated = [
  "Directory.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All",
  "Application.ReadWrite.All", "Application.Read.All", "User.Read",
] }]
admin_consent = true

[[application]]
name = "oidc"
client_id = "a0000000-0000-4000-8000-0000000000a4"
public_client = true
redirect_uris = { public = ["http://localhost/back"] }

[[application]]
name = "assigner"
client_id = "a0000000-0000-4000-8000-0000000000a5"
secrets = [{ name = "good", value = "s3cret-value~good", expires = 2099-01-01 }]
permissions = [{ api = "00000003-0000-0000-c000-000000000000", application = ["AppRoleAssignment.ReadWrite.All"] }]
admin_consent = true

[[application]]
name = "writer"
client_id = "a0000000-0000-4000-8000-0000000000a6"
secrets = [{ name = "good", value = "s3cret-value~good", expires = 2099-01-01 }]
permissions = [{ api = "00000003-0000-0000-c000-000000000000", application = ["Application.ReadWrite.All"] }]
admin_consent = true
"#;

async fn start() -> Contoso {
    let t = Contoso::with("", MORE).await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    t
}

/// A token for Graph with exactly these delegated permissions.
async fn graph(t: &Contoso, user: &str, scopes: &str) -> String {
    t.consent_to(CLIENT, GRAPH_APP, &scopes.split(' ').collect::<Vec<_>>()).await;
    t.by_password(CLIENT, user, "https://graph.microsoft.com/.default").await.access_token()
}

async fn graph_app(t: &Contoso, app: &str) -> String {
    t.by_secret(app, SECRET, "https://graph.microsoft.com").await.access_token()
}

async fn principal(t: &Contoso, app: &str) -> String {
    let found = t.directory().await;
    found.principal_by_app(app.parse().unwrap()).unwrap().id.to_string()
}

/// The id of an API's application role.
async fn role(t: &Contoso, api: &str, value: &str) -> String {
    let found = t.directory().await;
    let resource = found.principal_by_app(api.parse().unwrap()).unwrap();
    resource.app_roles.iter().find(|it| it.value == value).unwrap().id.to_string()
}

/// Gives the application role of an API to an application's service principal.
async fn assign(t: &Contoso, token: &str, (api, value): (&str, &str), to: &str) -> Reply {
    let body = json!({
        "principalId": principal(t, to).await,
        "resourceId": principal(t, api).await,
        "appRoleId": role(t, api, value).await,
    });
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", principal(t, to).await);
    t.call("POST", &path, token, body).await
}

/// What `prompt=none` answers in a browser in which a user is signed in for another application.
async fn silent(t: &Contoso, user: &str, asked: &[(&str, &str)]) -> Reply {
    let browser = Browser::new(t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), user, PASSWORD).await);
    browser.open(&query(UNCONSENTED, &[asked, &[("prompt", "none")]].concat())).await
}

#[tokio::test]
async fn one_persons_consent_opens_nothing_for_another_row_139() {
    let t = start().await;
    let mallory = Browser::new(&t);
    let page = mallory.sign_in(&query(UNCONSENTED, &[]), "mallory", PASSWORD).await;
    assert!(back(&mallory.submit(&page, &[("answer", "yes")]).await).contains_key("code"));
    // The same session, without a question.
    assert!(back(&mallory.open(&query(UNCONSENTED, &[("prompt", "none")])).await).contains_key("code"));
    for scope in ["openid profile email", "openid", "openid offline_access"] {
        let asked = [("scope", scope)];
        let own = mallory.open(&query(UNCONSENTED, &[("scope", scope), ("prompt", "none")])).await;
        assert!(back(&own).contains_key("code"), "{scope}");
        assert_eq!(number(&silent(&t, "ada", &asked).await), 65_001, "{scope}");
        // The password grant of the same client, and a device.
        assert_eq!(t.by_password(UNCONSENTED, "ada", scope).await.no(), "400 invalid_grant 65001");
        t.by_password(UNCONSENTED, "mallory", scope).await.good();
    }
    // An administrator's consent is for everybody.
    let admin = t.graph_token("admin").await;
    let grant = json!({
        "clientId": principal(&t, UNCONSENTED).await,
        "consentType": "AllPrincipals",
        "resourceId": principal(&t, PLATFORM_APP).await,
        "scope": "AppManagement.ApplicationPackages.Read",
    });
    assert_eq!(t.call("POST", "/v1.0/oauth2PermissionGrants", &admin, grant).await.status, 201);
    assert!(back(&silent(&t, "ada", &[("scope", "openid profile email")]).await).contains_key("code"));
}

#[tokio::test]
async fn openid_connect_scopes_are_consented_to_and_kept_for_that_person_row_139() {
    let t = start().await;
    let asked = query(OIDC, &[("scope", "openid profile email offline_access")]);
    let browser = Browser::new(&t);
    let page = browser.sign_in(&asked, "ada", PASSWORD).await;
    for text in ["View your basic profile", "View your email address", "Keep access to data"] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    assert!(back(&browser.submit(&page, &[("answer", "yes")]).await).contains_key("code"));
    // Not asked again, and kept as a grant of this person at Graph.
    assert!(back(&browser.open(&asked).await).contains_key("code"));
    let kept = t.directory().await;
    let client = kept.principal_by_app(OIDC.parse().unwrap()).unwrap().id;
    let grants: Vec<_> = kept.grants_of(client).collect();
    let [grant] = grants[..] else { panic!("{grants:?}") };
    assert_eq!(grant.scopes, ["openid", "profile", "email", "offline_access"]);
    assert_eq!(grant.key.principal.unwrap().to_string(), "c0000000-0000-4000-8000-000000000002");
    assert_eq!(grant.key.resource.to_string(), principal(&t, GRAPH_APP).await);
    // Another person is asked, and nothing is kept of a no.
    let other = Browser::new(&t);
    let page = other.sign_in(&asked, "mallory", PASSWORD).await;
    assert!(page.text().contains("View your basic profile"));
    assert_eq!(number(&other.submit(&page, &[("answer", "no")]).await), 65_004);
    assert_eq!(t.directory().await.grants_of(client).count(), 1);
}

#[tokio::test]
async fn built_in_service_principals_are_nobodys_to_change_row_140() {
    let t = start().await;
    let tokens = [
        t.graph_token("admin").await,
        t.graph_token("appadmin").await,
        graph_app(&t, WRITER).await,
        t.graph_token("ada").await,
    ];
    let before = t.directory().await;
    for app in [GRAPH_APP, PLATFORM_APP, carnet_tests::AZURE_CLI, POWER_PLATFORM_CLI] {
        let id = principal(&t, app).await;
        for path in
            [format!("/v1.0/servicePrincipals/{id}"), format!("/v1.0/servicePrincipals(appId='{app}')")]
        {
            for token in &tokens {
                for body in [
                    json!({ "accountEnabled": false }),
                    json!({ "appRoleAssignmentRequired": true }),
                    json!({ "accountEnabled": true }),
                ] {
                    assert_eq!(t.call("PATCH", &path, token, body).await.no(), DENIED, "{path}");
                }
                if app != PLATFORM_APP {
                    assert_eq!(t.call("DELETE", &path, token, Value::Null).await.no(), DENIED, "{path}");
                }
            }
        }
        // A role for the built-in principal itself.
        let given = assign(&t, &tokens[0], (API, "Read.All"), app).await;
        assert_eq!(given.no(), DENIED);
    }
    assert_eq!(t.directory().await.version, before.version);
    // The nearest approvals: an application of the tenant, and an API that not every tenant has.
    let own = format!("/v1.0/servicePrincipals(appId='{API}')");
    assert_eq!(t.call("PATCH", &own, &tokens[1], json!({ "accountEnabled": false })).await.status, 204);
    let platform = format!("/v1.0/servicePrincipals(appId='{PLATFORM_APP}')");
    assert_eq!(t.call("DELETE", &platform, &tokens[3], Value::Null).await.no(), DENIED);
    assert_eq!(t.call("DELETE", &platform, &tokens[1], Value::Null).await.status, 204);
    assert_eq!(t.call("GET", &platform, &tokens[1], Value::Null).await.status, 404);
    let again = t.call("POST", "/v1.0/servicePrincipals", &tokens[1], json!({ "appId": PLATFORM_APP })).await;
    assert_eq!(again.status, 201);
}

#[tokio::test]
async fn a_start_restores_what_every_tenant_has_row_140() {
    let t = start().await;
    assert_eq!(t.restore_built_in().await, []);
    let seen = t.directory().await;
    let graph = seen.principal_by_app(GRAPH_APP.parse().unwrap()).unwrap().id;
    t.keep(&seen, vec![Change::Remove(ObjectKey::ServicePrincipal(graph))]).await;
    t.change_principal(PLATFORM_APP, |it| it.enabled = false).await;
    t.change_principal(POWER_PLATFORM_CLI, |it| it.assignment_required = true).await;
    let told: Vec<String> = t.restore_built_in().await.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for (words, name) in [
        ("missing and has been created", "Microsoft Graph (0"),
        ("as built in again", "Power Platform API (8"),
        ("as built in again", "Power Platform CLI"),
    ] {
        assert!(told.iter().any(|it| it.contains(words) && it.contains(name)), "{told:?}");
    }
    t.get("/v1.0/me", &t.graph_token("ada").await).await.good();
    t.by_password(POWER_PLATFORM_CLI, "ada", "https://service.powerapps.com//.default").await.good();
    assert_eq!(t.restore_built_in().await, []);
    // An application of the tenant that stands in for an API, or took its name, is left alone and told.
    let seen = t.directory().await;
    let graph = seen.principal_by_app(GRAPH_APP.parse().unwrap()).unwrap().id;
    t.keep(&seen, vec![Change::Remove(ObjectKey::ServicePrincipal(graph))]).await;
    t.change_principal(API, |it| it.names.push("https://graph.microsoft.com/".into())).await;
    let told: Vec<String> = t.restore_built_in().await.iter().map(ToString::to_string).collect();
    assert!(matches!(&told[..], [one] if one.contains("belongs to api")), "{told:?}");
}

#[tokio::test]
async fn an_application_role_takes_the_permission_to_assign_it_row_141() {
    let t = start().await;
    let role = (API, "Read.All");
    for scopes in [
        "Directory.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All Application.ReadWrite.All User.Read",
        // The permission without the one that reads service principals.
        "AppRoleAssignment.ReadWrite.All",
    ] {
        let token = graph(&t, "admin", scopes).await;
        assert_eq!(assign(&t, &token, role, OIDC).await.no(), DENIED, "{scopes}");
        let graph_role = (GRAPH_APP, "Directory.ReadWrite.All");
        assert_eq!(assign(&t, &token, graph_role, OIDC).await.no(), DENIED, "{scopes}");
    }
    let both = "AppRoleAssignment.ReadWrite.All Application.Read.All";
    // Neither makes up for the other: the scope without the role, the role of a lesser administrator at Graph.
    assert_eq!(assign(&t, &graph(&t, "ada", both).await, role, OIDC).await.no(), DENIED);
    let lesser = graph(&t, "appadmin", both).await;
    assert_eq!(assign(&t, &lesser, (GRAPH_APP, "User.Read.All"), OIDC).await.no(), DENIED);
    let made = assign(&t, &lesser, role, OIDC).await;
    assert_eq!(made.status, 201, "{made:?}");
    let admin = graph(&t, "admin", both).await;
    assert_eq!(assign(&t, &admin, (GRAPH_APP, "User.Read.All"), OIDC).await.status, 201);
    // Applications: the permission and its companion.
    let assigner = graph_app(&t, ASSIGNER).await;
    assert_eq!(assign(&t, &assigner, role, PUBLIC).await.no(), DENIED);
    assert_eq!(assign(&t, &graph_app(&t, WRITER).await, role, PUBLIC).await.no(), DENIED);

    // Taking it away is the same operation.
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments/{id}", principal(&t, OIDC).await);
    for scopes in ["Directory.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"] {
        let token = graph(&t, "admin", scopes).await;
        assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.no(), DENIED, "{scopes}");
    }
    assert_eq!(t.call("DELETE", &path, &graph(&t, "ada", both).await, Value::Null).await.no(), DENIED);
    // The permission to assign is enough for taking away.
    let alone = graph(&t, "appadmin", "AppRoleAssignment.ReadWrite.All").await;
    assert_eq!(t.call("DELETE", &path, &alone, Value::Null).await.status, 204);
    assert_eq!(t.call("DELETE", &path, &alone, Value::Null).await.status, 404);
}

#[tokio::test]
async fn roles_of_users_and_groups_are_read_and_assigned_by_their_own_permission_row_141() {
    let t = start().await;
    let user = "c0000000-0000-4000-8000-000000000002";
    let admin = t.graph_token("admin").await;
    let group =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = t.call("POST", "/v1.0/groups", &admin, group).await.good()["id"].as_str().unwrap().to_owned();
    let access = "00000000-0000-0000-0000-000000000000";
    for (path, holder) in [(format!("/v1.0/users/{user}"), user), (format!("/v1.0/groups/{group}"), &group)] {
        let path = format!("{path}/appRoleAssignments");
        let resource = principal(&t, API).await;
        let body = json!({ "principalId": holder, "resourceId": resource, "appRoleId": access });
        for scopes in ["Directory.ReadWrite.All", "Application.ReadWrite.All"] {
            let token = graph(&t, "admin", scopes).await;
            assert_eq!(t.call("POST", &path, &token, body.clone()).await.no(), DENIED, "{scopes}");
        }
        assert_eq!(t.get(&path, &graph(&t, "admin", "Application.ReadWrite.All").await).await.no(), DENIED);
        t.get(&path, &graph(&t, "ada", "Directory.ReadWrite.All").await).await.good();
        let token = graph(&t, "appadmin", "AppRoleAssignment.ReadWrite.All").await;
        let made = t.call("POST", &path, &token, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let one = format!("{path}/{}", made.json()["id"].as_str().unwrap());
        let without = graph(&t, "ada", "AppRoleAssignment.ReadWrite.All").await;
        assert_eq!(t.call("DELETE", &one, &without, Value::Null).await.no(), DENIED);
        assert_eq!(t.call("DELETE", &one, &token, Value::Null).await.status, 204);
    }
}

#[tokio::test]
async fn an_application_registers_nobody_by_its_own_token_row_150() {
    let t = start().await;
    let own = t.bap_token("admin").await;
    let path =
        |app: &str| format!("{}/{app}?api-version=2020-06-01", REGISTRATIONS.split('?').next().unwrap());
    let refused = t.call("PUT", &path(POWER_PLATFORM_CLI), &own, Value::Null).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (403, Some("Forbidden")));
    // The same person through the same client registers another application.
    assert_eq!(t.call("PUT", &path(UNREGISTERED), &own, Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_credential_takes_the_right_to_give_what_the_application_holds_row_152() {
    let t = start().await;
    let secret = async |token: &str, app: &str| {
        let path = format!("/v1.0/applications(appId='{app}')/addPassword");
        t.call("POST", &path, token, json!({ "passwordCredential": { "displayName": "x" } })).await
    };
    // A role of any API: the owner of an application cannot give it, an Application Administrator can.
    let owner = t.graph_token("mallory").await;
    let made = t.call("POST", "/v1.0/applications", &owner, json!({ "displayName": "mine" })).await.good();
    let mine = made["appId"].as_str().unwrap().to_owned();
    t.call("POST", "/v1.0/servicePrincipals", &owner, json!({ "appId": mine })).await.good();
    assert_eq!(secret(&owner, &mine).await.status, 200);
    let lesser = t.graph_token("appadmin").await;
    assert_eq!(assign(&t, &lesser, (API, "Read.All"), &mine).await.status, 201);
    assert_eq!(secret(&owner, &mine).await.no(), DENIED);
    assert_eq!(secret(&lesser, &mine).await.status, 200);
    let certificate = json!({ "keyCredentials": [] });
    let path = format!("/v1.0/applications(appId='{mine}')");
    assert_eq!(t.call("PATCH", &path, &owner, certificate.clone()).await.no(), DENIED);
    assert_eq!(t.call("PATCH", &path, &lesser, certificate).await.status, 204);
    // Without the permission to assign roles in the token, the role of the person counts for nothing.
    let narrow = graph(&t, "admin", "Application.ReadWrite.All").await;
    assert_eq!(secret(&narrow, HOLDER).await.no(), DENIED);
    assert_eq!(secret(&narrow, API).await.status, 200);
    let wide = graph(&t, "admin", "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All").await;
    assert_eq!(secret(&wide, HOLDER).await.status, 200);
    // An application permission of Graph, by the lesser administrator and by another application.
    assert_eq!(secret(&lesser, UNREGISTERED).await.no(), DENIED);
    assert_eq!(secret(&graph_app(&t, WRITER).await, UNREGISTERED).await.no(), DENIED);
    assert_eq!(secret(&graph_app(&t, WRITER).await, WRITER).await.status, 200);
    assert_eq!(secret(&graph_app(&t, WRITER).await, API).await.status, 200);
    assert_eq!(secret(&t.graph_token("admin").await, UNREGISTERED).await.status, 200);
    // A registration with Power Platform is given by its administrators alone.
    assert_eq!(secret(&lesser, CONFIDENTIAL).await.no(), DENIED);
    assert_eq!(secret(&t.graph_token("ppadmin").await, CONFIDENTIAL).await.status, 200);
}

#[tokio::test]
async fn a_member_joins_nobody_to_a_group_whose_roles_they_cannot_give_row_152() {
    let t = start().await;
    let owner = t.graph_token("mallory").await;
    let group =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = t.call("POST", "/v1.0/groups", &owner, group).await.good()["id"].as_str().unwrap().to_owned();
    let join = async |token: &str, user: &str| {
        let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{user}") });
        t.call("POST", &format!("/v1.0/groups/{group}/members/$ref"), token, body).await
    };
    assert_eq!(join(&owner, "c0000000-0000-4000-8000-0000000000b1").await.status, 204);
    let body = json!({
        "principalId": group,
        "resourceId": principal(&t, API).await,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    });
    let path = format!("/v1.0/groups/{group}/appRoleAssignments");
    let lesser = t.graph_token("appadmin").await;
    assert_eq!(t.call("POST", &path, &lesser, body).await.status, 201);
    assert_eq!(join(&owner, "c0000000-0000-4000-8000-000000000002").await.no(), DENIED);
    // Who gives the roles and may change groups.
    let admin = t.graph_token("admin").await;
    assert_eq!(join(&admin, "c0000000-0000-4000-8000-000000000002").await.status, 204);
}

#[tokio::test]
async fn a_member_consents_to_what_the_catalogue_leaves_to_members_row_157() {
    let t = start().await;
    let ask = async |user: &str, scope: &str| {
        let scope = format!("https://graph.microsoft.com/{scope}");
        Browser::new(&t).sign_in(&query(OIDC, &[("scope", &scope)]), user, PASSWORD).await
    };
    for scope in [
        "RoleManagement.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "Directory.AccessAsUser.All",
        "Policy.ReadWrite.Authorization",
        "User.Read.All",
    ] {
        assert_eq!(number(&ask("ada", scope).await), 90_094, "{scope}");
        assert!(ask("admin", scope).await.text().contains("name=\"answer\""), "{scope}");
    }
    // These two do not take an administrator, although one of them ends in `.All`.
    for scope in ["User.Read", "User.ReadBasic.All"] {
        assert!(ask("ada", scope).await.text().contains("name=\"answer\""), "{scope}");
    }
    // What the API says of itself.
    let graph = t.graph_token("ada").await;
    let path = format!("/v1.0/servicePrincipals(appId='{GRAPH_APP}')?$select=oauth2PermissionScopes");
    let body = t.get(&path, &graph).await.good();
    let kind = |value: &str| {
        let all = body["oauth2PermissionScopes"].as_array().unwrap();
        all.iter().find(|it| it["value"] == value).unwrap()["type"].as_str().unwrap().to_owned()
    };
    assert_eq!((kind("User.Read"), kind("RoleManagement.Read.Directory")), ("User".into(), "Admin".into()));
}

#[tokio::test]
async fn an_api_that_wants_its_users_assigned_gets_tokens_for_those_alone() {
    let t = start().await;
    let admin = t.graph_token("admin").await;
    let api = "https://api.powerplatform.com/.default";
    t.by_password(PUBLIC, "ada", api).await.good();
    t.change_principal(PLATFORM_APP, |it| it.assignment_required = true).await;
    let told = t.by_password(PUBLIC, "ada", api).await.no();
    assert!(told.ends_with(" 50105"), "{told}");
    assert_eq!(number(&Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await), 50_105);
    // Graph is another resource.
    t.by_password(carnet_tests::AZURE_CLI, "ada", "https://graph.microsoft.com/.default").await.good();
    let body = json!({
        "principalId": "c0000000-0000-4000-8000-000000000002",
        "resourceId": principal(&t, PLATFORM_APP).await,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
    });
    let path = "/v1.0/users/c0000000-0000-4000-8000-000000000002/appRoleAssignments";
    assert_eq!(t.call("POST", path, &admin, body).await.status, 201);
    t.by_password(PUBLIC, "ada", api).await.good();
    assert!(t.by_password(PUBLIC, "mallory", api).await.no().ends_with(" 50105"));
}
