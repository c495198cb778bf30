//! Claims that registrations ask for: optional ones, groups and roles, from the registration to the token.

use carnet_tests::{AZURE_CLI, CONFIDENTIAL, Contoso, Reply, SECRET, TENANT, part};
use serde_json::{Value, json};
use std::fmt::Write;

const OWN: &str = "a0000000-0000-4000-8000-000000000010";
const OWN_PRINCIPAL: &str = "d0000000-0000-4000-8000-000000000010";
const CALLER: &str = "a0000000-0000-4000-8000-000000000011";
const READER: &str = "f0000000-0000-4000-8000-000000000001";
const ADA: &str = "c0000000-0000-4000-8000-000000000002";
const SCOPE: &str = "api://own/read openid profile";

async fn contoso(more: &str) -> Contoso {
    Contoso::with("", &format!("{}{more}", include_str!("own_api.toml"))).await
}

async fn change(t: &Contoso, token: &str, app: &str, body: Value) -> Reply {
    t.call("PATCH", &format!("/v1.0/applications(appId='{app}')"), token, body).await
}

/// The claims of Ada's two tokens.
async fn tokens(t: &Contoso) -> (Value, Value) {
    let reply = t.by_password(CALLER, "ada", SCOPE).await;
    (reply.claims(), part(reply.good()["id_token"].as_str().unwrap(), 1))
}

#[tokio::test]
async fn access_tokens_go_by_the_api_and_id_tokens_by_the_client() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let claims = json!({
        "idToken": [{ "name": "email", "source": null, "essential": false, "additionalProperties": [] }],
        "accessToken": [{ "name": "ipaddr" }],
        "saml2Token": [],
    });
    assert_eq!(change(&t, &token, CALLER, json!({ "optionalClaims": claims })).await.status, 204);
    let (access, id) = tokens(&t).await;
    assert_eq!((access.get("email"), access.get("ipaddr")), (None, None));
    assert_eq!((&id["email"], id.get("ipaddr")), (&json!("ada@contoso.example"), None));
    assert_eq!(change(&t, &token, OWN, json!({ "optionalClaims": claims })).await.status, 204);
    assert_eq!(tokens(&t).await.0["ipaddr"], "127.0.0.1");
    assert_eq!(change(&t, &token, CALLER, json!({ "optionalClaims": null })).await.status, 204);
    assert_eq!(tokens(&t).await.1.get("email"), None);
}

#[tokio::test]
async fn what_is_not_known_is_kept_and_what_is_malformed_is_refused() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let unknown = json!({ "idToken": [{ "name": "starsign" }] });
    assert_eq!(change(&t, &token, CALLER, json!({ "optionalClaims": unknown })).await.status, 204);
    let path = format!("/v1.0/applications(appId='{CALLER}')");
    let kept = t.get(&path, &token).await.good()["optionalClaims"].clone();
    assert_eq!(kept["idToken"][0]["name"], "starsign");
    assert_eq!(tokens(&t).await.1.get("starsign"), None);
    for wrong in [
        json!({ "optionalClaims": "email" }),
        json!({ "optionalClaims": { "idToken": "email" } }),
        json!({ "optionalClaims": { "idToken": ["email"] } }),
        json!({ "optionalClaims": { "idToken": [{ "name": 7 }] } }),
        json!({ "optionalClaims": { "idToken": [{ "source": "user" }] } }),
        json!({ "optionalClaims": { "idtoken": [{ "name": "email" }] } }),
        json!({ "optionalClaims": { "idToken": [{ "name": "email", "additionalProperties": "x" }] } }),
        json!({ "groupMembershipClaims": "Everything" }),
        json!({ "groupMembershipClaims": true }),
    ] {
        assert_eq!(change(&t, &token, CALLER, wrong.clone()).await.no(), "400 Request_BadRequest", "{wrong}");
    }
}

#[tokio::test]
async fn a_tenant_file_asks_for_claims_too() {
    let more = "optional_claims = { id_token = [\"acct\"], access_token = [] }\ngroup_membership_claims = \"SecurityGroup\"\n[[group]]\nname = \"g\"\nid = \"e0000000-0000-4000-8000-000000000001\"\nmembers = [\"ada@contoso.example\"]";
    let t = contoso(more).await;
    let (access, id) = tokens(&t).await;
    assert_eq!((&id["acct"], access.get("acct")), (&json!(0), None));
    assert_eq!(id["groups"], json!(["e0000000-0000-4000-8000-000000000001"]));
    assert_eq!(access.get("groups"), None);
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CALLER}')");
    assert_eq!(t.get(&path, &token).await.good()["groupMembershipClaims"], "SecurityGroup");
}

/// Asks for these claims in both kinds of tokens, on behalf of the API and of the client.
const MAIL_AND_COUNTRY: [&str; 5] =
    ["xms_edov", "verified_primary_email", "verified_secondary_email", "tenant_ctry", "ctry"];

/// What Ada's tokens say of [`MAIL_AND_COUNTRY`]: an access token and an ID token, of both endpoints.
async fn mail_and_country(t: &Contoso) -> Value {
    let v1 = [
        ("grant_type", "password"),
        ("client_id", CALLER),
        ("username", "ada@contoso.example"),
        ("password", carnet_tests::PASSWORD),
        ("resource", "api://own"),
        ("scope", "openid"),
    ];
    let v1 = t.form(&format!("/{TENANT}/oauth2/token"), &v1).await;
    let (access, id) = tokens(t).await;
    let all = [access, id, v1.claims(), part(v1.good()["id_token"].as_str().unwrap(), 1)];
    let of = |claims: &Value| -> Value {
        let told =
            MAIL_AND_COUNTRY.into_iter().filter_map(|it| Some((it.to_owned(), claims.get(it)?.clone())));
        Value::Object(told.collect())
    };
    let first = of(&all[0]);
    for claims in &all {
        assert_eq!(of(claims), first, "{claims}");
    }
    first
}

#[tokio::test]
async fn claims_of_mail_and_country_come_from_the_tenant_file_and_from_graph() {
    for version in [1, 2] {
        let api =
            include_str!("own_api.toml").replace("token_version = 2", &format!("token_version = {version}"));
        let t = Contoso::with("", &api).await;
        let token = t.graph_token("admin").await;
        let list: Vec<Value> = MAIL_AND_COUNTRY.iter().map(|name| json!({ "name": name })).collect();
        let wanted = json!({ "optionalClaims": { "idToken": list, "accessToken": list } });
        let ada = "/v1.0/users/ada@contoso.example";
        // Neither asked for nor known.
        t.call("PATCH", ada, &token, json!({ "mail": null })).await.good();
        for app in [OWN, CALLER] {
            assert_eq!(mail_and_country(&t).await, json!({}), "v{version}");
            assert_eq!(change(&t, &token, app, wanted.clone()).await.status, 204);
        }
        assert_eq!(mail_and_country(&t).await, json!({}), "v{version}");
        let file = carnet_tests::tenant_file("", &api);
        let told = file.replacen("name = \"Contoso\"", "name = \"Contoso\"\ncountry = \"DE\"", 1).replacen(
            "display_name = \"Ada Example\"",
            "display_name = \"Ada Example\"\nmail = \"ada@contoso.example\"\ncountry = \"FR\"\n\
             other_mails = [\"a@contoso.example\", \"a@elsewhere.example\"]",
            1,
        );
        t.seed(&told).await;
        let expected = json!({
            "xms_edov": true,
            "verified_primary_email": ["ada@contoso.example"],
            "verified_secondary_email": ["a@contoso.example"],
            "tenant_ctry": "DE",
            "ctry": "FR",
        });
        assert_eq!(mail_and_country(&t).await, expected, "v{version}");
        let shown = t.get(&format!("{ada}?$select=country,otherMails"), &token).await.good();
        assert_eq!(
            (&shown["country"], &shown["otherMails"][1]),
            (&json!("FR"), &json!("a@elsewhere.example"))
        );
        let organization = t.get("/v1.0/organization", &token).await.good();
        assert_eq!(organization["value"][0]["countryLetterCode"], "DE");
        // By Graph: a domain that is not the tenant's, another country.
        let body = json!({
            "mail": "ada@elsewhere.example",
            "otherMails": ["b@elsewhere.example", "b@Contoso.example"],
            "country": "IT",
        });
        t.call("PATCH", ada, &token, body).await.good();
        let expected = json!({
            "xms_edov": false,
            "verified_secondary_email": ["b@Contoso.example"],
            "tenant_ctry": "DE",
            "ctry": "IT",
        });
        assert_eq!(mail_and_country(&t).await, expected, "v{version}");
        // What is no country's code, or is not there, is not told.
        t.call("PATCH", ada, &token, json!({ "mail": null, "otherMails": [], "country": "Italy" }))
            .await
            .good();
        assert_eq!(mail_and_country(&t).await, json!({ "tenant_ctry": "DE" }), "v{version}");
        t.call("PATCH", ada, &token, json!({ "country": null })).await.good();
        t.seed(&file.replacen("name = \"Contoso\"", "name = \"Contoso\" # anew", 1)).await;
        assert_eq!(mail_and_country(&t).await, json!({}), "v{version}");
    }
}

#[tokio::test]
async fn a_role_comes_through_a_group_and_goes_with_the_membership() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let new =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = t.call("POST", "/v1.0/groups", &token, new).await.good()["id"].as_str().unwrap().to_owned();
    let assign = json!({ "principalId": group, "resourceId": OWN_PRINCIPAL, "appRoleId": READER });
    let path = format!("/v1.0/groups/{group}/appRoleAssignments");
    let made = t.call("POST", &path, &token, assign.clone()).await.good();
    assert_eq!((&made["principalType"], &made["principalDisplayName"]), (&json!("Group"), &json!("g")));
    assert_eq!(t.call("POST", &path, &token, assign).await.no(), "400 Request_BadRequest");
    assert_eq!(t.get(&path, &token).await.good()["value"].as_array().unwrap().len(), 1);
    assert_eq!(tokens(&t).await.0.get("roles"), None);
    let member = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{ADA}") });
    t.call("POST", &format!("/v1.0/groups/{group}/members/$ref"), &token, member).await.good();
    assert_eq!(tokens(&t).await.0["roles"], json!(["Reader"]));
    let gone = format!("/v1.0/groups/{group}/members/{ADA}/$ref");
    t.call("DELETE", &gone, &token, Value::Null).await.good();
    assert_eq!(tokens(&t).await.0.get("roles"), None);
}

#[tokio::test]
async fn a_role_is_given_to_a_user_and_not_to_an_application_that_may_not_hold_it() {
    let t = contoso("").await;
    let token = t.graph_token("admin").await;
    let role = json!({ "resourceId": OWN_PRINCIPAL, "appRoleId": READER });
    let of_application = "/v1.0/servicePrincipals/d0000000-0000-4000-8000-000000000002/appRoleAssignments";
    assert_eq!(t.call("POST", of_application, &token, role.clone()).await.no(), "400 Request_BadRequest");
    let of_user = "/v1.0/users/ada@contoso.example/appRoleAssignments";
    assert_eq!(t.call("POST", of_user, &token, role.clone()).await.good()["principalType"], "User");
    let ada = t.graph_token("ada").await;
    assert_eq!(t.call("POST", of_user, &ada, role).await.no(), "403 Authorization_RequestDenied");
    assert_eq!(tokens(&t).await.0["roles"], json!(["Reader"]));
    assert_eq!(t.get(of_user, &token).await.good()["value"][0]["appRoleId"], READER);
}

#[tokio::test]
async fn too_many_groups_are_told_by_graph() {
    let mut groups = String::from("group_membership_claims = \"SecurityGroup\"\n");
    for number in 0..201 {
        let _ = write!(groups, "[[group]]\nname = \"g{number}\"\nmembers = [\"ada@contoso.example\"]\n");
    }
    let t = contoso(&groups).await;
    let (_, id) = tokens(&t).await;
    assert_eq!((id.get("groups"), &id["_claim_names"]), (None, &json!({ "groups": "src1" })));
    let endpoint = id["_claim_sources"]["src1"]["endpoint"].as_str().unwrap();
    let path = endpoint.strip_prefix("https://localhost:8443").unwrap();
    let ada = t.by_password(CALLER, "ada", "https://graph.microsoft.com/User.Read").await.access_token();
    let told = t.call("POST", path, &ada, json!({ "securityEnabledOnly": true })).await.good();
    assert_eq!(told["value"].as_array().unwrap().len(), 201);
    let other = path.replace(ADA, "c0000000-0000-4000-8000-000000000001");
    let asked = json!({ "securityEnabledOnly": true });
    assert_eq!(t.call("POST", &other, &ada, asked).await.no(), "403 Authorization_RequestDenied");
}

#[tokio::test]
async fn userinfo_tells_the_subject_of_the_clients_id_token() {
    let t = contoso("").await;
    let scope = "https://graph.microsoft.com/User.Read openid profile email";
    let reply = t.by_password(CALLER, "ada", scope).await;
    let id = part(reply.good()["id_token"].as_str().unwrap(), 1);
    let access = reply.claims();
    for path in ["/oidc/userinfo", &format!("/{TENANT}/openid/userinfo")] {
        let told = t.get(path, &reply.access_token()).await.good();
        assert_eq!(told["sub"], id["sub"]);
        assert_eq!(told["email"], "ada@contoso.example");
    }
    assert_ne!(access["sub"], id["sub"]);
    assert_eq!(access["xms_st"]["sub"], id["sub"]);
    let other = t.by_password(AZURE_CLI, "ada", "https://graph.microsoft.com/.default openid").await;
    let told = t.get("/oidc/userinfo", &other.access_token()).await.good();
    assert_ne!(told["sub"], id["sub"]);
    let bare = t.by_password(CALLER, "ada", "https://graph.microsoft.com/User.Read openid").await;
    let told = t.get("/oidc/userinfo", &bare.access_token()).await.good();
    assert_eq!((&told["sub"], &told["email"]), (&id["sub"], &json!("ada@contoso.example")));
    let without = part(bare.good()["id_token"].as_str().unwrap(), 1);
    assert_eq!((without.get("name"), without.get("email")), (None, None));
    let closed = t.by_password(CALLER, "ada", "https://graph.microsoft.com/User.Read").await;
    assert_eq!(t.get("/oidc/userinfo", &closed.access_token()).await.status, 401);
}

#[tokio::test]
async fn an_application_has_its_groups_and_no_roles_through_them() {
    let more =
        "[[group]]\nname = \"g\"\nid = \"e0000000-0000-4000-8000-000000000001\"\nmembers = [\"secret\"]";
    let t = contoso(more).await;
    let token = t.graph_token("admin").await;
    let claims = async || t.by_secret(CONFIDENTIAL, SECRET, "api://own").await.claims();
    assert_eq!(claims().await.get("groups"), None);
    change(&t, &token, OWN, json!({ "groupMembershipClaims": "SecurityGroup" })).await.good();
    let told = claims().await;
    assert_eq!(told["groups"], json!(["e0000000-0000-4000-8000-000000000001"]));
    let role = json!({ "resourceId": OWN_PRINCIPAL, "appRoleId": READER });
    let path = "/v1.0/groups/e0000000-0000-4000-8000-000000000001/appRoleAssignments";
    t.call("POST", path, &token, role).await.good();
    assert_eq!(claims().await.get("roles"), None);
}

#[tokio::test]
async fn a_context_that_is_not_satisfied_is_a_no_with_its_challenge() {
    let policy = "authentication_contexts = [{ id = \"c1\", require_mfa = true }]";
    let t = Contoso::with(policy, include_str!("own_api.toml")).await;
    let ask = async |essential: bool| {
        let demand = json!({ "access_token": { "acrs": { "essential": essential, "value": "c1" } } });
        let fields = [
            ("grant_type", "password"),
            ("client_id", CALLER),
            ("username", "ada@contoso.example"),
            ("password", carnet_tests::PASSWORD),
            ("scope", SCOPE),
            ("claims", &demand.to_string()),
        ];
        t.token(&fields).await
    };
    let no = ask(true).await;
    assert_eq!(no.no(), "400 invalid_grant 50079");
    let challenge: Value = serde_json::from_str(no.json()["claims"].as_str().unwrap()).unwrap();
    assert_eq!(challenge["access_token"]["capolids"]["values"].as_array().unwrap().len(), 1);
    assert_eq!(ask(false).await.claims().get("acrs"), None);
}
