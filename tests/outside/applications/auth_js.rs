//! Auth.js with its provider `microsoft-entra-id`: by the tenant's issuer, by `common` with the host changed, and
//! with no issuer at all, which is Microsoft's own `common`. It discovers, signs in, refreshes and signs out there.
//! Its photo comes from Graph's own name in each case.

use super::{
    browser::Browser,
    stage::{ADA, Application, CLIENT, GRACE, GROUPS, MANY, Person, SECRET, Stage, Tenants, VISITOR},
};
use crate::kit::{handed_over, must_run, prepared};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

/// The variable with the issuer; without it the provider takes its default.
const ISSUER: &str = "AUTH_MICROSOFT_ENTRA_ID_ISSUER";

/// What the provider is told of its authority.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Issuer {
    Tenant,
    Common,
    Default,
}

/// The running application.
struct AuthJs {
    stage: Stage,
    port: u16,
    _application: Application,
}

async fn signs_people_in(issuer: Issuer, tenants: Tenants) {
    let Some(modules) = prepared("CARNET_TEST_NODE_APPLICATIONS") else { return must_run("Auth.js") };
    let auth_js = AuthJs::start(&modules, issuer, tenants);
    auth_js.signs_in().await;
    auth_js.refreshes_and_signs_out().await;
    match (issuer, tenants) {
        (Issuer::Tenant, _) => auth_js.stage.turns_visitors_away(&auth_js.app("/auth/signin")).await,
        (_, Tenants::One) => auth_js.stage.refuses(&auth_js.app("/auth/signin"), &VISITOR, 50128).await,
        (_, Tenants::Two) => auth_js.signs_visitors_in().await,
    }
}

impl AuthJs {
    fn start(modules: &Path, issuer: Issuer, tenants: Tenants) -> Self {
        let (socket, port) = handed_over();
        let uris = ["/auth/callback/microsoft-entra-id", "/auth/signout"]
            .map(|path| format!("http://localhost:{port}{path}"));
        let audience = if issuer == Issuer::Tenant { "AzureADMyOrg" } else { "AzureADMultipleOrgs" };
        let registered = format!(
            "audience = \"{audience}\"\ngroup_membership_claims = \"SecurityGroup\"\n\
             redirect_uris = {{ web = {uris:?} }}"
        );
        let stage = Stage::with(tenants, &registered);
        let program = stage.server.path("auth_js.mjs");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/applications/node/auth_js.mjs");
        fs::copy(source, &program).unwrap();
        symlink(modules, stage.server.path("node_modules")).unwrap();
        let mut command = Command::new("node");
        command.arg(program).stdin(socket);
        command.env("AUTH_MICROSOFT_ENTRA_ID_ID", CLIENT).env("AUTH_MICROSOFT_ENTRA_ID_SECRET", SECRET);
        command.env("AUTH_SECRET", "0123456789abcdef0123456789abcdef").env("AUTH_TRUST_HOST", "true");
        match issuer {
            Issuer::Tenant => command.env(ISSUER, format!("{}/v2.0", stage.authority())),
            Issuer::Common => command.env(ISSUER, format!("{}/common/v2.0", stage.login)),
            Issuer::Default => command.env_remove(ISSUER),
        };
        let application = stage.run(&mut command, port);
        Self { stage, port, _application: application }
    }

    fn app(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Signs somebody in; the browser, and the application's session.
    async fn session(&self, person: &Person) -> (Browser, Value) {
        let browser = self.stage.browser();
        browser.sign_in(&self.app("/auth/signin"), person).await;
        let session = browser.open(&self.app("/")).await.json();
        assert_eq!(session["user"]["email"], person.name, "{}", self.stage.log());
        (browser, session)
    }

    /// The session after the application has refreshed it.
    async fn refreshed(&self, browser: &Browser) -> Value {
        let csrf = browser.open(&self.app("/auth/csrf")).await.json();
        let fields = [("csrfToken", csrf["csrfToken"].as_str().unwrap()), ("data", "x")];
        browser.post(&self.app("/auth/session"), &fields).await.json()
    }

    async fn signs_in(&self) {
        for (person, groups) in [(&ADA, None), (&GRACE, None), (&MANY, Some(&json!("src1")))] {
            let (_, session) = self.session(person).await;
            assert_eq!(session.get("names").map(|names| &names["groups"]), groups);
        }
        assert!(self.stage.proxy.tunnels("graph.microsoft.com") > 0);
        let nobody = self.stage.turns_others_away(&self.app("/auth/signin")).await;
        assert_eq!(nobody.open(&self.app("/")).await.text, "null");
    }

    async fn refreshes_and_signs_out(&self) {
        let (browser, session) = self.session(&MANY).await;
        let refreshed = self.refreshed(&browser).await;
        assert_eq!(refreshed.get("error"), None, "{}", self.stage.log());
        assert_ne!(session["access_token"], refreshed["access_token"]);
        let token = refreshed["access_token"].as_str().unwrap();
        assert_eq!(browser.groups(token).await, usize::from(GROUPS));

        let page = browser.sign_out(&self.app("/leave")).await;
        assert_eq!(page.url.as_str(), self.app("/auth/signout"), "{page:?}");
        browser.submit(&page, &[]).await;
        assert_eq!(browser.open(&self.app("/")).await.text, "null");
        let page = browser.start(&self.app("/auth/signin")).await;
        assert!(browser.asks_for_the_account(&page), "{page:?}");

        let (browser, _) = self.session(&MANY).await;
        self.stage.revoke(&MANY);
        assert_eq!(self.refreshed(&browser).await["error"], "RefreshTokenError 50173");
    }

    /// Somebody of the other tenant signs in as long as the application is registered for all tenants.
    async fn signs_visitors_in(&self) {
        self.session(&VISITOR).await;
        let body = self.stage.server.path("single.json");
        fs::write(&body, r#"{"signInAudience": "AzureADMyOrg"}"#).unwrap();
        let application = format!("/v1.0/applications(appId='{CLIENT}')");
        self.stage.administer(&["PATCH", &application, "--body", body.to_str().unwrap()]);
        self.stage.refuses(&self.app("/auth/signin"), &VISITOR, 50194).await;
    }
}

#[tokio::test]
async fn auth_js_signs_people_in_by_the_tenant() {
    signs_people_in(Issuer::Tenant, Tenants::One).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_by_the_tenant_beside_another_one() {
    signs_people_in(Issuer::Tenant, Tenants::Two).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_by_common() {
    signs_people_in(Issuer::Common, Tenants::One).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_of_two_tenants_by_common() {
    signs_people_in(Issuer::Common, Tenants::Two).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_by_its_default() {
    signs_people_in(Issuer::Default, Tenants::One).await;
}

#[tokio::test]
async fn auth_js_signs_people_in_of_two_tenants_by_its_default() {
    signs_people_in(Issuer::Default, Tenants::Two).await;
}
