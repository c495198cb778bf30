//! Codes, refresh tokens, assertions of users, device codes (4.4 of the reference).

use super::*;
use carnet_tests::{AZURE_CLI, OTHER_TENANT, PUBLIC, SECRET};

const NO: &str = "400 invalid_grant";

pub(super) async fn rows(table: &mut Table) {
    codes(table).await;
    families(table).await;
    ages(table).await;
    other_tenants(table).await;
    on_behalf(table).await;
    devices(table).await;
    device_pages(table).await;
}

async fn codes(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let used = code(&t, PAGES, &[]).await;
    redeem(&t, &used, &[]).await.good();
    table.add(54_005, "a code that was redeemed", NO, &redeem(&t, &used, &[]).await);
    let kind = redeem(&t, &refresh_token(&password(&t, "ada", &[]).await), &[]).await;
    table.add(70_000, "a refresh token as a code", NO, &kind);
    let mine = code(&t, PAGES, &[]).await;
    let wrong = "w".repeat(48);
    table.add(501_481, "a wrong verifier", NO, &redeem(&t, &mine, &[("code_verifier", &wrong)]).await);
    table.add(50_148, "no verifier", NO, &redeem(&t, &mine, &[("code_verifier", "")]).await);
    let other = redeem(&t, &mine, &[("client_id", PUBLIC)]).await;
    table.add(700_007, "a code of another client's", NO, &other);
    t.later(61);
    table.add(70_008, "a code after its minute", NO, &redeem(&t, &mine, &[]).await);
}

async fn families(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let first = refresh_token(&password(&t, "ada", &[]).await);
    refresh(&t, TENANT, PAGES, &first).await.good();
    t.later(62);
    table.add(50_173, "a refresh token after its grace", NO, &refresh(&t, TENANT, PAGES, &first).await);
    let idle = refresh_token(&password(&t, "ada", &[]).await);
    t.later(91 * 86_400);
    table.add(
        700_082,
        "a refresh token unused for ninety days",
        NO,
        &refresh(&t, TENANT, PAGES, &idle).await,
    );
    let left = refresh_token(&password(&t, "ada", &[]).await);
    let _ = administer(&t, "DELETE", "/v1.0/users/ada@contoso.example", Value::Null).await;
    table.add(500_341, "a refresh token of a deleted user", NO, &refresh(&t, TENANT, PAGES, &left).await);
}

/// Sign-ins that are older than the tenant lets them become.
async fn ages(table: &mut Table) {
    let t = Contoso::with("sign_in_frequency_hours = 2\nrefresh_max_age_days = 1", APPLICATIONS).await;
    let token = refresh_token(&password(&t, "ada", &[]).await);
    let browser = Browser::new(&t);
    let _ = back(&sign_in(&browser, "ada", PAGES, &[]).await)["code"].clone();
    t.later(7199);
    let token = refresh_token(&refresh(&t, TENANT, PAGES, &token).await);
    let silent = [("prompt", "none")];
    assert!(back(&open(&browser, TENANT, PAGES, &silent).await).contains_key("code"));
    t.later(1);
    let late = refresh(&t, TENANT, PAGES, &token).await;
    table.add(70_043, "a refresh token of a sign-in that is too old", "400 invalid_grant", &late);
    let late = open(&browser, TENANT, PAGES, &silent).await;
    table.add(70_044, "a session that is too old", "back login_required", &late);
    assert_eq!(open(&browser, TENANT, PAGES, &[]).await.status, 200, "somebody is asked again");
    t.later(22 * 3600);
    table.add(
        700_081,
        "a refresh token past its longest life",
        NO,
        &refresh(&t, TENANT, PAGES, &token).await,
    );
}

async fn other_tenants(table: &mut Table) {
    let t = Setup::new("", APPLICATIONS).and(FABRIKAM).start().await;
    let scope = "https://graph.microsoft.com/.default offline_access";
    let token = refresh_token(&t.by_password(AZURE_CLI, "ada", scope).await);
    let elsewhere = refresh(&t, OTHER_TENANT, AZURE_CLI, &token).await;
    table.add(7_000_012, "a refresh token of another tenant", NO, &elsewhere);
    refresh(&t, TENANT, AZURE_CLI, &token).await.good();
    let code = code(&t, AZURE_CLI, &[("scope", scope), ("redirect_uri", "http://localhost")]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", AZURE_CLI),
        ("code", &code),
        ("redirect_uri", "http://localhost"),
        ("code_verifier", VERIFIER),
    ];
    let elsewhere = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields).await;
    table.add(700_005, "a code of another tenant", NO, &elsewhere);
    t.token(&fields).await.good();

    let fields = [
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("scope", "https://graph.microsoft.com/.default"),
        ("username", "ada@fabrikam.example"),
        ("password", PASSWORD),
    ];
    let theirs = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields).await.access_token();
    let swapped = swap(&t, "v2.0/", &theirs, ("scope", SCOPE)).await;
    table.add(1_000_014, "on behalf of another tenant's user", NO, &swapped);
}

/// On behalf of a user, at an edition.
async fn swap(t: &Contoso, edition: &str, assertion: &str, target: (&str, &str)) -> Reply {
    let fields = [
        ("grant_type", ON_BEHALF),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", API),
        ("client_secret", SECRET),
        ("assertion", assertion),
        target,
    ];
    t.form(&format!("/{TENANT}/oauth2/{edition}token"), &fields).await
}

async fn on_behalf(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let front = password(&t, "ada", &[("client_id", FRONT), ("scope", "api://middle/act openid")]).await;
    let token = front.access_token();
    let target = ("scope", SCOPE);
    let ask = async |assertion: &str| swap(&t, "v2.0/", assertion, target).await;
    ask(&token).await.good();
    table.add(500_132, "on behalf of nothing that can be read", NO, &ask("x").await);
    let (head, _) = token.rsplit_once('.').unwrap();
    table.add(50_013, "on behalf of a forged token", NO, &ask(&format!("{head}.AAAA")).await);
    table.add(500_131, "on behalf of a token for somebody else", NO, &ask(&t.graph_token("ada").await).await);
    let id_token = front.good()["id_token"].as_str().unwrap().to_owned();
    table.add(240_002, "on behalf of an ID token", NO, &ask(&id_token).await);
    let first = swap(&t, "", &token, ("resource", "https://api.powerplatform.com")).await;
    table.add_v1(500_136, "a v2.0 token at the v1.0 endpoint", NO, &first);
    t.later(24 * 3600);
    table.add(500_133, "on behalf of a token that is over", NO, &ask(&token).await);
}

async fn begin(t: &Contoso) -> Value {
    let fields = [("client_id", PAGES), ("scope", LASTING)];
    t.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &fields).await.good()
}

async fn poll(t: &Contoso, code: &str) -> Reply {
    let fields = [("grant_type", "device_code"), ("client_id", PAGES), ("device_code", code)];
    t.token(&fields).await
}

async fn devices(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let begun = begin(&t).await;
    let code = begun["device_code"].as_str().unwrap();
    table.add(
        70_016,
        "a device code that nobody answered",
        "400 authorization_pending",
        &poll(&t, code).await,
    );
    // An API for work accounts is no device's either, where accounts of every kind sign in.
    let asked = [("client_id", ANYONE), ("scope", LEGACY)];
    let over = async |tenant: &str| t.form(&format!("/{tenant}/oauth2/v2.0/devicecode"), &asked).await;
    assert_eq!(over("common").await.no(), "400 invalid_resource 90124");
    over("organizations").await.good();
    table.add(7_000_014, "a device code that is none", "400 bad_verification_code", &poll(&t, "x").await);
    t.later(901);
    table.add(70_020, "a device code that is over", "400 expired_token", &poll(&t, code).await);
}

async fn device_pages(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let browser = Browser::new(&t);
    let typed = async |code: &str| {
        let page = browser.get("/common/oauth2/deviceauth").await;
        browser.submit(&page, &[("user_code", code)]).await
    };
    table.add(90_119, "no user code", "alert", &typed(" ").await);
    table.add(50_189, "a user code that cannot be one", "alert", &typed("12345").await);
    table.add(70_018, "a user code that is wrong", "alert", &typed("BBBBBBBBB").await);
    let begun = begin(&t).await;
    let account = typed(begun["user_code"].as_str().unwrap()).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let page = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    let other = Browser::new(&t);
    let form = other.get("/common/oauth2/deviceauth").await;
    let account = other.submit(&form, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = other.submit(&account, &[("username", "ada@contoso.example")]).await;
    let late = other.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
    let answer = other.submit(&late, &[("answer", "no")]).await;
    table.add(90_120, "a user code that was answered", "page", &answer);
    let begun = begin(&t).await;
    t.later(901);
    table.add(
        70_019,
        "a user code that is over",
        "alert",
        &typed(begun["user_code"].as_str().unwrap()).await,
    );
}
