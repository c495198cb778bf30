//! Groups: made, read, changed and deleted, and who is in them.

use carnet_tests::{AZURE_CLI, CONFIDENTIAL, Contoso, SECRET, TENANT, UNREGISTERED, tenant_file};
use serde_json::{Value, json};

const LIST: &str = "/v1.0/groups";
const ADA: &str = "c0000000-0000-4000-8000-000000000002";
const ADMIN: &str = "c0000000-0000-4000-8000-000000000001";
const PRINCIPAL: &str = "d0000000-0000-4000-8000-000000000002";
const ABSENT: &str = "404 Request_ResourceNotFound";
const FORBIDDEN: &str = "403 Authorization_RequestDenied";
const BAD: &str = "400 Request_BadRequest";

fn new(name: &str) -> Value {
    json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true })
}

async fn created(t: &Contoso, token: &str, name: &str) -> String {
    let reply = t.call("POST", LIST, token, new(name)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

async fn add(t: &Contoso, token: &str, group: &str, member: &str) -> carnet_tests::Reply {
    let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}") });
    t.call("POST", &format!("{LIST}/{group}/members/$ref"), token, body).await
}

fn ids(list: &Value) -> Vec<&str> {
    list["value"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_group_is_made_read_changed_and_deleted() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let id = created(&t, &token, "readers").await;
    let path = format!("{LIST}/{id}");
    assert_eq!(t.get(&path, &token).await.good()["displayName"], "readers");
    let found = t.get(&format!("{LIST}?$filter=displayName%20eq%20'readers'"), &token).await.good();
    assert_eq!(ids(&found), [id.as_str()]);
    let none = t.get(&format!("{LIST}?$filter=displayName%20eq%20'writers'"), &token).await.good();
    assert!(ids(&none).is_empty());
    assert_eq!(t.call("PATCH", &path, &token, json!({ "description": "who reads" })).await.status, 204);
    assert_eq!(t.get(&path, &token).await.good()["description"], "who reads");
    let bound = json!({ "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{ADA}")] });
    assert_eq!(t.call("PATCH", &path, &token, bound).await.no(), BAD);
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.status, 204);
    assert_eq!(t.get(&path, &token).await.no(), ABSENT);
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.no(), ABSENT);
}

#[tokio::test]
async fn a_group_that_takes_mail_or_lacks_a_name_is_refused() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    for (name, value) in [
        ("mailEnabled", json!(true)),
        ("securityEnabled", json!(false)),
        ("groupTypes", json!(["Unified"])),
        ("displayName", Value::Null),
        ("mailNickname", json!("a b")),
        ("members@odata.bind", json!([])),
        ("colour", json!("red")),
    ] {
        let mut body = new("x");
        body[name] = value;
        assert_eq!(t.call("POST", LIST, &token, body).await.no(), BAD, "{name}");
    }
}

#[tokio::test]
async fn members_of_every_kind_are_added_listed_by_kind_and_removed() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let (outer, inner) = (created(&t, &token, "outer").await, created(&t, &token, "inner").await);
    for member in [ADA, PRINCIPAL, &inner] {
        assert_eq!(add(&t, &token, &outer, member).await.status, 204);
        assert_eq!(add(&t, &token, &outer, member).await.no(), BAD);
    }
    assert_eq!(add(&t, &token, &outer, "c0000000-0000-4000-8000-00000000dead").await.no(), ABSENT);
    let members = format!("{LIST}/{outer}/members");
    let list = t.get(&members, &token).await.good();
    let kind = |id: &str| {
        let found = list["value"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
        found["@odata.type"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind(ADA), "#microsoft.graph.user");
    assert_eq!(kind(PRINCIPAL), "#microsoft.graph.servicePrincipal");
    assert_eq!(kind(&inner), "#microsoft.graph.group");
    let first = t.get(&format!("{members}?$top=2"), &token).await.good();
    let next = first["@odata.nextLink"].as_str().unwrap().replace("https://localhost:8443", "");
    let second = t.get(&next, &token).await.good();
    assert_eq!((ids(&first).len(), ids(&second).len()), (2, 1));
    let one = format!("{members}/{ADA}/$ref");
    assert_eq!(t.call("DELETE", &one, &token, Value::Null).await.status, 204);
    assert_eq!(t.call("DELETE", &one, &token, Value::Null).await.no(), ABSENT);
    assert_eq!(ids(&t.get(&members, &token).await.good()).len(), 2);
}

#[tokio::test]
async fn whose_member_somebody_is_told_directly_and_through_groups() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let (outer, inner) = (created(&t, &token, "outer").await, created(&t, &token, "inner").await);
    add(&t, &token, &inner, ADA).await.good();
    add(&t, &token, &outer, &inner).await.good();
    let direct = t.get(&format!("/v1.0/users/{ADA}/memberOf"), &token).await.good();
    assert_eq!(ids(&direct), [inner.as_str()]);
    assert_eq!(direct["value"][0]["@odata.type"], "#microsoft.graph.group");
    let ada = t.graph_token("ada").await;
    let asked = json!({ "securityEnabledOnly": true });
    for (path, token) in [
        (format!("/v1.0/users/{ADA}/getMemberGroups"), &token),
        ("/v1.0/users/ada@contoso.example/getMemberObjects".into(), &token),
        ("/v1.0/me/getMemberGroups".into(), &ada),
        ("/v1.0/me/getMemberObjects".into(), &ada),
    ] {
        let body = t.call("POST", &path, token, asked.clone()).await.good();
        let mut all: Vec<&str> = body["value"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        all.sort_unstable();
        let mut both = vec![outer.as_str(), inner.as_str()];
        both.sort_unstable();
        assert_eq!(all, both, "{path}");
    }
    assert_eq!(ids(&t.get("/v1.0/me/memberOf", &ada).await.good()), [inner.as_str()]);
    assert_eq!(t.call("POST", "/v1.0/me/getMemberGroups", &ada, json!({})).await.no(), BAD);
    assert_eq!(t.get("/v1.0/users/nobody@contoso.example/memberOf", &token).await.no(), ABSENT);
}

#[tokio::test]
async fn who_may_not_read_or_change_groups_does_not() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let id = created(&t, &admin, "readers").await;
    let ada = t.graph_token("ada").await;
    assert_eq!(add(&t, &ada, &id, ADA).await.no(), FORBIDDEN);
    let path = format!("{LIST}/{id}");
    assert_eq!(t.call("DELETE", &path, &ada, Value::Null).await.no(), FORBIDDEN);
    let own = created(&t, &ada, "own").await;
    assert_eq!(add(&t, &ada, &own, ADMIN).await.status, 204);
    let app = t.by_secret(UNREGISTERED, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.get(LIST, &app).await.no(), FORBIDDEN);
    assert_eq!(t.get(&format!("/v1.0/users/{ADA}/memberOf"), &app).await.no(), FORBIDDEN);
    let none = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.call("POST", LIST, &none, new("x")).await.no(), FORBIDDEN);
}

#[tokio::test]
async fn members_go_with_the_principal_and_with_the_user() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let id = created(&t, &token, "readers").await;
    add(&t, &token, &id, PRINCIPAL).await.good();
    let path = format!("/v1.0/servicePrincipals/{PRINCIPAL}");
    let of = t.get(&format!("{path}/memberOf"), &token).await.good();
    assert_eq!(ids(&of), [id.as_str()]);
    t.call("DELETE", &path, &token, Value::Null).await.good();
    add(&t, &token, &id, ADA).await.good();
    assert_eq!(ids(&t.get(&format!("{LIST}/{id}/members"), &token).await.good()), [ADA]);
    t.call("DELETE", &format!("/v1.0/users/{ADA}"), &token, Value::Null).await.good();
    assert!(ids(&t.get(&format!("{LIST}/{id}/members"), &token).await.good()).is_empty());
}

#[tokio::test]
async fn a_tenant_file_makes_groups_and_puts_members_in_once() {
    let more = r#"
[[group]]
name = "outer"
id = "e0000000-0000-4000-8000-000000000001"
members = ["ada@contoso.example", "secret", "inner"]
[[group]]
name = "inner"
"#;
    let t = Contoso::with("", more).await;
    let token = t.graph_token("admin").await;
    let group = "e0000000-0000-4000-8000-000000000001";
    let members = t.get(&format!("{LIST}/{group}/members"), &token).await.good();
    assert_eq!(ids(&members).len(), 3);
    assert!(ids(&members).contains(&ADA) && ids(&members).contains(&PRINCIPAL));
}

#[tokio::test]
async fn groups_of_one_tenant_are_nothing_in_another() {
    let other = "b7a1c0de-0000-4000-8000-000000000002";
    let second =
        tenant_file("", "[[group]]\nname = \"theirs\"\nid = \"e0000000-0000-4000-8000-000000000009\"")
            .replace(TENANT, other)
            .replace("contoso.example", "fabrikam.example")
            .replace("a0000000", "a1000000");
    let t = Contoso::start().await;
    t.seed(&second).await;
    let token = t.graph_token("admin").await;
    assert!(ids(&t.get(LIST, &token).await.good()).is_empty());
    let theirs = "e0000000-0000-4000-8000-000000000009";
    assert_eq!(t.get(&format!("{LIST}/{theirs}"), &token).await.no(), ABSENT);
    assert_eq!(add(&t, &token, theirs, ADA).await.no(), ABSENT);
    let fields = [
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("username", "admin@fabrikam.example"),
        ("password", carnet_tests::PASSWORD),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let own = t.form(&format!("/{other}/oauth2/v2.0/token"), &fields).await.access_token();
    assert_eq!(ids(&t.get(LIST, &own).await.good()), [theirs]);
}
