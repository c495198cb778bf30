//! Signing in on pages, and what comes back: by what is asked of people, and by what a stranger tries.

use super::contoso;
use carnet_tests::{
    AZURE_CLI, PASSWORD, PUBLIC, TENANT, UNCONSENTED,
    browser::{BACK, Browser, SCOPE, back, flow, number, query, redemption},
    form, part,
};
use http::HeaderValue;

#[tokio::test]
async fn somebody_signs_in_and_the_client_gets_tokens_once() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let fields = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    assert_eq!(fields["state"], "a b&c");
    assert_eq!(fields.get("iss"), None);
    let reply = t.redeem(&fields["code"]).await;
    assert_eq!(reply.claims()["upn"], "ada@contoso.example");
    let id_token = part(reply.good()["id_token"].as_str().unwrap(), 1);
    assert_eq!((&id_token["nonce"], id_token.get("auth_time")), (&"n-1".into(), None));
    let refresh = reply.good()["refresh_token"].as_str().unwrap().to_owned();

    // A second use ends what the first one gave.
    assert_eq!(t.redeem(&fields["code"]).await.no(), "400 invalid_grant 54005");
    let again = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", &refresh),
        ("scope", SCOPE),
    ];
    assert_eq!(t.token(&again).await.no(), "400 invalid_grant 50173");
}

#[tokio::test]
async fn who_asks_how_old_a_sign_in_may_be_is_told_when_it_was() {
    let t = contoso("").await;
    let asked = query(PUBLIC, &[("max_age", "600")]);
    let fields = back(&Browser::new(&t).sign_in(&asked, "ada", PASSWORD).await);
    let id_token = part(t.redeem(&fields["code"]).await.good()["id_token"].as_str().unwrap(), 1);
    assert_eq!(id_token["auth_time"], 1_800_000_000);
}

#[tokio::test]
async fn a_session_is_told_where_the_client_wants_it_and_stays_the_same() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let wants = serde_json::json!({ "optionalClaims": { "idToken": [{ "name": "sid" }] } });
    let path = format!("/v1.0/applications(appId='{PUBLIC}')");
    let (browser, asked) = (Browser::new(&t), query(PUBLIC, &[]));
    let sid = async |reply: &carnet_tests::Reply| {
        let tokens = t.redeem(&back(reply)["code"]).await.good();
        (part(tokens["id_token"].as_str().unwrap(), 1).get("sid").cloned(), tokens)
    };
    assert_eq!(sid(&browser.sign_in(&asked, "ada", PASSWORD).await).await.0, None);
    assert_eq!(t.call("PATCH", &path, &token, wants).await.status, 204);
    let (second, tokens) = sid(&browser.open(&asked).await).await;
    assert!(second.is_some());
    assert_eq!(sid(&browser.open(&asked).await).await.0, second);
    let again = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", SCOPE),
    ];
    let refreshed = t.token(&again).await.good();
    assert_eq!(part(refreshed["id_token"].as_str().unwrap(), 1).get("sid").cloned(), second);
    // Another sign-in is another session.
    assert_ne!(sid(&Browser::new(&t).sign_in(&asked, "ada", PASSWORD).await).await.0, second);
}

#[tokio::test]
async fn a_session_answers_without_asking_until_it_is_told_to() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let silent = query(PUBLIC, &[("prompt", "none")]);
    assert_eq!(number(&browser.open(&silent).await), 50058);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    assert!(back(&browser.open(&silent).await).contains_key("code"));
    assert!(back(&browser.open(&query(PUBLIC, &[])).await).contains_key("code"));
    for more in [
        &[("prompt", "login")][..],
        &[("prompt", "select_account")],
        &[("login_hint", "admin@contoso.example")],
    ] {
        assert_eq!(browser.open(&query(PUBLIC, more)).await.status, 200, "{more:?}");
    }
    t.later(120);
    assert_eq!(browser.open(&query(PUBLIC, &[("max_age", "60")])).await.status, 200);
    assert_eq!(number(&Browser::new(&t).open(&silent).await), 50058);
    t.later(24 * 3600);
    assert_eq!(number(&browser.open(&silent).await), 50058);
}

#[tokio::test]
async fn a_wrong_password_stays_on_the_page_and_locks_like_any_other() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    for number in 0..10 {
        let wrong = browser.sign_in(&query(PUBLIC, &[]), "ada", &format!("Wrong-{number}")).await;
        assert_eq!(wrong.status, 200);
        assert!(String::from_utf8_lossy(&wrong.body).contains("role=\"alert\""));
    }
    assert_eq!(browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await.status, 200);
    let unknown = browser.sign_in(&query(PUBLIC, &[]), "nobody", PASSWORD).await;
    assert_eq!(unknown.status, 200);
    let records = t.store.sign_ins(TENANT.parse().unwrap(), carnet_tests::NOW, 50).await.unwrap();
    // The first ten of a minute leave a record each.
    assert_eq!(records.iter().filter(|it| it.grant == "interactive" && it.error == 50126).count(), 10);
    t.store.flush_denials().await.unwrap();
    let now = carnet_tests::NOW;
    let counts = t.store.denial_counts(TENANT.parse().unwrap(), (now, now), 10).await.unwrap();
    assert_eq!(counts.iter().map(|it| (it.code, it.count)).collect::<Vec<_>>(), [(50126, 2)]);
}

#[tokio::test]
async fn what_is_wrong_before_the_way_back_is_known_stays_on_a_page() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    for (more, told) in [
        (("client_id", "a0000000-0000-4000-8000-00000000dead"), 700_016),
        (("redirect_uri", "https://evil.example/back"), 50_011),
        (("redirect_uri", "http://localhost:1@evil.example/back"), 50_011),
        (("redirect_uri", "http://localhost:4711/back/more"), 50_011),
    ] {
        let reply = browser.open(&query(PUBLIC, &[more])).await;
        assert_eq!((reply.status, number(&reply)), (400, told), "{more:?}");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
    }
    let script =
        browser.open(&query(PUBLIC, &[("redirect_uri", "https://x/<script>alert(1)</script>")])).await;
    assert!(!String::from_utf8_lossy(&script.body).contains("<script>"));
}

#[tokio::test]
async fn everything_else_goes_back_to_the_client() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    for (more, told) in [
        (("response_type", "token"), 700_051),
        (("response_mode", "carrier_pigeon"), 70_007),
        (("prompt", "maybe"), 90_023),
        (("code_challenge_method", "plain"), 50_149),
        (("code_challenge", ""), 9_002_325),
        (("scope", ""), 900_144),
    ] {
        assert_eq!(number(&browser.open(&query(PUBLIC, &[more])).await), told, "{more:?}");
    }
    let nowhere = query(PUBLIC, &[("scope", "https://nowhere.example/.default")]);
    assert_eq!(number(&browser.sign_in(&nowhere, "ada", PASSWORD).await), 500_011);
    let page = Browser::new(&t);
    let account = page.open(&query(PUBLIC, &[])).await;
    assert_eq!(number(&page.submit(&account, &[("cancel", "1")]).await), 65_004);
}

#[tokio::test]
async fn a_page_counts_for_the_browser_that_got_it_from_us_and_for_a_while() {
    let t = contoso("").await;
    let (mine, other) = (Browser::new(&t), Browser::new(&t));
    let page = mine.open(&query(PUBLIC, &[])).await;
    let _ = other.open(&query(PUBLIC, &[])).await;
    let name = [("username", "ada@contoso.example")];
    assert_eq!(number(&other.submit(&page, &name).await), 90_004);
    let sealed = flow(&page);
    let foreign = form(&format!("/{TENANT}/login"), &[("flow", &sealed), name[0]]);
    for (header, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("accept", "*/*")]
    {
        let mut request = foreign.clone();
        request.headers_mut().insert(header, HeaderValue::from_static(value));
        assert_eq!(number(&mine.send(request).await), 90_004, "{header}");
    }
    assert_eq!(mine.submit(&page, &name).await.status, 200);
    t.later(16 * 60);
    assert_eq!(number(&mine.submit(&page, &name).await), 50_089);
}

#[tokio::test]
async fn answers_travel_in_the_query_the_fragment_or_a_form() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let fragment = browser.open(&query(PUBLIC, &[("response_mode", "fragment")])).await;
    assert!(fragment.header("location").starts_with(&format!("{BACK}#code=")));
    let posted = browser.open(&query(PUBLIC, &[("response_mode", "form_post")])).await;
    let text = String::from_utf8(posted.body.to_vec()).unwrap();
    assert!(text.contains(&format!("action=\"{BACK}\"")) && text.contains("name=\"code\""), "{text}");
    assert!(posted.header("content-security-policy").contains("script-src 'sha256-"));
}

#[tokio::test]
async fn a_tenants_rules_hold_here_too() {
    let t = contoso("block = [\"user:ada@contoso.example\"]").await;
    let browser = Browser::new(&t);
    assert_eq!(number(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await), 53_003);
    assert_eq!(number(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await), 50_058);
}

#[tokio::test]
async fn somebody_consents_for_themselves_and_an_administrator_for_everyone() {
    let t = contoso("").await;
    let (ada, admin) = (Browser::new(&t), Browser::new(&t));
    let page = ada.sign_in(&query(UNCONSENTED, &[]), "ada", PASSWORD).await;
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    for shown in
        ["unconsented", "AppManagement.ApplicationPackages.Read", "localhost:4711", "ada@contoso.example"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("everyone"));
    // Nobody asks where nobody may be asked, and a no goes back.
    let silent = query(UNCONSENTED, &[("prompt", "none")]);
    assert_eq!(number(&ada.open(&silent).await), 65_001);
    assert_eq!(number(&ada.submit(&page, &[("answer", "no")]).await), 65_004);
    let page = ada.open(&query(UNCONSENTED, &[])).await;
    // Whoever is no administrator consents for no one else, whatever is posted.
    assert_eq!(ada.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await.status, 403);
    assert!(back(&ada.submit(&page, &[("answer", "yes")]).await).contains_key("code"));
    assert!(back(&ada.open(&silent).await).contains_key("code"));

    let page = admin.sign_in(&query(UNCONSENTED, &[]), "admin", PASSWORD).await;
    assert!(String::from_utf8_lossy(&page.body).contains("everyone"));
    // The page is its browser's and its account's alone.
    assert_eq!(number(&ada.submit(&page, &[("answer", "yes")]).await), 90_004);
    assert!(back(&admin.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await).contains_key("code"));
    let token = t.graph_token("admin").await;
    let grants = t.get("/v1.0/oauth2PermissionGrants", &token).await.good();
    let kinds: Vec<_> =
        grants["value"].as_array().unwrap().iter().map(|it| it["consentType"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "Principal").count(), 1, "{grants}");
}

#[tokio::test]
async fn consent_for_everyone_takes_a_fresh_sign_in() {
    let t = contoso("").await;
    let admin = Browser::new(&t);
    let _ = back(&admin.sign_in(&query(PUBLIC, &[]), "admin", PASSWORD).await);
    t.later(16 * 60);
    let page = admin.open(&query(UNCONSENTED, &[])).await;
    let asked = admin.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await;
    assert!(String::from_utf8_lossy(&asked.body).contains("name=\"passwd\""));
    let page = admin.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert!(back(&admin.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await).contains_key("code"));
}

#[tokio::test]
async fn what_only_an_administrator_may_grant_a_user_is_not_asked() {
    let t = contoso("").await;
    let wide = query(PUBLIC, &[("scope", "https://graph.microsoft.com/Directory.ReadWrite.All")]);
    let reply = Browser::new(&t).sign_in(&wide, "ada", PASSWORD).await;
    assert_eq!((reply.status, number(&reply)), (400, 90_094));
    let asked = Browser::new(&t).sign_in(&wide, "admin", PASSWORD).await;
    assert!(String::from_utf8_lossy(&asked.body).contains("Directory.ReadWrite.All"));
}

#[tokio::test]
async fn a_redirect_uri_that_was_left_out_need_not_be_repeated_and_one_that_was_named_must() {
    let t = contoso("").await;
    let redeem = async |named: bool| {
        let mut asked = query(PUBLIC, &[]);
        asked.retain(|(name, _)| named || *name != "redirect_uri");
        let reply = Browser::new(&t).sign_in(&asked, "ada", PASSWORD).await;
        let location = reply.header("location");
        let code = location.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
        let mut fields = redemption(code).to_vec();
        fields.retain(|(name, _)| *name != "redirect_uri");
        t.token(&fields).await
    };
    redeem(false).await.good();
    assert_eq!(redeem(true).await.no(), "400 invalid_grant 700009");
}

#[tokio::test]
async fn consent_may_be_asked_for_again() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let again = query(PUBLIC, &[("prompt", "consent")]);
    let page = browser.sign_in(&again, "ada", PASSWORD).await;
    assert_eq!(page.status, 200);
    assert!(back(&browser.submit(&page, &[("answer", "yes")]).await).contains_key("code"));
}

#[tokio::test]
async fn where_nothing_can_be_asked_for_again_the_answer_is_the_one_without_asking() {
    let t = contoso("").await;
    let ask = async |scope: &str| {
        let more = [("prompt", "consent"), ("redirect_uri", "http://localhost:4711"), ("scope", scope)];
        Browser::new(&t).sign_in(&query(AZURE_CLI, &more), "ada", PASSWORD).await
    };
    let yes = ask("https://graph.microsoft.com/.default").await;
    assert!(yes.header("location").contains("code="), "{yes:?}");
    let no = ask("https://api.powerplatform.com/AppManagement.ApplicationPackages.Read").await;
    assert!(no.header("location").contains("AADSTS65002"), "{no:?}");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_goes_only_where_the_application_says() {
    let t = contoso("").await;
    let silent = query(PUBLIC, &[("prompt", "none")]);
    let home = "http://localhost/back";
    let leave = async |browser: &Browser<'_>, more: &[(&str, &str)]| {
        let query: Vec<String> =
            more.iter().map(|(name, value)| format!("{name}={}", carnet_tests::percent(value))).collect();
        browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?{}", query.join("&"))).await
    };
    let browser = Browser::new(&t);
    let fields = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let id_token = t.redeem(&fields["code"]).await.good()["id_token"].as_str().unwrap().to_owned();

    // Without an ID token of ours somebody has to click, and nothing has ended yet.
    let (head, _) = id_token.rsplit_once('.').unwrap();
    for hint in ["", "nonsense", &format!("{head}.AAAA")] {
        let asked = leave(&browser, &[("id_token_hint", hint), ("post_logout_redirect_uri", home)]).await;
        assert_eq!(asked.status, 200, "{hint}");
        assert!(back(&browser.open(&silent).await).contains_key("code"), "{hint}");
    }
    let asked =
        leave(&browser, &[("client_id", PUBLIC), ("post_logout_redirect_uri", home), ("state", "s 1")]).await;
    let gone = browser.submit(&asked, &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "http://localhost/back?state=s+1"));
    assert_eq!(number(&browser.open(&silent).await), 50_058);

    // With one it ends at once, however old the token is; and goes nowhere else.
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    t.later(2 * 3600);
    let evil = leave(
        &browser,
        &[("id_token_hint", &id_token), ("post_logout_redirect_uri", "https://evil.example/")],
    )
    .await;
    assert_eq!((evil.status, evil.header("location")), (200, ""));
    assert_eq!(number(&browser.open(&silent).await), 50_058);
}

#[tokio::test]
async fn after_the_click_a_sign_out_goes_back_to_an_application_of_the_session() {
    let t = contoso("").await;
    let leave = async |browser: &Browser<'_>, path: &str, to: &str| {
        let to = carnet_tests::percent(to);
        browser.get(&format!("/{path}?post_logout_redirect_uri={to}&state=s+1")).await
    };
    let home = "http://localhost/back";
    for path in [&format!("{TENANT}/oauth2/v2.0/logout"), "common/oauth2/v2.0/logout", "common/oauth2/logout"]
    {
        let browser = Browser::new(&t);
        let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        let asked = leave(&browser, path, home).await;
        assert_eq!((asked.status, asked.header("location")), (200, ""), "{path}");
        assert!(back(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await).contains_key("code"));
        let gone = browser.submit(&asked, &[]).await;
        assert_eq!((gone.status, gone.header("location")), (303, "http://localhost/back?state=s+1"));
        assert_eq!(number(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await), 50_058);
        // An address that no application of the session has, and any address where no session ends.
        let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        for to in ["https://evil.example/", "http://localhost/back/", "http://localhost:1/back/"] {
            let asked = leave(&browser, path, to).await;
            let page = browser.submit(&asked, &[]).await;
            assert_eq!((page.status, page.header("location")), (200, ""), "{path} {to}");
            assert!(!page.text().contains("href="), "{}", page.text());
            let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        }
        let page = leave(&Browser::new(&t), path, home).await;
        assert_eq!((page.status, page.header("location")), (200, ""), "{path}");
    }
    // Registered, but of an application that took no part in the session.
    let token = t.graph_token("admin").await;
    let elsewhere = "https://other.example/out";
    let uris = serde_json::json!({ "web": { "redirectUris": [elsewhere] } });
    let other = format!("/v1.0/applications(appId='{}')", carnet_tests::CONFIDENTIAL);
    assert_eq!(t.call("PATCH", &other, &token, uris).await.status, 204);
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let asked = leave(&browser, "common/oauth2/v2.0/logout", elsewhere).await;
    assert_eq!(browser.submit(&asked, &[]).await.status, 200);
}

#[tokio::test]
async fn a_sign_out_goes_back_to_a_web_or_single_page_address_under_any_port_of_this_machine() {
    for platform in ["web", "spa"] {
        let app = "a0000000-0000-4000-8000-0000000000f1";
        let table = format!(
            "[[application]]\nname = \"out\"\nclient_id = \"{app}\"\nadmin_consent = true\n\
             redirect_uris = {{ {platform} = [\"http://localhost/back\", \"https://out.example/out\"] }}\n\
             permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}]\n"
        );
        let t = super::contoso_with("", &table).await;
        for (to, goes) in [
            ("http://localhost/back", true),
            ("http://localhost:5173/back", true),
            ("https://out.example/out", true),
            ("http://localhost:5173/back/", false),
            ("http://127.0.0.1:5173/back", false),
            ("https://localhost:5173/back", false),
            ("https://out.example:444/out", false),
            ("https://out.example/out?x", false),
        ] {
            for path in [format!("{TENANT}/oauth2/v2.0/logout"), "common/oauth2/logout".into()] {
                let browser = Browser::new(&t);
                let _ = back(&browser.sign_in(&query(app, &[]), "ada", PASSWORD).await);
                let to_text = carnet_tests::percent(to);
                let asked = browser.get(&format!("/{path}?post_logout_redirect_uri={to_text}&state=s")).await;
                assert_eq!(asked.status, 200, "{platform} {to}");
                let gone = browser.submit(&asked, &[]).await;
                let place = if goes { format!("{to}?state=s") } else { String::new() };
                assert_eq!(gone.header("location"), place, "{platform} {to}");
                assert_eq!(number(&browser.open(&query(app, &[("prompt", "none")])).await), 50_058);
            }
        }
    }
}
