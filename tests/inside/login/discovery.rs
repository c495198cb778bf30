//! Discovery, keys and the user realm.

use carnet_tests::{CONFIDENTIAL, Contoso, FABRIKAM, PLATFORM, SECRET, TENANT, part, public_key};
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
    // Every cloud that Microsoft's answer names, by each of its hosts.
    for (network, cache, hosts) in [
        (
            "login.microsoftonline.com",
            "login.windows.net",
            &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"][..],
        ),
        (
            "login.partner.microsoftonline.cn",
            "login.partner.microsoftonline.cn",
            &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        ),
        ("login.microsoftonline.de", "login.microsoftonline.de", &["login.microsoftonline.de"]),
        (
            "login.microsoftonline.us",
            "login.microsoftonline.us",
            &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        ),
        ("login-us.microsoftonline.com", "login-us.microsoftonline.com", &["login-us.microsoftonline.com"]),
    ] {
        let row =
            serde_json::json!({ "preferred_network": network, "preferred_cache": cache, "aliases": hosts });
        for host in hosts {
            for (path, document) in [
                ("oauth2/v2.0/authorize", "v2.0/.well-known/openid-configuration"),
                ("oauth2/authorize", ".well-known/openid-configuration"),
            ] {
                let told = ask(&format!("https://{host}/{TENANT}/{path}")).await.good();
                assert!(told["metadata"].as_array().unwrap().contains(&row), "{host} {told}");
                let endpoint = told["tenant_discovery_endpoint"].as_str().unwrap();
                assert!(endpoint.ends_with(&format!("/{TENANT}/{document}")), "{host} {endpoint}");
            }
        }
    }
    for host in
        ["login.microsoftonline.fr", "login.microsoftonline.de.evil.example", "x.login.microsoftonline.us"]
    {
        let told = ask(&format!("https://{host}/{TENANT}/oauth2/v2.0/authorize")).await;
        assert_eq!(told.no(), "400 invalid_instance 50049", "{host}");
    }
}

#[tokio::test]
async fn a_key_of_v2_names_its_cloud_as_the_configuration_does_and_one_of_v1_names_none() {
    for t in [Contoso::start().await, Contoso::with_tenants(&[FABRIKAM]).await] {
        for segment in [TENANT, "contoso.example", "common", "organizations"] {
            let configuration =
                t.get(&format!("/{segment}/v2.0/.well-known/openid-configuration"), "").await.good();
            let keys = t.get(&format!("/{segment}/discovery/v2.0/keys"), "").await.good();
            for key in keys["keys"].as_array().unwrap() {
                assert_eq!(key["cloud_instance_name"], configuration["cloud_instance_name"], "{segment}");
                assert_eq!(key["cloud_instance_name"], "microsoftonline.com", "{segment}");
            }
            let keys = t.get(&format!("/{segment}/discovery/keys"), "").await.good();
            for key in keys["keys"].as_array().unwrap() {
                assert_eq!((key.get("cloud_instance_name"), key.get("issuer")), (None, None), "{segment}");
            }
        }
    }
}

#[tokio::test]
async fn each_version_of_the_configuration_names_the_claims_of_its_tokens() {
    let t = Contoso::start().await;
    for segment in [TENANT, "common", "organizations"] {
        for (path, own, others) in [
            ("v2.0/", &["preferred_username", "tid", "at_hash", "c_hash"][..], &["amr", "nickname"][..]),
            ("", &["amr", "given_name", "family_name", "nickname"], &["preferred_username", "c_hash"]),
        ] {
            let document =
                t.get(&format!("/{segment}/{path}.well-known/openid-configuration"), "").await.good();
            let claims = document["claims_supported"].as_array().unwrap();
            let has = |name: &&str| claims.contains(&(*name).into());
            assert!(own.iter().all(has), "{segment} {path} {claims:?}");
            assert!(!others.iter().any(has), "{segment} {path} {claims:?}");
            // Request objects are a matter of v2.0's document alone.
            assert_eq!(document.get("request_uri_parameter_supported").is_some(), !path.is_empty());
        }
    }
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
