//! What applications ask of Graph while they sign somebody in: Keycloak, dex, oauth2-proxy, Grafana, Auth.js.

use carnet_tests::{CONFIDENTIAL, Contoso, FABRIKAM, OTHER_TENANT, PUBLIC, SECRET, TENANT, UNREGISTERED};
use serde_json::{Value, json};

const ADA: &str = "c0000000-0000-4000-8000-000000000002";
const PRINCIPAL: &str = "d0000000-0000-4000-8000-000000000002";
const GROUPS: &str = r#"
[[group]]
name = "Outer"
id = "e0000000-0000-4000-8000-000000000001"
members = ["Inner"]
[[group]]
name = "Inner"
id = "e0000000-0000-4000-8000-000000000002"
members = ["ada@contoso.example", "secret"]
[[group]]
name = "Other"
id = "e0000000-0000-4000-8000-000000000003"
"#;
const OUTER: &str = "e0000000-0000-4000-8000-000000000001";
const INNER: &str = "e0000000-0000-4000-8000-000000000002";
const OTHER: &str = "e0000000-0000-4000-8000-000000000003";
const ABSENT: &str = "404 Request_ResourceNotFound";
const FORBIDDEN: &str = "403 Authorization_RequestDenied";
const BAD: &str = "400 Request_BadRequest";

fn ids(list: &Value) -> Vec<&str> {
    list["value"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

/// An application's token for Graph that opens nothing here.
async fn powerless(t: &Contoso) -> String {
    t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token()
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_says_nothing() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    for path in
        ["/v1.0/me", "/beta/me", "/v1.0/users", "/v1.0/organization", "/v1.0/myorganization/applications"]
    {
        assert_eq!(
            t.get(&format!("{path}/"), &admin).await.good(),
            t.get(path, &admin).await.good(),
            "{path}"
        );
    }
    let created = t.call("POST", "/v1.0/applications/", &admin, json!({ "displayName": "x" })).await;
    assert_eq!(created.status, 201);
    assert_eq!(t.get("/v1.0/me//", &admin).await.no(), "400 BadRequest");
    assert_eq!(t.get("/v1.0/me/", "").await.no(), "401 InvalidAuthenticationToken");
}

#[tokio::test]
async fn memberships_are_listed_directly_and_through_groups_whole_and_of_one_type() {
    let t = Contoso::with("", GROUPS).await;
    let ada = t.graph_token("ada").await;
    let admin = t.graph_token("admin").await;
    for (base, token) in [
        ("/v1.0/me".to_owned(), &ada),
        (format!("/v1.0/users/{ADA}"), &admin),
        ("/v1.0/users/ada@contoso.example".into(), &admin),
        (format!("/v1.0/servicePrincipals/{PRINCIPAL}"), &admin),
    ] {
        let all = t.get(&format!("{base}/transitiveMemberOf"), token).await.good();
        assert_eq!(ids(&all), [OUTER, INNER], "{base}");
        assert_eq!(all["value"][0]["@odata.type"], "#microsoft.graph.group");
        for cast in ["microsoft.graph.group", "graph.group", "Microsoft.Graph.Group"] {
            let direct = t.get(&format!("{base}/memberOf/{cast}"), token).await.good();
            assert_eq!(ids(&direct), [INNER], "{base} {cast}");
            assert_eq!(direct["value"][0].get("@odata.type"), None);
            assert!(direct["@odata.context"].as_str().unwrap().ends_with("#groups"), "{direct}");
            let through = t.get(&format!("{base}/transitiveMemberOf/{cast}"), token).await.good();
            assert_eq!(ids(&through), [OUTER, INNER], "{base} {cast}");
        }
        let roles = t.get(&format!("{base}/memberOf/microsoft.graph.directoryRole"), token).await.good();
        assert_eq!(roles["value"], json!([]));
        assert_eq!(
            t.get(&format!("{base}/memberOf/microsoft.graph.spaceship"), token).await.no(),
            "400 BadRequest"
        );
        // One of them by its id.
        assert_eq!(t.get(&format!("{base}/memberOf/{INNER}"), token).await.good()["id"], INNER);
        assert_eq!(t.get(&format!("{base}/memberOf/{OUTER}"), token).await.no(), ABSENT);
        assert_eq!(t.get(&format!("{base}/transitiveMemberOf/{OUTER}"), token).await.good()["id"], OUTER);
        assert_eq!(t.get(&format!("{base}/transitiveMemberOf/{OTHER}"), token).await.no(), ABSENT);
    }
    let app = powerless(&t).await;
    assert_eq!(t.get(&format!("/v1.0/users/{ADA}/transitiveMemberOf"), &app).await.no(), FORBIDDEN);
    assert_eq!(t.get("/v1.0/me/transitiveMemberOf", &app).await.no(), BAD);
    assert_eq!(t.get("/v1.0/users/nobody@contoso.example/transitiveMemberOf", &admin).await.no(), ABSENT);
}

#[tokio::test]
async fn a_group_is_in_groups_as_its_members_are() {
    let more = "[[group]]\nname = \"Outermost\"\nid = \"e0000000-0000-4000-8000-000000000004\"\nmembers = [\"Outer\"]\n";
    let outermost = "e0000000-0000-4000-8000-000000000004";
    let t = Contoso::with("", &format!("{GROUPS}{more}")).await;
    let admin = t.graph_token("admin").await;
    let at = |id: &str, rest: &str| format!("/v1.0/groups/{id}/{rest}");
    for cast in ["", "/microsoft.graph.group"] {
        let direct = t.get(&at(INNER, &format!("memberOf{cast}")), &admin).await.good();
        assert_eq!(ids(&direct), [OUTER], "{cast}");
        let through = t.get(&at(INNER, &format!("transitiveMemberOf{cast}")), &admin).await.good();
        assert_eq!(ids(&through), [OUTER, outermost], "{cast}");
        assert_eq!(ids(&t.get(&at(outermost, &format!("memberOf{cast}")), &admin).await.good()), [""; 0]);
    }
    assert_eq!(
        ids(&t.get(&at(INNER, "memberOf/microsoft.graph.directoryRole"), &admin).await.good()),
        [""; 0]
    );
    assert_eq!(t.get(&at(INNER, &format!("memberOf/{OUTER}")), &admin).await.good()["id"], OUTER);
    assert_eq!(t.get(&at(INNER, &format!("memberOf/{outermost}")), &admin).await.no(), ABSENT);
    let asked = json!({ "securityEnabledOnly": true });
    for action in ["getMemberGroups", "getMemberObjects"] {
        let all = t.call("POST", &at(INNER, action), &admin, asked.clone()).await.good();
        assert_eq!(all["value"], json!([OUTER, outermost]), "{action}");
    }
    for rest in ["memberOf", "transitiveMemberOf", "memberOf/microsoft.graph.group"] {
        assert_eq!(t.get(&at(ADA, rest), &admin).await.no(), ABSENT, "{rest}");
        assert_eq!(t.get(&at("nonsense", rest), &admin).await.no(), ABSENT, "{rest}");
        assert_eq!(t.get(&at(INNER, rest), &powerless(&t).await).await.no(), FORBIDDEN, "{rest}");
    }
}

#[tokio::test]
async fn memberships_come_in_pages_that_follow_each_other() {
    let t = Contoso::with("", GROUPS).await;
    let ada = t.graph_token("ada").await;
    for path in ["/v1.0/me/transitiveMemberOf", "/v1.0/me/transitiveMemberOf/microsoft.graph.group"] {
        let first = t.get(&format!("{path}?$select=id,displayName&$top=1"), &ada).await.good();
        let next = first["@odata.nextLink"].as_str().unwrap().replace("https://localhost:8443", "");
        let second = t.get(&next, &ada).await.good();
        assert_eq!((ids(&first), ids(&second)), (vec![OUTER], vec![INNER]), "{path}");
        assert_eq!(second.get("@odata.nextLink"), None);
        assert_eq!(second["value"][0].get("securityEnabled"), None);
    }
    let named = t.get("/v1.0/me/transitiveMemberOf?$filter=displayName%20eq%20'Inner'", &ada).await.good();
    assert_eq!(ids(&named), [INNER]);
}

#[tokio::test]
async fn named_groups_are_checked_through_groups_too() {
    let t = Contoso::with("", GROUPS).await;
    let ada = t.graph_token("ada").await;
    let admin = t.graph_token("admin").await;
    for (base, token) in [
        ("/v1.0/me".to_owned(), &ada),
        (format!("/v1.0/users/{ADA}"), &admin),
        (format!("/v1.0/servicePrincipals/{PRINCIPAL}"), &admin),
        (format!("/v1.0/groups/{INNER}"), &admin),
    ] {
        for (action, property) in [("checkMemberGroups", "groupIds"), ("checkMemberObjects", "ids")] {
            let path = format!("{base}/{action}");
            let ask = async |ids: Value| t.call("POST", &path, token, json!({ property: ids })).await;
            assert_eq!(ask(json!([OTHER, OUTER])).await.good()["value"], json!([OUTER]), "{path}");
            assert_eq!(ask(json!([OTHER])).await.good()["value"], json!([]), "{path}");
            for wrong in [json!([]), json!(["x"]), json!(vec![OUTER; 21]), Value::Null] {
                assert_eq!(ask(wrong).await.no(), BAD, "{path}");
            }
        }
    }
    let path = format!("/v1.0/users/{ADA}/checkMemberGroups");
    let asked = json!({ "groupIds": [OUTER] });
    assert_eq!(t.call("POST", &path, &powerless(&t).await, asked).await.no(), FORBIDDEN);
}

#[tokio::test]
async fn a_path_may_name_the_callers_own_tenant_and_no_other() {
    let t = Contoso::with_tenants(&[FABRIKAM]).await;
    let ada = t.graph_token("ada").await;
    let asked = json!({ "securityEnabledOnly": false });
    let at = |tenant: &str| format!("/v1.0/{tenant}/users/{ADA}/getMemberObjects");
    assert_eq!(t.call("POST", &at(TENANT), &ada, asked.clone()).await.good()["value"], json!([]));
    for other in [OTHER_TENANT, "b7a1c0de-0000-4000-8000-00000000dead"] {
        assert_eq!(t.call("POST", &at(other), &ada, asked.clone()).await.no(), FORBIDDEN, "{other}");
        assert_eq!(t.get(&format!("/beta/{other}/me"), &ada).await.no(), FORBIDDEN, "{other}");
    }
    assert_eq!(t.get(&format!("/beta/{TENANT}/me"), &ada).await.good()["id"], ADA);
}

#[tokio::test]
async fn objects_are_read_by_their_ids_and_types() {
    let t = Contoso::with("", GROUPS).await;
    let admin = t.graph_token("admin").await;
    let path = "/v1.0/directoryObjects/getByIds";
    let absent = "0d000000-0000-4000-8000-00000000dead";
    let ask = async |body: Value| t.call("POST", path, &admin, body).await;
    let all = [ADA, PRINCIPAL, OUTER, absent];
    let kinds = |list: &Value| -> Vec<String> {
        list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["@odata.type"].as_str().unwrap().into())
            .collect()
    };
    let found = ask(json!({ "ids": all })).await.good();
    assert_eq!(ids(&found), [ADA, PRINCIPAL, OUTER]);
    let expected = ["#microsoft.graph.user", "#microsoft.graph.servicePrincipal", "#microsoft.graph.group"];
    assert_eq!(kinds(&found), expected);
    for (types, expected) in [
        (json!(["group"]), vec![OUTER]),
        (json!(["user", "group"]), vec![ADA, OUTER]),
        (json!(["directoryObject"]), vec![ADA, PRINCIPAL, OUTER]),
        (json!(["device"]), vec![]),
    ] {
        assert_eq!(ids(&ask(json!({ "ids": all, "types": types })).await.good()), expected, "{types}");
    }
    let application =
        t.get(&format!("/v1.0/applications(appId='{PUBLIC}')"), &admin).await.good()["id"].clone();
    let found = ask(json!({ "ids": [application], "types": ["application"] })).await.good();
    assert_eq!(kinds(&found), ["#microsoft.graph.application"]);
    for wrong in [json!({}), json!({ "ids": [] }), json!({ "ids": ["x"] }), json!({ "ids": vec![ADA; 1001] })]
    {
        assert_eq!(ask(wrong).await.no(), BAD);
    }
    assert_eq!(ask(json!({ "ids": [ADA], "types": ["spaceship"] })).await.no(), BAD);
    let reader = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.call("POST", path, &reader, json!({ "ids": [ADA] })).await.no(), FORBIDDEN);
}

#[tokio::test]
async fn nobody_has_a_manager_or_a_photo_and_who_may_ask_is_told_so() {
    let t = Contoso::start().await;
    let (ada, admin) = (t.graph_token("ada").await, t.graph_token("admin").await);
    let app = powerless(&t).await;
    let photos = ["photo", "photo/$value", "photos/48x48", "photos/48x48/$value"];
    for (base, token) in [("/v1.0/me", &ada), ("/v1.0/users/ada@contoso.example", &admin)] {
        assert_eq!(t.get(&format!("{base}/manager"), token).await.no(), ABSENT);
        for photo in photos {
            assert_eq!(
                t.get(&format!("{base}/{photo}"), token).await.no(),
                "404 ImageNotFound",
                "{base}/{photo}"
            );
        }
    }
    for path in ["manager", "photo/$value", "photos/48x48/$value"] {
        assert_eq!(t.get(&format!("/v1.0/users/{ADA}/{path}"), &app).await.no(), FORBIDDEN, "{path}");
        assert_eq!(t.get(&format!("/v1.0/me/{path}"), &app).await.no(), BAD, "{path}");
        let nobody = format!("/v1.0/users/nobody@contoso.example/{path}");
        assert_eq!(t.get(&nobody, &admin).await.no(), ABSENT, "{path}");
    }
    // What reads one's own record reads no manager.
    t.consent_to(PUBLIC, "00000003-0000-0000-c000-000000000000", &["User.Read"]).await;
    let token = t.by_password(PUBLIC, "ada", "User.Read").await.access_token();
    assert_eq!(t.get("/v1.0/me/photo/$value", &token).await.no(), "404 ImageNotFound");
    assert_eq!(t.get("/v1.0/me/manager", &token).await.no(), FORBIDDEN);
}
