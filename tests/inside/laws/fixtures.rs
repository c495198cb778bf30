//! Stores that the previous release wrote (`tests/fixtures`): what they held, they still hold.

use crate::login::second_factor::code_at;
use carnet_http::clock::Clock;
use carnet_store::engine::{Engine, Sql};
use carnet_tenant::application::foreign_uris;
use carnet_tests::{
    Contoso, PASSWORD, PLATFORM, PUBLIC, TENANT,
    browser::{Browser, back, query},
    fixture::{self, BUILT_IN, Fixture, USUAL},
};
use carnet_wire::{digest, ids::TenantId};
use serde_json::{Value, json};

const GRAPH: &str = "https://graph.microsoft.com";
/// Applications that only the fixtures have.
const CONSENTED: &str = "a0000000-0000-4000-8000-000000000005";
const OIDC: &str = "a0000000-0000-4000-8000-000000000006";
const FOREIGN: &str = "a0000000-0000-4000-8000-000000000007";
const MALLORY: &str = "c0000000-0000-4000-8000-000000000003";
const STRANGER: &str = "203.0.113.9";
/// What the sources were under which the fixtures know their users.
const OWNERS: [&str; 2] = ["127.0.0.1", "::1"];

/// A law about a fixture: one body, run over its SQLite file always and over its PostgreSQL dump where a cluster is
/// prepared.
macro_rules! upgraded {
    (async fn $name:ident($fixture:ident: $store:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn law($fixture: Fixture) $body

            #[tokio::test]
            async fn sqlite() {
                law(fixture::sqlite($store).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(fixture) = fixture::postgres($store).await {
                    law(fixture).await;
                }
            }
        }
    };
}

fn refreshing(token: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", token),
        ("scope", "https://api.powerplatform.com/.default offline_access"),
    ]
}

async fn password(server: &Contoso, user: &str, address: &str) -> Result<(), String> {
    server.come_from(address);
    let reply = server.by_password(PUBLIC, user, &format!("{PLATFORM}/.default")).await;
    if reply.status == 200 { Ok(()) } else { Err(reply.no()) }
}

upgraded! {
    async fn a_refresh_token_is_redeemed(fixture: USUAL) {
    let Fixture { server, facts } = fixture;
    let good = server.token(&refreshing(&facts.refresh_token)).await.good();
    assert!(good["refresh_token"].is_string());
    let other = format!("{}A", facts.refresh_token);
    assert_eq!(server.token(&refreshing(&other)).await.no(), "400 invalid_grant 9002313");
}
}

upgraded! {
    async fn a_locked_account_is_locked_and_its_known_sources_sign_in(fixture: USUAL) {
    let server = fixture.server;
    assert_eq!(password(&server, "locked", STRANGER).await, Err("400 invalid_grant 50126".into()));
    // An earlier release knew IPv6 addresses one by one; the network is known from the next sign-in on.
    assert_eq!(password(&server, "locked", "::2").await, Err("400 invalid_grant 50126".into()));
    for address in OWNERS {
        assert_eq!(password(&server, "locked", address).await, Ok(()), "{address}");
    }
    assert_eq!(password(&server, "locked", "::2").await, Ok(()));
    assert_eq!(password(&server, "locked", STRANGER).await, Err("400 invalid_grant 50126".into()));
    server.later(61);
    assert_eq!(password(&server, "locked", STRANGER).await, Ok(()));
}
}

upgraded! {
    async fn a_known_source_that_locked_itself_is_locked_alone(fixture: USUAL) {
    let server = fixture.server;
    assert_eq!(password(&server, "bob", "::1").await, Err("400 invalid_grant 50126".into()));
    assert_eq!(password(&server, "bob", "127.0.0.1").await, Ok(()));
    assert_eq!(password(&server, "bob", STRANGER).await, Ok(()));
    server.later(61);
    assert_eq!(password(&server, "bob", "::1").await, Ok(()));
}
}

upgraded! {
    async fn a_second_factor_that_is_locked_is_locked_and_known_sources_prove_it(fixture: USUAL) {
    let server = fixture.server;
    // The codes of the first minute were used when the store was made.
    server.later(40);
    assert!(!second(&server, STRANGER).await);
    assert!(second(&server, "127.0.0.1").await);
    server.later(15);
    assert!(!second(&server, STRANGER).await);
    assert!(second(&server, "::1").await);
    server.later(61);
    assert!(second(&server, STRANGER).await);
}
}

upgraded! {
    async fn a_new_password_opens_a_second_factor_that_was_locked_before_row_146(fixture: USUAL) {
    let server = fixture.server;
    server.later(40);
    let token = server.graph_token("admin").await;
    let profile =
        json!({ "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false } });
    let reply = server.call("PATCH", "/v1.0/users/mfa@contoso.example", &token, profile).await;
    assert_eq!(reply.status, 204);
    assert!(second(&server, STRANGER).await);
}
}

/// A right second factor of `mfa`, half a minute ahead: whether it leads on to the question for consent.
async fn second(server: &Contoso, address: &str) -> bool {
    server.come_from(address);
    let browser = Browser::new(server);
    let page = browser.sign_in(&query(CONSENTED, &[]), "mfa", PASSWORD).await;
    assert!(page.text().contains("name=\"otc\""), "{}", page.text());
    let code = code_at(server.clock.now().seconds() + 30);
    browser.submit(&page, &[("otc", &code)]).await.text().contains("name=\"answer\"")
}

upgraded! {
    async fn grants_and_names_are_as_they_were(fixture: USUAL) {
    let server = fixture.server;
    let token = server.graph_token("admin").await;
    let list = server.get("/v1.0/oauth2PermissionGrants", &token).await.good();
    let mut grants: Vec<String> = list["value"].as_array().unwrap().iter().map(shown).collect();
    grants.sort();
    assert_eq!(grants, [
        "d0000000-0000-4000-8000-000000000001 everyone AppManagement.ApplicationPackages.Read EnvironmentManagement.Environments.Read",
        "d0000000-0000-4000-8000-000000000003 everyone User.Read",
        &format!("d0000000-0000-4000-8000-000000000005 {MALLORY} AppManagement.ApplicationPackages.Read"),
        &format!("d0000000-0000-4000-8000-000000000006 {MALLORY} User.Read"),
    ]);
    let foreign = server.get(&format!("/v1.0/applications(appId='{FOREIGN}')"), &token).await.good();
    assert_eq!(foreign["identifierUris"], json!(["https://foreign.example/api"]));
}
}

fn shown(grant: &Value) -> String {
    let text = |name: &str| grant[name].as_str().unwrap_or("everyone");
    format!("{} {} {}", text("clientId"), text("principalId"), text("scope"))
}

upgraded! {
    async fn who_consented_is_not_asked_again_and_who_did_not_is_row_139(fixture: USUAL) {
    let Fixture { server, facts } = fixture;
    let oidc = [("scope", "openid profile offline_access")];
    // Mallory's own consent of either application covers the scopes of OpenID Connect, everybody's covers Ada's.
    for (app, user) in [(CONSENTED, "mallory"), (OIDC, "mallory")] {
        let browser = Browser::new(&server);
        let answer = browser.sign_in(&query(app, &oidc), user, PASSWORD).await;
        assert!(back(&answer).contains_key("code"), "{app} {user}: {}", answer.text());
    }
    server.by_password(PUBLIC, "ada", "openid profile").await.good();
    // Ada used the application on the strength of Mallory's consent. She is asked, once.
    let refreshed = [
        ("grant_type", "refresh_token"),
        ("client_id", OIDC),
        ("refresh_token", facts.oidc_refresh_token.as_str()),
        ("scope", "openid profile offline_access"),
    ];
    assert_eq!(server.token(&refreshed).await.no(), "400 invalid_grant 65001");
    let browser = Browser::new(&server);
    let page = browser.sign_in(&query(OIDC, &oidc), "ada", PASSWORD).await;
    let answer = browser.submit(&page, &[("answer", "yes")]).await;
    assert!(back(&answer).contains_key("code"), "{}", answer.text());
    server.token(&refreshed).await.good();
}
}

upgraded! {
    async fn names_that_are_forbidden_by_now_are_reported_and_stay_row_142(fixture: USUAL) {
    let directory = fixture.server.directory().await;
    let told: Vec<String> =
        foreign_uris(&directory).into_iter().map(|it| format!("{} {}", it.app_id, it.uri)).collect();
    assert!(told.contains(&format!("{FOREIGN} https://foreign.example/api")), "{told:?}");
}
}

upgraded! {
    async fn built_in_principals_are_restored_row_140(fixture: BUILT_IN) {
    let server = fixture.server;
    let principal = async |name: &str| {
        let directory = server.directory().await;
        directory.principal_by_name(name).map(|it| (it.enabled, it.scopes.is_empty()))
    };
    assert_eq!(principal(GRAPH).await, None);
    assert_eq!(principal(PLATFORM).await.map(|it| it.0), Some(false));
    let told: Vec<String> = server.restore_built_in().await.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|it| it.contains("Microsoft Graph") && it.contains("has been created")), "{told:?}");
    assert!(told.iter().any(|it| it.contains("Power Platform API") && it.contains("disabled")), "{told:?}");
    assert_eq!(principal(GRAPH).await, Some((true, false)));
    assert_eq!(principal(PLATFORM).await.map(|it| it.0), Some(true));
    let token = server.graph_token("admin").await;
    assert_eq!(server.get("/v1.0/me", &token).await.status, 200);
    assert_eq!(server.restore_built_in().await, []);
}
}

upgraded! {
    async fn built_in_principals_get_the_permissions_of_this_release(fixture: USUAL) {
    let Fixture { server, facts } = fixture;
    let graph = async || {
        let directory = server.directory().await;
        directory.principal_by_name(GRAPH).unwrap().clone()
    };
    // Until the next start they publish what the former release kept.
    let before = graph().await;
    assert!(before.scopes.len() < 100 && before.scopes.by_value("User.Read").is_some());
    assert!(before.scopes.by_value("Mail.Read").is_none());
    let refreshed = server.token(&refreshing(&facts.refresh_token)).await.good();
    server.restore_built_in().await;
    let after = graph().await;
    assert!(after.scopes.by_value("Mail.Read").is_some() && after.app_roles.by_value("Mail.Read").is_some());
    assert_eq!((after.id, after.created, after.enabled), (before.id, before.created, before.enabled));
    // Whatever was published then is published now, under the same id.
    for scope in before.scopes.iter() {
        assert_eq!(after.scopes.by_id(scope.id).map(|it| &it.value), Some(&scope.value));
    }
    for role in before.app_roles.iter() {
        assert_eq!(after.app_roles.by_id(role.id).map(|it| &it.value), Some(&role.value));
    }
    // Grants and roles mean what they meant.
    let token = refreshed["refresh_token"].as_str().unwrap().to_owned();
    server.token(&refreshing(&token)).await.good();
    let token = server.graph_token("admin").await;
    assert_eq!(server.get("/v1.0/users", &token).await.status, 200);
    assert!(server.directory().await.principal_by_name("https://outlook.office365.com").is_some());
    assert_eq!(server.restore_built_in().await, []);
}
}

upgraded! {
    async fn the_records_and_the_audit_are_whole(fixture: USUAL) {
    let engine = fixture.server.engine().await;
    assert!(audit(&engine).await > 5);
    assert!(records(&engine).await > 30);
}
}

upgraded! {
    async fn a_store_without_microsoft_graph_opens(fixture: BUILT_IN) {
    let Fixture { server, facts } = fixture;
    let keys = server.get(&format!("/{TENANT}/discovery/v2.0/keys"), "").await.good();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(audit(&server.engine().await).await > 6);
    assert!(facts.at > 0);
}
}

/// Follows the links of the audit to the tenant's head; how many records it has.
async fn audit(engine: &Engine) -> usize {
    const AUDIT: Sql = "select version, body, previous, digest from audit order by version";
    const HEAD: Sql = "select audit_head from tenant";
    let tenant: TenantId = TENANT.parse().unwrap();
    let rows = engine.read(AUDIT, vec![]).await.unwrap();
    let mut head = vec![0; 32];
    for row in &rows {
        assert_eq!(row.bytes(2).unwrap(), head);
        let version = row.int(0).to_be_bytes();
        head = digest::sha256(&[&head, tenant.uuid().as_bytes(), &version, row.text(1).as_bytes()]).to_vec();
        assert_eq!(row.bytes(3).unwrap(), head);
    }
    assert_eq!(engine.read(HEAD, vec![]).await.unwrap()[0].bytes(0).unwrap(), head);
    rows.len()
}

/// Follows the links of the sign-in records to the head that the newest attestation names; how many they are.
async fn records(engine: &Engine) -> i64 {
    const ATTESTED: Sql =
        "select body from audit where body like '%Attest sign-in records%' order by version desc";
    const RECORDS: Sql = "select n, body, digest from sign_in order by n";
    let attested = engine.read(ATTESTED, vec![]).await.unwrap();
    let told: Value = serde_json::from_str(attested[0].text(0)).unwrap();
    let (number, digest) = told[0]["modified"][0][2].as_str().unwrap().split_once(':').unwrap();
    let mut previous = [0; 32];
    for row in engine.read(RECORDS, vec![]).await.unwrap() {
        previous = digest::sha256(&[&previous, &row.int(0).to_be_bytes(), row.text(1).as_bytes()]);
        assert_eq!(row.bytes(2).unwrap(), previous);
    }
    assert_eq!(digest::hex(&previous), digest);
    number.parse().unwrap()
}
