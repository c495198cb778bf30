//! dex with its `microsoft` connector, whose settings change all hosts. The test is a client of dex. dex keeps what
//! the server gave it and asks Graph again at each refresh of its own client, with the server's refresh token only
//! once the access token has expired; it has no sign-out.

use super::{
    browser::Browser,
    stage::{ADA, ALONE, CLIENT, GRACE, GROUPS, MANY, Person, SECRET, Stage, Tenants, free_port},
};
use crate::kit::{TENANT, must_run, prepared};
use carnet_wire::jose::decode_base64url;
use serde_json::{Value, json};
use std::{fs, process::Command};

/// The maker's example of the connector, with the hosts changed; then dex itself with one client.
fn settings(stage: &Stage, port: u16) -> String {
    let login = &stage.login;
    format!(
        r#"
connectors:
  - type: microsoft
    id: microsoft
    name: Microsoft
    config:
      clientID: {CLIENT}
      clientSecret: {SECRET}
      redirectURI: http://localhost:{port}/dex/callback
      tenant: {TENANT}
      apiURL: {login}
      graphURL: {login}
      groups:
        - group 1

issuer: http://localhost:{port}/dex
storage:
  type: memory
web:
  http: 127.0.0.1:{port}
oauth2:
  skipApprovalScreen: true
staticClients:
  - id: reader
    name: Reader
    secret: reader-secret
    redirectURIs:
      - http://localhost:{port}/dex/healthz
"#
    )
}

const REGISTERED: &str = r#"admin_consent = true
permissions = [
    { api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read", "Directory.Read.All"] },
]
"#;

/// Claims of dex's ID token in an answer of its token endpoint.
fn claims(answer: &Value) -> Value {
    let token = answer["id_token"].as_str().unwrap_or_else(|| panic!("no ID token: {answer}"));
    let body = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&decode_base64url(body).unwrap()).unwrap()
}

/// dex as its client sees it.
struct Dex<'a> {
    stage: &'a Stage,
    port: u16,
}

impl Dex<'_> {
    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}/dex/{path}", self.port)
    }

    fn start(&self) -> String {
        let query = [
            ("client_id", "reader"),
            ("redirect_uri", &self.url("healthz")),
            ("response_type", "code"),
            ("scope", "openid email profile groups offline_access"),
            ("state", "state"),
        ];
        reqwest::Url::parse_with_params(&self.url("auth"), query).unwrap().into()
    }

    /// Signs somebody in and redeems dex's code.
    async fn sign_in(&self, browser: &Browser, person: &Person) -> Value {
        let page = browser.sign_in(&self.start(), person).await;
        let code = page.field("code").unwrap_or_else(|| panic!("{page:?}\n{}", self.stage.log()));
        let back = self.url("healthz");
        self.token(browser, &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &back)])
            .await
    }

    async fn token(&self, browser: &Browser, fields: &[(&str, &str)]) -> Value {
        let client = [("client_id", "reader"), ("client_secret", "reader-secret")];
        browser.post(&self.url("token"), &[fields, &client].concat()).await.json()
    }
}

async fn signs_people_in(tenants: Tenants) {
    let Some(program) = prepared("CARNET_TEST_DEX") else { return must_run("dex") };
    let port = free_port();
    let uri = format!("redirect_uris = {{ web = [\"http://localhost:{port}/dex/callback\"] }}");
    let stage = Stage::with(tenants, &format!("{REGISTERED}{uri}"));
    let file = stage.server.path("dex.yaml");
    fs::write(&file, settings(&stage, port)).unwrap();
    let _application = stage.run(Command::new(program).arg("serve").arg(&file), port);
    let dex = Dex { stage: &stage, port };

    for person in [&ADA, &GRACE] {
        let told = claims(&dex.sign_in(&stage.browser(), person).await);
        assert_eq!((&told["email"], &told["groups"]), (&json!(person.name), &json!(["group 1"])));
    }
    let browser = stage.browser();
    let answer = dex.sign_in(&browser, &MANY).await;
    assert_eq!(claims(&answer)["groups"].as_array().map(Vec::len), Some(usize::from(GROUPS)));
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())];
    let again = dex.token(&browser, &refresh).await;
    assert_eq!(
        claims(&again)["groups"].as_array().map(Vec::len),
        Some(usize::from(GROUPS)),
        "{}",
        stage.log()
    );

    let page = stage.browser().sign_in(&dex.start(), &ALONE).await;
    assert!(page.field("code").is_some() && page.status.is_server_error(), "{page:?}");
    stage.turns_visitors_away(&dex.start()).await;
    stage.turns_others_away(&dex.start()).await;
}

#[tokio::test]
async fn dex_signs_people_in() {
    signs_people_in(Tenants::One).await;
}

#[tokio::test]
async fn dex_signs_people_in_beside_another_tenant() {
    signs_people_in(Tenants::Two).await;
}
