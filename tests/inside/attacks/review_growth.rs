//! 6.9, row 143: how much an object may hold, how many objects one person may own, and how large a page is.

use super::{
    review_objects::{
        APPLICATIONS, OWNER, USERS, WRITER, app_token, keep, names, paths, register, with_writers,
    },
    *,
};
use carnet_tenant::{
    application::Application,
    group::{Group, MemberKind, Membership, MembershipKey},
    service_principal::ServicePrincipal,
};
use carnet_tests::PASSWORD;
use carnet_wire::ids::{AppId, ObjectId};
use std::collections::BTreeSet;
use uuid::Uuid;

const GROUPS: &str = "/v1.0/groups";

#[tokio::test]
async fn every_text_has_its_length_row_143() {
    let t = with_writers("").await;
    let (ada, admin) = (t.graph_token("ada").await, t.graph_token("admin").await);
    let made = register(&t, &ada).await;
    let text = |length: usize| "x".repeat(length);
    let scope = |name: &str, text: String| {
        let mut scope = json!({ "id": Uuid::from_u128(1), "value": "read", "isEnabled": false });
        scope[name] = text.into();
        json!({ "api": { "oauth2PermissionScopes": [scope] } })
    };
    let role = |name: &str, text: String| {
        let mut role = json!({ "id": Uuid::from_u128(2), "value": "Read", "allowedMemberTypes": ["User"], "isEnabled": false });
        role[name] = text.into();
        json!({ "appRoles": [role] })
    };
    let (signer, kept) = (Signer::default(), |text: String| json!({ "info": { "logoUrl": text } }));
    let key = |name: String| json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": signer.base64(), "displayName": name }] });
    type Body<'a> = Box<dyn Fn(String) -> Value + 'a>;
    let of_application: Vec<(&str, usize, Body<'_>)> = vec![
        ("displayName", 256, Box::new(|text| json!({ "displayName": text }))),
        ("description", 1024, Box::new(|text| json!({ "description": text }))),
        ("notes", 1024, Box::new(|text| json!({ "notes": text }))),
        ("tags", 256, Box::new(|text| json!({ "tags": [text] }))),
        ("adminConsentDisplayName", 256, Box::new(|text| scope("adminConsentDisplayName", text))),
        ("adminConsentDescription", 1024, Box::new(|text| scope("adminConsentDescription", text))),
        ("oauth2PermissionScopes", 120, Box::new(|text| scope("value", text))),
        ("displayName", 256, Box::new(|text| role("displayName", text))),
        ("description", 1024, Box::new(|text| role("description", text))),
        ("appRoles", 120, Box::new(|text| role("value", text))),
        ("displayName", 256, Box::new(key)),
        ("info", 2048, Box::new(kept)),
    ];
    for (property, limit, body) in &of_application {
        for caller in [&ada, &admin] {
            for path in paths(&made) {
                let good = t.call("PATCH", &path, caller, body(text(*limit))).await;
                assert_eq!(good.status, 204, "{property}: {:.400}", good.text());
                for length in [limit + 1, 500_000] {
                    let bad = t.call("PATCH", &path, caller, body(text(length))).await;
                    // Values of scopes and roles are told by their form, which names the same limit.
                    names(&bad, &[property, &limit.to_string()]);
                }
            }
            let mut whole = body(text(limit + 1));
            let map = whole.as_object_mut().unwrap();
            map.entry("displayName").or_insert("x".into());
            names(&t.call("POST", APPLICATIONS, caller, whole).await, &[property]);
        }
    }
    for path in paths(&made) {
        let path = format!("{path}/addPassword");
        let named = |length: usize| json!({ "passwordCredential": { "displayName": text(length) } });
        assert_eq!(t.call("POST", &path, &ada, named(256)).await.status, 200);
        names(&t.call("POST", &path, &ada, named(257)).await, &["displayName", "256"]);
    }
    let group = |name: &str, text: String| {
        let mut body =
            json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
        body[name] = text.into();
        body
    };
    let own = t.call("POST", GROUPS, &ada, group("description", text(1024))).await.good();
    let path = format!("{GROUPS}/{}", own["id"].as_str().unwrap());
    for (name, limit) in [("displayName", 256), ("description", 1024), ("mailNickname", 64)] {
        assert_eq!(t.call("PATCH", &path, &ada, json!({ name: text(limit) })).await.status, 204, "{name}");
        names(
            &t.call("PATCH", &path, &ada, json!({ name: text(limit + 1) })).await,
            &[name, &limit.to_string()],
        );
        names(&t.call("POST", GROUPS, &ada, group(name, text(limit + 1))).await, &[name, &limit.to_string()]);
    }
    let user = |name: &str, text: String| {
        let mut body = json!({
            "accountEnabled": true, "displayName": "g", "mailNickname": "g",
            "userPrincipalName": "g@contoso.example", "passwordProfile": { "password": PASSWORD },
        });
        body[name] = text.into();
        body
    };
    for (name, limit) in [
        ("displayName", 256),
        ("givenName", 64),
        ("surname", 64),
        ("mail", 256),
        ("mailNickname", 64),
        ("jobTitle", 128),
        ("city", 128),
        ("streetAddress", 1024),
    ] {
        let path = format!("{USERS}/{ADA}");
        assert_eq!(t.call("PATCH", &path, &admin, json!({ name: text(limit) })).await.status, 204, "{name}");
        names(
            &t.call("PATCH", &path, &admin, json!({ name: text(limit + 1) })).await,
            &[name, &limit.to_string()],
        );
        names(&t.call("POST", USERS, &admin, user(name, text(limit + 1))).await, &[name, &limit.to_string()]);
    }
}

#[tokio::test]
async fn one_person_owns_so_many_objects_row_143() {
    let t = with_writers("objects_per_person = 3").await;
    let group =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let app = json!({ "displayName": "a" });
    let post = async |token: &str, path: &str, body: &Value| t.call("POST", path, token, body.clone()).await;
    let full = "403 Directory_QuotaExceeded";
    let ada = t.graph_token("ada").await;
    let first = post(&ada, APPLICATIONS, &app).await.good();
    let second = post(&ada, GROUPS, &group).await.good();
    post(&ada, APPLICATIONS, &app).await.good();
    for (path, body) in [(APPLICATIONS, &app), (GROUPS, &group)] {
        assert_eq!(refusal(&post(&ada, path, body).await), full, "{path}");
    }
    // Service principals come with registrations that are counted already.
    let principal = json!({ "appId": first["appId"] });
    assert_eq!(post(&ada, "/v1.0/servicePrincipals", &principal).await.status, 201);
    for (path, it) in [(GROUPS, &second), (APPLICATIONS, &first)] {
        let path = format!("{path}/{}", it["id"].as_str().unwrap());
        assert_eq!(t.call("DELETE", &path, &ada, Value::Null).await.status, 204);
        assert_eq!(post(&ada, GROUPS, &group).await.status, 201);
        assert_eq!(refusal(&post(&ada, APPLICATIONS, &app).await), full);
    }
    let owner = app_token(&t, OWNER).await;
    for status in [201, 201, 201, 403] {
        assert_eq!(post(&owner, APPLICATIONS, &app).await.status, status);
    }
    assert_eq!(refusal(&post(&owner, APPLICATIONS, &app).await), full);
    for token in [t.graph_token("admin").await, app_token(&t, WRITER).await] {
        for _ in 0..5 {
            assert_eq!(post(&token, APPLICATIONS, &app).await.status, 201);
        }
    }
    // The count is of the directory, not of the process.
    let t = t.again().await;
    let ada = t.graph_token("ada").await;
    assert_eq!(refusal(&t.call("POST", APPLICATIONS, &ada, app).await), full);
}

/// Reads a list to its end; each page has at most 4 MiB of items. Gives the ids and how many pages there were.
async fn all(t: &Contoso, token: &str, path: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut path) = (Vec::new(), 0, path.to_owned());
    loop {
        let reply = t.get(&path, token).await;
        assert!(reply.body.len() < 4 * 1024 * 1024 + 4096, "{path:.200}: {}", reply.body.len());
        let page = reply.good();
        pages += 1;
        ids.extend(page["value"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["@odata.nextLink"].as_str() else { return (ids, pages) };
        next.strip_prefix("https://localhost:8443").unwrap().clone_into(&mut path);
    }
}

/// How many objects of each kind [`keep_large`] makes.
const COUNT: u128 = 40;

fn id(kind: u128, number: u128) -> ObjectId {
    ObjectId::new(Uuid::from_u128(kind << 64 | number))
}

fn app_id(number: u128) -> AppId {
    AppId::new(Uuid::from_u128(9 << 64 | number))
}

/// Keeps objects of every kind with a text of 250 KiB, as a version did that had no limits. All of the service
/// principals are in the first group, and `ada` is in every group. Gives the registration that they are made of.
async fn keep_large(t: &Contoso) -> Application {
    let seen = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let large = "x".repeat(250 * 1024);
    let model = Application::clone(seen.application_by_app(PUBLIC.parse().unwrap()).unwrap());
    let principal = ServicePrincipal::clone(seen.principal_by_app(PUBLIC.parse().unwrap()).unwrap());
    let user =
        User::clone(&*t.store.user(TENANT.parse().unwrap(), ADA.parse().unwrap()).await.unwrap().unwrap());
    let mut objects = Vec::new();
    for number in 0..COUNT {
        let app_id = app_id(number);
        let display_name = format!("large {number}");
        objects.push(Object::Application(
            Application {
                id: id(1, number),
                app_id,
                display_name: display_name.clone(),
                tags: vec![large.clone()],
                ..model.clone()
            }
            .into(),
        ));
        objects.push(Object::ServicePrincipal(
            ServicePrincipal {
                id: id(2, number),
                app_id,
                display_name: display_name.clone(),
                names: vec![app_id.to_string()],
                tags: vec![large.clone()],
                ..principal.clone()
            }
            .into(),
        ));
        objects.push(Object::Group(
            Group {
                id: id(3, number),
                display_name: display_name.clone(),
                mail_nickname: "g".into(),
                mail_enabled: false,
                security_enabled: true,
                description: Some(large.clone()),
                owners: Vec::new(),
                created: NOW,
            }
            .into(),
        ));
        let name = format!("large{number}@contoso.example");
        objects.push(Object::User(
            User {
                id: id(4, number),
                name_key: name.clone(),
                name,
                display_name,
                surname: Some(large.clone()),
                ..user.clone()
            }
            .into(),
        ));
        let key = |member, group| MembershipKey { member, group };
        let inside = |member, kind| Membership { key: key(member, id(3, 0)), kind };
        objects.push(Object::Membership(inside(id(2, number), MemberKind::ServicePrincipal).into()));
        let own = Membership { key: key(ADA.parse().unwrap(), id(3, number)), kind: MemberKind::User };
        objects.push(Object::Membership(own.into()));
    }
    keep(t, objects).await;
    model
}

#[tokio::test]
async fn a_page_ends_at_4_mib_and_the_next_one_goes_on_row_143() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let model = keep_large(&t).await;
    let group = id(3, 0);
    for (list, filter) in [
        (APPLICATIONS.to_owned(), true),
        ("/v1.0/servicePrincipals".to_owned(), true),
        (GROUPS.to_owned(), true),
        (USERS.to_owned(), true),
        (format!("{USERS}/{ADA}/memberOf"), false),
        (format!("{GROUPS}/{group}/members"), false),
    ] {
        let mut queries = vec!["$top=999", "$top=5", "$top=1"];
        queries.extend(filter.then_some("$top=999&$filter=startswith(displayName,'large')"));
        let mut first: Option<Vec<String>> = None;
        for query in queries {
            let (ids, pages) = all(&t, &token, &format!("{list}?{query}")).await;
            let once: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(once.len(), ids.len(), "{list} {query}: each once");
            let large = ids.iter().filter(|id| id.starts_with("00000000-0000-000")).count();
            assert!(large >= usize::try_from(COUNT).unwrap(), "{list} {query}: {large}");
            assert!(pages >= 3, "{list} {query}: {pages}");
            if !query.contains("filter") {
                assert_eq!(first.get_or_insert_with(|| ids.clone()), &ids, "{list} {query}");
            }
        }
        // What is not selected takes no room.
        let (ids, pages) = all(&t, &token, &format!("{list}?$top=999&$select=id")).await;
        assert_eq!(first.as_ref(), Some(&ids), "{list}");
        assert_eq!(pages, 1, "{list}");
    }
    // One that is larger than a page has a page of its own.
    let huge =
        Application { tags: vec!["x".repeat(5 * 1024 * 1024)], id: id(1, 20), app_id: app_id(20), ..model };
    keep(&t, vec![Object::Application(huge.into())]).await;
    let (mut path, mut seen) = (format!("{APPLICATIONS}?$top=999"), 0);
    loop {
        let page = t.get(&path, &token).await.good();
        seen += page["value"].as_array().unwrap().len();
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.strip_prefix("https://localhost:8443").unwrap().to_owned();
    }
    assert_eq!(seen, 44);
}

#[tokio::test]
async fn a_list_of_people_ends_where_they_end_however_few_pass_row_143() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let user =
        User::clone(&*t.store.user(TENANT.parse().unwrap(), ADA.parse().unwrap()).await.unwrap().unwrap());
    let made = |number: u128| {
        let name = format!("u{number}@contoso.example");
        let display_name = if number == 8_500 { "the last".into() } else { "one of many".to_owned() };
        let id = ObjectId::new(Uuid::from_u128(number));
        Object::User(User { id, name_key: name.clone(), name, display_name, ..user.clone() }.into())
    };
    keep(&t, (1..=8_500).map(made).collect()).await;
    let path = format!("{USERS}?$filter=displayName%20eq%20'the%20last'");
    let first = t.get(&path, &token).await.good();
    assert_eq!(first["value"], json!([]), "it was not read that far");
    let (ids, pages) = all(&t, &token, &path).await;
    assert_eq!((ids, pages), (vec![Uuid::from_u128(8_500).to_string()], 2));
}
