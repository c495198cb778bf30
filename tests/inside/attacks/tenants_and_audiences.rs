//! 6.2: tenants and audiences.

use super::*;
use carnet_tests::{
    AZURE_CLI, FABRIKAM, OTHER_CONFIDENTIAL, OTHER_PUBLIC, OTHER_TENANT, PASSWORD, POWER_PLATFORM_CLI,
    browser::{Browser, number, query},
    part,
};

const OTHER_ENVIRONMENT: &str = "Default-b7a1c0de-0000-4000-8000-000000000002";

async fn two() -> Contoso {
    Contoso::with_tenants(&[FABRIKAM]).await
}

/// Asks for a user's token by password, at this tenant's path.
async fn password(t: &Contoso, (tenant, client): (&str, &str), user: &str, scope: &str) -> Reply {
    let fields = [("grant_type", "password"), ("username", user), ("password", PASSWORD)];
    token_at(t, tenant, &[&fields[..], &[("client_id", client), ("scope", scope)]].concat()).await
}

/// A token of an administrator of the other tenant for an API.
async fn others(t: &Contoso, client: &str, scope: &str) -> String {
    password(t, (OTHER_TENANT, client), "admin@fabrikam.example", scope).await.access_token()
}

#[tokio::test]
async fn path_token_issuer_and_object_are_of_one_tenant_row_27() {
    let t = two().await;
    let scope = "https://graph.microsoft.com/.default openid profile";
    let mine = password(&t, (TENANT, AZURE_CLI), "ada@contoso.example", scope).await.access_token();
    let theirs = password(&t, (OTHER_TENANT, AZURE_CLI), "ada@fabrikam.example", scope).await.access_token();
    let issuer = |tenant: &str| format!("https://localhost:8443/{tenant}/");
    for signer in [TENANT, OTHER_TENANT] {
        for tid in [TENANT, OTHER_TENANT] {
            for iss in [TENANT, OTHER_TENANT] {
                let mut claims = part(&mine, 1);
                (claims["tid"], claims["iss"]) = (tid.into(), issuer(iss).into());
                let key = t.signer(signer).await;
                let header = format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{}"}}"#, key.x5t());
                let token = key.sign(&header, &claims.to_string());
                if signer == tid && tid == iss {
                    // The object id is the same in both: the tenant decides who it is.
                    let name = if tid == TENANT { "ada@contoso.example" } else { "ada@fabrikam.example" };
                    assert_eq!(t.get(ME, &token).await.good()["userPrincipalName"], name);
                } else {
                    opens_nothing(&t, &token).await;
                }
            }
        }
    }
    for (path, token, good) in [
        (TENANT, &mine, true),
        (OTHER_TENANT, &theirs, true),
        (OTHER_TENANT, &mine, false),
        (TENANT, &theirs, false),
    ] {
        let reply = t.get(&format!("/{path}/openid/userinfo"), token).await;
        assert_eq!(reply.status, if good { 200 } else { 401 }, "{path}");
    }

    // Objects of the other tenant are not there.
    let (graph, bap) = (t.graph_token("admin").await, t.bap_token("admin").await);
    let foreign = format!("/v1.0/applications(appId='{OTHER_PUBLIC}')");
    let principal = format!("/v1.0/servicePrincipals(appId='{OTHER_PUBLIC}')");
    let their_admin = others(&t, AZURE_CLI, "https://graph.microsoft.com/.default").await;
    for path in [&foreign, &principal, "/v1.0/users/ada@fabrikam.example"] {
        assert_eq!(t.get(path, &their_admin).await.status, 200, "{path}");
        assert_eq!(refusal(&t.get(path, &graph).await), "404 Request_ResourceNotFound", "{path}");
    }
    for (method, path, body) in [
        ("PATCH", foreign.clone(), json!({ "displayName": "mine" })),
        ("DELETE", foreign.clone(), Value::Null),
        ("POST", format!("{foreign}/addPassword"), json!({})),
        ("DELETE", principal.clone(), Value::Null),
    ] {
        assert_eq!(
            refusal(&t.call(method, &path, &graph, body).await),
            "404 Request_ResourceNotFound",
            "{method} {path}"
        );
    }
    assert_eq!(t.get(&foreign, &their_admin).await.good()["displayName"], "fabric");
    let environments =
        |base: &str, id: &str| format!("/{base}/environments/{id}?api-version=2022-03-01-preview");
    let platform = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&environments("environmentmanagement", ENVIRONMENT), &platform).await.status, 200);
    for reply in [
        t.get(&environments("environmentmanagement", OTHER_ENVIRONMENT), &platform).await,
        t.get(&packages().replace(ENVIRONMENT, OTHER_ENVIRONMENT), &platform).await,
        t.get(&environments("providers/Microsoft.BusinessAppPlatform", OTHER_ENVIRONMENT), &bap).await,
        t.call("PUT", &REGISTRATIONS.replace('?', &format!("/{OTHER_CONFIDENTIAL}?")), &bap, json!({})).await,
    ] {
        assert!(
            (400..=404).contains(&reply.status) && !reply.text().contains("Fabrikam"),
            "{}",
            reply.text()
        );
    }

    // What was given out in one tenant is redeemed in it alone.
    let refresh = refresh_token(&t).await;
    assert_eq!(
        told(&token_at(&t, OTHER_TENANT, &refreshing(&refresh)).await),
        "400 unauthorized_client 700016"
    );
    assert_eq!(token_at(&t, TENANT, &refreshing(&refresh)).await.status, 200);
}

#[tokio::test]
async fn a_token_inside_a_token_is_not_looked_at_row_28() {
    let t = Contoso::start().await;
    let (ada, admin) = (t.graph_token("ada").await, t.graph_token("admin").await);
    let stranger = Signer::default();
    let header = format!(r#"{{"alg":"none","kid":"{}"}}"#, stranger.x5t());
    let actor = carnet_tests::signer::compact(&header, &part(&admin, 1).to_string(), b"");
    let unsigned = actor.trim_end_matches('.').to_owned();
    for inner in [actor, unsigned, admin.clone(), stranger.sign(&header, &part(&admin, 1).to_string())] {
        for name in ["actort", "act", "actor", "bearer", "may_act", "id_token_hint"] {
            let outer = t.forge(&ada, |claims| claims[name] = inner.clone().into()).await;
            assert_eq!(t.get(ME, &outer).await.good()["userPrincipalName"], "ada@contoso.example", "{name}");
            assert_eq!(t.get("/v1.0/users", &outer).await.status, t.get("/v1.0/users", &ada).await.status);
            let made = t.call("POST", "/v1.0/applications", &outer, json!({ "displayName": "x" })).await;
            let plain = t.call("POST", "/v1.0/applications", &ada, json!({ "displayName": "x" })).await;
            assert_eq!(made.status, plain.status, "{name}");
        }
    }
    // And a sound one inside a stranger's is nothing.
    let claims = json!({ "actort": admin, "aud": GRAPH, "tid": TENANT });
    opens_nothing(&t, &stranger.sign(&header.replace("none", "RS256"), &claims.to_string())).await;
}

#[tokio::test]
async fn an_application_is_known_where_it_has_a_principal_row_29() {
    let t = two().await;
    let fields = |client: &'static str| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", SECRET),
            ("scope", "https://api.powerplatform.com/.default"),
        ]
    };
    assert_eq!(token_at(&t, TENANT, &fields(CONFIDENTIAL)).await.status, 200);
    assert_eq!(token_at(&t, OTHER_TENANT, &fields(OTHER_CONFIDENTIAL)).await.status, 200);
    for (tenant, client) in
        [(OTHER_TENANT, CONFIDENTIAL), ("fabrikam.example", CONFIDENTIAL), (TENANT, OTHER_CONFIDENTIAL)]
    {
        assert_eq!(told(&token_at(&t, tenant, &fields(client)).await), "400 unauthorized_client 700016");
    }
    let scope = "https://api.powerplatform.com/.default";
    let by_user = password(&t, (OTHER_TENANT, PUBLIC), "ada@fabrikam.example", scope).await;
    assert_eq!(told(&by_user), "400 unauthorized_client 700016");
    let device = [("client_id", PUBLIC), ("scope", scope)];
    let begun = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/devicecode"), &device).await;
    assert_eq!(told(&begun), "400 unauthorized_client 700016");
    let page = t
        .get(
            &format!(
                "/{OTHER_TENANT}/oauth2/v2.0/authorize?client_id={PUBLIC}&response_type=code&scope=openid"
            ),
            "",
        )
        .await;
    assert_eq!((page.status, number(&page)), (400, 700_016));
}

const OWN_API: &str = "[[application]]\nname = \"api\"\nclient_id = \"a0000000-0000-4000-8000-00000000000b\"\n\
    exposes = { identifier_uris = [\"api://own\"], scopes = [\"act\"], token_version = 2 }\n";

#[tokio::test]
async fn a_token_opens_the_api_that_it_is_for_row_30() {
    let t = Contoso::with("", OWN_API).await;
    let all = tokens(&t).await;
    let paths = [ME.to_owned(), packages(), REGISTRATIONS.to_owned()];
    for (number, (token, _)) in all.iter().enumerate() {
        for (_, path) in paths.iter().enumerate().filter(|(other, _)| *other != number) {
            assert_eq!(refusal(&t.get(path, token).await), "401 InvalidAuthenticationToken", "{path}");
        }
    }
    let own = t.by_secret(CONFIDENTIAL, SECRET, "api://own").await.access_token();
    opens_nothing(&t, &own).await;
    // Look-alikes of the audience, signed by ourselves.
    for (token, path) in &all {
        let audience = part(token, 1)["aud"].as_str().unwrap().to_owned();
        for other in [
            format!("{audience}.evil.example"),
            format!("{audience}/v1.0"),
            audience.replace("https", "http"),
            "*".into(),
            String::new(),
            CONFIDENTIAL.into(),
        ] {
            let forged = t.forge(token, |claims| claims["aud"] = other.clone().into()).await;
            assert_eq!(refusal(&t.get(path, &forged).await), "401 InvalidAuthenticationToken", "{other}");
        }
    }
}

#[tokio::test]
async fn an_api_takes_the_edition_of_token_that_it_gets_row_31() {
    let t = Contoso::start().await;
    let second = format!("https://localhost:8443/{TENANT}/v2.0");
    let first = format!("https://localhost:8443/{TENANT}/");
    for (token, path) in tokens(&t).await {
        assert_eq!(part(&token, 1)["ver"], "1.0");
        let with = async |ver: Value, iss: &str| {
            t.forge(&token, |claims| {
                let app = claims["appid"].clone();
                (claims["ver"], claims["iss"], claims["azp"]) = (ver, iss.into(), app);
            })
            .await
        };
        assert_eq!(t.get(&path, &with(json!("1.0"), &first).await).await.status, 200);
        for (ver, iss) in [
            (json!("2.0"), &second),
            (json!("1.0"), &second),
            (json!("2.0"), &first),
            (json!(null), &first),
            (json!(1.0), &first),
            (json!("3.0"), &first),
            (json!("1.0"), &format!("https://sts.windows.net/{TENANT}")),
            (json!("1.0"), &format!("https://login.microsoftonline.com/{TENANT}/v2.0")),
            (json!("1.0"), &"https://evil.example/".to_owned()),
        ] {
            opens_nothing(&t, &with(ver, iss).await).await;
        }
    }
}

#[tokio::test]
async fn a_user_signs_in_at_home_row_32() {
    let more = "[[application]]\nname = \"wide\"\nclient_id = \"b0000000-0000-4000-8000-000000000004\"\n\
        audience = \"AzureADMultipleOrgs\"\npublic_client = true\nredirect_uris = { public = [\"http://localhost/back\"] }\n\
        permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
        admin_consent = true\n";
    let wide = "b0000000-0000-4000-8000-000000000004";
    let t = Contoso::with_tenants(&[&format!("{FABRIKAM}\n{more}")]).await;
    let scope = "https://api.powerplatform.com/.default";
    let home = password(&t, ("organizations", wide), "ada@fabrikam.example", scope).await;
    assert_eq!(home.claims()["tid"], OTHER_TENANT);
    // At the other tenant's own path.
    for client in [OTHER_PUBLIC, wide, AZURE_CLI] {
        let scope = if client == AZURE_CLI { "https://graph.microsoft.com/.default" } else { scope };
        for user in ["ada@contoso.example", "nobody@contoso.example"] {
            for tenant in [OTHER_TENANT, "fabrikam.example"] {
                let reply = password(&t, (tenant, client), user, scope).await;
                assert_eq!(told(&reply), "400 invalid_grant 50020", "{user}");
            }
        }
    }
    // Over a path that names nobody it is the user's own tenant that answers, and there nobody has consented.
    let reply = password(&t, ("organizations", wide), "ada@contoso.example", scope).await;
    assert_eq!(told(&reply), "400 invalid_grant 65001");
    let reply = password(&t, ("organizations", OTHER_PUBLIC), "ada@contoso.example", scope).await;
    assert_eq!(told(&reply), "400 unauthorized_client 700016");
    // On the pages.
    for (path, told) in [(OTHER_TENANT, 50_020), ("common", 0), ("organizations", 0)] {
        let browser = Browser::new(&t);
        let all: Vec<String> = query(wide, &[])
            .iter()
            .map(|(name, value)| format!("{name}={}", carnet_tests::percent(value)))
            .collect();
        let account = browser.get(&format!("/{path}/oauth2/v2.0/authorize?{}", all.join("&"))).await;
        let mut page = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
        if page.text().contains("name=\"passwd\"") {
            page = browser.submit(&page, &[("passwd", PASSWORD)]).await;
        }
        match told {
            0 => assert!(page.text().contains("Permissions requested"), "{path}: {}", page.text()),
            told => assert_eq!(number(&page), told, "{path}"),
        }
        assert!(!page.header("location").contains("code="), "{path}");
    }
}

#[tokio::test]
async fn labels_are_no_identity_row_33() {
    let t = two().await;
    // A user of one tenant wears the other's name and mail as labels; the object ids are the same anyway.
    change_user(&t, ADA, |user| {
        user.mail = Some("ada@fabrikam.example".into());
        user.display_name = "Ada of Fabrikam".into();
    })
    .await;
    let scope = "https://graph.microsoft.com/.default openid profile email";
    let at = async |tenant: &str, user: &str| password(&t, (tenant, AZURE_CLI), user, scope).await;
    let mine = at(TENANT, "ada@contoso.example").await.access_token();
    let theirs = at(OTHER_TENANT, "ada@fabrikam.example").await.access_token();
    assert_eq!(part(&mine, 1)["oid"], part(&theirs, 1)["oid"]);
    assert_ne!(part(&mine, 1)["sub"], part(&theirs, 1)["sub"]);
    for (token, own, other) in [
        (&mine, "ada@contoso.example", "ada@fabrikam.example"),
        (&theirs, "ada@fabrikam.example", "ada@contoso.example"),
    ] {
        assert_eq!(t.get(ME, token).await.good()["userPrincipalName"], own);
        assert_eq!(t.get(&format!("/v1.0/users/{ADA}"), token).await.good()["userPrincipalName"], own);
        assert!(t.get(&format!("/v1.0/users/{other}"), token).await.status >= 400, "{other}");
        // Whatever name a token wears, the object id decides.
        let worn = t
            .forge(token, |claims| {
                for name in ["upn", "unique_name", "email", "preferred_username", "name"] {
                    claims[name] = other.into();
                }
            })
            .await;
        assert_eq!(t.get(ME, &worn).await.good()["userPrincipalName"], own);
    }
    // And a mail address does not sign anybody in.
    assert_eq!(told(&at(TENANT, "ada@fabrikam.example").await), "400 invalid_grant 50020");
}

#[tokio::test]
async fn a_name_that_two_tenants_share_is_two_things_row_34() {
    let twin = |id: &str| {
        format!(
            "[[application]]\nname = \"twin\"\nclient_id = \"{id}\"\nexposes = {{ identifier_uris = [\"api://twin\"], scopes = [\"act\"] }}\n\
             [[environment]]\nname = \"Twin\"\nid = \"e0000000-0000-4000-8000-000000000001\"\n"
        )
    };
    let (mine, theirs) = ("a0000000-0000-4000-8000-0000000000e1", "b0000000-0000-4000-8000-0000000000e1");
    let setup = Setup::new("", &twin(mine)).and(&format!("{FABRIKAM}\n{}", twin(theirs)));
    let t = setup.start().await;
    let token = t.graph_token("admin").await;
    let other = others(&t, AZURE_CLI, "https://graph.microsoft.com/.default").await;
    let named = "/v1.0/applications?$filter=displayName%20eq%20'twin'";
    assert_eq!(t.get(named, &other).await.good()["value"][0]["appId"], theirs);
    let path = format!("/v1.0/applications(appId='{mine}')");
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.status, 204);
    let principal = format!("/v1.0/servicePrincipals(appId='{mine}')");
    assert!([204, 404].contains(&t.call("DELETE", &principal, &token, Value::Null).await.status));
    assert_eq!(t.get(named, &token).await.good()["value"], json!([]));
    assert_eq!(t.get(named, &other).await.good()["value"][0]["appId"], theirs);
    let api = [
        ("grant_type", "client_credentials"),
        ("client_id", OTHER_CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", "api://twin/.default"),
    ];
    assert_eq!(token_at(&t, OTHER_TENANT, &api).await.status, 200);
    assert_eq!(told(&t.by_secret(CONFIDENTIAL, SECRET, "api://twin").await), "400 invalid_resource 500011");
    // A registration with Power Platform that is taken away in one tenant stays in the other.
    let bap = |client: &str| REGISTRATIONS.replace('?', &format!("/{client}?"));
    let their_bap = others(&t, POWER_PLATFORM_CLI, "https://service.powerapps.com//.default").await;
    assert_eq!(t.get(&bap(OTHER_CONFIDENTIAL), &their_bap).await.status, 200);
    let my_bap = t.bap_token("admin").await;
    assert_eq!(t.call("DELETE", &bap(CONFIDENTIAL), &my_bap, Value::Null).await.status, 204);
    assert!(t.call("DELETE", &bap(OTHER_CONFIDENTIAL), &my_bap, Value::Null).await.status < 500);
    assert_eq!(t.get(&bap(OTHER_CONFIDENTIAL), &their_bap).await.status, 200);
}

#[tokio::test]
async fn an_application_of_one_tenant_takes_no_others_row_35() {
    let t = two().await;
    let scope = "https://graph.microsoft.com/.default";
    assert_eq!(password(&t, ("organizations", AZURE_CLI), "ada@fabrikam.example", scope).await.status, 200);
    let scope = "https://api.powerplatform.com/.default";
    assert_eq!(password(&t, (TENANT, PUBLIC), "ada@contoso.example", scope).await.status, 200);
    let reply = password(&t, ("organizations", PUBLIC), "ada@contoso.example", scope).await;
    assert_eq!(told(&reply), "400 invalid_request 50194");
    let refresh = refresh_token(&t).await;
    for alias in ["organizations", "common"] {
        assert_eq!(told(&token_at(&t, alias, &refreshing(&refresh)).await), "400 invalid_request 50194");
        let query =
            format!("client_id={PUBLIC}&response_type=code&scope=openid&login_hint=ada%40contoso.example");
        let page = t.get(&format!("/{alias}/oauth2/v2.0/authorize?{query}"), "").await;
        assert_eq!((page.status, number(&page)), (400, 50_194), "{alias}");
    }
}

#[tokio::test]
async fn no_endpoint_reads_a_token_that_is_not_for_it_row_36() {
    let t = two().await;
    let platform = t.by_password(PUBLIC, "ada", &format!("{PLATFORM}/.default")).await.access_token();
    let scope = "https://graph.microsoft.com/.default openid profile";
    let own = t.by_password(AZURE_CLI, "ada", scope).await.access_token();
    let theirs = password(&t, (OTHER_TENANT, AZURE_CLI), "ada@fabrikam.example", scope).await.access_token();
    assert_eq!(t.get(USERINFO, &own).await.good()["name"], "Ada Example");
    let silent = |reply: &Reply| {
        assert!(reply.status >= 400, "{}", reply.text());
        for word in ["Ada Example", "ada@contoso.example", "Ada of Fabrikam", ADA] {
            assert!(!reply.text().contains(word), "{}", reply.text());
        }
    };
    for path in [USERINFO.to_owned(), format!("/{TENANT}/openid/userinfo"), ME.to_owned()] {
        silent(&t.get(&path, &platform).await);
    }
    silent(&t.get(&format!("/{TENANT}/openid/userinfo"), &theirs).await);
    for path in ["introspect", "introspection", "tokeninfo", "revoke", "debug"] {
        for edition in ["oauth2", "oauth2/v2.0", "oauth2/v1.0"] {
            let at = format!("/{TENANT}/{edition}/{path}");
            silent(
                &t.form(&at, &[("token", &own), ("client_id", CONFIDENTIAL), ("client_secret", SECRET)])
                    .await,
            );
            silent(&t.get(&at, &own).await);
        }
    }
}
