//! The names under which the token service answers: the public URL, with the default port or without it, and
//! Microsoft's.

use bytes::Bytes;
use carnet_tests::{CONFIDENTIAL, Contoso, NOW, Reply, SECRET, TENANT, certificate, form, setup::Setup};
use carnet_wire::entropy::SeededEntropy;
use http::{HeaderValue, Request};
use serde_json::Value;

const CLIENT: &str = "a0000000-0000-4000-8000-000000000009";
const TABLE: &str = "[[application]]\nname = \"cert\"\nclient_id = \"a0000000-0000-4000-8000-000000000009\"\ncertificates = [\"cert.pem\"]\n";

async fn at(t: &Contoso, host: &str, path: &str) -> Reply {
    let request = Request::get(path).header("host", host);
    t.send(request.body(Bytes::new()).unwrap()).await
}

/// The configuration at an issuer, as clients build its address: the path is appended to the issuer.
async fn at_issuer(t: &Contoso, issuer: &str) -> Value {
    let (host, path) = issuer.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let exact = at(t, host, &format!("/{path}/.well-known/openid-configuration")).await.good();
    let plain = path.trim_end_matches('/');
    assert_eq!(at(t, host, &format!("/{plain}/.well-known/openid-configuration")).await.good(), exact);
    exact
}

#[tokio::test]
async fn the_default_port_is_no_port_for_issuers_audiences_and_hosts() {
    for called in ["https://localhost:443", "https://localhost"] {
        let (folder, key) = certificate();
        let t = Setup::new("", TABLE).over(folder).called(called).start().await;
        for host in ["localhost", "localhost:443"] {
            let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
            let configuration = at(&t, host, &path).await.good();
            assert_eq!(configuration["issuer"], format!("https://localhost/{TENANT}/v2.0"));
            let token = format!("https://localhost/{TENANT}/oauth2/v2.0/token");
            assert_eq!(configuration["token_endpoint"], token);
        }
        // An API of ours takes the tokens that it issues.
        let graph = t.graph_token("ada").await;
        assert_eq!(t.get("/v1.0/me", &graph).await.status, 200);
        let ask = async |audience: &str, seed: u64| {
            let entropy = SeededEntropy::new(seed);
            let assertion = key.assertion(CLIENT.parse().unwrap(), audience, NOW, &entropy).unwrap();
            t.token(&[
                ("grant_type", "client_credentials"),
                ("client_id", CLIENT),
                ("scope", "https://api.powerplatform.com/.default"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.expose()),
            ])
            .await
        };
        for (seed, base) in [
            "https://localhost",
            "https://localhost:443",
            "https://127.0.0.1",
            "https://login.microsoftonline.com",
            "https://login.windows.net",
            "https://westus2.login.microsoft.com",
        ]
        .iter()
        .enumerate()
        {
            for (more, path) in ["oauth2/v2.0/token", "oauth2/token", "v2.0"].iter().enumerate() {
                let audience = format!("{base}/{TENANT}/{path}");
                let reply = ask(&audience, 10 * seed as u64 + more as u64).await;
                assert_eq!(reply.status, 200, "{audience} {}", reply.text());
            }
        }
        for (seed, base) in [
            "https://localhost:8443",
            "https://localhost:80",
            "https://localhost:4430",
            "https://a.b.login.microsoft.com",
            "https://login.microsoft.com.evil.example",
            "http://westus2.login.microsoft.com",
        ]
        .iter()
        .enumerate()
        {
            let audience = format!("{base}/{TENANT}/oauth2/v2.0/token");
            let reply = ask(&audience, 200 + seed as u64).await;
            assert_eq!(reply.no(), "401 invalid_client 700023", "{audience}");
        }
    }
}

#[tokio::test]
async fn the_issuer_of_v1_tokens_has_metadata_where_clients_look_for_it() {
    let t = Contoso::start().await;
    let microsoft = format!("https://sts.windows.net/{TENANT}/");
    let configuration = at_issuer(&t, &microsoft).await;
    assert_eq!(configuration["issuer"], microsoft);
    let token = format!("https://login.microsoftonline.com/{TENANT}/oauth2/token");
    assert_eq!(configuration["token_endpoint"], token);
    let own = format!("https://localhost:8443/{TENANT}/");
    let configuration = at_issuer(&t, &own).await;
    assert_eq!(configuration["issuer"], own);
    // What tokens of either origin say is their issuer.
    let issued = t.graph_token("ada").await;
    assert_eq!(carnet_tests::part(&issued, 1)["iss"], own);
    let three = format!("/{TENANT}///.well-known/openid-configuration");
    assert_eq!(at(&t, "sts.windows.net", &three).await.status, 404);
    let unknown = "/fabrikam.example/.well-known/openid-configuration";
    assert_eq!(at(&t, "sts.windows.net", unknown).await.no(), "400 invalid_tenant 90002");
}

#[tokio::test]
async fn a_regional_host_is_the_login_host_and_a_look_alike_is_nobody() {
    let t = Contoso::start().await;
    let path = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    for host in ["westus2.login.microsoft.com", "WestEurope.login.microsoft.com:443"] {
        let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        assert_eq!(at(&t, host, &path).await.good()["issuer"], issuer, "{host}");
    }
    // Its token endpoint too.
    let token = async |host: &'static str, secret: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let mut request = form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields);
        request.headers_mut().insert("host", HeaderValue::from_static(host));
        t.send(request).await
    };
    let microsofts = format!("https://sts.windows.net/{TENANT}/");
    for host in
        ["westus2.login.microsoft.com", "WestEurope.login.microsoft.com:443", "login.microsoftonline.com"]
    {
        let reply = token(host, SECRET).await;
        assert_eq!(
            (&reply.claims()["iss"], &reply.claims()["tid"]),
            (&microsofts.as_str().into(), &TENANT.into())
        );
        let graph = Request::get("/v1.0/applications").header("host", "graph.microsoft.com");
        let graph = graph.header("authorization", format!("Bearer {}", reply.access_token()));
        let called = t.send(graph.body(Bytes::new()).unwrap()).await;
        assert_eq!(called.no(), "403 Authorization_RequestDenied", "known, and without a role: {host}");
        assert_eq!(token(host, "wrong").await.no(), "401 invalid_client 7000215", "{host}");
    }
    for host in ["a.b.login.microsoft.com", "westus2.login.microsoft.com.evil.example"] {
        assert_eq!(token(host, SECRET).await.status, 421, "{host}");
    }
    for host in ["a.b.login.microsoft.com", "westus2.login.microsoft.com.evil.example", "login.microsoft.us"]
    {
        assert_eq!(at(&t, host, &path).await.status, 421, "{host}");
    }
}
