//! What a page asks is answered by that page alone: no other sealed state stands in for it, and what is granted
//! is what was shown.

use super::contoso;
use carnet_tests::{
    Contoso, PASSWORD, PUBLIC, Reply, TENANT, UNCONSENTED,
    browser::{Browser, back, flow, number, query},
    form,
};
use serde_json::json;

/// Posts another page's sealed state.
async fn post(browser: &Browser<'_>, path: &str, page: &Reply, fields: &[(&str, &str)]) -> Reply {
    let sealed = flow(page);
    let mut request = form(&format!("/{TENANT}/{path}"), &[&[("flow", sealed.as_str())], fields].concat());
    request.headers_mut().insert("sec-fetch-site", http::HeaderValue::from_static("same-origin"));
    browser.send(request).await
}

async fn in_session<'a>(t: &'a Contoso, user: &str) -> (Browser<'a>, String) {
    let browser = Browser::new(t);
    let fields = back(&browser.sign_in(&query(PUBLIC, &[]), user, PASSWORD).await);
    let sid = fields["session_state"].clone();
    (browser, sid)
}

#[tokio::test]
async fn a_password_page_is_no_consent() {
    let t = contoso("").await;
    let (browser, sid) = in_session(&t, "ada").await;
    for more in [("prompt", "login"), ("max_age", "0")] {
        t.later(1);
        let page = browser.open(&query(PUBLIC, &[more])).await;
        let page = browser.submit(&page, &[("account", &sid)]).await;
        assert!(page.text().contains("name=\"passwd\""), "{}", page.text());
        assert_eq!(number(&post(&browser, "consent", &page, &[("answer", "yes")]).await), 90_004);
    }
}

#[tokio::test]
async fn a_page_for_the_second_factor_is_no_consent() {
    let t = contoso(&format!("require_mfa = [\"app:{UNCONSENTED}\"]")).await;
    let (browser, sid) = in_session(&t, "admin").await;
    let page = browser.open(&query(UNCONSENTED, &[])).await;
    assert!(page.text().contains("Add a second factor"));
    let chosen = browser.submit(&page, &[("account", &sid)]).await;
    for page in [&page, &chosen] {
        let answer = [("answer", "yes"), ("everyone", "1")];
        assert_eq!(number(&post(&browser, "consent", page, &answer).await), 90_004);
    }
    let token = t.graph_token("admin").await;
    let id = "d0000000-0000-4000-8000-000000000004";
    let path = format!("/v1.0/servicePrincipals/{id}/oauth2PermissionGrants");
    assert_eq!(t.get(&path, &token).await.good()["value"], json!([]));
}

#[tokio::test]
async fn what_was_not_shown_is_not_granted() {
    let t = contoso("").await;
    let (browser, _) = in_session(&t, "admin").await;
    let page = browser.open(&query(UNCONSENTED, &[])).await;
    assert!(!page.text().contains("EnvironmentManagement"));
    let token = t.graph_token("admin").await;
    let public = t.get(&format!("/v1.0/applications(appId='{PUBLIC}')"), &token).await.good();
    let wider = json!({ "requiredResourceAccess": public["requiredResourceAccess"] });
    let own = format!("/v1.0/applications(appId='{UNCONSENTED}')");
    assert_eq!(t.call("PATCH", &own, &token, wider).await.status, 204);
    let again = browser.submit(&page, &[("answer", "yes"), ("everyone", "1")]).await;
    assert!(again.text().contains("EnvironmentManagement"), "{}", again.text());
    assert!(back(&browser.submit(&again, &[("answer", "yes")]).await).contains_key("code"));
}

#[tokio::test]
async fn a_device_is_let_in_by_whoever_was_asked_about_it() {
    let t = contoso("").await;
    let (browser, sid) = in_session(&t, "ada").await;
    let device = async || {
        let path = format!("/{TENANT}/oauth2/v2.0/devicecode");
        let reply = t.form(&path, &[("client_id", PUBLIC), ("scope", "openid")]).await.good();
        let text = |name: &str| reply[name].as_str().unwrap().to_owned();
        (text("user_code"), text("device_code"))
    };
    let (first, second) = (device().await, device().await);
    let page = browser.get(&format!("/{TENANT}/oauth2/deviceauth")).await;
    let account = browser.submit(&page, &[("user_code", &first.0)]).await;
    // An open session does not stand in for a sign-in.
    let chosen = browser.submit(&account, &[("account", &sid)]).await;
    assert_eq!(number(&post(&browser, "oauth2/deviceauth", &chosen, &[("answer", "yes")]).await), 90_004);
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    let confirm = browser.submit(&asked, &[("passwd", PASSWORD)]).await;
    // A yes about one device is none about another.
    let other = post(&browser, "oauth2/deviceauth", &confirm, &[("user_code", &second.0)]).await;
    assert_eq!(number(&post(&browser, "oauth2/deviceauth", &other, &[("answer", "yes")]).await), 90_004);
    let poll = async |code: &str| {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        t.token(&[("grant_type", grant), ("client_id", PUBLIC), ("device_code", code)]).await
    };
    assert_eq!(poll(&second.1).await.no(), "400 authorization_pending 70016");
    assert_eq!(browser.submit(&confirm, &[("answer", "yes")]).await.status, 200);
    assert!(poll(&first.1).await.good().get("access_token").is_some());
}

#[tokio::test]
async fn who_is_not_assigned_is_not_asked_for_consent() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{UNCONSENTED}')");
    let wants = async |assigned: bool| {
        let body = json!({ "appRoleAssignmentRequired": assigned });
        assert_eq!(t.call("PATCH", &path, &token, body).await.status, 204);
    };
    let (browser, _) = in_session(&t, "ada").await;
    wants(true).await;
    assert_eq!(number(&browser.open(&query(UNCONSENTED, &[])).await), 50_105);
    wants(false).await;
    let asked = browser.open(&query(UNCONSENTED, &[])).await;
    assert!(asked.text().contains("name=\"answer\""), "{}", asked.text());
}
