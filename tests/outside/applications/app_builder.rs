//! Flask-AppBuilder with its `azure` recipe: v1.0 endpoints, no `openid`, no `resource` on the wire, and roles of the
//! ID token that become the application's roles. It verifies the ID token with the keys at Microsoft's own address,
//! which no setting changes. It keeps no refresh token, and signs out at the server only where its setting for the
//! address after a sign-out leads there.

use super::stage::{ADA, ALONE, CLIENT, GRACE, MANY, SECRET, Stage, Tenants};
use crate::kit::{TENANT, handed_over, must_run, prepared};
use serde_json::json;
use std::process::Command;

async fn signs_people_in(tenants: Tenants) {
    let Some(python) = prepared("CARNET_TEST_PYTHON_APPLICATIONS") else {
        return must_run("Flask-AppBuilder");
    };
    let (socket, port) = handed_over();
    let app = |path: &str| format!("http://localhost:{port}{path}");
    let uris = [app("/oauth-authorized/azure"), app("/")];
    let holds = |name: &str, role: &str| format!("{{ to = \"{name}\"{role} }}");
    let assignments = [
        holds(ADA.name, ", role = \"administrator\""),
        holds(GRACE.name, ", role = \"administrator\""),
        holds(MANY.name, ", role = \"administrator\""),
        holds(ALONE.name, ""),
        holds("disabled@contoso.example", ""),
    ];
    let assignments = assignments.join(", ");
    let registered = format!(
        "group_membership_claims = \"SecurityGroup\"\nredirect_uris = {{ web = {uris:?} }}\n\
         exposes = {{ app_roles = [\"administrator\"] }}\nassignments = [{assignments}]"
    );
    let stage = Stage::with(tenants, &registered);
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/outside/applications/python/app_builder.py"));
    command.arg(port.to_string()).arg(stage.server.folder.path()).stdin(socket);
    command.env("LOGIN", &stage.login).env("AZURE_TENANT_ID", TENANT);
    command.env("AZURE_APPLICATION_ID", CLIENT).env("AZURE_SECRET", SECRET);
    let _application = stage.run(&mut command, port);
    let start = app("/login/azure");

    for (person, roles) in [
        (&ADA, json!(["Admin", "Public"])),
        (&GRACE, json!(["Admin", "Public"])),
        (&MANY, json!(["Admin", "Public"])),
        (&ALONE, json!(["Public"])),
    ] {
        let browser = stage.browser();
        browser.sign_in(&start, person).await;
        let told = browser.open(&app("/whoami")).await.json();
        let wanted = json!({ "email": person.name, "roles": roles });
        assert_eq!(told, wanted, "{}", stage.log());
    }
    assert!(stage.proxy.tunnels("login.microsoftonline.com") > 0);
    stage.turns_visitors_away(&start).await;
    let nobody = stage.turns_others_away(&start).await;
    assert_eq!(nobody.open(&app("/whoami")).await.json(), json!(null));

    let browser = stage.browser();
    browser.sign_in(&start, &ADA).await;
    let page = browser.sign_out(&app("/logout/")).await;
    assert!(page.url.as_str().starts_with(&app("/")), "{page:?}");
    assert_eq!(browser.open(&app("/whoami")).await.json(), json!(null));
    let page = browser.open(&start).await;
    assert!(browser.asks_for_the_account(&page), "{page:?}");
}

#[tokio::test]
async fn flask_app_builder_signs_people_in() {
    signs_people_in(Tenants::One).await;
}

#[tokio::test]
async fn flask_app_builder_signs_people_in_beside_another_tenant() {
    signs_people_in(Tenants::Two).await;
}
