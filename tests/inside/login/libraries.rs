//! What Microsoft's libraries for Go, Java and .NET, older ADAL clients and OAuth clients of other makers send and
//! read, beyond what the rest of these tests asks for.

use super::contoso;
use carnet_http::clock::Clock;
use carnet_tests::{
    AZURE_CLI, CONFIDENTIAL, Contoso, FABRIKAM, OTHER_TENANT, PASSWORD, PLATFORM, PUBLIC, SECRET, TENANT,
    UNREGISTERED,
    browser::{Browser, back, flow, number, query, redemption},
    part,
    setup::Setup,
    signer::Signer,
};
use serde_json::json;

const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
const PLATFORM_APP: &str = "8578e004-a5c6-46e7-913e-12f58912df43";
/// An API of the tenant that asks for tokens for itself.
const API: &str = "a0000000-0000-4000-8000-0000000000a1";

fn api() -> String {
    format!(
        "[[application]]\nname = \"api\"\nclient_id = \"{API}\"\npublic_client = true\n\
         exposes = {{ identifier_uris = [\"api://{API}\"], scopes = [\"access\"] }}\n\
         redirect_uris = {{ public = [\"http://localhost/back\"] }}\n"
    )
}

#[tokio::test]
async fn graphs_scopes_come_back_as_they_were_asked_for() {
    let t = Contoso::start().await;
    t.consent_to(PUBLIC, GRAPH_APP, &["User.Read", "User.ReadBasic.All"]).await;
    let scope = async |asked: &str| {
        t.by_password(PUBLIC, "ada", asked).await.good()["scope"].as_str().unwrap().to_owned()
    };
    let whole = "https://graph.microsoft.com/User.Read https://graph.microsoft.com/User.ReadBasic.All";
    let all = "User.Read User.ReadBasic.All profile openid email";
    for asked in ["User.Read openid profile", "openid profile email", "openid"] {
        assert_eq!(scope(asked).await, all, "{asked}");
    }
    assert_eq!(scope("User.Read").await, "User.Read User.ReadBasic.All");
    assert_eq!(scope("User.Read profile").await, "User.Read User.ReadBasic.All profile");
    assert_eq!(
        scope("https://graph.microsoft.com/User.Read openid profile").await,
        format!("{whole} profile openid email")
    );
    assert_eq!(
        scope("https://graph.microsoft.com/.default").await,
        format!("{whole} https://graph.microsoft.com/.default")
    );
}

#[tokio::test]
async fn a_token_holds_everything_that_was_consented_to_and_nothing_else() {
    let t = Contoso::start().await;
    t.consent_to(PUBLIC, GRAPH_APP, &["User.Read"]).await;
    let reply = t.by_password(PUBLIC, "ada", "openid").await;
    assert_eq!(reply.claims()["scp"], "User.Read profile openid email");
    assert_eq!(reply.good()["scope"], "User.Read profile openid email");
    // What was not consented to is still asked for by name.
    assert_eq!(t.by_password(PUBLIC, "ada", "User.Read.All").await.no(), "400 invalid_grant 65001");
}

#[tokio::test]
async fn an_unknown_scope_is_told_with_the_application_and_the_apis_id() {
    let t = Contoso::start().await;
    let reply = t.by_password(PUBLIC, "ada", "openid phone").await;
    assert_eq!(reply.no(), "400 invalid_client 650053");
    let text = reply.json()["error_description"].as_str().unwrap().to_owned();
    assert!(text.contains("'public'") && text.contains("'phone'") && text.contains(GRAPH_APP), "{text}");
}

#[tokio::test]
async fn the_resource_parameter_of_v2_names_the_api_of_the_scope() {
    let t = contoso("").await;
    let scope = format!("{PLATFORM}/.default");
    let user = async |scope: &str, resource: &str| {
        let fields = [
            ("grant_type", "password"),
            ("client_id", PUBLIC),
            ("username", "ada@contoso.example"),
            ("password", PASSWORD),
            ("scope", scope),
            ("resource", resource),
        ];
        t.token(&fields).await
    };
    for same in [PLATFORM, "https://api.powerplatform.com/", PLATFORM_APP] {
        user(&scope, same).await.good();
    }
    for other in ["https://graph.microsoft.com", "https://nowhere.example", "x"] {
        assert_eq!(user(&scope, other).await.no(), "400 invalid_target 9010010", "{other}");
    }
    // At the authorization endpoint, and at the redemption of a code, with a scope and without.
    let browser = Browser::new(&t);
    let first = back(&browser.sign_in(&query(PUBLIC, &[("resource", PLATFORM)]), "ada", PASSWORD).await);
    let wrong = browser.open(&query(PUBLIC, &[("resource", "https://graph.microsoft.com")])).await;
    assert_eq!((number(&wrong), back(&wrong)["error"].as_str()), (9_010_010, "invalid_target"));
    let redeem =
        async |code: &str, more: &[(&str, &str)]| t.token(&[&redemption(code)[..], more].concat()).await;
    let other = [("resource", "https://graph.microsoft.com")];
    assert_eq!(redeem(&first["code"], &other).await.no(), "400 invalid_target 9010010");
    let done = redeem(&first["code"], &[("resource", PLATFORM)]).await.good();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", done["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(t.token(&[&refresh[..], &other].concat()).await.no(), "400 invalid_target 9010010");
    t.token(&[&refresh[..], &[("resource", PLATFORM)]].concat()).await.good();
}

#[tokio::test]
async fn a_nonce_comes_back_unchanged_or_is_refused() {
    let t = contoso("").await;
    let long = "n".repeat(4096);
    let code = back(&Browser::new(&t).sign_in(&query(PUBLIC, &[("nonce", &long)]), "ada", PASSWORD).await);
    let id_token = t.redeem(&code["code"]).await.good()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(part(&id_token, 1)["nonce"], long);
    let longer = "n".repeat(4097);
    let refused = Browser::new(&t).open(&query(PUBLIC, &[("nonce", &longer)])).await;
    assert_eq!(number(&refused), 90_100);
}

#[tokio::test]
async fn a_device_code_is_polled_under_both_names_on_both_versions() {
    let t = contoso("").await;
    for (path, ask) in [
        ("oauth2/v2.0", ("scope", "https://api.powerplatform.com/.default offline_access")),
        ("oauth2", ("resource", PLATFORM)),
    ] {
        let begun =
            t.form(&format!("/{TENANT}/{path}/devicecode"), &[("client_id", PUBLIC), ask]).await.good();
        let code = begun["device_code"].as_str().unwrap();
        for name in ["device_code", "code"] {
            let poll = [("grant_type", "device_code"), ("client_id", PUBLIC), (name, code)];
            let reply = t.form(&format!("/{TENANT}/{path}/token"), &poll).await;
            assert_eq!(reply.no(), "400 authorization_pending 70016", "{path} {name}");
        }
        // Both: the standard's name counts, unless it is empty.
        let both = async |first: &str, second: &str| {
            let codes = [("device_code", first), ("code", second)];
            let poll = [&[("grant_type", "device_code"), ("client_id", PUBLIC)], &codes[..]].concat();
            t.form(&format!("/{TENANT}/{path}/token"), &poll).await.no()
        };
        for (first, second) in [(code, code), (code, "x"), (code, ""), ("", code)] {
            assert_eq!(
                both(first, second).await,
                "400 authorization_pending 70016",
                "{path} {first} {second}"
            );
        }
        let unknown = both("x", "").await;
        assert!(unknown.starts_with("400 ") && !unknown.contains("70016"), "{unknown}");
        assert_eq!((both("x", code).await, both("", "x").await), (unknown.clone(), unknown), "{path}");
        assert_eq!(both("", "").await, "400 invalid_request 900144", "{path}");
        let nothing = [("grant_type", "device_code"), ("client_id", PUBLIC)];
        let reply = t.form(&format!("/{TENANT}/{path}/token"), &nothing).await;
        assert_eq!(reply.no(), "400 invalid_request 900144", "{path}");
    }
}

#[tokio::test]
async fn an_application_gets_tokens_for_itself() {
    let unregistered = "[[application]]\nname = \"bare\"\nclient_id = \"a0000000-0000-4000-8000-0000000000a2\"\n\
         public_client = true\nexposes = { scopes = [\"access\"] }\n";
    let t = Contoso::with("", &(api() + unregistered)).await;
    let v2 = async |scope: &str| t.by_password(API, "ada", scope).await;
    assert_eq!(v2(&format!("{API}/.default")).await.claims()["scp"], "access");
    assert_eq!(v2(&format!("api://{API}/access")).await.claims()["aud"], format!("api://{API}"));
    assert_eq!(v2(&format!("{API}/access openid")).await.claims()["aud"], API);
    // Everything of itself by a name that is not its id.
    assert_eq!(v2(&format!("api://{API}/.default")).await.no(), "400 invalid_resource 90009");
    // Its own id names it as a URI too, registered or not; a scope that it does not expose is told as one.
    let bare = "a0000000-0000-4000-8000-0000000000a2";
    assert_eq!(v2(&format!("api://{API}/nothing")).await.no(), "400 invalid_client 650053");
    for asked in [format!("api://{bare}/access"), format!("{bare}/access")] {
        let claims = t.by_password(bare, "ada", &asked).await.claims();
        assert_eq!(
            (&claims["aud"], &claims["scp"]),
            (&json!(asked.trim_end_matches("/access")), &json!("access"))
        );
    }
    let told = t.by_password(bare, "ada", &format!("api://{bare}/nothing")).await;
    assert_eq!(told.no(), "400 invalid_client 650053");
    let told = t.by_password(bare, "ada", &format!("api://{bare}/.default")).await;
    assert_eq!(told.no(), "400 invalid_resource 90009");
    // Without a scope of its own, and on v1.0.
    let bare = t.by_password(PUBLIC, "ada", &format!("{PUBLIC}/.default")).await;
    assert_eq!((bare.claims()["aud"].as_str(), bare.claims().get("scp").cloned()), (Some(PUBLIC), None));
    let fields = [
        ("grant_type", "password"),
        ("client_id", PUBLIC),
        ("username", "ada@contoso.example"),
        ("password", PASSWORD),
        ("resource", PUBLIC),
    ];
    let reply = t.form(&format!("/{TENANT}/oauth2/token"), &fields).await;
    assert_eq!(reply.claims()["aud"], PUBLIC);
}

#[tokio::test]
async fn a_v1_code_brings_an_id_token_whatever_its_redemption_repeats() {
    let t = contoso("").await;
    let browser = Browser::new(&t);
    let asked: Vec<(&str, &str)> =
        query(PUBLIC, &[("resource", PLATFORM)]).into_iter().filter(|it| it.0 != "scope").collect();
    let asked: Vec<String> = asked.iter().map(|(n, v)| format!("{n}={}", carnet_tests::percent(v))).collect();
    let page = browser.get(&format!("/{TENANT}/oauth2/authorize?{}", asked.join("&"))).await;
    let page = browser.submit(&page, &[("username", "ada@contoso.example")]).await;
    assert!(!flow(&page).is_empty());
    let code = back(&browser.submit(&page, &[("passwd", PASSWORD)]).await)["code"].clone();
    let fields = [&redemption(&code)[..], &[("resource", PLATFORM)]].concat();
    let reply = t.form(&format!("/{TENANT}/oauth2/token"), &fields).await.good();
    assert_eq!(part(reply["id_token"].as_str().unwrap(), 1)["upn"], "ada@contoso.example");
}

#[tokio::test]
async fn passwords_over_common_are_served_on_v1_alone() {
    for t in [Contoso::start().await, Setup::new("", "").and(FABRIKAM).start().await] {
        let two = t.get(&format!("/{OTHER_TENANT}/discovery/keys"), "").await.status == 200;
        let ask = async |path: &str, user: &str, password: &str, more: (&str, &str)| {
            let fields = [
                ("grant_type", "password"),
                ("client_id", AZURE_CLI),
                ("username", user),
                ("password", password),
                more,
            ];
            t.form(path, &fields).await
        };
        let graph = ("resource", "https://graph.microsoft.com");
        for (user, tenant, there) in
            [("ada@contoso.example", TENANT, true), ("ada@fabrikam.example", OTHER_TENANT, two)]
        {
            let reply = ask("/common/oauth2/token", user, PASSWORD, graph).await;
            if there {
                let claims = reply.claims();
                assert_eq!((&claims["tid"], &claims["upn"]), (&tenant.into(), &user.into()));
            } else {
                assert_eq!(reply.no(), "400 invalid_grant 50126", "{user}");
            }
            let wrong = ask("/common/oauth2/token", user, "Wrong-horse-7", graph).await;
            assert_eq!(wrong.no(), "400 invalid_grant 50126", "{user}");
            let scope = ("scope", "https://graph.microsoft.com/.default");
            let refused = ask("/common/oauth2/v2.0/token", user, PASSWORD, scope).await;
            assert_eq!(refused.no(), "400 invalid_request 9001023", "{user}");
        }
        for nobody in ["ada@nowhere.example", "ada"] {
            let told = ask("/common/oauth2/token", nobody, PASSWORD, graph).await;
            assert_eq!(told.no(), "400 invalid_grant 50126", "{nobody}");
        }
    }
}

#[tokio::test]
async fn an_applications_scope_may_stand_beside_openid_connect_scopes() {
    let t = Contoso::start().await;
    let ask = async |scope: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", SECRET),
            ("scope", scope),
        ];
        t.token(&fields).await
    };
    let reply = ask("https://api.powerplatform.com/.default openid profile offline_access").await.good();
    assert!(reply.get("refresh_token").is_none() && reply.get("id_token").is_none());
    assert!(reply.get("scope").is_none());
    for (scope, told) in [
        ("https://api.powerplatform.com/.default https://graph.microsoft.com/.default openid", 28_000),
        ("https://api.powerplatform.com/AppManagement.ApplicationPackages.Read openid", 1_002_012),
        ("openid profile offline_access", 1_002_012),
    ] {
        assert_eq!(ask(scope).await.no(), format!("400 invalid_scope {told}"), "{scope}");
    }
}

#[tokio::test]
async fn graphs_errors_carry_a_date_of_nineteen_characters() {
    let t = Contoso::start().await;
    let token = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await.access_token();
    t.clock.set(t.clock.now().plus_millis(17));
    let refused = t.get("/v1.0/spaceships", &token).await;
    assert_eq!(refused.json()["error"]["innerError"]["date"], "2027-01-15T08:00:00");
}

#[tokio::test]
async fn the_metadata_says_what_validators_and_clients_compare() {
    let t = Contoso::start().await;
    for (segment, region) in [(TENANT, json!("WW")), ("common", json!(null)), ("organizations", json!(null))]
    {
        let v2 = t.get(&format!("/{segment}/v2.0/.well-known/openid-configuration"), "").await.good();
        assert_eq!(v2["cloud_instance_name"], "microsoftonline.com");
        assert_eq!(v2["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(v2["tenant_region_scope"], region, "{segment}");
        assert!(v2["kerberos_endpoint"].as_str().unwrap().ends_with("/kerberos"));
        let v1 = t.get(&format!("/{segment}/.well-known/openid-configuration"), "").await.good();
        assert!(v1["check_session_iframe"].as_str().unwrap().ends_with("/oauth2/checksession"));
    }
}

#[tokio::test]
async fn an_assertion_for_the_v1_endpoint_may_name_its_query() {
    // go-autorest signs assertions of 24 hours for the address with its query.
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::default());
    std::fs::write(folder.path().join("cert.pem"), signer.pem()).unwrap();
    let table = "[[application]]\nname = \"cert\"\nclient_id = \"a0000000-0000-4000-8000-0000000000c1\"\n\
                 certificates = [\"cert.pem\"]\n";
    let t = Contoso::over(folder, "", table).await;
    let now = carnet_tests::NOW.seconds();
    let app = "a0000000-0000-4000-8000-0000000000c1";
    let ask = async |audience: &str| {
        let claims = json!({ "iss": app, "sub": app, "aud": audience, "jti": audience, "nbf": now, "exp": now + 86_400 });
        let assertion = signer.assertion(&claims);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", app),
            ("resource", PLATFORM),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        t.form(&format!("/{TENANT}/oauth2/token"), &fields).await
    };
    let endpoint = format!("https://localhost:8443/{TENANT}/oauth2/token");
    ask(&format!("{endpoint}?api-version=1.0")).await.good();
    for other in [
        format!("{endpoint}?api-version=2.0"),
        format!("{endpoint}?"),
        format!("{endpoint}/x?api-version=1.0"),
    ] {
        assert_eq!(ask(&other).await.no(), "401 invalid_client 700023", "{other}");
    }
}
