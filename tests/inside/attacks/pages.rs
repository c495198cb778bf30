//! 6.4, rows 65 to 74: the pages, what is shown on them, and who may post to them. Rows of the portal are here
//! as far as there are pages.

use super::redirects::{DEVICE_PAGE, SESSION, authorize, contoso, is_safe, stays};
use super::*;
use bytes::Bytes;
use carnet_tenant::tenant::Tenant;
use carnet_tests::{
    PASSWORD, UNCONSENTED,
    browser::{Browser, back, flow, number, query, submission},
    percent,
};
use http::{HeaderValue, Request};

const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "</title></style></textarea><svg/onload=alert(1)>",
    "javascript:alert(1)//\u{2028}<!--",
];

fn no_markup(page: &Reply) {
    let text = page.text();
    if page.header("content-type").starts_with("text/html") {
        for word in ["<script>alert", "<img", "<svg", "</textarea", "<!--"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    } else {
        assert!(page.status == 303 || page.header("content-type").starts_with("application/json"));
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_is_sent_is_never_markup_row_65() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    assert!(browser.open(&query(PUBLIC, &[])).await.text().contains("<form"));
    for text in HOSTILE {
        for name in [
            "state",
            "login_hint",
            "domain_hint",
            "prompt",
            "scope",
            "nonce",
            "client_id",
            "redirect_uri",
            "response_type",
            "response_mode",
            "code_challenge",
            "max_age",
            "error",
            "error_description",
            "ui_locales",
            "sid",
            "claims",
        ] {
            for mode in ["query", "form_post"] {
                let more = [("response_mode", mode), (name, text)];
                let more = if name == "response_mode" { &more[1..] } else { &more };
                no_markup(&browser.open(&query(PUBLIC, more)).await);
                no_markup(&browser.open(&query(PUBLIC, &[more, &[("prompt", "none")]].concat())).await);
            }
        }
        for path in [
            "oauth2/v2.0/authorize?client_id=x",
            "oauth2/deviceauth",
            "oauth2/v2.0/logout",
            "oauth2/v2.0/token",
            "v2.0/.well-known/openid-configuration",
            "userrealm/x",
            text,
        ] {
            no_markup(
                &t.get(&format!("/{}/{}", percent(text), path.replace(text, &percent(text))), "").await,
            );
        }
        let account = browser.open(&query(PUBLIC, &[])).await;
        no_markup(&browser.submit(&account, &[("username", text)]).await);
        let page = browser.get(DEVICE_PAGE).await;
        no_markup(&browser.submit(&page, &[("user_code", text)]).await);
        no_markup(&browser.get(&format!("{DEVICE_PAGE}?user_code={}", percent(text))).await);
        no_markup(
            &browser
                .get(&format!(
                    "/{TENANT}/oauth2/v2.0/logout?state={0}&post_logout_redirect_uri={0}&id_token_hint={0}",
                    percent(text)
                ))
                .await,
        );
        no_markup(&t.token(&[("grant_type", text), ("client_id", text)]).await);
    }
}

#[tokio::test]
async fn what_is_kept_is_never_markup_row_66() {
    let t = contoso().await;
    let name = "<img src=x onerror=alert(1)>\"'&";
    for app in [PUBLIC, UNCONSENTED] {
        assert_eq!(patch(&t, app, json!({ "displayName": name })).await.status, 204);
    }
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let tenant = Tenant { display_name: name.into(), ..Tenant::clone(&seen.tenant) };
    let put = Change::Put(Object::Tenant(tenant.into()));
    t.store.apply(&seen, (vec![put], vec![]), NOW, None).await.unwrap();
    change_user(&t, ADA, |user| user.display_name = name.into()).await;
    let browser = Browser::new(&t);
    let account = browser.open(&query(UNCONSENTED, &[])).await;
    let password = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let consent = browser.submit(&password, &[("passwd", PASSWORD)]).await;
    let begun = device(&t).await;
    let page = browser.get(DEVICE_PAGE).await;
    let who = browser.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    let done = browser.submit(&confirm, &[("answer", "no")]).await;
    let wide = query(PUBLIC, &[("scope", "https://graph.microsoft.com/Directory.ReadWrite.All")]);
    let admin_only = Browser::new(&t).sign_in(&wide, "ada", PASSWORD).await;
    for page in [&account, &consent, &confirm, &done, &admin_only] {
        no_markup(page);
        is_safe(page);
        let isolated = page.text().contains("<bdi>&lt;img") || std::ptr::eq(page, &admin_only);
        assert!(isolated, "{}", page.text());
        assert!(
            page.text().contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"),
            "{}",
            page.text()
        );
    }
    // The token service's JSON is JSON, whatever is in it.
    let denied = t.by_password(UNCONSENTED, "admin", "https://api.powerplatform.com/.default").await;
    assert!(denied.json()["error_description"].as_str().unwrap().contains(name));
    assert!(denied.header("content-type").starts_with("application/json"));
    // What turns the text around, hides or fills the page cannot be kept at all.
    for bad in
        ["a\u{202e}b", "a\u{2066}b", "a\u{200b}b", "a\u{feff}", "a\nb", "a\u{0}b", &"a".repeat(10 * 1024), ""]
    {
        assert_eq!(
            refusal(&patch(&t, PUBLIC, json!({ "displayName": bad })).await),
            "400 Request_BadRequest",
            "{bad:.10?}"
        );
    }
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CONFIDENTIAL}')/addPassword");
    let described = json!({ "passwordCredential": { "displayName": name } });
    assert_eq!(t.call("POST", &path, &token, described).await.good()["displayName"], name);
    let listed = t.get(&format!("/v1.0/applications(appId='{CONFIDENTIAL}')"), &token).await;
    assert!(listed.header("content-type").starts_with("application/json"));
    assert_eq!(listed.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_strangers_sentence_is_not_ours_row_67() {
    let t = contoso().await;
    let sentence = "Your account is locked. Call 0800 4711 now";
    let silent = |page: &Reply| {
        assert!(page.header("content-type").starts_with("text/html"));
        let text = page.text();
        let read: String = text.split('<').filter_map(|it| it.split_once('>')).map(|it| it.1).collect();
        assert!(!read.contains("0800 4711"), "{read}");
    };
    let browser = Browser::new(&t);
    for name in [
        "error",
        "error_description",
        "message",
        "login_hint",
        "domain_hint",
        "client_id",
        "redirect_uri",
        "nonce",
        "ui_locales",
    ] {
        silent(&browser.open(&query(PUBLIC, &[(name, sentence)])).await);
    }
    let hidden = format!("https://evil.example/{sentence}");
    silent(&browser.open(&query(PUBLIC, &[("redirect_uri", &hidden)])).await);
    for path in ["oauth2/v2.0/authorize", "oauth2/deviceauth", "oauth2/v2.0/logout"] {
        silent(
            &browser
                .get(&format!(
                    "/{TENANT}/{path}?error={0}&error_description={0}&user_code={0}",
                    percent(sentence)
                ))
                .await,
        );
        silent(&browser.get(&format!("/{}/{path}", percent(sentence))).await);
    }
    let page = browser.get(DEVICE_PAGE).await;
    silent(&browser.submit(&page, &[("user_code", sentence)]).await);
    // A name that could be one is shown, for people to see whom they sign in.
    assert!(
        browser
            .open(&query(PUBLIC, &[("login_hint", "ada@contoso.example")]))
            .await
            .text()
            .contains("ada@contoso.example")
    );
}

/// The same post, as it comes from where it should not.
fn forgeries(page: &Reply, fields: &[(&str, &str)]) -> Vec<Request<Bytes>> {
    let with = |headers: &[(&'static str, &'static str)]| {
        let mut request = submission(page, fields);
        request.headers_mut().remove("sec-fetch-site");
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        request
    };
    vec![
        with(&[]),
        with(&[("sec-fetch-site", "cross-site")]),
        with(&[("sec-fetch-site", "same-site")]),
        with(&[("sec-fetch-site", "none")]),
        with(&[("sec-fetch-site", "cross-site"), ("origin", "https://localhost:8443")]),
        with(&[("origin", "https://evil.example")]),
        with(&[("origin", "null")]),
        with(&[("origin", "https://localhost:8443.evil.example")]),
        with(&[("origin", "https://localhost")]),
        with(&[("origin", "http://localhost:8443")]),
        with(&[("origin", "https://localhost:8444")]),
        with(&[("referer", "https://localhost:8443/")]),
    ]
}

/// A page's form counts only from our page, in its browser, unaltered. Nothing of what is sent here counts.
async fn is_guarded(browser: &Browser<'_>, t: &Contoso, page: &Reply, fields: &[(&str, &str)]) {
    for request in forgeries(page, fields) {
        let reply = browser.send(request).await;
        assert_eq!((reply.status, number(&reply)), (403, 90_004), "{}", reply.text());
        stays(&reply);
    }
    // Another browser's, which has a sign-in of its own under way, and none's.
    let other = Browser::new(t);
    let _ = other.open(&query(PUBLIC, &[])).await;
    for stranger in [&other, &Browser::new(t)] {
        let reply = stranger.submit(page, fields).await;
        assert_eq!((reply.status, number(&reply)), (403, 90_004), "{}", reply.text());
    }
    // Without its sealed state, or with another.
    let sealed = flow(page);
    let action = page.text().split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for wrong in ["", "x", &sealed[1..], &format!("{sealed}A"), &sealed.to_lowercase()] {
        let mut request = form(&action, &[&[("flow", wrong)], fields].concat());
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        let reply = browser.send(request).await;
        assert_eq!((reply.status, number(&reply)), (403, 90_004), "{wrong}");
    }
}

#[tokio::test]
async fn a_post_from_elsewhere_changes_nothing_row_68() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    // Signing in: the account, the password.
    let account = browser.open(&query(UNCONSENTED, &[])).await;
    is_guarded(&browser, &t, &account, &[("username", "ada@contoso.example")]).await;
    let password = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    is_guarded(&browser, &t, &password, &[("passwd", PASSWORD)]).await;
    assert_eq!(browser.cookie(SESSION), None);
    // Consent.
    let consent = browser.submit(&password, &[("passwd", PASSWORD)]).await;
    is_guarded(&browser, &t, &consent, &[("answer", "yes")]).await;
    let silent = query(UNCONSENTED, &[("prompt", "none")]);
    assert_eq!(number(&browser.open(&silent).await), 65_001);
    assert!(back(&browser.submit(&consent, &[("answer", "yes")]).await).contains_key("code"));
    // A device.
    let begun = device(&t).await;
    let page = browser.get(DEVICE_PAGE).await;
    let code = [("user_code", begun["user_code"].as_str().unwrap())];
    is_guarded(&browser, &t, &page, &code).await;
    let who = browser.submit(&page, &code).await;
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    is_guarded(&browser, &t, &confirm, &[("answer", "yes")]).await;
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
    assert_eq!(browser.submit(&confirm, &[("answer", "yes")]).await.status, 200);
    // Once it was answered, the page is worth nothing more.
    assert_eq!(number(&browser.submit(&confirm, &[("answer", "no")]).await), 50_089);
    assert_eq!(t.token(&polling(PUBLIC, &begun)).await.status, 200);
    // Signing out.
    let out = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).await;
    is_guarded(&browser, &t, &out, &[]).await;
    assert!(back(&browser.open(&silent).await).contains_key("code"));
    assert_eq!(browser.submit(&out, &[]).await.status, 200);
    assert_eq!(number(&browser.open(&silent).await), 50_058);
    // A page of an old sign-in.
    let account = browser.open(&query(PUBLIC, &[])).await;
    t.later(16 * 60);
    let late = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    assert!(late.status >= 400);
    stays(&late);
}

#[tokio::test]
async fn no_page_is_shown_in_a_frame_row_69() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let account = browser.open(&query(UNCONSENTED, &[])).await;
    let password = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let wrong = browser.submit(&password, &[("passwd", "Wrong-horse")]).await;
    let consent = browser.submit(&password, &[("passwd", PASSWORD)]).await;
    let posted = browser.open(&query(PUBLIC, &[("response_mode", "form_post")])).await;
    let refused = browser.open(&query(PUBLIC, &[("redirect_uri", "https://evil.example")])).await;
    let code = browser.get(DEVICE_PAGE).await;
    let missed = browser.submit(&code, &[("user_code", "BBBBBBBBB")]).await;
    let begun = device(&t).await;
    let who = browser.submit(&code, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    let done = browser.submit(&confirm, &[("answer", "yes")]).await;
    let out = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).await;
    let gone = browser.submit(&out, &[]).await;
    for page in [
        &account, &password, &wrong, &consent, &posted, &refused, &code, &missed, &who, &confirm, &done,
        &out, &gone,
    ] {
        is_safe(page);
    }
}

/// The sessions of a cookie: each account of a browser has its own.
fn texts(cookie: &str) -> std::collections::BTreeSet<String> {
    cookie.split('|').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_session_is_new_at_every_sign_in_row_70() {
    let t = contoso().await;
    let mallory = Browser::new(&t);
    let _ = back(&mallory.sign_in(&query(PUBLIC, &[]), "admin", PASSWORD).await);
    let planted = mallory.cookie(SESSION).unwrap();
    let silent = query(PUBLIC, &[("prompt", "none")]);
    let made_up = format!("{TENANT}.{}", "A".repeat(43));
    for before in [&planted, &made_up] {
        let browser = Browser::new(&t);
        browser.plant(SESSION, before);
        let login = query(PUBLIC, &[("prompt", "login"), ("login_hint", "ada@contoso.example")]);
        let asked = browser.open(&login).await;
        let _ = back(&browser.submit(&asked, &[("passwd", PASSWORD)]).await);
        let first = texts(&browser.cookie(SESSION).unwrap());
        let new: Vec<_> = first.difference(&texts(before)).cloned().collect();
        assert_eq!(new.len(), 1, "the session got an id that somebody knew before");
        // And at every further one; the old id is worth nothing then.
        let asked = browser.open(&login).await;
        let _ = back(&browser.submit(&asked, &[("passwd", PASSWORD)]).await);
        assert!(!texts(&browser.cookie(SESSION).unwrap()).contains(&new[0]));
        let thief = Browser::new(&t);
        thief.plant(SESSION, &new[0]);
        assert_eq!(number(&thief.open(&silent).await), 50_058);
    }
    // What was planted tells nobody who signed in after it.
    let thief = Browser::new(&t);
    thief.plant(SESSION, &made_up);
    assert_eq!(number(&thief.open(&silent).await), 50_058);
}

#[tokio::test]
async fn cookies_are_this_hosts_alone_row_71() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let account = browser.open(&query(PUBLIC, &[])).await;
    let password = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let done = browser.submit(&password, &[("passwd", PASSWORD), ("stay", "1")]).await;
    let mut seen = 0;
    for cookie in account.headers.get_all("set-cookie").iter().chain(done.headers.get_all("set-cookie")) {
        let text = cookie.to_str().unwrap();
        let parts: Vec<&str> = text.split("; ").collect();
        assert!(text.starts_with("__Host-"), "{text}");
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
            assert!(parts.contains(&attribute), "{text}");
        }
        assert!(!text.to_lowercase().contains("domain="), "{text}");
        seen += 1;
    }
    assert!(seen >= 2);
    // A cookie that a neighbour can set has another name, and is none.
    let mallory = Browser::new(&t);
    let _ = mallory.sign_in(&query(PUBLIC, &[]), "admin", PASSWORD).await;
    let session = mallory.cookie(SESSION).unwrap();
    for name in [
        "carnet-session",
        "__host-carnet-session",
        "__Secure-carnet-session",
        "__Host-carnet-session ",
        "x__Host-carnet-session",
    ] {
        let victim = Browser::new(&t);
        victim.plant(name, &session);
        let told = victim.open(&query(PUBLIC, &[("prompt", "none")])).await;
        if name.trim() != SESSION {
            assert_eq!(number(&told), 50_058, "{name}");
        }
    }
    // Over the APIs a cookie is nothing at all.
    let mut request = Request::get(ME).header("host", "localhost:8443").body(Bytes::new()).unwrap();
    request.headers_mut().insert("cookie", format!("{SESSION}={session}").parse().unwrap());
    assert_eq!(t.send(request).await.status, 401);
}

#[tokio::test]
async fn a_session_ends_with_what_it_rests_on_row_72() {
    let t = contoso().await;
    let silent = query(PUBLIC, &[("prompt", "none")]);
    let signed_in = async || {
        let browser = Browser::new(&t);
        let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        assert!(back(&browser.open(&silent).await).contains_key("code"));
        browser
    };
    let no_code = async |browser: &Browser<'_>| {
        assert!(!back(&browser.open(&silent).await).contains_key("code"));
        let shown = browser.open(&query(PUBLIC, &[])).await;
        assert!(shown.status == 200 || !back(&shown).contains_key("code"), "{}", shown.text());
    };
    // Signed out, in this browser and with a copy of its cookie.
    let browser = signed_in().await;
    let copy = Browser::new(&t);
    copy.plant(SESSION, &browser.cookie(SESSION).unwrap());
    let out = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).await;
    assert_eq!(browser.submit(&out, &[]).await.status, 200);
    no_code(&browser).await;
    no_code(&copy).await;
    // Sessions revoked, or the password changed.
    let browser = signed_in().await;
    t.later(1);
    let now = t.clock.now();
    change_user(&t, ADA, |user| user.sessions_valid_from = now).await;
    no_code(&browser).await;
    // Disabled, and enabled again.
    let browser = signed_in().await;
    change_user(&t, ADA, |user| user.enabled = false).await;
    no_code(&browser).await;
    change_user(&t, ADA, |user| user.enabled = true).await;
    // An administrator who is none any more consents for nobody else.
    let admin = Browser::new(&t);
    let page = admin.sign_in(&query(UNCONSENTED, &[]), "admin", PASSWORD).await;
    assert!(page.text().contains("name=\"everyone\""));
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let user = "c0000000-0000-4000-8000-000000000001".parse().unwrap();
    let gone: Vec<Change> =
        seen.roles_of(user).map(|it| Change::Remove(ObjectKey::RoleAssignment(it.key))).collect();
    assert_eq!(gone.len(), 1);
    t.store.apply(&seen, (gone, vec![]), now, None).await.unwrap();
    assert_eq!(admin.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await.status, 403);
    assert_eq!(number(&admin.open(&query(UNCONSENTED, &[("prompt", "none")])).await), 65_001);
    // Gone altogether.
    let browser = signed_in().await;
    remove_user(&t, ADA).await;
    no_code(&browser).await;
}

#[tokio::test]
async fn a_cookie_that_is_none_is_no_session_row_73() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let good = browser.cookie(SESSION).unwrap();
    let silent = query(PUBLIC, &[("prompt", "none")]);
    let text = good.split_once('.').unwrap().1.to_owned();
    let (short, upper) = (good[..good.len() - 1].to_owned(), good.to_uppercase());
    for bad in [
        "",
        "x",
        ".",
        "..",
        "null",
        "undefined",
        "true",
        "{}",
        "a.b.c",
        TENANT,
        &format!("{TENANT}."),
        &format!(".{text}"),
        &text,
        &short,
        &upper,
        &format!("{good}A"),
        &format!("\"{good}\""),
        &format!("{good}%00"),
        &format!("{good}.x"),
        &good.replace(TENANT, carnet_tests::OTHER_TENANT),
        &good.replace(TENANT, "contoso.example"),
        &format!("{TENANT}.' or 1=1--"),
        &format!("{TENANT}.{}", "A".repeat(43)),
        &"A".repeat(8000),
    ] {
        let other = Browser::new(&t);
        other.plant(SESSION, bad);
        assert_eq!(number(&other.open(&silent).await), 50_058, "{bad:.100}");
        let page = other.open(&query(PUBLIC, &[])).await;
        assert!(page.status == 200 && page.text().contains("<form"), "{bad:.100}");
    }
    let mut raw =
        Request::get(authorize(&silent)).header("host", "localhost:8443").body(Bytes::new()).unwrap();
    raw.headers_mut().insert(
        "cookie",
        HeaderValue::from_bytes(&[b"__Host-carnet-session=".as_slice(), b"\xff\xfe"].concat()).unwrap(),
    );
    assert_eq!(number(&t.send(raw).await), 50_058);
    assert!(back(&browser.open(&silent).await).contains_key("code"));
}

#[tokio::test]
async fn consent_is_what_was_shown_and_no_more_row_74() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let read = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";
    let install = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Install";
    let page = browser.sign_in(&query(UNCONSENTED, &[("scope", read)]), "ada", PASSWORD).await;
    let silent = |scope| query(UNCONSENTED, &[("scope", scope), ("prompt", "none")]);
    let no = browser.open(&silent(read)).await;
    assert_eq!((number(&no), back(&no)["error"].as_str()), (65_001, "interaction_required"));
    // Nobody answers what nobody was asked: without a page, or with another page's state.
    let mut direct = form(
        &format!("/{TENANT}/consent"),
        &[("answer", "yes"), ("client_id", UNCONSENTED), ("scope", read)],
    );
    direct.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    assert_eq!(browser.send(direct).await.status, 403);
    let account = browser.open(&query(UNCONSENTED, &[("scope", read), ("prompt", "login")])).await;
    let mut early = form(&format!("/{TENANT}/consent"), &[("flow", &flow(&account)), ("answer", "yes")]);
    early.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    assert!(browser.send(early).await.status >= 400);
    assert_eq!(number(&browser.open(&silent(read)).await), 65_001);
    // What is posted beside the answer does not widen it.
    let wider = [("answer", "yes"), ("scope", install), ("client_id", PUBLIC), ("consented", "true")];
    assert!(back(&browser.submit(&page, &wider).await).contains_key("code"));
    assert!(back(&browser.open(&silent(read)).await).contains_key("code"));
    assert_eq!(number(&browser.open(&silent(install)).await), 65_001);
    assert_eq!(number(&browser.open(&silent(&format!("{read} {install}"))).await), 65_001);
    let shown = browser.open(&query(UNCONSENTED, &[("scope", install)])).await;
    assert!(shown.text().contains("AppManagement.ApplicationPackages.Install"));
    // Nor is it somebody else's.
    let admin = Browser::new(&t);
    let asked = admin.sign_in(&query(UNCONSENTED, &[("scope", read)]), "admin", PASSWORD).await;
    assert_eq!(asked.status, 200);
    assert_eq!(told(&t.by_password(UNCONSENTED, "admin", read).await), "400 invalid_grant 65001");
    assert_eq!(t.by_password(UNCONSENTED, "ada", read).await.status, 200);
}
