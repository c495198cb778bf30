//! Names of APIs: whose they are, and what a token under a look-alike opens.

use super::*;
use carnet_wire::catalogue::POWER_PLATFORM;

async fn register(t: &Contoso, token: &str, uris: &[&str]) -> Reply {
    let body = json!({ "displayName": "x", "identifierUris": uris });
    t.call("POST", "/v1.0/applications", token, body).await
}

#[tokio::test]
async fn the_names_of_microsofts_apis_are_nobody_elses() {
    let t = Contoso::start().await;
    let (ada, admin) = (t.graph_token("ada").await, t.graph_token("admin").await);
    assert_eq!(register(&t, &ada, &["https://graph.contoso.example/"]).await.status, 201);
    assert_eq!(
        patch(&t, PUBLIC, json!({ "identifierUris": ["api://public.contoso.example"] })).await.status,
        204
    );
    for uri in [
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "https://graph.microsoft.com//",
        "https://GRAPH.microsoft.com/v1.0",
        "https://api.powerplatform.com//",
        // The tenant does not have this API.
        "https://service.flow.microsoft.com/",
    ] {
        for token in [&ada, &admin] {
            assert_eq!(refusal(&register(&t, token, &[uri]).await), "400 Request_BadRequest", "{uri}");
        }
        let change = json!({ "identifierUris": ["api://public.contoso.example", uri] });
        assert_eq!(refusal(&patch(&t, PUBLIC, change).await), "400 Request_BadRequest", "{uri}");
    }
    assert_eq!(t.get(ME, &t.graph_token("ada").await).await.status, 200);
}

#[tokio::test]
async fn a_slash_more_is_the_same_name() {
    let t = Contoso::start().await;
    let token = t.graph_token("admin").await;
    let made = register(&t, &token, &["https://api.contoso.example/one"]).await.good();
    t.call("POST", "/v1.0/servicePrincipals", &token, json!({ "appId": made["appId"] })).await.good();
    for uri in ["https://api.contoso.example/one/", "https://API.contoso.example/one//"] {
        assert_eq!(refusal(&register(&t, &token, &[uri]).await), "400 Request_BadRequest", "{uri}");
        let issued = t.by_secret(CONFIDENTIAL, SECRET, uri).await.claims();
        assert_eq!(issued["aud"], uri, "the audience stays as it was asked for");
    }
    // Its own application may write it both ways, and gives it back with either.
    let both =
        json!({ "identifierUris": ["https://api.contoso.example/one", "https://api.contoso.example/one/"] });
    let app = made["appId"].as_str().unwrap();
    assert_eq!(patch(&t, app, both).await.status, 204);
    assert_eq!(patch(&t, app, json!({ "identifierUris": [] })).await.status, 204);
    assert_eq!(register(&t, &token, &["https://api.contoso.example/one/"]).await.status, 201);
}

#[tokio::test]
async fn an_audience_is_the_apis_name_and_nothing_that_looks_like_it() {
    let t = Contoso::start().await;
    for (token, path) in tokens(&t).await {
        let plain = carnet_tests::part(&token, 1)["aud"].as_str().unwrap().trim_end_matches('/').to_owned();
        let with = async |aud: &str| t.forge(&token, |claims| claims["aud"] = aud.into()).await;
        for good in [plain.clone(), format!("{plain}/"), plain.to_uppercase()] {
            assert_eq!(t.get(&path, &with(&good).await).await.status, 200, "{good}");
        }
        for bad in [format!("{plain}//"), format!(" {plain}"), format!("{plain}/x")] {
            opens_nothing(&t, &with(&bad).await).await;
        }
    }
}

#[tokio::test]
async fn a_token_is_for_the_principal_that_its_audience_names() {
    let t = Contoso::start().await;
    let token = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&packages(), &token).await.status, 200);
    let admin = t.graph_token("admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{POWER_PLATFORM}')");
    assert_eq!(t.call("DELETE", &path, &admin, Value::Null).await.status, 204);
    assert_eq!(refusal(&t.get(&packages(), &token).await), "401 InvalidAuthenticationToken");
}
