//! oauth2-proxy with its `entra-id` provider. Settings change every host but that of Graph, which the provider asks
//! when somebody is in more groups than a token names.

use super::stage::{ADA, ALONE, CLIENT, GRACE, GROUPS, MANY, SECRET, Stage, free_port, group};
use crate::kit::{must_run, prepared};
use serde_json::json;
use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

/// The maker's example "Single-tenant app with more than 200 groups", with its host changed; then what every
/// installation sets for itself.
fn settings(stage: &Stage, port: u16, more: &str) -> String {
    let (authority, login, allowed) = (stage.authority(), stage.login.replace("https://", ""), group(1));
    format!(
        r#"
provider = "entra-id"
oidc_issuer_url = "{authority}/v2.0"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
scope = "openid User.Read offline_access"
allowed_groups = ["{allowed}"]

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

#[tokio::test]
async fn oauth2_proxy_signs_people_in() {
    let Some(program) = prepared("CARNET_TEST_OAUTH2_PROXY") else { return must_run("oauth2-proxy") };
    let ports = [free_port(), free_port()];
    let uris = ports
        .map(|port| format!("\"http://localhost:{port}/oauth2/callback\", \"http://localhost:{port}/\""));
    let uris = uris.join(", ");
    let stage = Stage::with(&format!(
        "group_membership_claims = \"SecurityGroup\"\nredirect_uris = {{ web = [{uris}] }}"
    ));
    let start = |port: u16, more: &str| {
        let file = stage.server.path("oauth2-proxy.toml");
        fs::write(&file, settings(&stage, port, more)).unwrap();
        stage.run(Command::new(&program).arg("--config").arg(&file), port)
    };
    let application = start(ports[0], "");
    let app = |path: &str| format!("http://localhost:{}{path}", ports[0]);

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
    let nobody = stage.turns_others_away(&app("/")).await;
    assert_eq!(nobody.open(&app("/oauth2/userinfo")).await.status, 401);

    drop(application);
    // This setting comes last: a refresh takes the groups from the ID token alone, also from one that cannot name them.
    let _application = start(ports[1], "cookie_refresh = \"1ns\"");
    let app = |path: &str| format!("http://localhost:{}{path}", ports[1]);
    let browser = stage.browser();
    browser.sign_in(&app("/"), &ADA).await;
    // It refreshes a session that is a second old, by whole seconds of the clock.
    let token = || async { browser.open(&app("/oauth2/auth")).await.header("x-auth-request-access-token") };
    let (first, begun) = (token().await, Instant::now());
    assert!(!first.is_empty(), "{}", stage.log());
    let mut second = first.clone();
    while second == first && begun.elapsed() < Duration::from_secs(60) {
        second = token().await;
    }
    assert!(!second.is_empty() && first != second, "{}", stage.log());

    let ends = format!("{}/oauth2/v2.0/logout?post_logout_redirect_uri={}", stage.authority(), app("/"));
    let page = browser.sign_out(&app(&format!("/oauth2/sign_out?rd={}", encoded(&ends)))).await;
    assert!(browser.asks_for_the_account(&page), "{page:?}");
}

fn encoded(text: &str) -> String {
    reqwest::Url::parse_with_params("http://localhost/", [("x", text)]).unwrap().query().unwrap()[2..]
        .to_owned()
}
