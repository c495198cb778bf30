//! What a person sees who signs in for a device: consent, Cancel, their own tenant, and what was wrong with a code.

use super::contoso;
use carnet_tests::{
    AZURE_CLI, Contoso, FABRIKAM, OTHER_PUBLIC, OTHER_TENANT, PASSWORD, PUBLIC, Reply, TENANT, UNCONSENTED,
    browser::{Browser, back, number, query},
    setup::Setup,
};
use serde_json::Value;

const PLATFORM_SCOPE: &str = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";

async fn begin(t: &Contoso, (authority, client, scope): (&str, &str, &str)) -> Value {
    let fields = [("client_id", client), ("scope", scope)];
    t.form(&format!("/{authority}/oauth2/v2.0/devicecode"), &fields).await.good()
}

async fn poll(t: &Contoso, (authority, client): (&str, &str), begun: &Value) -> Reply {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", client),
        ("device_code", begun["device_code"].as_str().unwrap()),
    ];
    t.form(&format!("/{authority}/oauth2/v2.0/token"), &fields).await
}

/// Enters the code and the account; the page for the password.
async fn typed(browser: &Browser<'_>, begun: &Value, user: &str) -> Reply {
    let page = browser.get("/devicelogin").await;
    let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    assert!(account.text().contains("name=\"username\""), "{}", account.text());
    browser.submit(&account, &[("username", user)]).await
}

async fn signed_in(browser: &Browser<'_>, begun: &Value, user: &str) -> Reply {
    let asked = typed(browser, begun, user).await;
    browser.submit(&asked, &[("passwd", PASSWORD)]).await
}

#[tokio::test]
async fn consent_is_asked_for_between_sign_in_and_confirmation() {
    for (scope, words) in [
        ("User.Read offline_access", "User.Read"),
        ("openid profile", "View your basic profile"),
        (PLATFORM_SCOPE, "AppManagement.ApplicationPackages.Read"),
    ] {
        let t = contoso("").await;
        let begun = begin(&t, (TENANT, UNCONSENTED, scope)).await;
        let browser = Browser::new(&t);
        let page = signed_in(&browser, &begun, "ada@contoso.example").await;
        let text = page.text();
        assert!(text.contains("Permissions requested") && text.contains(words), "{scope}: {text}");
        assert!(text.contains("127.0.0.1") && !text.contains("everyone"), "{text}");
        let confirm = browser.submit(&page, &[("answer", "yes")]).await;
        assert!(confirm.text().contains("Is this you?"), "{}", confirm.text());
        assert_eq!(
            poll(&t, (TENANT, UNCONSENTED), &begun).await.no(),
            "400 authorization_pending 70016",
            "consent is no confirmation"
        );
        assert_eq!(browser.submit(&confirm, &[("answer", "yes")]).await.status, 200);
        assert_eq!(poll(&t, (TENANT, UNCONSENTED), &begun).await.claims()["upn"], "ada@contoso.example");
        // The second time nobody is asked.
        let begun = begin(&t, (TENANT, UNCONSENTED, scope)).await;
        let page = signed_in(&Browser::new(&t), &begun, "ada@contoso.example").await;
        assert!(page.text().contains("Is this you?"), "{scope}: {}", page.text());
        // What one person accepts is nobody else's.
        let page = signed_in(&Browser::new(&t), &begun, "admin@contoso.example").await;
        assert!(page.text().contains("Permissions requested"), "{scope}: {}", page.text());
    }
}

#[tokio::test]
async fn an_application_on_a_device_that_is_not_accepted_is_declined() {
    let t = contoso("").await;
    let begun = begin(&t, (TENANT, UNCONSENTED, "User.Read")).await;
    let browser = Browser::new(&t);
    let page = signed_in(&browser, &begun, "ada@contoso.example").await;
    let end = browser.submit(&page, &[("answer", "no")]).await;
    assert_eq!(end.status, 200);
    assert_eq!(poll(&t, (TENANT, UNCONSENTED), &begun).await.no(), "400 authorization_declined 65004");
    assert_eq!(number(&browser.submit(&page, &[("answer", "yes")]).await), 50_089);
    let client = t.directory().await.principal_by_app(UNCONSENTED.parse().unwrap()).unwrap().id;
    assert_eq!(t.directory().await.grants_of(client).count(), 0);
}

#[tokio::test]
async fn what_only_an_administrator_grants_is_not_asked_of_others_for_a_device() {
    let t = contoso("").await;
    let scope = "https://graph.microsoft.com/Directory.ReadWrite.All";
    let begun = begin(&t, (TENANT, UNCONSENTED, scope)).await;
    let refused = signed_in(&Browser::new(&t), &begun, "ada@contoso.example").await;
    assert_eq!((refused.status, number(&refused)), (400, 90_094));
    let browser = Browser::new(&t);
    let page = signed_in(&browser, &begun, "admin@contoso.example").await;
    assert!(page.text().contains("name=\"everyone\""), "{}", page.text());
    // Somebody else's page, or a page about something else, accepts nothing.
    assert_eq!(number(&Browser::new(&t).submit(&page, &[("answer", "yes")]).await), 90_004);
    let confirm = browser.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await;
    assert_eq!(browser.submit(&confirm, &[("answer", "yes")]).await.status, 200);
    assert_eq!(poll(&t, (TENANT, UNCONSENTED), &begun).await.claims()["upn"], "admin@contoso.example");
    // Everyone has it now.
    let begun = begin(&t, (TENANT, UNCONSENTED, scope)).await;
    let page = signed_in(&Browser::new(&t), &begun, "ada@contoso.example").await;
    assert!(page.text().contains("Is this you?"), "{}", page.text());
}

#[tokio::test]
async fn cancel_on_the_sign_in_page_declines_the_device_at_once() {
    let t = contoso("").await;
    for authority in [TENANT, "organizations"] {
        let (client, api) = match authority {
            TENANT => (PUBLIC, "https://api.powerplatform.com/.default"),
            _ => (AZURE_CLI, "https://graph.microsoft.com/.default"),
        };
        let begun = begin(&t, (authority, client, api)).await;
        let browser = Browser::new(&t);
        let page = browser.get("/devicelogin").await;
        let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
        assert_eq!(poll(&t, (authority, client), &begun).await.no(), "400 authorization_pending 70016");
        let end = browser.submit(&account, &[("cancel", "1")]).await;
        assert_eq!(end.status, 200, "{}", end.text());
        let declined = "400 authorization_declined 65004";
        assert_eq!(poll(&t, (authority, client), &begun).await.no(), declined);
        // It stays declined, whatever is posted afterwards.
        assert_eq!(number(&browser.submit(&account, &[("cancel", "1")]).await), 50_089);
        let other = Browser::new(&t);
        let confirm = signed_in(&other, &begun, "ada@contoso.example").await;
        assert_eq!(number(&other.submit(&confirm, &[("answer", "yes")]).await), 90_120);
        assert_eq!(poll(&t, (authority, client), &begun).await.no(), declined);
    }
}

#[tokio::test]
async fn cancel_declines_nothing_from_another_browser_or_site() {
    let t = contoso("").await;
    let begun = begin(&t, (TENANT, PUBLIC, "https://graph.microsoft.com/.default")).await;
    let browser = Browser::new(&t);
    let page = browser.get("/devicelogin").await;
    let account = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    assert_eq!(number(&Browser::new(&t).submit(&account, &[("cancel", "1")]).await), 90_004);
    assert_eq!(poll(&t, (TENANT, PUBLIC), &begun).await.no(), "400 authorization_pending 70016");
}

#[tokio::test]
async fn the_person_who_signs_in_decides_the_tenant_of_a_device() {
    let t = Setup::new("", "").and(FABRIKAM).start().await;
    let scope = "https://graph.microsoft.com/.default offline_access";
    for authority in ["common", "organizations"] {
        for (user, tenant) in [("ada@contoso.example", TENANT), ("ada@fabrikam.example", OTHER_TENANT)] {
            let begun = begin(&t, (authority, AZURE_CLI, scope)).await;
            let pending = poll(&t, (authority, AZURE_CLI), &begun).await;
            assert_eq!(pending.no(), "400 authorization_pending 70016");
            let browser = Browser::new(&t);
            let page = signed_in(&browser, &begun, user).await;
            assert!(page.text().contains("Is this you?") && page.text().contains(user), "{}", page.text());
            assert_eq!(
                poll(&t, (authority, AZURE_CLI), &begun).await.no(),
                "400 authorization_pending 70016"
            );
            assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
            let reply = poll(&t, (authority, AZURE_CLI), &begun).await;
            assert_eq!((&reply.claims()["upn"], &reply.claims()["tid"]), (&user.into(), &tenant.into()));
            assert_eq!(poll(&t, (authority, AZURE_CLI), &begun).await.no(), "400 invalid_grant 54005");
            let token = reply.good()["refresh_token"].as_str().unwrap().to_owned();
            let again = [
                ("grant_type", "refresh_token"),
                ("client_id", AZURE_CLI),
                ("refresh_token", token.as_str()),
            ];
            let again = t.form(&format!("/{authority}/oauth2/v2.0/token"), &again).await;
            assert_eq!(again.claims()["tid"], tenant);
        }
    }
    // A no leaves the code where it is.
    let begun = begin(&t, ("organizations", AZURE_CLI, scope)).await;
    let browser = Browser::new(&t);
    let page = signed_in(&browser, &begun, "ada@fabrikam.example").await;
    let _ = browser.submit(&page, &[("answer", "no")]).await;
    assert_eq!(poll(&t, ("organizations", AZURE_CLI), &begun).await.no(), "400 authorization_declined 65004");
}

#[tokio::test]
async fn the_person_who_signs_in_decides_the_tenant_of_a_device_on_v1() {
    let t = Setup::new("", "").and(FABRIKAM).start().await;
    for authority in ["common", "organizations"] {
        let ask = async |path: &str, fields: &[(&str, &str)]| {
            let fields = [fields, &[("client_id", AZURE_CLI)]].concat();
            t.form(&format!("/{authority}/oauth2/{path}"), &fields).await
        };
        for (user, tenant) in [("ada@contoso.example", TENANT), ("ada@fabrikam.example", OTHER_TENANT)] {
            let begun = ask("devicecode", &[("resource", "https://graph.microsoft.com")]).await.good();
            let code = begun["device_code"].as_str().unwrap();
            let poll = [("grant_type", "device_code"), ("code", code)];
            assert_eq!(ask("token", &poll).await.no(), "400 authorization_pending 70016");
            let browser = Browser::new(&t);
            let page = signed_in(&browser, &begun, user).await;
            assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
            let reply = ask("token", &poll).await;
            let claims = reply.claims();
            assert_eq!((&claims["upn"], &claims["tid"]), (&user.into(), &tenant.into()), "{authority}");
            assert_eq!(reply.good()["resource"], "https://graph.microsoft.com");
            let token = reply.good()["refresh_token"].as_str().unwrap().to_owned();
            let again = ask("token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await;
            assert_eq!(again.claims()["tid"], tenant, "{authority}");
        }
        for client in [PUBLIC, OTHER_PUBLIC] {
            let fields = [("client_id", client), ("resource", "https://graph.microsoft.com")];
            let reply = t.form(&format!("/{authority}/oauth2/devicecode"), &fields).await;
            assert_eq!(reply.no(), "400 invalid_request 50194", "{authority}");
        }
    }
}

#[tokio::test]
async fn of_two_people_of_two_tenants_one_answers_a_device() {
    let t = Setup::new("", "").and(FABRIKAM).start().await;
    let begun = begin(&t, ("common", AZURE_CLI, "https://graph.microsoft.com/.default")).await;
    let (one, other) = (Browser::new(&t), Browser::new(&t));
    let first = signed_in(&one, &begun, "ada@fabrikam.example").await;
    let second = signed_in(&other, &begun, "ada@contoso.example").await;
    assert_eq!(one.submit(&first, &[("answer", "yes")]).await.status, 200);
    assert_eq!(number(&other.submit(&second, &[("answer", "yes")]).await), 90_120);
    assert_eq!(poll(&t, ("common", AZURE_CLI), &begun).await.claims()["tid"], OTHER_TENANT);
}

#[tokio::test]
async fn a_device_code_of_one_tenant_is_no_code_for_the_people_of_another() {
    let t = Setup::new("", "").and(FABRIKAM).start().await;
    let scope = "https://graph.microsoft.com/.default";
    let begun = begin(&t, (TENANT, AZURE_CLI, scope)).await;
    // A domain of another tenant, in a sign-in of this one.
    let refused = signed_in(&Browser::new(&t), &begun, "ada@fabrikam.example").await;
    assert!(!refused.text().contains("Is this you?"), "{}", refused.text());
    // A single-tenant application asks at its own tenant.
    for client in [PUBLIC, OTHER_PUBLIC] {
        let fields = [("client_id", client), ("scope", scope)];
        let reply = t.form("/common/oauth2/v2.0/devicecode", &fields).await;
        assert_eq!(reply.no(), "400 invalid_request 50194");
    }
    let nobodys = [("client_id", "a0000000-0000-4000-8000-00000000dead"), ("scope", scope)];
    assert_eq!(
        t.form("/common/oauth2/v2.0/devicecode", &nobodys).await.no(),
        "400 unauthorized_client 700016"
    );
    let personal = [("client_id", AZURE_CLI), ("scope", scope)];
    assert_eq!(
        t.form("/consumers/oauth2/v2.0/devicecode", &personal).await.no(),
        "400 invalid_request 90130"
    );
}

#[tokio::test]
async fn a_name_that_tells_no_tenant_is_asked_for_again() {
    let t = Setup::new("", "").and(FABRIKAM).start().await;
    let begun = begin(&t, ("common", AZURE_CLI, "https://graph.microsoft.com/.default")).await;
    let browser = Browser::new(&t);
    let again = typed(&browser, &begun, "ada").await;
    assert!(again.text().contains("full user name"), "{}", again.text());
    // A password with it proves nothing.
    let still = browser.submit(&again, &[("username", "ada@contoso.example"), ("passwd", PASSWORD)]).await;
    assert!(still.text().contains("name=\"username\""), "{}", still.text());
    let page = browser.submit(&again, &[("username", "ada@fabrikam.example")]).await;
    let back = browser.submit(&page, &[("again", "1")]).await;
    assert!(back.text().contains("name=\"username\"") && back.text().contains("to continue to"));
    // Back, and an account of the other tenant.
    let page = browser.submit(&back, &[("username", "ada@contoso.example")]).await;
    let page = browser.submit(&page, &[("passwd", PASSWORD)]).await;
    assert!(page.text().contains("Is this you?"), "{}", page.text());
    let unknown = typed(&Browser::new(&t), &begun, "ada@nowhere.example").await;
    assert_eq!((unknown.status, number(&unknown)), (400, 50_128));
}

#[tokio::test]
async fn what_is_said_about_a_wrong_code_fits_the_cause() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let begun = begin(&t, (TENANT, PUBLIC, "openid")).await;
    let told = async |code: &str| {
        let page = browser.get("/devicelogin").await;
        browser.submit(&page, &[("user_code", code)]).await.text()
    };
    for (code, words, number) in [
        ("WRONGCODE", "no vowels, no Y and no digits", 50_189),
        ("BCDFGHJK1", "no vowels, no Y and no digits", 50_189),
        ("BCDFGHJK", "A code has nine letters.", 50_189),
        ("BCDFGHJKLMNP", "A code has nine letters.", 50_189),
        ("", "Enter the code", 90_119),
        ("BCDFGHJKL", "isn&#39;t known or has expired", 70_018),
    ] {
        let text = told(code).await;
        assert!(text.contains(words) && text.contains(&format!("AADSTS{number}")), "{code}: {text}");
        assert!(text.contains("name=\"user_code\""), "{code}");
    }
    t.later(901);
    assert!(told(begun["user_code"].as_str().unwrap()).await.contains("has expired"));
}

#[tokio::test]
async fn devices_are_told_the_short_address() {
    let t = contoso("").await;
    let begun = begin(&t, (TENANT, PUBLIC, "openid")).await;
    let page = "https://localhost:8443/devicelogin";
    assert_eq!(begun["verification_uri"], page);
    assert!(begun["message"].as_str().unwrap().contains(page));
    let fields = [("client_id", PUBLIC), ("resource", "https://api.powerplatform.com")];
    let first = t.form(&format!("/{TENANT}/oauth2/devicecode"), &fields).await.good();
    assert_eq!(first["verification_url"], page);
    let reply = Browser::new(&t).get("/devicelogin").await;
    assert!(reply.text().contains("name=\"user_code\""));
    let _ = back(&Browser::new(&t).sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
}
