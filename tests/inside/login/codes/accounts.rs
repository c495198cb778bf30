//! People: their passwords, sessions and second factors, and what tenants forbid (4.5 and 4.6 of the reference).

use super::{super::second_factor, *};
use carnet_tests::tenant_file;

const NO: &str = "400 invalid_grant";
const USERS: &str = "[[user]]\nname = \"off@contoso.example\"\npassword = \"Correct-horse-7\"\nenabled = false\n\
    [[user]]\nname = \"empty@contoso.example\"\n\
    [[user]]\nname = \"forced@contoso.example\"\npassword = \"Correct-horse-7\"\n\
    [[user]]\nname = \"blocked@contoso.example\"\npassword = \"Correct-horse-7\"\n\
    [[user]]\nname = \"second@contoso.example\"\npassword = \"Correct-horse-7\"\n\
    [[user]]\nname = \"mfa@contoso.example\"\npassword = \"Correct-horse-7\"\ntotp = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n";
const POLICY: &str =
    "block = [\"user:blocked@contoso.example\"]\nrequire_mfa = [\"user:second@contoso.example\"]";

pub(super) async fn rows(table: &mut Table) {
    passwords(table).await;
    revealed(table).await;
    sessions(table).await;
    second_factors(table).await;
    old_factors(table).await;
    assignments(table).await;
}

async fn passwords(table: &mut Table) {
    let t = Contoso::with(POLICY, &format!("{APPLICATIONS}\n{USERS}")).await;
    password(&t, "ada", &[]).await.good();
    let path = "/v1.0/users/forced@contoso.example";
    let new = json!({ "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": true } });
    let _ = administer(&t, "PATCH", path, new).await;
    table.add(50_126, "a wrong password", NO, &password(&t, "ada", &[("password", "Wrong-1")]).await);
    for (code, trigger, user) in [
        (50_055, "a password that has to be changed", "forced"),
        (50_057, "an account that is switched off", "off"),
        (50_076, "a password where a second factor is registered", "mfa"),
        (50_079, "a password where a second factor is demanded", "second"),
        (53_003, "an account that a rule of the tenant blocks", "blocked"),
    ] {
        table.add(code, trigger, NO, &password(&t, user, &[]).await);
    }
}

/// What is told only where the operator lets it be told.
async fn revealed(table: &mut Table) {
    let t = Contoso::with("reveal_user = true", &format!("{APPLICATIONS}\n{USERS}")).await;
    table.add(
        50_034,
        "an account that is not there, and that may be told",
        NO,
        &password(&t, "nobody", &[]).await,
    );
    table.add(
        50_056,
        "an account without a password, and that may be told",
        NO,
        &password(&t, "empty", &[]).await,
    );
    for number in 0..10 {
        let wrong = format!("Wrong-{number}");
        let _ = password(&t, "ada", &[("password", &wrong)]).await;
    }
    table.add(50_053, "an account that is locked, and that may be told", NO, &password(&t, "ada", &[]).await);
    let safe = Contoso::with("", &format!("{APPLICATIONS}\n{USERS}")).await;
    for user in ["nobody", "empty"] {
        assert_eq!(password(&safe, user, &[]).await.no(), "400 invalid_grant 50126", "{user}");
    }
}

async fn sessions(table: &mut Table) {
    let t = Setup::new("", &format!("{APPLICATIONS}\n{USERS}")).and(FABRIKAM).start().await;
    let silent = [("prompt", "none")];
    let none = open(&Browser::new(&t), TENANT, PAGES, &silent).await;
    table.add(50_058, "a silent sign-in without a session", "back login_required", &none);
    let ada = Browser::new(&t);
    assert!(back(&sign_in(&ada, "ada", PAGES, &[]).await).contains_key("code"));
    let hinted = open(&ada, TENANT, PAGES, &[silent[0], ("domain_hint", "fabrikam.example")]).await;
    table.add(50_143, "a session of another tenant than hinted at", "back interaction_required", &hinted);
    let hinted = open(&ada, TENANT, PAGES, &[("domain_hint", "nowhere.example")]).await;
    table.add(50_107, "a hint at a domain that nobody has", "back invalid_request", &hinted);

    let forced = Browser::new(&t);
    assert!(back(&sign_in(&forced, "forced", PAGES, &[]).await).contains_key("code"));
    t.later(60);
    let new =
        json!({ "passwordProfile": { "password": "Other-horse-8", "forceChangePasswordNextSignIn": false } });
    let _ = administer(&t, "PATCH", "/v1.0/users/forced@contoso.example", new).await;
    let changed = open(&forced, TENANT, PAGES, &silent).await;
    table.add(50_133, "a session from before a new password", "back login_required", &changed);
    let _ = administer(&t, "POST", "/v1.0/users/ada@contoso.example/revokeSignInSessions", Value::Null).await;
    let ended = open(&ada, TENANT, PAGES, &silent).await;
    table.add(50_132, "a session that was revoked", "back login_required", &ended);
    assert_eq!(open(&ada, TENANT, PAGES, &[]).await.status, 200, "somebody is asked again");

    let gone = Browser::new(&t);
    assert!(back(&sign_in(&gone, "blocked", PAGES, &[]).await).contains_key("code"));
    let _ = administer(&t, "DELETE", "/v1.0/users/blocked@contoso.example", Value::Null).await;
    let deleted = open(&gone, TENANT, PAGES, &silent).await;
    table.add(50_197, "a session of an account that is gone", "back interaction_required", &deleted);
    let wrong = Browser::new(&t);
    let page = sign_in(&wrong, "mfa", PAGES, &[]).await;
    table.add(500_121, "a wrong second factor", "alert", &wrong.submit(&page, &[("otc", "000000")]).await);
}

/// A second factor that was shown too long ago.
async fn old_factors(table: &mut Table) {
    let policy = "second_factor_hours = 1";
    let t = Contoso::with(policy, &format!("{APPLICATIONS}\n{}", second_factor::somebody())).await;
    let (browser, one) = (Browser::new(&t), Browser::new(&t));
    let asked = sign_in(&browser, "mfa", PAGES, &[]).await;
    let now = carnet_tests::NOW.seconds();
    let code = back(&browser.submit(&asked, &[("otc", &second_factor::code_at(now))]).await)["code"].clone();
    let token = refresh_token(&redeem(&t, &code, &[]).await);
    // Who has no second factor has none that is over.
    assert!(back(&sign_in(&one, "ada", PAGES, &[]).await).contains_key("code"));
    t.later(3599);
    let token = refresh_token(&refresh(&t, TENANT, PAGES, &token).await);
    t.later(1);
    let silent = [("prompt", "none")];
    assert!(back(&open(&one, TENANT, PAGES, &silent).await).contains_key("code"));
    table.add(50_078, "a second factor of an hour ago", NO, &refresh(&t, TENANT, PAGES, &token).await);
    let over = open(&browser, TENANT, PAGES, &silent).await;
    assert_eq!(told(&over), "back interaction_required 50078");
    let account = open(&browser, TENANT, PAGES, &[]).await;
    let name = [("username", "mfa@contoso.example")];
    let asked = browser.submit(&browser.submit(&account, &name).await, &[("passwd", PASSWORD)]).await;
    let again = [("otc", &*second_factor::code_at(now + 3600))];
    assert!(back(&browser.submit(&asked, &again).await).contains_key("code"));
    assert!(back(&open(&browser, TENANT, PAGES, &silent).await).contains_key("code"));
}

/// Sessions without the second factor that is demanded of them.
async fn second_factors(table: &mut Table) {
    let policy = format!("require_mfa = [\"app:{ASKS}\"]");
    let account = "[[user]]\nname = \"late@contoso.example\"\npassword = \"Correct-horse-7\"\n";
    let t = Contoso::with(&policy, &format!("{APPLICATIONS}\n{account}")).await;
    let silent = [("prompt", "none")];
    let late = Browser::new(&t);
    assert!(back(&sign_in(&late, "late", PAGES, &[]).await).contains_key("code"));
    let weak = open(&late, TENANT, ASKS, &silent).await;
    table.add(50_072, "a session where a second factor is demanded", "back interaction_required", &weak);
    let registered = format!("{APPLICATIONS}\n{account}totp = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n");
    t.seed(&tenant_file(&policy, &registered)).await;
    let weak = open(&late, TENANT, PAGES, &silent).await;
    table.add(50_074, "a session from before a second factor", "back interaction_required", &weak);

    let several = Browser::new(&t);
    assert!(back(&sign_in(&several, "ada", PAGES, &[]).await).contains_key("code"));
    assert!(back(&sign_in(&several, "admin", PAGES, &[("prompt", "login")]).await).contains_key("code"));
    let both = open(&several, TENANT, PAGES, &silent).await;
    table.add(16_000, "a silent sign-in where two are signed in", "back interaction_required", &both);
}

async fn assignments(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    switch(&t, PAGES, "appRoleAssignmentRequired", true).await;
    table.add(50_105, "a user who is not assigned to the application", NO, &password(&t, "ada", &[]).await);
    switch(&t, API, "appRoleAssignmentRequired", true).await;
    let unassigned = t.by_secret(carnet_tests::CONFIDENTIAL, carnet_tests::SECRET, "api://middle").await;
    table.add(501_051, "an application that is not assigned to the API", NO, &unassigned);
}
