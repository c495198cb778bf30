//! What is done to an application in the tenant in which it is registered, and what its other tenants notice of it.

use super::*;

/// What an application can still do in the other tenant: the AADSTS numbers, 0 for tokens.
async fn standing(t: &Contoso, refresh_token: &str) -> [u64; 5] {
    let of = |reply: Reply| match reply.status {
        200 => 0,
        _ => reply.json()["error_codes"][0].as_u64().unwrap(),
    };
    let device = [("client_id", MULTI), ("scope", "User.Read")];
    let page = authorize(&Browser::new(t), OTHER_TENANT, &query(MULTI, &[])).await;
    [
        of(refresh(t, (OTHER_TENANT, MULTI), refresh_token).await),
        of(by_password(t, (OTHER_TENANT, MULTI), "ada@fabrikam.example", "User.Read").await),
        of(t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/devicecode"), &device).await),
        if page.status == 200 { 0 } else { number(&page).into() },
        of(by_secret(t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await),
    ]
}

#[tokio::test]
async fn disabled_narrowed_or_deleted_at_home_is_refused_everywhere() {
    let t = two().await;
    let tokens = consented(&t, ("common", MULTI), "ada@fabrikam.example").await;
    install(&t, MIDDLE).await;
    let kept = tokens.good()["refresh_token"].as_str().unwrap().to_owned();
    let person = tokens.access_token();
    let application = by_secret(&t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await.access_token();
    let userinfo = format!("/{OTHER_TENANT}/openid/userinfo");
    let bearer = async || {
        [
            t.get("/v1.0/me", &person).await.status,
            t.get(&userinfo, &person).await.status,
            t.get("/v1.0/users", &application).await.status,
        ]
    };
    assert_eq!((standing(&t, &kept).await, bearer().await), ([0; 5], [200, 200, 403]));
    let mine = t.graph_token("admin").await;
    let change = async |kind: &str, body: Value| {
        for client in [MULTI, MIDDLE] {
            let path = format!("/v1.0/{kind}(appId='{client}')");
            let method = if body.is_null() { "DELETE" } else { "PATCH" };
            assert_eq!(t.call(method, &path, &mine, body.clone()).await.status, 204);
        }
    };
    change("servicePrincipals", json!({ "accountEnabled": false })).await;
    assert_eq!((standing(&t, &kept).await, bearer().await), ([7_000_112; 5], [401; 3]));
    change("servicePrincipals", json!({ "accountEnabled": true })).await;
    assert_eq!((standing(&t, &kept).await, bearer().await), ([0; 5], [200, 200, 403]));
    change("applications", json!({ "signInAudience": "AzureADMyOrg" })).await;
    assert_eq!((standing(&t, &kept).await, bearer().await), ([700_016; 5], [401; 3]));
    change("applications", json!({ "signInAudience": "AzureADMultipleOrgs" })).await;
    assert_eq!((standing(&t, &kept).await, bearer().await), ([0; 5], [200, 200, 403]));
    change("applications", Value::Null).await;
    assert_eq!((standing(&t, &kept).await, bearer().await), ([700_016; 5], [401; 3]));
    // The other tenant still sees what it had, and can delete it.
    let path = format!("/v1.0/servicePrincipals(appId='{MULTI}')");
    let admin = theirs(&t, "admin").await;
    assert_eq!(t.get(&path, &admin).await.good()["displayName"], "multi");
    // Registered anew under the same id, it has none of the old tokens; its owner consents to it anew.
    t.seed(&carnet_tests::tenant_file("", &format!("{}# anew\n", tables()))).await;
    assert_eq!(standing(&t, &kept).await[0], 50_173);
    assert_eq!(t.call("DELETE", &path, &admin, Value::Null).await.status, 204);
}

/// What somebody of the other tenant, and the API that acts for them, began and did not finish.
struct Begun {
    code: String,
    code_v1: String,
    device: String,
    assertion: String,
    refresh_token: String,
}

async fn begin(t: &Contoso, browser: &Browser<'_>) -> Begun {
    let silent = ("prompt", "none");
    let asked = query(MULTI, &[silent, ("scope", "User.Read offline_access")]);
    let code = authorize(browser, OTHER_TENANT, &asked).await;
    let mut v1 = query(MULTI, &[silent, ("resource", GRAPH)]);
    v1.retain(|(name, _)| *name != "scope");
    let code_v1 = open(browser, &format!("/{OTHER_TENANT}/oauth2/authorize"), &v1).await;
    let device = [("client_id", MULTI), ("scope", "User.Read")];
    let begun = t.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/devicecode"), &device).await.good();
    let person = Browser::new(t);
    let page = person.get("/devicelogin").await;
    let page = person.submit(&page, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    let page = sign_in(&person, &page, "ada@fabrikam.example").await;
    assert_eq!(person.submit(&page, &[("answer", "yes")]).await.status, 200);
    let scope = format!("api://{MIDDLE}/act offline_access");
    let asked = authorize(browser, OTHER_TENANT, &query(MULTI, &[silent, ("scope", &scope)])).await;
    let tokens = redeem(t, (OTHER_TENANT, MULTI), &back(&asked)["code"]).await;
    Begun {
        code: back(&code)["code"].clone(),
        code_v1: back(&code_v1)["code"].clone(),
        device: begun["device_code"].as_str().unwrap().to_owned(),
        assertion: tokens.access_token(),
        refresh_token: tokens.good()["refresh_token"].as_str().unwrap().to_owned(),
    }
}

/// Finishes it; what each endpoint tells under each name of the tenant, 0 for an approval.
async fn finish(t: &Contoso, browser: &Browser<'_>, it: &Begun) -> Vec<(&'static str, u64)> {
    let mut told = Vec::new();
    let mut ask = async |path: &str, fields: &[(&str, &str)]| {
        let reply = t.form(&format!("/{OTHER_TENANT}/{path}"), fields).await;
        let number = if reply.status == 200 { 0 } else { reply.json()["error_codes"][0].as_u64().unwrap() };
        told.push((OTHER_TENANT, number));
    };
    for (path, code) in [("oauth2/v2.0/token", &it.code), ("oauth2/token", &it.code_v1)] {
        let code = [("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", MULTI)];
        ask(path, &[&code[..], &[("redirect_uri", BACK), ("code_verifier", VERIFIER)]].concat()).await;
    }
    ask(
        "oauth2/v2.0/token",
        &[("grant_type", "device_code"), ("device_code", &it.device), ("client_id", MULTI)],
    )
    .await;
    let act = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &it.assertion)];
    let middle = [("client_id", MIDDLE), ("client_secret", SECRET), ("requested_token_use", "on_behalf_of")];
    // The API's own tokens are of v2.0, which the v1.0 endpoint exchanges for nobody.
    ask("oauth2/v2.0/token", &[&act[..], &middle, &[("scope", "User.Read")]].concat()).await;
    for (path, target) in
        [("oauth2/v2.0/token", ("scope", "User.Read")), ("oauth2/token", ("resource", GRAPH))]
    {
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", &it.refresh_token)];
        ask(path, &[&refresh[..], &[("client_id", MULTI)]].concat()).await;
        let person = [("username", "ada@fabrikam.example"), ("password", PASSWORD), ("client_id", MULTI)];
        ask(path, &[&person[..], &[("grant_type", "password"), target]].concat()).await;
        let own = match target.0 {
            "scope" => ("scope", "https://graph.microsoft.com/.default"),
            _ => target,
        };
        ask(path, &[&middle[..2], &[("grant_type", "client_credentials"), own]].concat()).await;
    }
    for target in
        [("oauth2/v2.0/devicecode", ("scope", "User.Read")), ("oauth2/devicecode", ("resource", GRAPH))]
    {
        ask(target.0, &[("client_id", MULTI), target.1]).await;
    }
    let mut page = |authority, reply: Reply| {
        let given = reply.status == 200 || reply.status == 303 && !back(&reply).contains_key("error");
        told.push((authority, if given { 0 } else { number(&reply).into() }));
    };
    for authority in [OTHER_TENANT, "organizations", "common"] {
        for more in [
            &[("scope", "User.Read"), ("prompt", "none")][..],
            &[("response_type", "token"), ("scope", "User.Read")],
        ] {
            page(authority, authorize(browser, authority, &query(MULTI, more)).await);
            page(
                authority,
                open(browser, &format!("/{authority}/oauth2/authorize"), &query(MULTI, more)).await,
            );
        }
    }
    for path in ["v2.0/adminconsent", "adminconsent"] {
        let asked = [
            ("client_id", MIDDLE),
            ("redirect_uri", BACK),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        page(OTHER_TENANT, open(&Browser::new(t), &format!("/{OTHER_TENANT}/{path}"), &asked).await);
    }
    told
}

#[tokio::test]
async fn what_was_begun_is_refused_at_every_endpoint_once_the_home_tenant_says_no() {
    for (kind, body, no) in [
        ("servicePrincipals", json!({ "accountEnabled": false }), 7_000_112),
        ("applications", json!({ "signInAudience": "AzureADMyOrg" }), 700_016),
        ("applications", Value::Null, 700_016),
    ] {
        let t = two().await;
        install(&t, MIDDLE).await;
        // Consent to both applications, to what each of them asks for.
        let browser = Browser::new(&t);
        let scope = format!("api://{MIDDLE}/act");
        for (client, scope) in [(MULTI, "User.Read"), (MULTI, scope.as_str()), (MIDDLE, "User.Read")] {
            let mut page = authorize(&browser, OTHER_TENANT, &query(client, &[("scope", scope)])).await;
            if page.text().contains("name=\"username\"") {
                page = sign_in(&browser, &page, "ada@fabrikam.example").await;
            }
            let _ = back(&browser.submit(&page, &[("answer", "yes")]).await)["code"];
        }
        let it = begin(&t, &browser).await;
        for (authority, number) in finish(&t, &browser, &it).await {
            assert_eq!(number, 0, "{authority} before {kind}");
        }
        let it = begin(&t, &browser).await;
        let mine = t.graph_token("admin").await;
        for client in [MULTI, MIDDLE] {
            let path = format!("/v1.0/{kind}(appId='{client}')");
            let method = if body.is_null() { "DELETE" } else { "PATCH" };
            assert_eq!(t.call(method, &path, &mine, body.clone()).await.status, 204);
        }
        for (authority, number) in finish(&t, &browser, &it).await {
            // An application of one tenant is told so where none is named.
            let narrowed = body.is_object() && kind == "applications" && authority != OTHER_TENANT;
            assert_eq!(number, if narrowed { 50_194 } else { no }, "{authority} {kind} {body}");
        }
    }
}

#[tokio::test]
async fn a_deleted_service_principal_takes_the_visitors_tokens_along_and_not_those_at_home() {
    let t = two().await;
    let tokens = consented(&t, ("common", MULTI), "ada@fabrikam.example").await;
    let home = consented(&t, ("common", MULTI), "ada@contoso.example").await;
    let kept = |reply: &Reply| reply.good()["refresh_token"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/servicePrincipals(appId='{MULTI}')");
    assert_eq!(t.call("DELETE", &path, &theirs(&t, "admin").await, Value::Null).await.status, 204);
    assert_eq!(refresh(&t, (OTHER_TENANT, MULTI), &kept(&tokens)).await.no(), "400 invalid_grant 50173");
    assert_eq!(t.get("/v1.0/me", &tokens.access_token()).await.status, 401);
    assert_eq!(t.get("/v1.0/me", &home.access_token()).await.status, 200);
    assert_eq!(refresh(&t, (TENANT, MULTI), &kept(&home)).await.status, 200);
    // Who comes again is asked again.
    consented(&t, ("common", MULTI), "ada@fabrikam.example").await.good();
}

#[tokio::test]
async fn what_is_changed_at_home_reaches_the_other_tenant_and_what_is_its_own_stays() {
    let t = two().await;
    install(&t, MIDDLE).await;
    let (mine, admin) = (t.graph_token("admin").await, theirs(&t, "admin").await);
    let own = format!("/v1.0/servicePrincipals(appId='{MIDDLE}')");
    let strict = json!({ "appRoleAssignmentRequired": true, "accountEnabled": false });
    assert_eq!(t.call("PATCH", &own, &admin, strict).await.status, 204);
    let registration = format!("/v1.0/applications(appId='{MIDDLE}')");
    let scope = |value: &str, id: &str| {
        json!({ "id": id, "value": value, "type": "User", "isEnabled": true, "adminConsentDisplayName": value,
            "adminConsentDescription": value })
    };
    let old = t.get(&registration, &mine).await.good();
    let kept = old["api"]["oauth2PermissionScopes"][0].clone();
    let body = json!({
        "displayName": "renamed",
        "identifierUris": [format!("api://{MIDDLE}"), "https://contoso.example/middle"],
        "api": { "oauth2PermissionScopes": [kept, scope("more", "a0000000-0000-4000-8000-0000000000d9")] },
        "tags": ["t"],
    });
    let changed = t.call("PATCH", &registration, &mine, body).await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    let copy = installed(&t, MIDDLE).await.good();
    assert_eq!((&copy["displayName"], &copy["appDisplayName"]), (&"renamed".into(), &"renamed".into()));
    assert_eq!(copy["servicePrincipalNames"].as_array().unwrap().len(), 3, "{copy}");
    assert_eq!(copy["oauth2PermissionScopes"].as_array().unwrap().len(), 2);
    assert_eq!((&copy["appRoleAssignmentRequired"], &copy["accountEnabled"]), (&true.into(), &false.into()));
    assert_eq!(copy["appOwnerOrganizationId"], TENANT);
    // A secret that is added at home is one there, and one that is removed is none.
    let on = json!({ "appRoleAssignmentRequired": false, "accountEnabled": true });
    assert_eq!(t.call("PATCH", &own, &admin, on).await.status, 204);
    let path = format!("/v1.0/applications(appId='{MIDDLE}')/addPassword");
    let added =
        t.call("POST", &path, &mine, json!({ "passwordCredential": { "displayName": "new" } })).await.good();
    let secret = added["secretText"].as_str().unwrap().to_owned();
    assert_eq!(by_secret(&t, OTHER_TENANT, MIDDLE, (&secret, GRAPH)).await.status, 200);
    let path = format!("/v1.0/applications(appId='{MIDDLE}')/removePassword");
    assert_eq!(t.call("POST", &path, &mine, json!({ "keyId": added["keyId"] })).await.status, 204);
    assert_eq!(
        by_secret(&t, OTHER_TENANT, MIDDLE, (&secret, GRAPH)).await.no(),
        "401 invalid_client 7000215"
    );
    // By the tenant file too, and after a start.
    let renamed = tables().replace("middle of AzureADMultipleOrgs", "named by the file");
    let renamed = renamed.replace("[\"act\"]", "[\"act\", \"more\"]");
    t.seed(&carnet_tests::tenant_file("", &renamed)).await;
    assert_eq!(installed(&t, MIDDLE).await.good()["displayName"], "named by the file");
    let t = t.again().await;
    assert_eq!(installed(&t, MIDDLE).await.good()["displayName"], "named by the file");
    assert_eq!(by_secret(&t, OTHER_TENANT, MIDDLE, (SECRET, GRAPH)).await.status, 200);
    // Nobody changes the registration from there.
    assert_eq!(
        t.call("PATCH", &registration, &theirs(&t, "admin").await, json!({ "displayName": "x" }))
            .await
            .status,
        404
    );
    assert_eq!(t.get(&registration, &theirs(&t, "admin").await).await.status, 404);
}

#[tokio::test]
async fn nothing_of_the_home_tenant_but_the_application_is_told() {
    let t = two().await;
    // Its owner is a person of the home tenant.
    let ada = t.graph_token("ada").await;
    let made = t
        .call(
            "POST",
            "/v1.0/applications",
            &ada,
            json!({ "displayName": "ada's", "signInAudience": "AzureADMultipleOrgs" }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let app = made.json()["appId"].as_str().unwrap().to_owned();
    let shown = install(&t, &app).await.to_string();
    let admin = theirs(&t, "admin").await;
    let list = t.get("/v1.0/servicePrincipals", &admin).await.good().to_string();
    let principal = t
        .store
        .directory(OTHER_TENANT.parse().unwrap())
        .await
        .unwrap()
        .unwrap()
        .principal_by_app(app.parse().unwrap())
        .unwrap()
        .clone();
    assert!(principal.owners.is_empty());
    for text in [&shown, &list] {
        for word in ["Contoso", "contoso.example", "Ada Example", SECRET, "secretText\":\"", "s3cret"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
    // Whoever has the same object id in the other tenant owns nothing of it.
    let theirs = theirs(&t, "ada").await;
    let path = format!("/v1.0/servicePrincipals(appId='{app}')");
    assert_eq!(t.call("DELETE", &path, &theirs, Value::Null).await.status, 403);
    assert_eq!(t.call("PATCH", &path, &theirs, json!({ "accountEnabled": false })).await.status, 403);
    // A visitor's page names the application, their own account and no other tenant.
    let browser = Browser::new(&t);
    let asked = query(MULTI, &[("scope", "User.Read")]);
    let page = sign_in(&browser, &authorize(&browser, "common", &asked).await, "ada@fabrikam.example").await;
    assert!(page.text().contains("Unverified publisher"), "{}", page.text());
    assert!(!page.text().contains("Contoso") && !page.text().contains("contoso.example"), "{}", page.text());
}

#[tokio::test]
async fn a_name_that_is_the_other_tenants_or_microsofts_stays_theirs() {
    let twin = |id: &str, audience: &str| {
        format!(
            "[[application]]\nname = \"twin\"\nclient_id = \"{id}\"\naudience = \"{audience}\"\n\
             exposes = {{ identifier_uris = [\"api://twin\", \"https://fabrikam.example/api\", \"api://{id}\"], scopes = [\"act\"] }}\n"
        )
    };
    let (mine, theirs_id) = ("a0000000-0000-4000-8000-0000000000e1", "b0000000-0000-4000-8000-0000000000e1");
    let own = twin(theirs_id, "AzureADMyOrg").replace(", \"https://fabrikam.example/api\"", "");
    let setup = Setup::new("", &twin(mine, "AzureADMultipleOrgs")).and(&format!("{FABRIKAM}\n{own}"));
    let t = setup.start().await;
    let made = install(&t, mine).await;
    assert_eq!(made["servicePrincipalNames"], json!([mine, format!("api://{mine}")]));
    let aud =
        async |resource: &str| by_secret(&t, OTHER_TENANT, OTHER_CONFIDENTIAL, (SECRET, resource)).await;
    let of = |reply: Reply| part(&reply.access_token(), 1)["aud"].clone();
    assert_eq!(of(aud("api://twin").await), "api://twin");
    let roles =
        t.get(&format!("/v1.0/servicePrincipals(appId='{theirs_id}')"), &theirs(&t, "admin").await).await;
    assert_eq!(roles.good()["servicePrincipalNames"][1], "api://twin");
    assert_eq!(of(aud(&format!("api://{mine}")).await), format!("api://{mine}"));
    assert_eq!(aud("https://fabrikam.example/api").await.no(), "400 invalid_resource 500011");
}
