//! What else a person of another tenant does with a multi-tenant application: the v1.0 endpoints, and access tokens of
//! the authorize endpoint.

use super::*;

/// Opens the v1.0 authorize endpoint for Graph; an empty text asks for nothing more.
async fn authorize_v1(browser: &Browser<'_>, authority: &str, client: &str, more: (&str, &str)) -> Reply {
    let mut asked = query(client, &[("resource", GRAPH)]);
    asked.retain(|(name, _)| *name != "scope");
    asked.extend((!more.0.is_empty()).then_some(more));
    open(browser, &format!("/{authority}/oauth2/authorize"), &asked).await
}

#[tokio::test]
async fn a_visitor_signs_in_at_the_v1_endpoints() {
    for t in engines().await {
        let user = "ada@fabrikam.example";
        for (authority, client) in [("common", MULTI), ("organizations", MULTI), (OTHER_TENANT, EVERYBODYS)] {
            let browser = Browser::new(&t);
            let mut page =
                sign_in(&browser, &authorize_v1(&browser, authority, client, ("", "")).await, user).await;
            if page.status == 200 {
                assert!(page.text().contains("Permissions requested"), "{authority}: {}", page.text());
                page = browser.submit(&page, &[("answer", "yes")]).await;
            }
            let code = back(&page)["code"].clone();
            let at = async |fields: &[(&str, &str)]| {
                let fields = [fields, &[("client_id", client)]].concat();
                t.form(&format!("/{authority}/oauth2/token"), &fields).await
            };
            let code = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
            let tokens = at(&[&code[..], &[("code_verifier", VERIFIER)]].concat()).await;
            let refresh_token = tokens.good()["refresh_token"].as_str().unwrap().to_owned();
            let again = at(&[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]).await;
            let person = [("grant_type", "password"), ("username", user), ("password", PASSWORD)];
            let by_password = at(&[&person[..], &[("resource", GRAPH)]].concat()).await;
            for reply in [tokens, again, by_password] {
                let claims = reply.claims();
                let read = (&claims["tid"], &claims["upn"], &claims["ver"]);
                assert_eq!(read, (&OTHER_TENANT.into(), &user.into(), &"1.0".into()), "{authority}");
            }
            let silent = authorize_v1(&browser, authority, client, ("prompt", "none")).await;
            assert!(back(&silent).contains_key("code"), "{authority}");
            // An application of one tenant stays there.
            let told = if authority == OTHER_TENANT { 700_016 } else { 50_194 };
            let page = authorize_v1(&Browser::new(&t), authority, SINGLE, ("", "")).await;
            assert_eq!((page.status, number(&page)), (400, told), "{authority}");
        }
        install(&t, MIDDLE).await;
        for (client, told) in [(MIDDLE, None), (SINGLE, Some("400 unauthorized_client 700016"))] {
            let fields =
                [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", SECRET)];
            let fields = [&fields[..], &[("resource", GRAPH)]].concat();
            let reply = t.form(&format!("/{OTHER_TENANT}/oauth2/token"), &fields).await;
            match told {
                Some(told) => assert_eq!(reply.no(), told),
                None => assert_eq!(reply.claims()["tid"], OTHER_TENANT),
            }
        }
    }
}

#[tokio::test]
async fn a_visitor_gets_access_tokens_of_the_authorize_endpoint() {
    let t = two().await;
    let browser = Browser::new(&t);
    let asked = query(MULTI, &[("response_type", "id_token token"), ("scope", "openid User.Read")]);
    let silent = [&asked[..], &[("prompt", "none")]].concat();
    // Signed in without consent: nothing is given silently.
    let page =
        sign_in(&browser, &authorize(&browser, OTHER_TENANT, &asked).await, "ada@fabrikam.example").await;
    for authority in [OTHER_TENANT, "organizations", "common"] {
        assert_eq!(number(&authorize(&browser, authority, &silent).await), 65_001, "{authority}");
    }
    let first = back(&browser.submit(&page, &[("answer", "yes")]).await);
    for authority in [OTHER_TENANT, "fabrikam.example", "organizations", "common"] {
        for asked in [&asked, &silent] {
            let fields = back(&authorize(&browser, authority, asked).await);
            for token in [&fields["access_token"], &fields["id_token"], &first["access_token"]] {
                assert_eq!(part(token, 1)["tid"], OTHER_TENANT, "{authority}");
            }
            let me = t.get("/v1.0/me", &fields["access_token"]).await.good();
            assert_eq!(me["userPrincipalName"], "ada@fabrikam.example");
        }
    }
    // The other application of these tables has its switch off.
    let off = query(EVERYBODYS, &[("response_type", "token")]);
    assert_eq!(number(&authorize(&browser, "organizations", &off).await), 700_051);
}
