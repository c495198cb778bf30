//! 6.4, rows 59 to 64: where an answer may go.

use super::*;
use carnet_tests::{
    PASSWORD, UNCONSENTED,
    browser::{BACK, Browser, back, number, query},
    percent,
};

const WEB: &str = "https://app.contoso.example/cb";
pub(super) const SESSION: &str = "__Host-carnet-session";
pub(super) const DEVICE_PAGE: &str = "/common/oauth2/deviceauth";

pub(super) async fn contoso() -> Contoso {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    t
}

pub(super) fn authorize(query: &[(&str, &str)]) -> String {
    let all: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    format!("/{TENANT}/oauth2/v2.0/authorize?{}", all.join("&"))
}

/// A page that goes nowhere and carries the headers of pages.
pub(super) fn stays(reply: &Reply) {
    assert_eq!(reply.header("location"), "", "{}", reply.text());
    is_safe(reply);
}

/// What every page carries.
pub(super) fn is_safe(page: &Reply) {
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
    // A default port is no port; the answer goes to the address that was asked for.
    let with_port = "https://app.contoso.example:443/cb";
    let good = open(with_port).await;
    assert!(good.status == 303 && good.header("location").starts_with(&format!("{with_port}?error=")));
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
        "https://app.contoso.example:80/cb",
        "https://app.contoso.example:443:443/cb",
        "https://app.contoso.example:443@evil.example/cb",
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
        // Plain http to another machine has a number of its own.
        let told = if bad == "http://app.contoso.example/cb" { 500_117 } else { 50_011 };
        assert_eq!((page.status, number(&page)), (400, told), "{bad:?}");
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
    // A client with a credential has the same exception, and for it too the port alone.
    assert_eq!(
        patch(&t, CONFIDENTIAL, json!({ "web": { "redirectUris": ["http://localhost/back"] } })).await.status,
        204
    );
    for (uri, status) in [
        ("http://localhost/back", 303),
        ("http://localhost:4711/back", 303),
        ("http://localhost:4711/other", 400),
        ("http://127.0.0.1:4711/back", 400),
        ("https://localhost:4711/back", 400),
    ] {
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
        "http://localhost:1/back/",
        "http://localhost:65536/back",
        "http://127.0.0.1:1/back",
        "https://localhost:1/back",
        "http://localhost:1@evil.example/back",
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

#[tokio::test]
async fn no_form_leads_to_another_host() {
    let t = contoso().await;
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for page in ["oauth2/deviceauth", "oauth2/v2.0/logout", "oauth2/logout"] {
        for host in
            ["%2Fevil.example", "%2fevil.example", "%5Cevil.example", "/evil.example", "%5c%5cevil.example"]
        {
            let reply = browser.get(&format!("/{host}/{page}")).await;
            assert!((400..=404).contains(&reply.status), "{host}/{page}");
            assert!(!reply.text().contains("<form"), "{host}/{page}");
        }
        for tenant in [TENANT, "contoso.example", "common"] {
            let text = browser.get(&format!("/{tenant}/{page}")).await.text();
            assert!(text.contains(&format!("action=\"/{tenant}/{page}\"")), "{text}");
        }
    }
    // Where a post never leads to an application, the browser holds it to this host.
    let policy = async |path: &str| browser.get(path).await.header("content-security-policy").to_owned();
    assert!(policy("/common/oauth2/deviceauth").await.contains("; form-action 'self';"));
    assert!(!policy(&format!("/{TENANT}/oauth2/logout")).await.contains("form-action"));
}
