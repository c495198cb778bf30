//! 6.4: redirects and the browser. Rows of the portal are here as far as there are pages.

use super::*;
use bytes::Bytes;
use carnet_tenant::{application::Application, tenant::Tenant};
use carnet_tests::{
    PASSWORD, UNCONSENTED,
    browser::{BACK, Browser, back, flow, number, query, submission},
    percent,
};
use http::{HeaderValue, Request};

const WEB: &str = "https://app.contoso.example/cb";
const SESSION: &str = "__Host-carnet-session";
const DEVICE_PAGE: &str = "/common/oauth2/deviceauth";

async fn contoso() -> Contoso {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    t
}

fn authorize(query: &[(&str, &str)]) -> String {
    let all: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    format!("/{TENANT}/oauth2/v2.0/authorize?{}", all.join("&"))
}

/// A page that goes nowhere and carries the headers of pages.
fn stays(reply: &Reply) {
    assert_eq!(reply.header("location"), "", "{}", reply.text());
    is_safe(reply);
}

/// What every page carries.
fn is_safe(page: &Reply) {
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.text());
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("cache-control").contains("no-store"));
    assert_eq!(page.header("access-control-allow-origin"), "");
    let text = page.text();
    for handler in
        [" onclick=\"", " onload=\"", " onerror=\"", "=\"javascript:", "<base", "<iframe", "<object"]
    {
        assert!(!text.contains(handler), "{handler}: {text}");
    }
}

#[tokio::test]
async fn a_redirect_is_the_registered_one_byte_for_byte_row_59() {
    let t = contoso().await;
    assert_eq!(patch(&t, CONFIDENTIAL, json!({ "web": { "redirectUris": [WEB] } })).await.status, 204);
    let open = async |uri: &str| {
        Browser::new(&t).open(&query(CONFIDENTIAL, &[("redirect_uri", uri), ("prompt", "none")])).await
    };
    let good = open(WEB).await;
    assert!(good.status == 303 && good.header("location").starts_with(&format!("{WEB}?error=")));
    for bad in [
        "https://app.contoso.example/cb/",
        "https://app.contoso.example/cb/x",
        "https://app.contoso.example/cb?x=1",
        "https://app.contoso.example/cb?",
        "https://app.contoso.example/CB",
        "https://app.contoso.example/",
        "https://app.contoso.example",
        "https://app.contoso.example.evil.example/cb",
        "https://evilapp.contoso.example/cb",
        "https://evil.example/app.contoso.example/cb",
        "https://app.contoso.example/x/../cb",
        "https://app.contoso.example/cb/..",
        "https://app.contoso.example/cb/..;/evil",
        "https://app.contoso.example/%2e%2e/cb",
        "https://app.contoso.example/%63b",
        "https://app.contoso.example//cb",
        "https:///app.contoso.example/cb",
        "https:/app.contoso.example/cb",
        "//app.contoso.example/cb",
        "/cb",
        "https://app.contoso.example\\@evil.example/cb",
        "https:\\\\app.contoso.example\\cb",
        "https://app.contoso.example@evil.example/cb",
        "https://evil.example@app.contoso.example/cb",
        "https://a@b@app.contoso.example/cb",
        "https://app.contoso.example/cb#x",
        "https://app.contoso.example/cb#@evil.example",
        "https://app.contoso.example/cb\t",
        "\thttps://app.contoso.example/cb",
        "https://app.contoso.example/cb ",
        "https://app.contoso.example/cb\n",
        "https://app.contoso.example/cb\r\nx: y",
        "https://evil.example\thttps://app.contoso.example/cb",
        "HTTPS://app.contoso.example/cb",
        "https://APP.contoso.example/cb",
        "https://app.contoso.example./cb",
        "https://app.contoso.example:443/cb",
        "https://app.contoso.example:8443/cb",
        "http://app.contoso.example/cb",
        "https://[::1]/cb",
        "https://2130706433/cb",
        "https://0x7f.1/cb",
        "https://xn--app-contoso.example/cb",
        "https://аpp.contoso.example/cb",
        "https://app。contoso。example/cb",
        "javascript:alert(1)//https://app.contoso.example/cb",
        "data:text/html,https://app.contoso.example/cb",
        "https://*/cb",
        "null",
    ] {
        let page = open(bad).await;
        assert_eq!((page.status, number(&page)), (400, 50_011), "{bad:?}");
        stays(&page);
    }
}

#[tokio::test]
async fn the_loopback_exception_is_the_port_alone_row_60() {
    let t = contoso().await;
    let open = async |uri: &str| {
        Browser::new(&t).open(&query(PUBLIC, &[("redirect_uri", uri), ("prompt", "none")])).await
    };
    for good in [BACK, "http://localhost/back", "http://localhost:1/back"] {
        assert_eq!(open(good).await.status, 303, "{good}");
    }
    for bad in [
        "http://localhost.evil.test/back",
        "http://localhost.:4711/back",
        "http://localhost:4711.evil.test/back",
        "http://127.0.0.1.evil/back",
        "http://localhost@evil/back",
        "http://localhost:4711@evil.example/back",
        "http://evil.example#localhost:4711/back",
        "http://evil.example\\localhost:4711/back",
        "http://localhost:4711\\@evil.example/back",
        "http://localhost%2eevil.example/back",
        "http://localhost:/back",
        "http://localhost:+4711/back",
        "http://localhost:4711x/back",
        "http://localhost:65536/back",
        "http://localhost:4711:80/back",
        "https://localhost:4711/back",
        "https://localhost/back",
        "http://127.0.0.1:4711/back",
        "http://[::1]:4711/back",
        "http://0.0.0.0:4711/back",
        "http://127.1:4711/back",
        "http://localhost:4711/other",
        "http://localhost:4711/back/",
        "http://localhost:4711/back/more",
        "http://localhost:4711/back?x=1",
        "http://localhost:4711/back#x",
        "http://localhost:4711/",
        "http://localhost:4711/BACK",
        "http://localhost:4711/x/../back",
        "http://localhost:4711/%62ack",
    ] {
        let page = open(bad).await;
        assert_eq!((page.status, number(&page)), (400, 50_011), "{bad:?}");
        stays(&page);
    }
    // For a client with a credential there is no exception.
    assert_eq!(
        patch(&t, CONFIDENTIAL, json!({ "web": { "redirectUris": ["http://localhost/back"] } })).await.status,
        204
    );
    for (uri, status) in [("http://localhost/back", 303), ("http://localhost:4711/back", 400)] {
        let query = query(CONFIDENTIAL, &[("redirect_uri", uri), ("prompt", "none")]);
        assert_eq!(Browser::new(&t).open(&query).await.status, status, "{uri}");
    }
}

#[tokio::test]
async fn a_redirect_that_misleads_is_not_registered_row_61() {
    let t = Contoso::start().await;
    let register = async |platform: &str, uri: &str| {
        patch(&t, PUBLIC, json!({ platform: { "redirectUris": [uri] } })).await
    };
    for platform in ["web", "spa", "publicClient"] {
        assert_eq!(register(platform, "https://good.example/cb").await.status, 204, "{platform}");
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "jAvAsCrIpT://good.example/%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "DATA:text/html;base64,x",
            "file:///etc/passwd",
            "vbscript:x",
            "about:blank",
            "blob:https://good.example/x",
            "https://*.good.example/cb",
            "https://good.example/*",
            "https://good.example/cb#fragment",
            "http://good.example/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/",
            "HTTP://good.example/cb",
            "https://user@good.example/cb",
            "https://good.example\\@evil.example/",
            "https://gооd.example/cb",
            "https://good.example/\u{202e}cb",
            "https://good.example/ cb",
            "https://good.example/\ncb",
            " https://good.example/cb",
            "https://good.example/../cb",
            "https://",
            "//good.example/cb",
            "/cb",
            "",
        ] {
            assert_eq!(
                refusal(&register(platform, bad).await),
                "400 Request_BadRequest",
                "{platform} {bad:?}"
            );
        }
        let token = t.graph_token("admin").await;
        let kept = t.get(&format!("/v1.0/applications(appId='{PUBLIC}')"), &token).await.good();
        assert_eq!(kept[platform]["redirectUris"], json!(["https://good.example/cb"]), "{platform}");
    }
}

#[tokio::test]
async fn no_response_mode_leads_elsewhere_row_62() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for mode in
        ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "web_message"]
    {
        for kind in ["code", "token", "id_token"] {
            let more = [
                ("redirect_uri", "https://evil.example/cb"),
                ("response_mode", mode),
                ("response_type", kind),
            ];
            let page = browser.open(&query(PUBLIC, &more)).await;
            assert_eq!((page.status, number(&page)), (400, 50_011), "{mode} {kind}");
            stays(&page);
            assert!(!page.text().contains("<form"), "{mode}");
        }
    }
    let hostile = "\"><script>alert(1)</script><input name='x' value='&amp;";
    let posted = browser.open(&query(PUBLIC, &[("response_mode", "form_post"), ("state", hostile)])).await;
    is_safe(&posted);
    let text = posted.text();
    assert!(text.contains("name=\"code\"") && !text.contains("<script>alert"), "{text}");
    assert!(text.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;input name=&#39;x&#39; value=&#39;&amp;amp;\""), "{text}");
}

#[tokio::test]
async fn an_error_leads_nowhere_that_is_not_known_row_63() {
    let t = contoso().await;
    let good = Browser::new(&t).open(&query(PUBLIC, &[("prompt", "none")])).await;
    assert_eq!(back(&good)["error"], "login_required");
    for client in [
        "a0000000-0000-4000-8000-00000000dead",
        "nonsense",
        "",
        "' or 1=1",
        "00000000-0000-0000-0000-000000000000",
    ] {
        for uri in [BACK, "https://evil.example/", "//evil.example", "javascript:alert(1)"] {
            for more in [
                &[][..],
                &[("prompt", "none")],
                &[("response_mode", "form_post")],
                &[("response_type", "banana")],
            ] {
                let mut all = query(client, &[&[("redirect_uri", uri)], more].concat());
                all.retain(|it| !it.1.is_empty());
                let page = Browser::new(&t).open(&all).await;
                assert_eq!(page.status, 400, "{client} {uri}");
                stays(&page);
                assert!(!page.text().contains("<form"), "{client} {uri}");
            }
        }
    }
    for tenant in ["nowhere.example", "..%2f..", "b7a1c0de-0000-4000-8000-00000000dead", "%0d%0aset-cookie:x"]
    {
        let page = t.get(&authorize(&query(PUBLIC, &[])).replace(TENANT, tenant), "").await;
        assert!((400..=404).contains(&page.status), "{tenant}");
        assert_eq!(page.header("location"), "");
    }
}

#[tokio::test]
async fn signing_out_leads_only_home_row_64() {
    let t = contoso().await;
    let leave = async |browser: &Browser<'_>, more: &[(&str, &str)]| {
        let query: Vec<String> =
            more.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?{}", query.join("&"))).await
    };
    let home = "http://localhost/back";
    let signed_in = async || {
        let browser = Browser::new(&t);
        let fields = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
        let id_token = t.redeem(&fields["code"]).await.good()["id_token"].as_str().unwrap().to_owned();
        (browser, id_token)
    };
    let (browser, id_token) = signed_in().await;
    let (head, signature) = id_token.rsplit_once('.').unwrap();
    let unsigned = format!("{}.", carnet_wire::jose::encode_base64url(br#"{"alg":"none"}"#))
        + head.split('.').nth(1).unwrap()
        + ".";
    let stranger = Signer::default();
    let foreign = stranger
        .sign(&carnet_tests::part(&id_token, 0).to_string(), &carnet_tests::part(&id_token, 1).to_string());
    let access = t.graph_token("ada").await;
    for hint in
        [&format!("{head}.{}A", &signature[1..]), &unsigned, &foreign, &access, &"nonsense".to_owned()]
    {
        for to in [
            "https://evil.example/",
            "//evil.example",
            "http://localhost/back/../evil",
            "javascript:alert(1)",
            home,
        ] {
            let page = leave(&browser, &[("id_token_hint", hint), ("post_logout_redirect_uri", to)]).await;
            assert_eq!(page.status, 200, "{to}");
            stays(&page);
            // Nothing has ended: somebody has to click.
            assert!(
                back(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await).contains_key("code"),
                "{to}"
            );
        }
    }
    for to in [
        "https://evil.example/",
        "http://localhost/back/",
        "http://localhost:1/back",
        "http://localhost/back?x",
        "http://localhost/back#x",
    ] {
        let (browser, id_token) = signed_in().await;
        stays(&leave(&browser, &[("id_token_hint", &id_token), ("post_logout_redirect_uri", to)]).await);
        let (browser, _) = signed_in().await;
        let asked = leave(&browser, &[("client_id", PUBLIC), ("post_logout_redirect_uri", to)]).await;
        stays(&browser.submit(&asked, &[]).await);
    }
    // An old hint of ours is good, and its application's own address too.
    t.later(2 * 3600);
    let gone = leave(
        &browser,
        &[("id_token_hint", &id_token), ("post_logout_redirect_uri", home), ("state", "a b")],
    )
    .await;
    assert!(
        gone.header("location") == format!("{home}?state=a+b")
            || gone.text().contains(&format!("{home}?state=a+b"))
    );
    assert_eq!(number(&browser.open(&query(PUBLIC, &[("prompt", "none")])).await), 50_058);
}

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
    assert_eq!(number(&browser.submit(&confirm, &[("answer", "no")]).await), 90_120);
    assert_eq!(t.token(&polling(PUBLIC, &begun)).await.status, 200);
    // Signing out.
    let out = browser.get(&format!("/{TENANT}/oauth2/v2.0/logout")).await;
    is_guarded(&browser, &t, &out, &[]).await;
    assert!(back(&browser.open(&silent).await).contains_key("code"));
    assert_eq!(browser.submit(&out, &[]).await.status, 200);
    assert_eq!(number(&browser.open(&silent).await), 50_058);
    // A page of an old sign-in, and one of another kind.
    let account = browser.open(&query(PUBLIC, &[])).await;
    t.later(16 * 60);
    assert_eq!(browser.submit(&account, &[("username", "ada@contoso.example")]).await.status, 403);
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
        let first = browser.cookie(SESSION).unwrap();
        let ours = first.rsplit(['|', '.']).next().unwrap();
        assert!(!before.contains(ours), "the session got an id that somebody knew before");
        // And at every further one; the old id is worth nothing then.
        let asked = browser.open(&login).await;
        let _ = back(&browser.submit(&asked, &[("passwd", PASSWORD)]).await);
        assert_ne!(browser.cookie(SESSION).unwrap(), first);
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
        seen.roles_of(user).map(|it| Change::Remove(ObjectKey::RoleAssignment(it.key.clone()))).collect();
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

#[tokio::test]
async fn a_page_that_is_switched_off_does_nothing_row_75() {
    let t = contoso().await;
    let begun = device(&t).await;
    let code = [("user_code", begun["user_code"].as_str().unwrap())];
    let browser = Browser::new(&t);
    let page = browser.get(DEVICE_PAGE).await;
    let who = browser.submit(&page, &code).await;
    let asked = browser.submit(&who, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert!(confirm.text().contains("value=\"yes\""));
    let switch = async |on: bool| {
        let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
        let mut application = Application::clone(seen.application_by_app(PUBLIC.parse().unwrap()).unwrap());
        application.policy.device_code = Some(on);
        let put = Change::Put(Object::Application(application.into()));
        t.store.apply(&seen, (vec![put], vec![]), NOW, None).await.unwrap();
    };
    switch(false).await;
    for reply in [browser.submit(&page, &code).await, browser.submit(&confirm, &[("answer", "yes")]).await] {
        assert_eq!((reply.status, number(&reply)), (403, 53_003));
        stays(&reply);
    }
    let fields = [("client_id", PUBLIC), ("scope", "https://api.powerplatform.com/.default")];
    let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
    assert_eq!(told(&t.form(&path, &fields).await), "400 invalid_grant 53003");
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 invalid_grant 53003");
    switch(true).await;
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
    // There is no page on which somebody makes an account, and none that asks what is forgotten.
    for path in [
        "signup",
        "register",
        "reset",
        "oauth2/register",
        "connect/register",
        "passwordreset",
        "admin",
        "console",
    ] {
        for reply in [
            t.get(&format!("/{TENANT}/{path}"), "").await,
            t.form(&format!("/{TENANT}/{path}"), &[("username", "x")]).await,
        ] {
            assert_eq!(reply.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn no_stranger_reads_an_answer_by_script_row_76() {
    let spa = "a0000000-0000-4000-8000-0000000000a1";
    let table = format!(
        "[[application]]\nname = \"spa\"\nclient_id = \"{spa}\"\nredirect_uris = {{ spa = [\"https://spa.example/cb\"] }}\n"
    );
    let t = Contoso::with("", &table).await;
    t.registered(&[PUBLIC]).await;
    let token = t.graph_token("ada").await;
    let origins = [
        "null",
        "https://evil.example",
        "https://spa.example.evil.example",
        "https://evilspa.example",
        "https://sub.spa.example",
        "http://spa.example",
        "https://spa.example:8443",
        "https://localhost:8443",
        "https://localhost:8443.evil.example",
        "*",
    ];
    let (scope, secret) =
        (format!("{PLATFORM}/.default"), [("client_secret", SECRET), ("client_id", CONFIDENTIAL)]);
    let by_secret = [&[("grant_type", "client_credentials"), ("scope", &scope)], &secret[..]].concat();
    for origin in origins {
        let with = |mut request: Request<Bytes>| {
            request.headers_mut().insert("origin", HeaderValue::from_static(origin));
            request.headers_mut().insert("cookie", HeaderValue::from_static("x=y"));
            request
        };
        let get = |path: &str| {
            with(
                Request::get(path)
                    .header("host", "localhost:8443")
                    .header("authorization", format!("Bearer {token}"))
                    .body(Bytes::new())
                    .unwrap(),
            )
        };
        let mut closed = vec![
            with(form(&format!("/{TENANT}/oauth2/v2.0/token"), &by_secret)),
            with(form(
                &format!("/{TENANT}/oauth2/v2.0/token"),
                &[("grant_type", "refresh_token"), ("client_id", spa), ("refresh_token", "x")],
            )),
            with(form(
                &format!("/{TENANT}/oauth2/v2.0/devicecode"),
                &[("client_id", PUBLIC), ("scope", "openid")],
            )),
            with(form(&format!("/{TENANT}/login"), &[])),
            with(form(&format!("/{TENANT}/consent"), &[])),
            get(&authorize(&query(PUBLIC, &[]))),
            get(&authorize(&query(PUBLIC, &[("prompt", "none")]))),
            get(&format!("/{TENANT}/oauth2/v2.0/logout")),
            get(DEVICE_PAGE),
            get(ME),
            get(USERINFO),
            get(&packages()),
            get(REGISTRATIONS),
            get("/healthz"),
        ];
        for path in ["oauth2/v2.0/token", "oauth2/v2.0/authorize", "oauth2/v2.0/devicecode", "login"] {
            let request = Request::options(format!("/{TENANT}/{path}"))
                .header("host", "localhost:8443")
                .header("access-control-request-method", "POST");
            closed.push(with(request.body(Bytes::new()).unwrap()));
        }
        for request in closed {
            let at = format!("{} {}", request.method(), request.uri());
            let reply = t.send(request).await;
            assert_eq!(reply.header("access-control-allow-origin"), "", "{origin} {at}");
            assert_eq!(reply.header("access-control-allow-credentials"), "", "{origin} {at}");
        }
        // What holds no secret is everyone's, and never with credentials.
        for path in [
            "v2.0/.well-known/openid-configuration",
            ".well-known/openid-configuration",
            "discovery/v2.0/keys",
            "discovery/keys",
        ] {
            let reply = t.send(get(&format!("/{TENANT}/{path}"))).await;
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(reply.header("access-control-allow-credentials"), "", "{path}");
        }
    }
    // The single-page application's own origin reads what it may ask for.
    let mut own = form(
        &format!("/{TENANT}/oauth2/v2.0/token"),
        &[("grant_type", "refresh_token"), ("client_id", spa), ("refresh_token", "x")],
    );
    own.headers_mut().insert("origin", HeaderValue::from_static("https://spa.example"));
    let reply = t.send(own).await;
    assert_eq!(reply.header("access-control-allow-origin"), "https://spa.example");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn an_answer_is_neither_kept_nor_passed_on_row_77() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let answer = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    assert!(back(&answer).contains_key("code"));
    for mode in ["query", "fragment"] {
        let reply = browser.open(&query(PUBLIC, &[("response_mode", mode)])).await;
        assert!(reply.header("cache-control").contains("no-store"), "{mode}");
    }
    let posted = browser.open(&query(PUBLIC, &[("response_mode", "form_post")])).await;
    assert!(posted.text().contains("name=\"code\""));
    for page in [&posted, &browser.open(&query(PUBLIC, &[("prompt", "login")])).await] {
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.header("cache-control").contains("no-store"));
        assert!(!page.text().contains("http-equiv") && !page.text().contains(" src="));
    }
    let token = t.redeem(&back(&answer)["code"]).await;
    assert!(token.header("cache-control").contains("no-store") && token.status == 200);
    assert!(t.token(&[("grant_type", "password")]).await.header("cache-control").contains("no-store"));
    // A page that a person left open does not show its address to where it leads.
    let page = t.get(&authorize(&query("nonsense", &[("redirect_uri", "https://evil.example/")])), "").await;
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert!(!page.text().contains("href="));
}

#[tokio::test]
async fn a_password_is_not_sent_on_row_78() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let account = browser.open(&query(PUBLIC, &[])).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let done = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    assert_eq!(done.status, 303);
    assert!(
        !done.header("location").contains(&percent(PASSWORD)) && !done.header("location").contains(PASSWORD)
    );
    // A post to authorize, and every other answer that leads on.
    let posted = form(&format!("/{TENANT}/oauth2/v2.0/authorize"), &query(PUBLIC, &[]));
    assert_eq!(browser.send(posted).await.status, 303);
    let page = Browser::new(&t);
    let account = page.open(&query(PUBLIC, &[])).await;
    assert_eq!(page.submit(&account, &[("cancel", "1")]).await.status, 303);
}

/// One block of headers, each of them one line, and none that was smuggled in.
fn one_block(reply: &Reply) {
    for (name, value) in &reply.headers {
        assert!(!name.as_str().contains("evil"), "{name}");
        assert!(value.as_bytes().iter().all(|byte| *byte >= 32 && *byte != 127), "{name} {value:?}");
    }
    assert_eq!(reply.header("x-evil"), "");
}

#[tokio::test]
async fn a_header_is_one_line_row_79() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for hostile in [
        "a\r\nX-Evil: 1",
        "a\nX-Evil: 1",
        "a\rX-Evil: 1",
        "a\u{85}X-Evil: 1",
        "a\u{2028}X-Evil: 1",
        "%0d%0aX-Evil: 1",
        "嘊嘍X-Evil: 1",
        "a\r\n\r\n<html>",
    ] {
        for mode in ["query", "fragment"] {
            let reply = browser.open(&query(PUBLIC, &[("state", hostile), ("response_mode", mode)])).await;
            one_block(&reply);
            assert_eq!(back(&reply)["state"], hostile);
        }
        for name in ["redirect_uri", "client_id", "scope", "prompt", "login_hint", "nonce", "response_type"] {
            one_block(&browser.open(&query(PUBLIC, &[(name, hostile)])).await);
        }
        one_block(&browser.get(&format!("/{TENANT}/oauth2/v2.0/logout?client_id={PUBLIC}&post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Fback&state={}", percent(hostile))).await);
        one_block(&t.get(&format!("/{}/oauth2/v2.0/authorize", percent(hostile)), "").await);
        one_block(&t.token(&[("client-request-id", hostile), ("grant_type", hostile)]).await);
        let named = patch(&t, PUBLIC, json!({ "displayName": hostile })).await;
        one_block(&named);
        assert_eq!(named.status, if hostile.contains(char::is_control) { 400 } else { 204 }, "{hostile:?}");
    }
    let id = "11111111-2222-4333-8444-555555555555";
    for (sent, echoed) in [(id, id), ("x y", ""), ("%0d%0aX-Evil: 1", ""), ("<b>", "")] {
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), &[]);
        request.headers_mut().insert("client-request-id", HeaderValue::from_str(sent).unwrap());
        request.headers_mut().insert("return-client-request-id", HeaderValue::from_static("true"));
        let reply = t.send(request).await;
        one_block(&reply);
        let told = reply.header("client-request-id");
        assert!(if echoed.is_empty() { told.len() == 36 && told != sent } else { told == echoed }, "{told}");
        assert!(!reply.text().contains("<b>"));
    }
}

#[tokio::test]
async fn the_issuer_does_not_follow_the_host_row_80() {
    let t = contoso().await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let ask = async |host: &str, more: &[(&'static str, &str)]| {
        let mut request = Request::get(&path).header("host", host);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        t.send(request.body(Bytes::new()).unwrap()).await
    };
    let issuer = format!("https://localhost:8443/{TENANT}/v2.0");
    assert_eq!(ask("localhost:8443", &[]).await.good()["issuer"], issuer);
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost:8443.evil.example",
        "evil.example:8443",
        "localhost@evil.example",
        "evil.example#localhost",
        "login.microsoftonline.com.evil.example",
        "evil.api.bap.microsoft.com.evil.example",
        "",
        " ",
        "localhost,evil.example",
        "localhost/evil.example",
        "xn--localhost",
        "169.254.169.254",
    ] {
        let reply = ask(host, &[]).await;
        assert_eq!(reply.status, 421, "{host}");
        assert!(!reply.text().contains("evil"), "{host}");
    }
    // What stands beside the host changes nothing.
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-server", "evil.example"),
        ("x-host", "evil.example"),
        ("x-original-url", "/evil"),
        ("x-rewrite-url", "/evil"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("referer", "https://evil.example/"),
        ("origin", "https://evil.example"),
    ] {
        let reply = ask("localhost:8443", &[(name, value)]).await;
        assert_eq!(reply.good()["issuer"], issuer, "{name}");
        assert!(!reply.text().contains("evil") && !reply.text().contains("http://"), "{name}");
        let mut request = form(
            &format!("/{TENANT}/oauth2/v2.0/token"),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", CONFIDENTIAL),
                ("client_secret", SECRET),
                ("scope", "https://api.powerplatform.com/.default"),
            ],
        );
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        let reply = t.send(request).await;
        if name != "origin" {
            assert_eq!(reply.claims()["iss"], format!("https://localhost:8443/{TENANT}/"), "{name}");
        }
    }
    // Names that are ours speak under the one name that the operator gave.
    for host in ["127.0.0.1:8443", "[::1]:8443", "LOCALHOST", "localhost:1"] {
        assert_eq!(ask(host, &[]).await.good()["issuer"], issuer, "{host}");
    }
    // The address in the request line counts before the header, as RFC 9112 wants.
    let absolute = Request::get(format!("https://evil.example{path}")).header("host", "localhost:8443");
    assert_eq!(t.send(absolute.body(Bytes::new()).unwrap()).await.status, 421);
    let code = device(&t).await;
    assert!(code["verification_uri"].as_str().unwrap().starts_with("https://localhost:8443/"));
}
