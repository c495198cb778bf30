//! APIs, scopes and consent (4.7 of the reference).

use super::*;
use carnet_tests::{CONFIDENTIAL, POWER_PLATFORM_CLI, SECRET, UNCONSENTED};

const NO: &str = "400 invalid_grant";

pub(super) async fn rows(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    scopes(table, &t).await;
    consent(table, &t).await;
    pages(table, &t).await;
    redemption(table, &t).await;
}

async fn scopes(table: &mut Table, t: &Contoso) {
    for (code, trigger, expected, scope) in [
        (500_011, "an API that nobody knows", "400 invalid_resource", "https://nowhere.example/.default"),
        (
            650_053,
            "a scope that the API has not",
            "400 invalid_client",
            "https://api.powerplatform.com/No.Such",
        ),
        (70_011, "a scope that is none", "400 invalid_scope", "https://api.powerplatform.com/"),
        (
            28_000,
            "scopes of two APIs",
            "400 invalid_scope",
            "https://api.powerplatform.com/.default api://middle/act",
        ),
    ] {
        table.add(code, trigger, expected, &password(t, "ada", &[("scope", scope)]).await);
    }
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read"),
    ];
    table.add(1_002_012, "an application without .default", "400 invalid_scope", &t.token(&fields).await);
}

async fn consent(table: &mut Table, t: &Contoso) {
    let ask = async |client: &str, scope: &str| t.by_password(client, "ada", scope).await;
    table.add(65_001, "what nobody consented to", NO, &ask(UNCONSENTED, SCOPE).await);
    let bare = ask(BARE, SCOPE).await;
    table.add(650_056, "an API that the registration does not list", "400 unauthorized_client", &bare);
    let name = "ada@contoso.example";
    let fields = [
        ("grant_type", "password"),
        ("client_id", BARE),
        ("resource", "https://api.powerplatform.com"),
        ("username", name),
        ("password", PASSWORD),
    ];
    let bare = first_edition(t, TENANT, &fields).await;
    table.add_v1(650_057, "the same over v1.0", "400 invalid_resource", &bare);
    let cli = ask(POWER_PLATFORM_CLI, "https://management.azure.com//.default").await;
    table.add(65_002, "Microsoft's command line for an API it is not for", NO, &cli);
    let itself = format!("{POWER_PLATFORM_CLI}/.default");
    table.add(65_003, "Microsoft's command line for itself", NO, &ask(POWER_PLATFORM_CLI, &itself).await);
    let fields = [("client_id", API), ("client_secret", SECRET), ("scope", "api://middle/.default")];
    let itself = password(t, "ada", &fields).await;
    table.add(
        90_009,
        "an application for itself, by another name than its id",
        "400 invalid_resource",
        &itself,
    );
}

async fn pages(table: &mut Table, t: &Contoso) {
    let wide = [("scope", "https://graph.microsoft.com/Directory.ReadWrite.All")];
    let page = sign_in(&Browser::new(t), "ada", PAGES, &wide).await;
    table.add(90_094, "what only an administrator may grant", "page", &page);
    let browser = Browser::new(t);
    let page = sign_in(&browser, "ada", ASKS, &[]).await;
    table.add(
        65_004,
        "a no to what is asked",
        "back access_denied",
        &browser.submit(&page, &[("answer", "no")]).await,
    );
    let code = [("scope", "aebc6443-996d-45c2-90f0-388ff96faa56/.default")];
    let missing = open(&browser, TENANT, ASKS, &code).await;
    table.add(
        650_052,
        "an application of Microsoft's that the tenant has not, and that is no API",
        "back invalid_client",
        &missing,
    );

    let listed = json!({ "requiredResourceAccess": [{
        "resourceAppId": "8578e004-a5c6-46e7-913e-12f58912df43",
        "resourceAccess": [{ "id": "00000000-0000-4000-8000-00000000dead", "type": "Scope" }],
    }] });
    let _ = administer(t, "PATCH", &format!("/v1.0/applications(appId='{ASKS}')"), listed).await;
    let nothing = open(&browser, TENANT, ASKS, &[]).await;
    table.add(65_006, "permissions that the API does not publish", "back invalid_client", &nothing);
    roles(table, t).await;
}

/// Everyone's consent to what only users may hold.
async fn roles(table: &mut Table, t: &Contoso) {
    let listed = json!({ "requiredResourceAccess": [{
        "resourceAppId": "a0000000-0000-4000-8000-0000000000b9",
        "resourceAccess": [{ "id": "f0000000-0000-4000-8000-0000000000b9", "type": "Role" }],
    }] });
    let _ = administer(t, "PATCH", &format!("/v1.0/applications(appId='{ASKS}')"), listed).await;
    let browser = Browser::new(t);
    assert!(back(&sign_in(&browser, "admin", PAGES, &[]).await).contains_key("code"));
    let path = format!("/{TENANT}/adminconsent?client_id={ASKS}&redirect_uri={}", percent(BACK));
    let refused = browser.get(&path).await;
    table.add(650_061, "an application that lists a role for users", "back invalid_client", &refused);
}

async fn redemption(table: &mut Table, t: &Contoso) {
    let code = code(t, PAGES, &[]).await;
    let wrong = redeem(t, &code, &[("scope", "https://api.powerplatform.com/")]).await;
    table.add(28_002, "a code with a scope that is none", "400 invalid_scope", &wrong);
    let empty = redeem(t, &code, &[("scope", " ")]).await;
    table.add(28_003, "a code with an empty scope", "400 invalid_scope", &empty);
    redeem(t, &code, &[]).await.good();
}
