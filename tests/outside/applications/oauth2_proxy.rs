//! oauth2-proxy with its `entra-id` provider. Settings change every host but that of Graph, which the provider asks
//! when somebody is in more groups than a token names.

use super::{
    browser::{Browser, Page},
    stage::{ADA, ALONE, Application, CLIENT, GRACE, GROUPS, MANY, SECRET, Stage, Tenants, free_port, group},
};
use crate::kit::{must_run, prepared};
use serde_json::json;
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// The header with the access token of a session.
const TOKEN: &str = "x-auth-request-access-token";

/// The maker's example "Single-tenant app with more than 200 groups", with its host changed and the group
/// in the lines that come last; then what every installation sets for itself.
fn settings(stage: &Stage, port: u16, more: &str) -> String {
    let (authority, login) = (stage.authority(), stage.login.replace("https://", ""));
    format!(
        r#"
provider = "entra-id"
oidc_issuer_url = "{authority}/v2.0"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
scope = "openid User.Read offline_access"

http_address = "127.0.0.1:{port}"
redirect_url = "http://localhost:{port}/oauth2/callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
cookie_secure = false
email_domains = "*"
whitelist_domains = ["{login}"]
upstreams = ["static://200"]
set_xauthrequest = true
pass_access_token = true
skip_provider_button = true
{more}
"#
    )
}

/// Asks until the session has another access token than this one, or none: a session that is a second old, by whole
/// seconds of the clock, is refreshed.
async fn refreshed(browser: &Browser, url: &str, first: &str) -> Page {
    let begun = Instant::now();
    loop {
        let page = browser.open(url).await;
        if page.header(TOKEN) != first {
            return page;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{page:?}");
    }
}

async fn signs_people_in(tenants: Tenants) {
    let Some(program) = prepared("CARNET_TEST_OAUTH2_PROXY") else { return must_run("oauth2-proxy") };
    let ports = [free_port(), free_port()];
    let uris = ports
        .map(|port| format!("\"http://localhost:{port}/oauth2/callback\", \"http://localhost:{port}/\""));
    let uris = uris.join(", ");
    let registered =
        format!("group_membership_claims = \"SecurityGroup\"\nredirect_uris = {{ web = [{uris}] }}");
    let stage = Stage::with(tenants, &registered);
    signs_in(&stage, &program, ports[0]).await;
    refreshes_and_signs_out(&stage, &program, ports[1]).await;
}

fn start(stage: &Stage, program: &Path, port: u16, more: &str) -> Application {
    let file = stage.server.path("oauth2-proxy.toml");
    fs::write(&file, settings(stage, port, more)).unwrap();
    stage.run(Command::new(program).arg("--config").arg(&file), port)
}

async fn signs_in(stage: &Stage, program: &Path, port: u16) {
    let _application = start(stage, program, port, &format!("allowed_groups = [\"{}\"]", group(1)));
    let app = |path: &str| format!("http://localhost:{port}{path}");

    for person in [&ADA, &GRACE] {
        let browser = stage.browser();
        let page = browser.sign_in(&app("/"), person).await;
        assert_eq!(
            (page.url.as_str(), page.text.as_str()),
            (app("/").as_str(), "Authenticated"),
            "{}",
            stage.log()
        );
        let told = browser.open(&app("/oauth2/userinfo")).await.json();
        assert_eq!(told["groups"], json!([group(1)]));
    }
    assert_eq!(stage.proxy.tunnels("graph.microsoft.com"), 0);

    let browser = stage.browser();
    let page = browser.sign_in(&app("/"), &MANY).await;
    assert_eq!(page.text, "Authenticated", "{}", stage.log());
    let told = browser.open(&app("/oauth2/userinfo")).await.json();
    assert_eq!(told["groups"].as_array().map(Vec::len), Some(usize::from(GROUPS)), "{}", stage.log());
    assert!(stage.proxy.tunnels("graph.microsoft.com") > 0);

    let page = stage.browser().sign_in(&app("/"), &ALONE).await;
    assert_eq!(page.status, 403, "{page:?}");
    stage.turns_visitors_away(&app("/")).await;
    let nobody = stage.turns_others_away(&app("/")).await;
    assert_eq!(nobody.open(&app("/oauth2/userinfo")).await.status, 401);
}

/// No groups are required here: at a refresh the application takes the groups from the ID token alone, also from one
/// that cannot name them, and asks Graph for them again only at a sign-in.
async fn refreshes_and_signs_out(stage: &Stage, program: &Path, port: u16) {
    let _application = start(stage, program, port, "cookie_refresh = \"1ns\"");
    let app = |path: &str| format!("http://localhost:{port}{path}");
    let auth = app("/oauth2/auth");
    for (person, groups, told) in [(&ADA, 1, group(1)), (&MANY, usize::from(GROUPS), String::new())] {
        let browser = stage.browser();
        browser.sign_in(&app("/"), person).await;
        let first = browser.open(&auth).await.header(TOKEN);
        let second = refreshed(&browser, &auth, &first).await;
        assert_eq!((second.status.as_u16(), second.header("x-auth-request-groups")), (202, told));
        assert_eq!(browser.groups(&second.header(TOKEN)).await, groups, "{}", stage.log());

        stage.revoke(person);
        let end = refreshed(&browser, &auth, &second.header(TOKEN)).await;
        assert!(end.status == 401 && stage.log().contains("AADSTS50173"), "{end:?} {}", stage.log());
    }
    let browser = stage.browser();
    browser.sign_in(&app("/"), &MANY).await;
    let ends = format!("{}/oauth2/v2.0/logout?post_logout_redirect_uri={}", stage.authority(), app("/"));
    let page = browser.sign_out(&app(&format!("/oauth2/sign_out?rd={}", encoded(&ends)))).await;
    assert!(browser.asks_for_the_account(&page), "{page:?}");
}

#[tokio::test]
async fn oauth2_proxy_signs_people_in() {
    signs_people_in(Tenants::One).await;
}

#[tokio::test]
async fn oauth2_proxy_signs_people_in_beside_another_tenant() {
    signs_people_in(Tenants::Two).await;
}

fn encoded(text: &str) -> String {
    reqwest::Url::parse_with_params("http://localhost/", [("x", text)]).unwrap().query().unwrap()[2..]
        .to_owned()
}
