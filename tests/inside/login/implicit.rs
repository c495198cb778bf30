//! Access tokens of the authorize endpoint, where another rule than the switch decides: second factors, assignments,
//! platforms, disabled clients, the tenant file, two nodes, and what the sign-in log says of them.

use super::{
    contoso_with,
    second_factor::{code_at, key_of, somebody},
};
use carnet_tests::{
    Contoso, NOW, PASSWORD, PUBLIC, SECRET, TENANT, UNCONSENTED,
    browser::{Browser, back, number, query},
    part,
    setup::Setup,
};
use carnet_wire::catalogue::POWER_PLATFORM;
use serde_json::{Value, json};

const WEB: &str = "a0000000-0000-4000-8000-0000000000e1";
const SPA: &str = "a0000000-0000-4000-8000-0000000000e2";
const PLAIN: &str = "a0000000-0000-4000-8000-0000000000e3";
const ASKS: &str = "a0000000-0000-4000-8000-0000000000e4";
const TOKEN: (&str, &str) = ("response_type", "token");
const SILENT: (&str, &str) = ("prompt", "none");

/// Applications of each platform whose switch the tenant file turns on, one that is without it, and one to which nobody
/// consented.
fn tables() -> String {
    let consented = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"EnvironmentManagement.Environments.Read\"] }]";
    [
        (WEB, "web", "implicit = { access_token = true }", true),
        (SPA, "spa", "implicit = { access_token = true, id_token = true }", true),
        (PLAIN, "web", "implicit = { id_token = true }", true),
        (ASKS, "web", "implicit = { access_token = true, id_token = true }", false),
    ]
    .map(|(id, platform, implicit, admin)| {
        format!(
            "[[application]]\nname = \"{id}\"\nclient_id = \"{id}\"\n{implicit}\n{consented}\nadmin_consent = {admin}\n\
             secrets = [{{ name = \"good\", value = \"{SECRET}\" }}]\n\
             redirect_uris = {{ {platform} = [\"http://localhost:4711/back\"] }}\n"
        )
    })
    .concat()
}

async fn patch(t: &Contoso, what: &str, body: Value) {
    let token = t.graph_token("admin").await;
    assert_eq!(t.call("PATCH", what, &token, body).await.status, 204);
}

/// The usual tenant, whose public application gives access tokens in addresses.
async fn enabled(policy: &str, more: &str) -> Contoso {
    let t = contoso_with(policy, more).await;
    let on = json!({ "web": { "implicitGrantSettings": { "enableAccessTokenIssuance": true, "enableIdTokenIssuance": true } } });
    patch(&t, &format!("/v1.0/applications(appId='{PUBLIC}')"), on).await;
    t
}

#[tokio::test]
async fn a_second_factor_that_is_demanded_comes_before_an_access_token() {
    let t = enabled(&format!("require_mfa = [\"app:{PUBLIC}\"]"), &somebody()).await;
    for response in ["token", "id_token token"] {
        let asked = query(PUBLIC, &[("response_type", response)]);
        let silent = [&asked[..], &[SILENT]].concat();
        // A session without one, of an application that demands none.
        let ada = Browser::new(&t);
        let page = ada.sign_in(&query(UNCONSENTED, &[]), "ada", PASSWORD).await;
        if page.status == 200 {
            let _ = back(&ada.submit(&page, &[("answer", "yes")]).await);
        }
        let told = ada.open(&silent).await;
        let fields = back(&told);
        assert_eq!((number(&told), fields["error"].as_str()), (50_072, "interaction_required"), "{response}");
        assert!(told.header("location").contains("#error=") && !fields.contains_key("access_token"));
        assert!(!key_of(&ada.open(&asked).await).is_empty(), "{response}");
        // Who shows it gets the token.
        let mfa = Browser::new(&t);
        let page = mfa.sign_in(&asked, "mfa", PASSWORD).await;
        assert!(page.text().contains("name=\"otc\""), "{}", page.text());
        let moment = carnet_http::clock::Clock::now(&*t.clock).seconds();
        let fields = back(&mfa.submit(&page, &[("otc", &code_at(moment))]).await);
        assert_eq!(part(&fields["access_token"], 1)["amr"], json!(["pwd", "mfa"]), "{response}");
        assert!(back(&mfa.open(&silent).await).contains_key("access_token"));
        t.later(60);
    }
}

#[tokio::test]
async fn who_is_assigned_neither_to_the_client_nor_to_the_api_gets_no_access_token() {
    let t = enabled("", "").await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for app in [PUBLIC, POWER_PLATFORM] {
        t.change_principal(app, |it| it.assignment_required = true).await;
        for asked in [query(PUBLIC, &[TOKEN]), query(PUBLIC, &[("response_type", "id_token token"), SILENT])]
        {
            let told = browser.open(&asked).await;
            assert_eq!(number(&told), 50_105, "{app}");
            assert!(!back(&told).contains_key("access_token"));
        }
        let token = t.graph_token("admin").await;
        let path = format!("/v1.0/servicePrincipals(appId='{app}')");
        let body = json!({
            "principalId": "c0000000-0000-4000-8000-000000000002",
            "resourceId": t.get(&path, &token).await.good()["id"],
            "appRoleId": "00000000-0000-0000-0000-000000000000",
        });
        let path = "/v1.0/users/ada@contoso.example/appRoleAssignments";
        assert_eq!(t.call("POST", path, &token, body).await.status, 201);
        assert!(back(&browser.open(&query(PUBLIC, &[TOKEN])).await).contains_key("access_token"), "{app}");
    }
}

#[tokio::test]
async fn the_switch_of_the_tenant_file_gives_access_tokens_to_web_and_single_page_applications() {
    let t = contoso_with("", &tables()).await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(WEB, &[]), "ada", PASSWORD).await);
    for (client, response, told) in [
        (WEB, "token", 0),
        (WEB, "id_token token", 700_054),
        (SPA, "token", 0),
        (SPA, "id_token token", 0),
        (PLAIN, "token", 700_051),
        (PLAIN, "id_token token", 700_051),
    ] {
        // An implicit answer has no code, so nothing is to be proved later.
        for challenge in [&[][..], &[("code_challenge", ""), ("code_challenge_method", "")]] {
            let reply =
                browser.open(&query(client, &[&[("response_type", response)], challenge].concat())).await;
            if told != 0 {
                assert_eq!(number(&reply), told, "{client} {response}");
                continue;
            }
            let fields = back(&reply);
            let claims = part(&fields["access_token"], 1);
            // The address proves nothing of the client, whatever credentials it has.
            assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(client), &json!("0")), "{response}");
            let environments = "/environmentmanagement/environments?api-version=2022-03-01-preview";
            assert_eq!(t.get(environments, &fields["access_token"]).await.status, 200, "{client}");
            assert_eq!(fields.contains_key("id_token"), response.contains("id_token"));
        }
    }
}

#[tokio::test]
async fn a_disabled_client_gets_no_access_token() {
    let t = enabled("", "").await;
    let browser = Browser::new(&t);
    let asked = query(PUBLIC, &[TOKEN]);
    assert!(back(&browser.sign_in(&asked, "ada", PASSWORD).await).contains_key("access_token"));
    let own = format!("/v1.0/servicePrincipals(appId='{PUBLIC}')");
    for (enabled, told) in [(false, 7_000_112), (true, 0)] {
        patch(&t, &own, json!({ "accountEnabled": enabled })).await;
        for asked in [&asked, &query(PUBLIC, &[TOKEN, SILENT])] {
            let reply = browser.open(asked).await;
            if told == 0 {
                assert!(back(&reply).contains_key("access_token"));
            } else {
                assert_eq!((reply.status, number(&reply)), (400, told));
            }
        }
    }
}

#[tokio::test]
async fn a_consent_of_one_node_counts_at_every_node_at_once() {
    let mut all = vec![Setup::new("", &tables()).start().await];
    if let Some(setup) = Setup::new("", &tables()).postgres(2).await {
        all.push(setup.start().await);
    }
    for t in all {
        let (ada, admin) = (Browser::new(&t), Browser::new(&t));
        let asked = query(ASKS, &[TOKEN]);
        let page = ada.sign_in(&asked, "ada", PASSWORD).await;
        let given = back(&ada.submit(&page, &[("answer", "yes")]).await);
        let other = admin.sign_in(&asked, "admin", PASSWORD).await;
        assert!(other.text().contains("Permissions requested"));
        // Requests take turns: of four in a row two are answered by each node.
        let silent = [&asked[..], &[SILENT]].concat();
        for _ in 0..4 {
            let again = back(&ada.open(&silent).await);
            assert_eq!(part(&again["access_token"], 1)["scp"], part(&given["access_token"], 1)["scp"]);
            assert_eq!(number(&admin.open(&silent).await), 65_001, "it was one person's consent");
        }
    }
}

#[tokio::test]
async fn the_sign_in_log_names_the_api_of_an_access_token() {
    let t = enabled("", "").await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let ada = "c0000000-0000-4000-8000-000000000002".parse().ok();
    for (response, resource) in [("token", true), ("id_token token", true), ("id_token", false)] {
        t.later(1);
        let _ = back(&browser.open(&query(PUBLIC, &[("response_type", response), SILENT])).await);
        let records = t.store.sign_ins(TENANT.parse().unwrap(), NOW.plus_seconds(3600), 10).await.unwrap();
        let newest = records.iter().max_by_key(|it| it.at).unwrap();
        assert_eq!(newest.resource, resource.then(|| POWER_PLATFORM.parse().unwrap()), "{response}");
        assert_eq!((newest.error, newest.user, newest.app), (0, ada, PUBLIC.parse().ok()), "{response}");
    }
}
