//! Requests that are none, at the pages (4.2 of the reference).

use super::*;

pub(super) async fn rows(table: &mut Table) {
    let t = Contoso::with("", &format!("{APPLICATIONS}\n{SPA_TABLE}")).await;
    let browser = Browser::new(&t);
    let long = "x".repeat(44);
    for (code, trigger, expected, changes) in [
        (90_023, "a prompt that is none", "back invalid_request", ("prompt", "maybe")),
        (70_007, "a response mode that is none", "back invalid_request", ("response_mode", "pigeon")),
        (
            70_005,
            "a response type that is none",
            "back unsupported_response_type",
            ("response_type", "pigeon"),
        ),
        (700_051, "a token from this endpoint", "back unsupported_response_type", ("response_type", "token")),
        (50_147, "a challenge that is too short", "back invalid_request", ("code_challenge", "short")),
        (501_491, "a challenge that is none of S256", "back invalid_request", ("code_challenge", &long)),
        (50_149, "a plain challenge", "back invalid_request", ("code_challenge_method", "plain")),
        (9_002_325, "a public client without a challenge", "back invalid_request", ("code_challenge", "")),
    ] {
        table.add(code, trigger, expected, &open(&browser, TENANT, PAGES, &[changes]).await);
    }
    let id_token = [("response_type", "id_token"), ("nonce", "n")];
    let reply = open(&browser, TENANT, PAGES, &id_token).await;
    table.add(700_054, "an ID token from this endpoint", "back unsupported_response_type", &reply);
    let sid = ("sid", "00000000-0000-4000-8000-000000000001");
    for (code, trigger, more) in [
        (90_005, "a session and an account by name", ("login_hint", "ada@contoso.example")),
        (90_138, "a session, and to sign in anew", ("prompt", "login")),
        (90_131, "a session, and to choose an account", ("prompt", "select_account")),
    ] {
        table.add(code, trigger, "back invalid_request", &open(&browser, TENANT, PAGES, &[sid, more]).await);
    }
    for (code, trigger, client, uri) in [
        (50_011, "a redirect URI of somebody else's", PAGES, "https://evil.example/back"),
        (500_113, "no redirect URI at all", BARE, ""),
        (900_971, "no redirect URI out of several", ASKS, ""),
        (500_117, "a redirect URI in the clear", PAGES, "http://evil.example/back"),
    ] {
        table.add(code, trigger, "page", &open(&browser, TENANT, client, &[("redirect_uri", uri)]).await);
    }
    let hinted = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?logout_hint=nobody")).await;
    table.add(1_002_017, "a hint for the sign-out that is none", "page", &hinted);
    signed_out(table, &t).await;
    let state = "x".repeat(13_000);
    let reply = open(&browser, TENANT, PAGES, &[("state", &state)]).await;
    table.add(90_015, "an address that is too long", "page", &reply);

    let page = open(&browser, TENANT, PAGES, &[]).await;
    let typed = browser.submit(&page, &[("username", "ada\u{7}@contoso.example")]).await;
    table.add(90_013, "an account name that cannot be one", "page", &typed);
    let other = Browser::new(&t);
    let _ = open(&other, TENANT, PAGES, &[]).await;
    let name = [("username", "ada@contoso.example")];
    table.add(90_004, "a page of another browser's", "page", &other.submit(&page, &name).await);
    t.later(16 * 60);
    table.add(50_089, "a page that was open for too long", "page", &browser.submit(&page, &name).await);
    redirects_at_redemption(table, &t).await;
    other_origins(table, &t).await;
}

/// A sign-out that names one application and shows another's ID token.
async fn signed_out(table: &mut Table, t: &Contoso) {
    let browser = Browser::new(t);
    let scope = [("scope", "https://api.powerplatform.com/.default openid")];
    let code = back(&sign_in(&browser, "ada", PAGES, &scope).await)["code"].clone();
    let token = redeem(t, &code, &[]).await.good()["id_token"].as_str().unwrap().to_owned();
    let leave = async |app: &str| {
        let query = format!("client_id={app}&id_token_hint={token}");
        browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?{query}")).await
    };
    table.add(50_068, "a sign-out that names two applications", "page", &leave(ASKS).await);
    let silent = [("prompt", "none")];
    assert_eq!(told(&leave("nobody").await), "page 50068");
    assert!(back(&open(&browser, TENANT, PAGES, &silent).await).contains_key("code"), "nobody is signed out");
    assert_eq!(leave(PAGES).await.status, 200);
    assert_eq!(told(&open(&browser, TENANT, PAGES, &silent).await), "back login_required 50058");
}

async fn redirects_at_redemption(table: &mut Table, t: &Contoso) {
    for (code_number, trigger, uri) in [
        (500_112, "a code with another redirect URI", "http://localhost:4712/back"),
        (700_009, "a code without its redirect URI", ""),
    ] {
        let code = code(t, PAGES, &[]).await;
        let reply = redeem(t, &code, &[("redirect_uri", uri)]).await;
        table.add(code_number, trigger, "400 invalid_grant", &reply);
    }
}

async fn other_origins(table: &mut Table, t: &Contoso) {
    let back = ("redirect_uri", "https://spa.example/cb");
    let code = code(t, SPA, &[back]).await;
    let missing = redeem(t, &code, &[("client_id", SPA), back]).await;
    table.add(9_002_327, "a single-page application's code without Origin", "400 invalid_request", &missing);
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", SPA),
        ("code", &code),
        back,
        ("code_verifier", VERIFIER),
    ];
    let ask = async |origin: &'static str, fields: &[(&str, &str)]| {
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), fields);
        request.headers_mut().insert("origin", http::HeaderValue::from_static(origin));
        t.send(request).await
    };
    let secret = [&fields[..], &[("client_secret", "x")]].concat();
    let foreign = ask("https://spa.example", &secret).await;
    table.add(9_002_326, "a script that shows a secret", "400 invalid_request", &foreign);
    let token = refresh_token(&ask("https://spa.example", &fields).await);
    t.later(25 * 3600);
    let fields = [("grant_type", "refresh_token"), ("client_id", SPA), ("refresh_token", &token)];
    let late = ask("https://spa.example", &fields).await;
    table.add(700_084, "a single-page application's refresh token after a day", "400 invalid_grant", &late);
}
