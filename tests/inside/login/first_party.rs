//! Microsoft's own clients: what they hold without consent, and the one that needs consent.

use super::contoso;
use carnet_tests::{
    AZURE_CLI, Contoso, PASSWORD, PLATFORM, POWER_PLATFORM_CLI, Reply,
    browser::{Browser, VERIFIER, number, query},
};
use serde_json::json;

const POWER_APPS: &str = "https://service.powerapps.com/";
const FLOW: &str = "https://service.flow.microsoft.com/";
const ARM: &str = "https://management.azure.com/";
const AZURE_POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";
const CODE: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
const POWER_APPS_MODULE: &str = "689e5960-2e49-4505-98d8-369236220fc6";
const GRAPH_COMMAND_LINE: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const NOT_PREAUTHORIZED: &str = "400 invalid_grant 65002";

/// The tenant with the service principal of the Power Platform API.
async fn with_platform() -> Contoso {
    contoso("").await
}

async fn scopes(t: &Contoso, client: &str, resource: &str) -> usize {
    let claims = t.by_password(client, "ada", &format!("{resource}/.default")).await.claims();
    claims["scp"].as_str().unwrap().split(' ').count()
}

#[tokio::test]
async fn each_client_holds_its_own_permissions_of_the_power_platform_api() {
    let t = with_platform().await;
    for (client, count) in [(AZURE_CLI, 4), (AZURE_POWERSHELL, 26), (POWER_PLATFORM_CLI, 15), (CODE, 3)] {
        assert_eq!(scopes(&t, client, PLATFORM).await, count, "{client}");
    }
    // A permission that is not published, by name, and one that only others hold.
    let named =
        async |client: &str, scope: &str| t.by_password(client, "ada", &format!("{PLATFORM}/{scope}")).await;
    named(POWER_PLATFORM_CLI, "All.All.ReadWrite").await.good();
    named(AZURE_CLI, "CopilotStudio.Copilots.Test").await.good();
    let missing = named(AZURE_CLI, "AppManagement.ApplicationPackages.Read").await;
    assert_eq!(missing.no(), NOT_PREAUTHORIZED);
    // The alternative to every permission opens the API.
    let token =
        t.by_password(POWER_PLATFORM_CLI, "admin", &format!("{PLATFORM}/.default")).await.access_token();
    t.get("/environmentmanagement/environments", &token).await.good();
    let token = t.by_password(CODE, "admin", &format!("{PLATFORM}/.default")).await.access_token();
    assert_eq!(t.get("/environmentmanagement/environments", &token).await.status, 403);
}

#[tokio::test]
async fn each_client_reaches_the_apis_that_it_is_preauthorized_for() {
    let t = with_platform().await;
    let ask = async |client: &str, api: &str| t.by_password(client, "ada", &format!("{api}/.default")).await;
    for (client, api) in [
        (AZURE_CLI, ARM),
        (AZURE_CLI, POWER_APPS),
        (AZURE_CLI, FLOW),
        (AZURE_POWERSHELL, ARM),
        (AZURE_POWERSHELL, POWER_APPS),
        (CODE, ARM),
        (CODE, POWER_APPS),
        (POWER_PLATFORM_CLI, POWER_APPS),
        (POWER_APPS_MODULE, POWER_APPS),
        (POWER_APPS_MODULE, FLOW),
    ] {
        let claims = ask(client, api).await.claims();
        assert_eq!(
            (claims["scp"].as_str(), claims["aud"].as_str()),
            (Some("user_impersonation"), Some(api)),
            "{client}"
        );
    }
    for (client, api) in
        [(POWER_PLATFORM_CLI, ARM), (POWER_PLATFORM_CLI, FLOW), (CODE, FLOW), (POWER_APPS_MODULE, ARM)]
    {
        assert_eq!(ask(client, api).await.no(), NOT_PREAUTHORIZED, "{client} {api}");
    }
    assert_eq!(ask(POWER_APPS_MODULE, PLATFORM).await.no(), NOT_PREAUTHORIZED);
}

#[tokio::test]
async fn the_power_apps_module_calls_the_administration_api() {
    let t = Contoso::start().await;
    let token = async |user: &str| {
        t.by_password(POWER_APPS_MODULE, user, &format!("{POWER_APPS}/.default")).await.access_token()
    };
    let path =
        "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments/~default?api-version=2016-11-01";
    t.get(path, &token("admin").await).await.good();
    assert_eq!(t.get(path, &token("ada").await).await.status, 403);
    let one =
        format!("/providers/Microsoft.BusinessAppPlatform/adminApplications/{}", carnet_tests::UNREGISTERED);
    t.call("PUT", &one, &token("admin").await, json!({})).await.good();
    assert_eq!(t.call("PUT", &one, &token("ada").await, json!({})).await.status, 403);
}

fn command_line<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [("redirect_uri", "http://localhost:4711"), ("scope", "User.Read.All")];
    query(
        GRAPH_COMMAND_LINE,
        &[&own[..], more].concat().into_iter().rev().fold(Vec::new(), |mut all, it| {
            if !all.iter().any(|(name, _)| *name == it.0) {
                all.push(it);
            }
            all
        }),
    )
}

async fn redeemed(t: &Contoso, reply: &Reply) -> Reply {
    // A `http://localhost` without a path is answered with a slash after its port.
    let location = reply.header("location").strip_prefix("http://localhost:4711/?").expect("an answer");
    let code = location.split('&').find_map(|pair| pair.strip_prefix("code=")).expect("a code");
    t.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", GRAPH_COMMAND_LINE),
        ("code", code),
        ("redirect_uri", "http://localhost:4711"),
        ("code_verifier", VERIFIER),
    ])
    .await
}

#[tokio::test]
async fn the_graph_command_line_asks_an_administrator_for_consent() {
    let t = Contoso::start().await;
    let by_password = async |user: &str| t.by_password(GRAPH_COMMAND_LINE, user, "User.Read.All").await;
    assert_eq!(by_password("admin").await.no(), "400 invalid_grant 65001");
    let browser = Browser::new(&t);
    let page = browser.sign_in(&command_line(&[]), "admin", PASSWORD).await;
    assert!(page.text().contains("User.Read.All") && page.text().contains("name=\"everyone\""), "{page:?}");
    let reply = redeemed(&t, &browser.submit(&page, &[("answer", "yes")]).await).await;
    assert_eq!(
        reply.claims()["scp"].as_str().unwrap().split(' ').find(|it| *it == "User.Read.All"),
        Some("User.Read.All")
    );
    by_password("admin").await.good();
    // The administrator's consent is their own: nobody else has it, and nobody holds more than was consented to.
    assert_eq!(by_password("ada").await.no(), "400 invalid_grant 65001");
    let more = t.by_password(GRAPH_COMMAND_LINE, "admin", "Application.ReadWrite.All").await;
    assert_eq!(more.no(), "400 invalid_grant 65001");
}

#[tokio::test]
async fn the_graph_command_line_is_refused_to_others_what_takes_an_administrator() {
    let t = Contoso::start().await;
    let refused = Browser::new(&t).sign_in(&command_line(&[]), "ada", PASSWORD).await;
    assert_eq!(number(&refused), 90094);
    // What a person may allow for themselves they are asked for, and signing in alone asks nothing.
    let browser = Browser::new(&t);
    let page = browser.sign_in(&command_line(&[("scope", "User.Read")]), "ada", PASSWORD).await;
    let reply = redeemed(&t, &browser.submit(&page, &[("answer", "yes")]).await).await;
    assert!(reply.claims()["scp"].as_str().unwrap().contains("User.Read"));
    let browser = Browser::new(&t);
    let reply = browser.sign_in(&command_line(&[("scope", "openid profile")]), "admin", PASSWORD).await;
    redeemed(&t, &reply).await.good();
    // Other APIs of Microsoft's are none that anybody could consent to.
    let arm = t.by_password(GRAPH_COMMAND_LINE, "admin", &format!("{ARM}/.default")).await;
    assert_eq!(arm.no(), NOT_PREAUTHORIZED);
}
