//! Signing in over `common`, `organizations` and `consumers`, where the address names no tenant.

use carnet_tests::{
    AZURE_CLI, Contoso, FABRIKAM, OTHER_TENANT, PASSWORD, PUBLIC, Reply, TENANT,
    browser::{Browser, back, number, query},
    percent,
    setup::Setup,
};
use serde_json::Value;

/// An application of Contoso's for all organisations.
const MULTI: &str = "a0000000-0000-4000-8000-0000000000b7";
/// The same, and for personal accounts.
const EVERYBODYS: &str = "a0000000-0000-4000-8000-0000000000b8";
const MORE: &str = r#"
[[application]]
name = "multi"
client_id = "a0000000-0000-4000-8000-0000000000b7"
public_client = true
audience = "AzureADMultipleOrgs"
redirect_uris = { public = ["http://localhost/back"] }
permissions = [{ api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] }]
admin_consent = true

[[application]]
name = "everybody's"
client_id = "a0000000-0000-4000-8000-0000000000b8"
public_client = true
audience = "AzureADandPersonalMicrosoftAccount"
redirect_uris = { public = ["http://localhost/back"] }
"#;

/// Where no tenant is named, at both versions of the endpoint.
const AUTHORITIES: [&str; 4] = ["common", "organizations", "common/oauth2", "organizations/oauth2"];

/// With one tenant, and with two.
async fn servers() -> [Contoso; 2] {
    [Setup::new("", MORE).start().await, Setup::new("", MORE).and(FABRIKAM).start().await]
}

/// Opens the authorize endpoint of an authority: of v2.0, or of v1.0 for one that ends in `/oauth2`.
async fn open(browser: &Browser<'_>, authority: &str, query: &[(&str, &str)]) -> Reply {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    let endpoint = if authority.ends_with("/oauth2") { "authorize" } else { "oauth2/v2.0/authorize" };
    browser.get(&format!("/{authority}/{endpoint}?{}", query.join("&"))).await
}

/// Signs in from a page for the account.
async fn sign_in(browser: &Browser<'_>, account: &Reply, user: &str) -> Reply {
    let asked = browser.submit(account, &[("username", user)]).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

#[tokio::test]
async fn a_request_that_names_no_tenant_is_validated_and_answered_at_the_client() {
    for t in servers().await {
        let browser = Browser::new(&t);
        for authority in AUTHORITIES {
            for (more, told) in [
                (("prompt", "none"), 50_058),
                (("prompt", "maybe"), 90_023),
                (("response_type", "token"), 700_051),
                (("scope", ""), 900_144),
                (("domain_hint", "nowhere.example"), 50_107),
            ] {
                // v1.0 asks for no scope.
                if more.0 == "scope" && authority.ends_with("/oauth2") {
                    continue;
                }
                let reply = open(&browser, authority, &query(MULTI, &[more])).await;
                assert_eq!((reply.status, number(&reply)), (303, told), "{authority} {more:?}");
            }
            let silent = open(&browser, authority, &query(MULTI, &[("prompt", "none")])).await;
            assert_eq!(back(&silent)["error"], "login_required");
            let hint = [("prompt", "none"), ("login_hint", "ada@nowhere.example")];
            assert_eq!(
                back(&open(&browser, authority, &query(MULTI, &hint)).await)["error"],
                "login_required"
            );
            for (client, more, told) in [
                (MULTI, ("redirect_uri", "https://evil.example/back"), 50_011),
                (PUBLIC, ("redirect_uri", "http://localhost:4711/back"), 50_194),
                ("a0000000-0000-4000-8000-00000000dead", ("state", "s"), 700_016),
                (MULTI, ("login_hint", "ada@nowhere.example"), 50_128),
            ] {
                let reply = open(&browser, authority, &query(client, &[more])).await;
                assert_eq!((reply.status, number(&reply)), (400, told), "{authority} {more:?}");
            }
            let page = open(&browser, authority, &query(MULTI, &[])).await;
            assert!(page.text().contains("to continue to <bdi>multi</bdi>"), "{}", page.text());
            assert_eq!(number(&browser.submit(&page, &[("cancel", "1")]).await), 65_004);
        }
    }
}

#[tokio::test]
async fn a_session_answers_a_request_that_names_no_tenant() {
    for t in servers().await {
        for authority in AUTHORITIES {
            let browser = Browser::new(&t);
            let asked = query(MULTI, &[]);
            let account = open(&browser, authority, &asked).await;
            let _ = back(&sign_in(&browser, &account, "ada@contoso.example").await)["code"];
            let silent = query(MULTI, &[("prompt", "none")]);
            for again in [&asked, &silent] {
                let fields = back(&open(&browser, authority, again).await);
                assert!(fields.contains_key("code"), "{authority} {fields:?}");
            }
            // The hints of the account, also the one that only we can read.
            let named = query(MULTI, &[("prompt", "none"), ("login_hint", "ada@contoso.example")]);
            assert!(back(&open(&browser, authority, &named).await).contains_key("code"));
            let other = query(MULTI, &[("prompt", "none"), ("login_hint", "admin@contoso.example")]);
            assert_eq!(back(&open(&browser, authority, &other).await)["error"], "login_required");
            // Where somebody wants to be asked, they are.
            let login = open(&browser, authority, &query(MULTI, &[("prompt", "login")])).await;
            assert!(login.text().contains("name=\"username\""), "{}", login.text());
            let choose = open(&browser, authority, &query(MULTI, &[("prompt", "select_account")])).await;
            assert_eq!(choose.text().matches("name=\"account\"").count(), 1, "{}", choose.text());
            let session = choose.text().split("name=\"account\" value=\"").nth(1).unwrap()[..36].to_owned();
            assert!(back(&browser.submit(&choose, &[("account", &session)]).await).contains_key("code"));
            // Another account of the browser: somebody has to choose.
            let choose = open(&browser, authority, &query(MULTI, &[("prompt", "select_account")])).await;
            let another = browser.submit(&choose, &[("again", "1")]).await;
            let _ = back(&sign_in(&browser, &another, "admin@contoso.example").await)["code"];
            assert_eq!(number(&open(&browser, authority, &silent).await), 16_000);
            let choose = open(&browser, authority, &asked).await;
            assert_eq!(choose.text().matches("name=\"account\"").count(), 2, "{}", choose.text());
            let fields = back(&browser.submit(&choose, &[("account", &session)]).await);
            assert_eq!(fields["session_state"], session);
            // Nobody else's browser has a session, and none lives for ever.
            assert_eq!(number(&open(&Browser::new(&t), authority, &silent).await), 50_058);
            t.later(25 * 3600);
            assert_eq!(number(&open(&browser, authority, &silent).await), 50_058);
        }
    }
}

#[tokio::test]
async fn the_session_decides_the_tenant() {
    let t = Setup::new("", MORE).and(FABRIKAM).start().await;
    let asked = query(
        AZURE_CLI,
        &[("redirect_uri", "http://localhost:4711"), ("scope", "https://graph.microsoft.com/.default")],
    );
    let silent: Vec<_> = asked.iter().copied().chain([("prompt", "none")]).collect();
    for (user, tenant) in [("ada@contoso.example", TENANT), ("ada@fabrikam.example", OTHER_TENANT)] {
        let browser = Browser::new(&t);
        let account = open(&browser, "organizations", &asked).await;
        let reply = sign_in(&browser, &account, user).await;
        assert!(reply.header("location").contains("code="), "{}", reply.header("location"));
        let reply = open(&browser, "organizations", &silent).await;
        let code = reply.header("location").split("code=").nth(1).unwrap().split('&').next().unwrap();
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", AZURE_CLI),
            ("code", code),
            ("redirect_uri", "http://localhost:4711"),
            ("code_verifier", carnet_tests::browser::VERIFIER),
        ];
        let tokens = t.form("/organizations/oauth2/v2.0/token", &fields).await;
        assert_eq!((&tokens.claims()["tid"], &tokens.claims()["upn"]), (&tenant.into(), &user.into()));
    }
}

#[tokio::test]
async fn a_network_that_lets_nobody_into_a_tenant_uses_no_session_of_it() {
    let t = Setup::new("", MORE).start().await;
    let browser = Browser::new(&t);
    let account = open(&browser, "common", &query(MULTI, &[])).await;
    let _ = back(&sign_in(&browser, &account, "ada@contoso.example").await)["code"];
    let silent: Vec<String> = query(MULTI, &[("prompt", "none")])
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)))
        .collect();
    let path = format!("/common/oauth2/v2.0/authorize?{}", silent.join("&"));
    let request = http::Request::get(path)
        .header("host", "localhost:8443")
        .header("restrict-access-to-tenants", "fabrikam.example");
    let reply = browser.send(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!(number(&reply), 50_058);
}

#[tokio::test]
async fn a_name_that_tells_no_tenant_is_asked_for_again() {
    for t in servers().await {
        let browser = Browser::new(&t);
        let account = open(&browser, "organizations", &query(MULTI, &[])).await;
        let again = browser.submit(&account, &[("username", "ada")]).await;
        assert!(again.text().contains("full user name"), "{}", again.text());
        assert!(again.text().contains("to continue to <bdi>multi</bdi>"));
        assert!(back(&sign_in(&browser, &again, "ada@contoso.example").await).contains_key("code"));
    }
}

#[tokio::test]
async fn nobody_has_a_personal_account_and_is_told_so_at_once() {
    for t in servers().await {
        for (client, told) in [(MULTI, 9_002_332), (PUBLIC, 9_002_332), (EVERYBODYS, 500_208)] {
            for prompt in [&[][..], &[("prompt", "none")], &[("login_hint", "ada@contoso.example")]] {
                let reply = open(&Browser::new(&t), "consumers", &query(client, prompt)).await;
                let page = reply.text();
                assert_eq!(reply.status, 400, "{client} {page}");
                assert!(!page.contains("name=\"username\"") && !page.contains("name=\"passwd\""), "{page}");
                assert_eq!(number(&reply), told, "{client} {prompt:?}");
            }
        }
        let microsofts = query(AZURE_CLI, &[("redirect_uri", "http://localhost:4711")]);
        assert_eq!(number(&open(&Browser::new(&t), "consumers", &microsofts).await), 90_130);
        let _: Value = t.get("/v1.0/users", &t.graph_token("admin").await).await.good();
    }
}

#[tokio::test]
async fn back_from_a_later_page_keeps_the_name_of_the_application() {
    for t in servers().await {
        for authority in [TENANT, "organizations"] {
            let browser = Browser::new(&t);
            let account =
                open(&browser, authority, &query(MULTI, &[("login_hint", "ada@contoso.example")])).await;
            assert!(account.text().contains("name=\"passwd\""), "{}", account.text());
            let returned = browser.submit(&account, &[("again", "1")]).await;
            let text = returned.text();
            assert!(text.contains("to continue to <bdi>multi</bdi>"), "{authority}: {text}");
            assert!(text.contains("name=\"username\""), "{authority}: {text}");
            let wrong = browser.submit(&returned, &[("username", "ada@contoso.example")]).await;
            let wrong = browser.submit(&wrong, &[("passwd", "Wrong-horse-7")]).await;
            assert!(wrong.text().contains("to continue to <bdi>multi</bdi>"));
            let returned = browser.submit(&wrong, &[("again", "1")]).await;
            assert!(back(&sign_in(&browser, &returned, "admin@contoso.example").await).contains_key("code"));
        }
    }
}
