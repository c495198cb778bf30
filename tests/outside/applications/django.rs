//! Django with Microsoft's `identity` package, which signs people in with MSAL for Python.

use super::{
    browser::Browser,
    stage::{ADA, CLIENT, GRACE, GROUPS, MANY, SECRET, Stage, Tenants},
};
use crate::kit::{handed_over, must_run, prepared};
use serde_json::json;
use std::process::Command;

const REGISTERED: &str = r#"group_membership_claims = "SecurityGroup"
admin_consent = true
permissions = [
    { api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"] },
    { api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] },
]
"#;

async fn signs_people_in(tenants: Tenants) {
    let Some(python) = prepared("CARNET_TEST_PYTHON_APPLICATIONS") else { return must_run("Django") };
    let (socket, port) = handed_over();
    let app = |path: &str| format!("http://localhost:{port}{path}");
    let uris = [app("/getAToken"), app("/")];
    let stage = Stage::with(tenants, &format!("{REGISTERED}redirect_uris = {{ web = {uris:?} }}"));
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/outside/applications/python/django_app.py"));
    command
        .arg(port.to_string())
        .stdin(socket)
        .env("AUTHORITY", stage.authority())
        .env("REDIRECT_URI", &uris[0]);
    command
        .env("CLIENT_ID", CLIENT)
        .env("CLIENT_SECRET", SECRET)
        .env("ENDPOINT", format!("{}/v1.0/me", stage.login));
    let _application = stage.run(&mut command, port);

    for person in [&ADA, &GRACE] {
        let browser = stage.browser();
        let claims = browser.sign_in(&app("/"), person).await.json();
        assert_eq!(claims["preferred_username"], person.name, "{}", stage.log());
        assert_eq!(claims["groups"], json!([super::stage::group(1)]));
    }
    let browser = stage.browser();
    let claims = browser.sign_in(&app("/"), &MANY).await.json();
    assert_eq!((claims.get("groups"), &claims["_claim_names"]["groups"]), (None, &json!("src1")));
    let told = browser.open(&app("/groups")).await.json();
    assert_eq!(told["groups"].as_array().map(Vec::len), Some(usize::from(GROUPS)), "{}", stage.log());
    stage.turns_visitors_away(&app("/")).await;
    let nobody = stage.turns_others_away(&app("/")).await;
    assert_eq!(nobody.open(&app("/groups")).await.url.path(), "/getAToken");

    refreshes(&stage, &browser, port).await;

    let page = browser.sign_out(&app("/logout")).await;
    assert!(browser.asks_for_the_account(&page), "{page:?}");
}

/// The package refreshes in the session of a browser what has expired with the refresh token of the sign-in, and
/// nobody is asked; when an administrator has ended that, the person is.
async fn refreshes(stage: &Stage, browser: &Browser, port: u16) {
    let app = |path: &str| format!("http://localhost:{port}{path}");
    let told = browser.open(&app("/groups")).await.json();
    assert_eq!(browser.open(&app("/groups")).await.json(), told);
    browser.open(&app("/expire")).await;
    let refreshed = browser.open(&app("/groups")).await.json();
    assert_eq!(refreshed["groups"], told["groups"], "{}", stage.log());
    assert_ne!(refreshed["access_token"], told["access_token"]);

    // A token for another API comes with the refresh token of the sign-in, and nobody is asked.
    let told = browser.open(&app("/elsewhere")).await.json();
    let scopes = told["scopes"].as_array().unwrap();
    assert!(scopes.iter().any(|scope| scope.as_str().unwrap().contains("AppManagement")), "{told}");

    let browser = stage.browser();
    browser.sign_in(&app("/"), &MANY).await;
    stage.revoke(&MANY);
    browser.open(&app("/expire")).await;
    let page = browser.open(&app("/groups")).await;
    assert!(browser.is_login(&page.url) && stage.log().contains("AADSTS50173"), "{page:?} {}", stage.log());
}

#[tokio::test]
async fn django_with_identity_signs_people_in() {
    signs_people_in(Tenants::One).await;
}

#[tokio::test]
async fn django_with_identity_signs_people_in_beside_another_tenant() {
    signs_people_in(Tenants::Two).await;
}
