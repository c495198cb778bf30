//! 6.3, rows 46 to 58: what each grant gives, and to whom.

use super::client_auth::{API, FRONT, MIDDLE, SCOPE, by_password, by_secret, swapping, with};
use super::*;
use carnet_tests::{
    AZURE_CLI, FABRIKAM, OTHER_TENANT, PASSWORD, UNCONSENTED,
    browser::{BACK, Browser, VERIFIER, back, number, query, redemption},
    percent,
};
use std::net::TcpListener;

#[tokio::test]
async fn a_code_is_its_clients_in_its_tenant_at_its_address_row_46() {
    let t = Contoso::with_tenants(&[FABRIKAM]).await;
    t.registered(&[PUBLIC, UNCONSENTED]).await;
    let code = t.code("ada").await;
    let good = redemption(&code);
    for client in [UNCONSENTED, AZURE_CLI] {
        assert_eq!(told(&t.token(&with(&good, &[("client_id", client)])).await), "400 invalid_grant 700007");
    }
    let proven = with(&good, &[("client_id", CONFIDENTIAL), ("client_secret", SECRET)]);
    assert_eq!(told(&t.token(&proven).await), "400 invalid_grant 700007");
    assert_eq!(told(&token_at(&t, OTHER_TENANT, &good).await), "400 unauthorized_client 700016");
    let theirs = with(&good, &[("client_id", AZURE_CLI)]);
    assert_eq!(told(&token_at(&t, OTHER_TENANT, &theirs).await), "400 invalid_grant 700005");
    for other in [
        "http://localhost:4712/back",
        "http://localhost:4711/back/",
        "http://localhost:4711/BACK",
        "http://localhost:4711/back?x",
        "http://LOCALHOST:4711/back",
        "http://127.0.0.1:4711/back",
        "http://localhost:04711/back",
        "https://evil.example/back",
    ] {
        let no = told(&t.token(&with(&good, &[("redirect_uri", other)])).await);
        assert_eq!(no, "400 invalid_grant 500112", "{other}");
    }
    assert_eq!(told(&t.token(&with(&good, &[("redirect_uri", "")])).await), "400 invalid_grant 700009");
    assert_eq!(t.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_verifier_is_the_challenges_row_48() {
    let lax = format!(
        "[[application]]\nname = \"lax\"\nclient_id = \"{CERTIFIED}\"\npublic_client = true\n\
         redirect_uris = {{ public = [\"http://localhost/back\"] }}\n\
         permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}]\n\
         admin_consent = true\n[application.policy]\npkce = false\n"
    );
    let t = Contoso::with("", &lax).await;
    t.registered(&[PUBLIC]).await;
    let browser = Browser::new(&t);
    let challenge = query(PUBLIC, &[]).iter().find(|it| it.0 == "code_challenge").unwrap().1.to_owned();
    let code = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await)["code"].clone();
    let (short, long, other) = ("v".repeat(42), "v".repeat(129), "w".repeat(48));
    let odd = format!("{}!", &VERIFIER[1..]);
    for verifier in
        [&other, &challenge, &short, &long, &odd, &VERIFIER.to_uppercase(), &format!("{VERIFIER}=")]
    {
        let no = told(&t.token(&with(&redemption(&code), &[("code_verifier", verifier)])).await);
        assert_eq!(no, "400 invalid_grant 501481", "{verifier}");
    }
    assert_eq!(
        told(&t.token(&with(&redemption(&code), &[("code_verifier", "")])).await),
        "400 invalid_grant 50148"
    );
    assert_eq!(t.redeem(&code).await.status, 200);

    // What is no challenge with S256 goes back to the client, and a public one has to send one.
    for (more, told) in [
        (&[("code_challenge_method", "plain")][..], 50_149),
        (&[("code_challenge_method", "s256")], 50_149),
        (&[("code_challenge_method", "")], 50_149),
        (&[("code_challenge_method", "S512")], 50_149),
        (&[("code_challenge", "")], 9_002_325),
        (&[("code_challenge", "short")], 50_147),
        (&[("code_challenge", &long)], 50_147),
    ] {
        let mut all = query(PUBLIC, more);
        all.retain(|it| !it.1.is_empty());
        let reply = browser.open(&all).await;
        assert_eq!((number(&reply), back(&reply).contains_key("code")), (told, false), "{more:?}");
    }
    // A verifier that answers no challenge.
    let mut plain = query(CERTIFIED, &[]);
    plain.retain(|it| !it.0.starts_with("code_challenge"));
    let code = back(&browser.open(&plain).await)["code"].clone();
    let good = with(&redemption(&code), &[("client_id", CERTIFIED), ("code_verifier", "")]);
    let answered = with(&redemption(&code), &[("client_id", CERTIFIED)]);
    assert_eq!(told(&t.token(&answered).await), "400 invalid_grant 501481");
    assert_eq!(t.token(&good).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_gives_what_was_consented_to_its_client_row_49() {
    let t = Contoso::with_tenants(&[FABRIKAM]).await;
    let token = refresh_token(&t).await;
    for client in [UNCONSENTED, AZURE_CLI] {
        assert_eq!(
            told(&t.token(&with(&refreshing(&token), &[("client_id", client)])).await),
            "400 invalid_grant 700007"
        );
    }
    let proven = with(&refreshing(&token), &[("client_id", CONFIDENTIAL), ("client_secret", SECRET)]);
    assert_eq!(told(&t.token(&proven).await), "400 invalid_grant 700007");
    for (scope, no) in [
        (
            "https://api.powerplatform.com/AppManagement.ApplicationPackages.Install offline_access",
            "400 invalid_grant 65001",
        ),
        ("https://graph.microsoft.com/Directory.ReadWrite.All", "400 invalid_grant 65001"),
        ("https://graph.microsoft.com/.default", "400 unauthorized_client 650056"),
        ("https://api.powerplatform.com/Everything", "400 invalid_client 650053"),
        ("https://nowhere.example/.default", "400 invalid_resource 500011"),
    ] {
        assert_eq!(told(&t.token(&with(&refreshing(&token), &[("scope", scope)])).await), no, "{scope}");
    }
    assert_eq!(
        told(&token_at(&t, OTHER_TENANT, &refreshing(&token)).await),
        "400 unauthorized_client 700016"
    );
    let of_everyone = refresh_of(
        &t.by_password(AZURE_CLI, "ada", "https://graph.microsoft.com/.default offline_access").await,
    );
    let elsewhere = with(
        &refreshing(&of_everyone),
        &[("client_id", AZURE_CLI), ("scope", "https://graph.microsoft.com/.default")],
    );
    assert_eq!(told(&token_at(&t, OTHER_TENANT, &elsewhere).await), "400 invalid_grant 7000012");
    assert_eq!(t.token(&elsewhere).await.status, 200);
    assert_eq!(t.token(&refreshing(&token)).await.status, 200);
    let fresh = refresh_token(&t).await;
    change_user(&t, ADA, |user| user.sessions_valid_from = NOW.plus_seconds(1)).await;
    assert_eq!(told(&t.token(&refreshing(&fresh)).await), "400 invalid_grant 50173");
}

#[tokio::test]
async fn a_scope_is_what_it_says_and_no_more_row_51() {
    let t = Contoso::start().await;
    let user = async |scope: &str| t.token(&with(&by_password(), &[("scope", scope)])).await;
    let app = async |scope: &str| t.token(&with(&by_secret(), &[("scope", scope)])).await;
    assert_eq!((user(SCOPE).await.status, app(SCOPE).await.status), (200, 200));
    let mixed = format!("{SCOPE} {PLATFORM}/AppManagement.ApplicationPackages.Read");
    let two = format!("{SCOPE} https://graph.microsoft.com/.default");
    let many = vec!["a"; 2000].join(" ");
    let long = format!("{SCOPE} {}", "a".repeat(8192));
    for scope in [
        &mixed,
        &many,
        &long,
        &format!("{SCOPE}\u{0}"),
        &format!("{SCOPE}\r\nx"),
        &format!("{SCOPE}\topenid"),
        &format!("{SCOPE}\u{a0}"),
        &format!("{SCOPE}\""),
        &format!("{SCOPE}\\"),
    ] {
        for reply in [user(scope).await, app(scope).await] {
            let no = told(&reply);
            assert!(
                no == "400 invalid_scope 70011" || no == "400 invalid_request 9002313",
                "{no} {scope:.80}"
            );
        }
    }
    assert_eq!(told(&user(&two).await), "400 invalid_scope 28000");
    assert_eq!(told(&app(&two).await), "400 invalid_scope 28000");
    // Microsoft's libraries for Go and Java send these beside the scope; alone they ask an application for nothing.
    for more in ["offline_access", "openid", "profile", "email"] {
        let beside = app(&format!("{SCOPE} {more}")).await.good();
        assert_eq!((beside.get("refresh_token"), beside.get("id_token")), (None, None), "{more}");
        assert_eq!(told(&app(more).await), "400 invalid_scope 1002012", "{more}");
    }
    for resource in [
        "https://api.powerplatform.com.evil.example",
        "https://api.powerplatform.com/x",
        "https://api-powerplatform.com",
        "http://api.powerplatform.com",
        "https://api.powerplatform.com:443",
        "https://api.powerplatform.com@evil.example",
        "https://evil.example/https://api.powerplatform.com",
        "//api.powerplatform.com",
        "api.powerplatform.com",
        "https://api.powerplatform.com/%2e",
        "8578e004a5c646e7913e12f58912df43",
    ] {
        for reply in [user(&format!("{resource}/.default")).await, app(&format!("{resource}/.default")).await]
        {
            assert_eq!(told(&reply), "400 invalid_resource 500011", "{resource}");
        }
    }
    // Letter case and a slash at the end name the same API, in the audience too.
    for same in ["HTTPS://API.POWERPLATFORM.COM", "https://api.powerplatform.com/"] {
        let token = app(&format!("{same}/.default")).await.access_token();
        assert_eq!(t.get(&packages(), &token).await.status, 200, "{same}");
        assert_eq!(t.get(ME, &token).await.status, 401, "{same}");
    }
}

#[tokio::test]
async fn an_application_has_no_delegated_permission_row_52() {
    let t = Contoso::start().await;
    assert_eq!(t.token(&by_secret()).await.status, 200);
    for scope in [
        "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read",
        "https://graph.microsoft.com/User.Read",
        "User.Read",
        "https://api.powerplatform.com/.default.",
        ".default",
    ] {
        assert_eq!(
            told(&t.token(&with(&by_secret(), &[("scope", scope)])).await),
            "400 invalid_scope 1002012",
            "{scope}"
        );
    }
    let claims = t.token(&by_secret()).await.claims();
    assert!(claims.get("scp").is_none() && claims["idtyp"] == "app");
}

#[tokio::test]
async fn only_a_token_for_oneself_is_exchanged_row_53() {
    let t = Contoso::with("", MIDDLE).await;
    let front = t.by_password(FRONT, "ada", "api://middle/act openid").await;
    let token = front.access_token();
    assert_eq!(t.token(&swapping(API, SECRET, &token)).await.status, 200);
    let platform = t.by_password(PUBLIC, "ada", SCOPE).await.access_token();
    let graph = t.graph_token("ada").await;
    let stranger = Signer::default();
    let header = carnet_tests::part(&token, 0).to_string();
    let forged = stranger.sign(&header, &carnet_tests::part(&token, 1).to_string());
    for (client, assertion, no) in [
        (CONFIDENTIAL, &token, "400 invalid_grant 500131"),
        (API, &platform, "400 invalid_grant 500131"),
        (API, &graph, "400 invalid_grant 500131"),
        (API, &forged, "400 invalid_grant 50013"),
    ] {
        assert_eq!(told(&t.token(&swapping(client, SECRET, assertion)).await), no);
    }
    let id_token = front.good()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(told(&t.token(&swapping(API, SECRET, &id_token)).await), "400 invalid_grant 240002");
    let own = t.by_secret(CONFIDENTIAL, SECRET, "api://middle").await.access_token();
    assert_eq!(told(&t.token(&swapping(API, SECRET, &own)).await), "400 unauthorized_client 7000114");
    // Whom it is about cannot be said beside it.
    let admin = [
        &swapping(API, SECRET, &token)[..],
        &[("username", "admin@contoso.example"), ("requested_subject", "admin")],
    ]
    .concat();
    assert_eq!(t.token(&admin).await.claims()["oid"], ADA);
    let plain = with(
        &swapping(API, SECRET, &token),
        &[("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token", &token)],
    );
    assert_eq!(told(&t.token(&plain).await), "400 unsupported_grant_type 70003");
}

#[tokio::test]
async fn acting_for_somebody_takes_consent_row_54() {
    let t = Contoso::with("", &MIDDLE.replacen("admin_consent = true\n", "", 1)).await;
    let token = t.by_password(FRONT, "ada", "api://middle/act").await.access_token();
    assert_eq!(told(&t.token(&swapping(API, SECRET, &token)).await), "400 invalid_grant 65001");
    for scope in [SCOPE, "https://graph.microsoft.com/User.Read"] {
        let no = told(&t.token(&with(&swapping(API, SECRET, &token), &[("scope", scope)])).await);
        assert_eq!(no, "400 invalid_grant 65001", "{scope}");
    }
    // The same with consent.
    let t = Contoso::with("", MIDDLE).await;
    let token = t.by_password(FRONT, "ada", "api://middle/act").await.access_token();
    assert_eq!(
        t.token(&swapping(API, SECRET, &token)).await.claims()["scp"],
        "AppManagement.ApplicationPackages.Read"
    );
    let wider = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Install";
    assert_eq!(
        told(&t.token(&with(&swapping(API, SECRET, &token), &[("scope", wider)])).await),
        "400 invalid_grant 65001"
    );
}

#[tokio::test]
async fn what_is_not_served_is_refused_row_55() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    for grant in [
        "implicit",
        "PASSWORD",
        "password ",
        "client_credentials\n",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "refresh",
        "__proto__",
    ] {
        assert_eq!(
            told(&t.token(&with(&by_password(), &[("grant_type", grant)])).await),
            "400 unsupported_grant_type 70003",
            "{grant}"
        );
    }
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    for (kind, told) in [
        ("token", 700_051),
        ("id_token", 700_054),
        ("code id_token", 700_054),
        ("id_token token", 700_051),
        ("code token", 700_051),
        ("none", 70_005),
        ("CODE", 70_005),
    ] {
        // Through every way of asking, and with a session that would answer at once.
        for more in [&[][..], &[("response_mode", "fragment")], &[("prompt", "none")], &[("prompt", "login")]]
        {
            let reply = browser.open(&query(PUBLIC, &[&[("response_type", kind)], more].concat())).await;
            let fields = back(&reply);
            assert_eq!(number(&reply), told, "{kind} {more:?}");
            assert!(
                !["code", "id_token", "access_token"].iter().any(|it| fields.contains_key(*it)),
                "{kind}"
            );
        }
    }
    for mode in ["web_message", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "Query"] {
        assert_eq!(number(&browser.open(&query(PUBLIC, &[("response_mode", mode)])).await), 70_007, "{mode}");
    }
    assert!(back(&browser.open(&query(PUBLIC, &[])).await).contains_key("code"));
}

#[tokio::test]
async fn a_request_object_is_neither_read_nor_fetched_row_56() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let there = format!("http://{}/request.jwt", listener.local_addr().unwrap());
    let browser = Browser::new(&t);
    let _ = back(&browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await);
    let object =
        carnet_tests::signer::compact(r#"{"alg":"none"}"#, r#"{"redirect_uri":"https://evil.example"}"#, b"");
    for (name, value, error) in [
        ("request", object.as_str(), "request_not_supported"),
        ("request_uri", &there, "request_uri_not_supported"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", "request_uri_not_supported"),
    ] {
        for more in [&[][..], &[("prompt", "none")]] {
            let reply = browser.open(&query(PUBLIC, &[&[(name, value)], more].concat())).await;
            let fields = back(&reply);
            assert_eq!((fields["error"].as_str(), fields["state"].as_str()), (error, "a b&c"));
            assert!(!fields.contains_key("code"));
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert!(back(&browser.open(&query(PUBLIC, &[])).await).contains_key("code"));
}

#[tokio::test]
async fn no_answer_has_an_iss_that_the_metadata_does_not_announce_row_58() {
    let multi = "a0000000-0000-4000-8000-0000000000b7";
    let table = format!(
        "[[application]]\nname = \"multi\"\nclient_id = \"{multi}\"\npublic_client = true\n\
         audience = \"AzureADMultipleOrgs\"\nredirect_uris = {{ public = [\"http://localhost/back\"] }}\n\
         implicit = {{ id_token = true, access_token = true }}\nadmin_consent = true\n\
         permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}]\n"
    );
    for t in [Setup::new("", &table).start().await, Setup::new("", &table).and(FABRIKAM).start().await] {
        has_no_iss(&t, multi).await;
        consent_has_no_iss(&t, multi).await;
    }
}

/// Parameters as a query.
fn joined(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    pairs.join("&")
}

/// Every kind of answer to a sign-in of an application for all organisations.
async fn has_no_iss(t: &Contoso, multi: &str) {
    let browser = Browser::new(t);
    let first = browser.sign_in(&query(multi, &[]), "ada", PASSWORD).await;
    assert_eq!(back(&first).get("iss"), None);
    for authority in [TENANT, "common", "organizations"] {
        for path in ["oauth2/v2.0", "oauth2"] {
            let document = match path {
                "oauth2" => ".well-known/openid-configuration",
                _ => "v2.0/.well-known/openid-configuration",
            };
            let metadata = t.get(&format!("/{authority}/{document}"), "").await.good();
            assert_eq!(metadata.get("authorization_response_iss_parameter_supported"), None);
            let open = async |browser: &Browser<'_>, more: &[(&str, &str)]| {
                browser.get(&format!("/{authority}/{path}/authorize?{}", joined(&query(multi, more)))).await
            };
            for (more, holds) in [
                (&[][..], "code"),
                (&[("response_mode", "fragment")], "code"),
                (&[("prompt", "none")], "code"),
                (&[("response_type", "code id_token")], "id_token"),
                (&[("response_type", "id_token")], "id_token"),
                (&[("response_type", "token")], "access_token"),
                (&[("response_type", "id_token token")], "access_token"),
                (&[("response_type", "banana")], "error"),
                (&[("response_mode", "banana")], "error"),
                (&[("prompt", "banana")], "error"),
                (&[("response_type", "code token")], "error"),
                (
                    &[("resource", "https://nowhere.example"), ("scope", "https://nowhere.example/.default")],
                    "error",
                ),
                (&[("code_challenge_method", "plain")], "error"),
                (&[("prompt", "none"), ("login_hint", "admin@contoso.example")], "error"),
                (
                    &[
                        ("prompt", "none"),
                        ("login_hint", "admin@contoso.example"),
                        ("response_type", "token"),
                    ],
                    "error",
                ),
            ] {
                let fields = back(&open(&browser, more).await);
                assert!(fields.contains_key(holds), "{authority} {path} {more:?} {fields:?}");
                assert_eq!(fields.get("iss"), None, "{authority} {path} {more:?}");
            }
            for (response, holds) in
                [("code", "code"), ("id_token token", "access_token"), ("banana", "error")]
            {
                let posted = open(&browser, &[("response_mode", "form_post"), ("response_type", response)])
                    .await
                    .text();
                assert!(
                    posted.contains(&format!("name=\"{holds}\"")) && !posted.contains("name=\"iss\""),
                    "{posted}"
                );
            }
            let stranger = Browser::new(t);
            let account = open(&stranger, &[]).await;
            assert_eq!(back(&stranger.submit(&account, &[("cancel", "1")]).await).get("iss"), None);
        }
    }
}

/// Answers of the endpoints of admin consent, a no and a yes.
async fn consent_has_no_iss(t: &Contoso, multi: &str) {
    for (authority, path) in [
        (TENANT, "v2.0/adminconsent"),
        ("organizations", "v2.0/adminconsent"),
        (TENANT, "adminconsent"),
        ("common", "adminconsent"),
    ] {
        for (answer, holds) in [("no", "error"), ("yes", "tenant")] {
            let administrator = Browser::new(t);
            let asked = [
                ("client_id", multi),
                ("redirect_uri", BACK),
                ("scope", "https://api.powerplatform.com/.default"),
            ];
            let page = administrator.get(&format!("/{authority}/{path}?{}", joined(&asked))).await;
            let page = administrator.submit(&page, &[("username", "admin@contoso.example")]).await;
            let page = administrator.submit(&page, &[("passwd", PASSWORD)]).await;
            let fields = back(&administrator.submit(&page, &[("answer", answer)]).await);
            assert!(fields.contains_key(holds), "{authority} {path} {fields:?}");
            assert_eq!(fields.get("iss"), None, "{authority} {path}");
        }
    }
}
