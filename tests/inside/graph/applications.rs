//! Registrations, their credentials, and their service principals.

use carnet_tests::{CONFIDENTIAL, Contoso, PLATFORM, UNREGISTERED, client_key};
use serde_json::{Value, json};

const LIST: &str = "/v1.0/applications";

async fn created(t: &Contoso, token: &str, name: &str) -> Value {
    let reply = t.call("POST", LIST, token, json!({ "displayName": name })).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn a_registration_is_created_read_changed_and_deleted() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let made = created(&t, &token, "reader").await;
    let by_id = format!("{LIST}/{}", made["id"].as_str().unwrap());
    let by_app = format!("{LIST}(appId='{}')", made["appId"].as_str().unwrap());
    for path in [&by_id, &by_app] {
        assert_eq!(t.get(path, &token).await.good()["displayName"], "reader");
    }
    let change =
        json!({ "isFallbackPublicClient": true, "publicClient": { "redirectUris": ["http://localhost"] } });
    assert_eq!(t.call("PATCH", &by_app, &token, change).await.status, 204);
    let read = t.get(&by_id, &token).await.good();
    assert_eq!((&read["isFallbackPublicClient"], &read["displayName"]), (&json!(true), &json!("reader")));
    assert_eq!(t.call("DELETE", &by_id, &token, Value::Null).await.status, 204);
    for path in [&by_id, &by_app] {
        assert_eq!(t.get(path, &token).await.no(), "404 Request_ResourceNotFound");
        assert_eq!(t.call("DELETE", path, &token, Value::Null).await.no(), "404 Request_ResourceNotFound");
    }
}

#[tokio::test]
async fn a_list_is_filtered_selected_and_cut_into_pages() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    for number in 0..5 {
        created(&t, &token, &format!("page {number}")).await;
    }
    let get = async |query: &str| t.get(&format!("{LIST}?{query}"), &token).await;
    let names = |body: &Value| -> Vec<String> {
        let list = body["value"].as_array().unwrap();
        list.iter().map(|it| it["displayName"].as_str().unwrap().to_owned()).collect()
    };
    let one = get(&format!("$filter=appId%20eq%20'{CONFIDENTIAL}'&$select=displayName")).await.good();
    assert_eq!(one["value"], json!([{ "displayName": "secret" }]));
    assert_eq!(names(&get("$filter=displayName%20eq%20'page%203'").await.good()), ["page 3"]);
    assert_eq!(names(&get("$filter=displayName%20eq%20'page%209'").await.good()).len(), 0);
    let starts = get("$filter=startswith(displayName,'page')").await.good();
    assert_eq!(names(&starts).len(), 5);

    let mut seen = Vec::new();
    let mut page = get("$top=4").await.good();
    loop {
        seen.extend(names(&page));
        let Some(next) = page["@odata.nextLink"].as_str().map(str::to_owned) else { break };
        page = t.get(next.strip_prefix("https://localhost:8443").unwrap(), &token).await.good();
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 9);
    for wrong in
        ["$filter=displayName", "$filter=secret%20eq%20'x'", "$top=0", "$top=1000", "$skiptoken=made-up"]
    {
        assert_eq!(get(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_works_until_it_is_removed() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let made = created(&t, &token, "keeper").await;
    let (id, app) = (made["id"].as_str().unwrap(), made["appId"].as_str().unwrap());
    t.call("POST", "/v1.0/servicePrincipals", &token, json!({ "appId": app })).await.good();
    let path = format!("{LIST}/{id}");
    let asked = json!({ "passwordCredential": { "displayName": "ci" } });
    let secret = t.call("POST", &format!("{path}/addPassword"), &token, asked).await.good();
    let text = secret["secretText"].as_str().unwrap();
    t.by_secret(app, text, PLATFORM).await.good();
    let read = t.get(&path, &token).await.good();
    assert_eq!(read["passwordCredentials"][0]["secretText"], Value::Null);
    assert_eq!(read["passwordCredentials"][0]["hint"], text[..3]);
    assert!(!read.to_string().contains(text));
    let remove = json!({ "keyId": secret["keyId"] });
    let gone = t.call("POST", &format!("{path}/removePassword"), &token, remove.clone()).await;
    assert_eq!(gone.status, 204);
    assert_eq!(t.by_secret(app, text, PLATFORM).await.no(), "401 invalid_client 7000215");
    assert!(t.call("POST", &format!("{path}/removePassword"), &token, remove).await.status >= 400);
}

#[tokio::test]
async fn a_certificate_is_taken_in_and_nonsense_is_not() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let made = created(&t, &token, "signer").await;
    let path = format!("{LIST}/{}", made["id"].as_str().unwrap());
    let (_, pem) = client_key(365);
    let key: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let put = |key: &str| json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": key, "displayName": "ci" }] });
    assert_eq!(t.call("PATCH", &path, &token, put("AAAA")).await.status, 400);
    assert_eq!(t.call("PATCH", &path, &token, put(&key)).await.status, 204);
    let read = t.get(&path, &token).await.good();
    assert_eq!(read["keyCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(read["keyCredentials"][0]["key"], Value::Null);
    let with_key = t.get(&format!("{path}?$select=keyCredentials"), &token).await.good();
    assert_eq!(with_key["keyCredentials"][0]["key"], key);
}

#[tokio::test]
async fn a_body_that_says_nonsense_is_refused_whole() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let made = created(&t, &token, "steady").await;
    let path = format!("{LIST}/{}", made["id"].as_str().unwrap());
    for body in [
        json!({ "displayName": "" }),
        json!({ "displayName": "x".repeat(257) }),
        json!({ "displayName": 7 }),
        json!({ "signInAudience": "Everyone" }),
        json!({ "web": { "redirectUris": ["javascript:alert(1)"] } }),
        json!({ "web": { "redirectUris": ["http://contoso.example/"] } }),
        json!({ "spa": { "redirectUris": ["https://contoso.example/#part"] } }),
        json!({ "nothingLikeThis": 1 }),
        json!({ "requiredResourceAccess": [{ "resourceAppId": "x", "resourceAccess": [] }] }),
    ] {
        let with = [("displayName", json!("changed")), ("notes", json!("changed"))];
        let mut whole = body.clone();
        for (name, value) in with {
            whole.as_object_mut().unwrap().entry(name).or_insert(value);
        }
        assert_eq!(t.call("PATCH", &path, &token, whole).await.status, 400, "{body}");
    }
    let read = t.get(&path, &token).await.good();
    assert_eq!((&read["displayName"], &read["notes"]), (&json!("steady"), &Value::Null));
    assert_eq!(t.call("POST", LIST, &token, json!({})).await.status, 400);
    assert_eq!(t.call("POST", LIST, &token, json!([1])).await.status, 400);
}

#[tokio::test]
async fn a_service_principal_is_made_once_and_also_for_microsofts_own() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let list = "/v1.0/servicePrincipals";
    let post = async |app: &str| t.call("POST", list, &token, json!({ "appId": app })).await;
    let dynamics = "00000007-0000-0000-c000-000000000000";
    let made = post(dynamics).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(post(dynamics).await.status, 409);
    assert_eq!(post("a0000000-0000-4000-8000-00000000dead").await.status, 400);
    assert_eq!(post("nonsense").await.status, 400);
    let path = format!("{list}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(t.get(&path, &token).await.good()["appId"], dynamics);
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.status, 204);
    assert_eq!(t.get(&path, &token).await.no(), "404 Request_ResourceNotFound");
    // Without its principal an application gets no token.
    let own = format!("{list}(appId='{UNREGISTERED}')");
    assert_eq!(t.call("DELETE", &own, &token, Value::Null).await.status, 204);
    let told = t.by_secret(UNREGISTERED, carnet_tests::SECRET, PLATFORM).await.no();
    assert_eq!(told, "401 invalid_client 7000229");
}
