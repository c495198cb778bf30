//! Discovery, keys and the user realm.

use carnet_tests::{CONFIDENTIAL, Contoso, PLATFORM, SECRET, TENANT, part, public_key};
use carnet_wire::jose::Jws;

#[tokio::test]
async fn a_token_verifies_with_the_published_key_of_its_id() {
    let t = Contoso::start().await;
    let token = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    let kid = part(&token, 0)["kid"].as_str().unwrap().to_owned();
    for path in ["discovery/v2.0/keys", "discovery/keys"] {
        for tenant in [TENANT, "contoso.example", "common", "organizations"] {
            let document = t.get(&format!("/{tenant}/{path}"), "").await.good();
            let key = public_key(&document, &kid).unwrap_or_else(|| panic!("{tenant} {path}: {document}"));
            assert!(Jws::parse(&token).unwrap().verify(&key).is_ok(), "{tenant} {path}");
        }
    }
    assert_eq!(t.get("/fabrikam.example/discovery/keys", "").await.no(), "400 invalid_tenant 90002");
}

#[tokio::test]
async fn the_configuration_names_what_is_there() {
    let t = Contoso::start().await;
    let base = format!("https://localhost:8443/{TENANT}");
    for (path, issuer, token) in [
        ("v2.0/.well-known/openid-configuration", "/v2.0", "/oauth2/v2.0/token"),
        (".well-known/openid-configuration", "/", "/oauth2/token"),
    ] {
        for tenant in [TENANT, "contoso.example"] {
            let document = t.get(&format!("/{tenant}/{path}"), "").await.good();
            assert_eq!(document["issuer"], format!("{base}{issuer}"), "{tenant} {path}");
            assert!(document["token_endpoint"].as_str().unwrap().ends_with(token), "{document}");
        }
        let common = t.get(&format!("/common/{path}"), "").await.good();
        assert!(common["issuer"].as_str().unwrap().contains("{tenantid}"), "{common}");
    }
}

#[tokio::test]
async fn anyone_may_read_discovery_from_a_script() {
    let t = Contoso::start().await;
    let reply = t.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration"), "").await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let denied = t.token(&[("grant_type", "password")]).await;
    assert_eq!(denied.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn an_instance_is_told_of_hosts_that_are_ours() {
    let t = Contoso::start().await;
    let ask = async |endpoint: &str| {
        let path = format!(
            "/common/discovery/instance?api-version=1.1&authorization_endpoint={}",
            carnet_tests::percent(endpoint)
        );
        t.get(&path, "").await
    };
    let ours = ask(&format!("https://localhost:8443/{TENANT}/oauth2/v2.0/authorize")).await.good();
    assert!(ours["tenant_discovery_endpoint"].as_str().unwrap().starts_with("https://localhost:8443/"));
    let foreign = ask("https://evil.example/common/oauth2/v2.0/authorize").await;
    assert_eq!(foreign.no(), "400 invalid_instance 50049");
}

#[tokio::test]
async fn the_realm_of_a_user_does_not_tell_who_exists() {
    let t = Contoso::start().await;
    let ask = async |user: &str| {
        let path = format!("/common/userrealm/{user}?api-version=1.0");
        let mut body = t.get(&path, "").await.good();
        body["Login"] = "".into();
        body
    };
    let known = ask("ada@contoso.example").await;
    assert_eq!(known["account_type"], "Managed");
    assert_eq!(known, ask("nobody@contoso.example").await);
    assert_eq!(ask("ada@fabrikam.example").await["account_type"], "Unknown");
}
