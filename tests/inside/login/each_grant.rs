//! Rules that hold for every grant and at both versions of the token endpoint, each tested at all of them.

use carnet_tests::{
    CONFIDENTIAL, Contoso, FABRIKAM, PASSWORD, PLATFORM, Reply, SECRET, TENANT,
    browser::{BACK, Browser, VERIFIER, back, number, query},
    form, percent,
    setup::Setup,
};
use carnet_wire::catalogue::{GRAPH, POWER_PLATFORM};
use http::HeaderValue;

const FRONT: &str = "a0000000-0000-4000-8000-0000000000d1";
const MIDDLE: &str = "a0000000-0000-4000-8000-0000000000d2";
const TABLES: &str = r#"
[[application]]
name = "front of each grant"
client_id = "a0000000-0000-4000-8000-0000000000d1"
public_client = true
implicit = { access_token = true }
redirect_uris = { public = ["http://localhost/back"] }
permissions = [
  { api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] },
  { api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read", "User.ReadBasic.All"] },
  { api = "middle of each grant", delegated = ["act"] },
]
admin_consent = true

[[application]]
name = "middle of each grant"
client_id = "a0000000-0000-4000-8000-0000000000d2"
secrets = [{ name = "good", value = "s3cret-value~good" }]
permissions = [
  { api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] },
  { api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read", "User.ReadBasic.All"] },
]
admin_consent = true
exposes = { identifier_uris = ["api://middle"], scopes = ["act"] }
"#;

const V2: &str = "oauth2/v2.0";
const V1: &str = "oauth2";

/// With one tenant, and with two.
async fn servers() -> [Contoso; 2] {
    [Setup::new("", TABLES).start().await, Setup::new("", TABLES).and(FABRIKAM).start().await]
}

/// A request of one grant that has not been sent yet.
struct Ready {
    grant: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Ready {
    /// Sends it to a version's endpoint with further parameters.
    async fn send(&self, t: &Contoso, path: &str, more: &[(&str, &str)]) -> Reply {
        self.send_with(t, (path, ""), more).await
    }

    /// Sends it with a query and further parameters, which stand in place of its own.
    async fn send_with(&self, t: &Contoso, (path, query): (&str, &str), more: &[(&str, &str)]) -> Reply {
        let own = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let own = own.filter(|(name, _)| !more.iter().any(|(other, _)| name == other));
        let fields: Vec<_> = own.chain(more.iter().copied()).collect();
        t.form(&format!("/{TENANT}/{path}/token{query}"), &fields).await
    }
}

/// A sign-in at a version's authorize endpoint, in Ada's browser.
async fn authorize(t: &Contoso, path: &str, more: &[(&str, &str)]) -> Reply {
    let mut asked = query(FRONT, more);
    asked.retain(|(name, value)| !(*name == "scope" && value.contains("powerplatform") && path == V1));
    let asked: Vec<String> = asked.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    let browser = Browser::new(t);
    let page = browser.get(&format!("/{TENANT}/{path}/authorize?{}", asked.join("&"))).await;
    if page.status != 200 {
        return page;
    }
    let page = browser.submit(&page, &[("username", "ada@contoso.example")]).await;
    browser.submit(&page, &[("passwd", PASSWORD)]).await
}

/// One request of each grant at a version's endpoint: for a person with `asked`, for an application with `own`.
async fn each(t: &Contoso, path: &str, asked: (&'static str, &str), own: (&'static str, &str)) -> Vec<Ready> {
    let with = |grant, client: &str, fields: &[(&'static str, &str)]| {
        let all = [&[("grant_type", grant), ("client_id", client)], fields].concat();
        Ready { grant, fields: all.into_iter().map(|(name, value)| (name, value.to_owned())).collect() }
    };
    let middle = ("client_secret", SECRET);
    let person = [("username", "ada@contoso.example"), ("password", PASSWORD), asked];
    let code = back(&authorize(t, path, &[asked]).await)["code"].clone();
    let code = [("code", code.as_str()), ("redirect_uri", BACK), ("code_verifier", VERIFIER), asked];
    let password = with("password", FRONT, &person);
    let refresh = password.send(t, path, &[]).await.good()["refresh_token"].as_str().unwrap().to_owned();
    let assertion = t.by_password(FRONT, "ada", "api://middle/act").await.access_token();
    let behalf = [middle, ("assertion", &assertion), ("requested_token_use", "on_behalf_of"), asked];
    let device = [("client_id", FRONT), asked];
    let device = t.form(&format!("/{TENANT}/{path}/devicecode"), &device).await.good();
    let browser = Browser::new(t);
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("user_code", device["user_code"].as_str().unwrap())]).await;
    let page = browser.submit(&page, &[("username", "ada@contoso.example")]).await;
    let page = browser.submit(&page, &[("passwd", PASSWORD)]).await;
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 200);
    vec![
        password,
        with("client_credentials", MIDDLE, &[middle, own]),
        with("authorization_code", FRONT, &code),
        with("refresh_token", FRONT, &[("refresh_token", &refresh), asked]),
        with("device_code", FRONT, &[("device_code", device["device_code"].as_str().unwrap())]),
        with("urn:ietf:params:oauth:grant-type:jwt-bearer", MIDDLE, &behalf),
    ]
}

const SCOPE: (&str, &str) = ("scope", "https://api.powerplatform.com/.default offline_access");
const OWN_SCOPE: (&str, &str) = ("scope", "https://api.powerplatform.com/.default");
const RESOURCE: (&str, &str) = ("resource", PLATFORM);

/// Parameters that ask for another kind of token than a bearer token, or for something beside it.
const OTHER_KINDS: [(&str, &str); 9] = [
    ("token_type", "pop"),
    ("token_type", "ssh-cert"),
    ("req_cnf", "eyJraWQiOiJ4In0"),
    ("req_ds_cnf", "eyJraWQiOiJ4In0"),
    ("dpop_jkt", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
    ("fmi_path", "x"),
    ("authorization_details", "[]"),
    ("return_spa_code", "1"),
    ("requested_token_type", "urn:ietf:params:oauth:token-type:saml2"),
];

#[tokio::test]
async fn another_kind_of_token_is_refused_by_name_at_each_grant_and_endpoint() {
    for t in servers().await {
        for (path, asked, own) in [(V2, SCOPE, OWN_SCOPE), (V1, RESOURCE, RESOURCE)] {
            for ready in each(&t, path, asked, own).await {
                for more in OTHER_KINDS {
                    let told = ready.send(&t, path, &[more]).await;
                    assert_eq!(told.no(), "400 invalid_request 90023", "{path} {} {more:?}", ready.grant);
                    let text = told.json()["error_description"].as_str().unwrap().to_owned();
                    assert!(text.contains(&format!("'{}'", more.0)), "{text}");
                }
                // A proof in the header asks for a token that is bound to its key (RFC 9449).
                let fields: Vec<_> =
                    ready.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let mut proof = form(&format!("/{TENANT}/{path}/token"), &fields);
                proof
                    .headers_mut()
                    .insert("dpop", HeaderValue::from_static("eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.x"));
                let told = t.send(proof).await;
                assert_eq!(told.no(), "400 invalid_request 90023", "{path} {}", ready.grant);
                assert!(told.text().contains("'DPoP'"), "{}", told.text());
                // What asks for a bearer token, or for nothing, changes nothing; and nothing was used up.
                let same = [("token_type", "Bearer"), ("fmi_path", ""), ("key_id", "k")];
                assert_eq!(
                    ready.send(&t, path, &same).await.good()["token_type"],
                    "Bearer",
                    "{}",
                    ready.grant
                );
            }
            for more in OTHER_KINDS {
                let device = [("client_id", FRONT), asked, more];
                let told = t.form(&format!("/{TENANT}/{path}/devicecode"), &device).await;
                assert_eq!(told.no(), "400 invalid_request 90023", "{path} {more:?}");
                assert_eq!(number(&authorize(&t, path, &[asked, more]).await), 90_023, "{path} {more:?}");
            }
        }
    }
}

#[tokio::test]
async fn graphs_scopes_come_back_as_they_were_asked_for_at_each_grant() {
    const SHORT: &str = "User.Read User.ReadBasic.All profile openid email";
    const FULL: &str = "https://graph.microsoft.com/User.Read https://graph.microsoft.com/User.ReadBasic.All profile openid email";
    for t in servers().await {
        for (asked, told) in [
            ("User.Read openid profile offline_access", SHORT),
            ("https://graph.microsoft.com/User.Read openid profile offline_access", FULL),
        ] {
            // Of the authorize endpoint too.
            let fields = back(&authorize(&t, V2, &[("scope", asked), ("response_type", "token")]).await);
            assert_eq!(fields["scope"], told, "{asked}");
            for ready in each(&t, V2, ("scope", asked), OWN_SCOPE).await {
                // An application's own token has no scopes.
                let told = if ready.grant == "client_credentials" { None } else { Some(told) };
                let reply = ready.send(&t, V2, &[]).await.good();
                assert_eq!(reply["scope"].as_str(), told, "{} {asked}", ready.grant);
                // Renewed without naming any, they come in the same form.
                let Some(refresh) = reply["refresh_token"].as_str() else { continue };
                let client = if ready.grant.contains("jwt") { MIDDLE } else { FRONT };
                let mut again =
                    vec![("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refresh)];
                again.extend((client == MIDDLE).then_some(("client_secret", SECRET)));
                assert_eq!(t.token(&again).await.good()["scope"].as_str(), told, "{} {asked}", ready.grant);
            }
        }
    }
}

#[tokio::test]
async fn the_api_version_makes_a_guid_a_service_principal_name_at_each_grant_of_v1() {
    for t in servers().await {
        let spn = format!("spn:{POWER_PLATFORM}");
        for (path, asked, own, audience) in [
            (V1, ("resource", POWER_PLATFORM), ("resource", POWER_PLATFORM), spn.as_str()),
            (V1, RESOURCE, RESOURCE, PLATFORM),
            (V2, SCOPE, OWN_SCOPE, PLATFORM),
        ] {
            for (query, expected) in
                [("?api-version=1.0", audience), ("?api-version=2.0", audience.trim_start_matches("spn:"))]
            {
                for ready in each(&t, path, asked, own).await {
                    let claims = ready.send_with(&t, (path, query), &[]).await.claims();
                    assert_eq!(claims["aud"], expected, "{path}{query} {asked:?} {}", ready.grant);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_resource_parameter_of_v2_names_the_api_of_the_scope_at_each_grant() {
    for t in servers().await {
        for ready in each(&t, V2, SCOPE, OWN_SCOPE).await {
            for other in ["https://graph.microsoft.com", GRAPH, "https://nowhere.example", "x"] {
                let told = ready.send(&t, V2, &[("resource", other)]).await;
                assert_eq!(told.no(), "400 invalid_target 9010010", "{} {other}", ready.grant);
            }
            ready.send(&t, V2, &[RESOURCE]).await.good();
        }
        let begin = async |resource: &str| {
            let fields = [("client_id", FRONT), SCOPE, ("resource", resource)];
            t.form(&format!("/{TENANT}/{V2}/devicecode"), &fields).await
        };
        for same in [PLATFORM, "https://api.powerplatform.com/", POWER_PLATFORM] {
            begin(same).await.good();
        }
        for other in ["https://graph.microsoft.com", "https://nowhere.example", "x"] {
            assert_eq!(begin(other).await.no(), "400 invalid_target 9010010", "{other}");
        }
    }
}

#[tokio::test]
async fn an_api_goes_by_its_id_as_a_uri_whether_that_is_registered_or_not() {
    for t in servers().await {
        let named = format!("api://{MIDDLE}");
        let token = t.by_password(FRONT, "ada", &format!("{named}/act")).await;
        assert_eq!((&token.claims()["aud"], &token.claims()["scp"]), (&named.as_str().into(), &"act".into()));
        // The API itself takes it, and acts for its user.
        let swap = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("client_id", MIDDLE),
            ("client_secret", SECRET),
            ("assertion", &token.access_token()),
            OWN_SCOPE,
        ];
        assert_eq!(t.token(&swap).await.claims()["aud"], PLATFORM);
        assert_eq!(t.by_secret(CONFIDENTIAL, SECRET, &named).await.claims()["aud"], named);
        // Nobody's id, and one of an API of Microsoft's, whose names are published.
        for other in ["api://a0000000-0000-4000-8000-00000000dead", &format!("api://{GRAPH}"), "api://d2"] {
            let told = t.by_secret(CONFIDENTIAL, SECRET, other).await;
            assert_eq!(told.no(), "400 invalid_resource 500011", "{other}");
        }
    }
}
