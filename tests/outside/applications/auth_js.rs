//! Auth.js with its provider `microsoft-entra-id`: by the tenant's issuer, by `common` with the host changed, and
//! with no issuer at all, which is Microsoft's own `common`. Its photo comes from Graph's own name in each case.

use super::stage::{ADA, CLIENT, GRACE, MANY, SECRET, Stage};
use crate::kit::{TENANT, handed_over, must_run, prepared};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

const REGISTERED: &str = "audience = \"AzureADMultipleOrgs\"\ngroup_membership_claims = \"SecurityGroup\"\n";

async fn signs_people_in(modules: &Path, host: &str, issuer: Option<&str>) {
    let (socket, port) = handed_over();
    let uris = ["/auth/callback/microsoft-entra-id", "/auth/signout"]
        .map(|path| format!("http://localhost:{port}{path}"));
    let stage = Stage::with(&format!("{REGISTERED}redirect_uris = {{ web = {uris:?} }}"));
    let host = host.replace("SERVER", &stage.login);
    let program = stage.server.path("auth_js.mjs");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/applications/node/auth_js.mjs");
    fs::copy(source, &program).unwrap();
    symlink(modules, stage.server.path("node_modules")).unwrap();
    let mut command = Command::new("node");
    command.arg(program).stdin(socket).env_remove("AUTH_MICROSOFT_ENTRA_ID_ISSUER");
    command.env("AUTH_MICROSOFT_ENTRA_ID_ID", CLIENT).env("AUTH_MICROSOFT_ENTRA_ID_SECRET", SECRET);
    command.env("AUTH_SECRET", "0123456789abcdef0123456789abcdef").env("AUTH_TRUST_HOST", "true");
    command.env("AUTHORITY", format!("{host}/{TENANT}"));
    if let Some(name) = issuer {
        command.env("AUTH_MICROSOFT_ENTRA_ID_ISSUER", format!("{host}/{name}/v2.0"));
    }
    let _application = stage.run(&mut command, port);
    let app = |path: &str| format!("http://localhost:{port}{path}");
    let start = app("/auth/signin");

    for person in [&ADA, &GRACE] {
        let browser = stage.browser();
        browser.sign_in(&start, person).await;
        let session = browser.open(&app("/")).await.json();
        assert_eq!(
            (&session["user"]["email"], session.get("names")),
            (&person.name.into(), None),
            "{}",
            stage.log()
        );
    }
    let browser = stage.browser();
    browser.sign_in(&start, &MANY).await;
    let session = browser.open(&app("/")).await.json();
    assert_eq!((&session["user"]["email"], &session["names"]["groups"]), (&MANY.name.into(), &"src1".into()));
    assert!(stage.proxy.tunnels("graph.microsoft.com") > 0);
    let nobody = stage.turns_others_away(&start).await;
    assert_eq!(nobody.open(&app("/")).await.text, "null");

    let csrf = browser.open(&app("/auth/csrf")).await.json();
    let fields = [("csrfToken", csrf["csrfToken"].as_str().unwrap()), ("data", "x")];
    let updated = browser.post(&app("/auth/session"), &fields).await.json();
    assert_eq!(updated.get("error"), None, "{}", stage.log());
    let token = |session: &serde_json::Value| session["access_token"].as_str().unwrap().to_owned();
    assert_ne!(token(&session), token(&updated));

    let page = browser.sign_out(&app("/leave")).await;
    assert_eq!(page.url.as_str(), app("/auth/signout"), "{page:?}");
    browser.submit(&page, &[]).await;
    assert_eq!(browser.open(&app("/")).await.text, "null");
    let page = browser.start(&start).await;
    assert!(browser.asks_for_the_account(&page), "{page:?}");
}

#[tokio::test]
async fn auth_js_signs_people_in_by_the_tenant() {
    let Some(modules) = prepared("CARNET_TEST_NODE_APPLICATIONS") else { return must_run("Auth.js") };
    signs_people_in(&modules, "SERVER", Some(TENANT)).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_by_common() {
    let Some(modules) = prepared("CARNET_TEST_NODE_APPLICATIONS") else { return must_run("Auth.js") };
    signs_people_in(&modules, "SERVER", Some("common")).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_by_its_default() {
    let Some(modules) = prepared("CARNET_TEST_NODE_APPLICATIONS") else { return must_run("Auth.js") };
    signs_people_in(&modules, "https://login.microsoftonline.com", None).await;
}
