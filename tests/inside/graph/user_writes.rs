//! Users made, changed, signed out and deleted over Graph, and what becomes of their tokens.

use carnet_tests::{AZURE_CLI, Contoso, PASSWORD, Reply, SECRET, TENANT, UNREGISTERED};
use serde_json::{Value, json};

const GRAPH: &str = "https://graph.microsoft.com";
const ADA: &str = "/v1.0/users/ada@contoso.example";
const NEW: &str = "Other-horse-8";
/// An administrator of users, and one of Power Platform.
const STAFF: &str = "[[user]]\nname = \"uma@contoso.example\"\npassword = \"Correct-horse-7\"\nroles = [\"User Administrator\"]\n\
    [[user]]\nname = \"pia@contoso.example\"\npassword = \"Correct-horse-7\"\nroles = [\"Power Platform Administrator\"]\n";

fn grace() -> Value {
    json!({
        "accountEnabled": true, "displayName": "Grace Hopper", "mailNickname": "grace",
        "userPrincipalName": "grace@contoso.example", "jobTitle": "Admiral",
        "passwordProfile": { "password": NEW, "forceChangePasswordNextSignIn": false },
    })
}

async fn patch(t: &Contoso, token: &str, path: &str, body: Value) -> Reply {
    t.call("PATCH", path, token, body).await
}

async fn with_password(t: &Contoso, name: &str, password: &str) -> Reply {
    let name = format!("{name}@contoso.example");
    let scope = format!("{GRAPH}/.default offline_access");
    t.token(&[
        ("grant_type", "password"),
        ("client_id", AZURE_CLI),
        ("scope", &scope),
        ("username", &name),
        ("password", password),
    ])
    .await
}

async fn refreshed(t: &Contoso, token: &str) -> Reply {
    t.token(&[("grant_type", "refresh_token"), ("client_id", AZURE_CLI), ("refresh_token", token)]).await
}

#[tokio::test]
async fn a_user_is_made_signs_in_and_has_what_was_said() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let made = t.call("POST", "/v1.0/users", &admin, grace()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((made.json()["jobTitle"].as_str(), made.json()["mail"].as_str()), (Some("Admiral"), None));
    assert!(!made.json().to_string().contains(NEW));
    with_password(&t, "grace", NEW).await.good();
    assert_eq!(with_password(&t, "grace", PASSWORD).await.no(), "400 invalid_grant 50126");
    let again = t.call("POST", "/v1.0/users", &admin, grace()).await;
    assert_eq!(again.no(), "400 Request_BadRequest");
    let ada = t.graph_token("ada").await;
    assert_eq!(t.call("POST", "/v1.0/users", &ada, grace()).await.no(), "403 Authorization_RequestDenied");
    assert_eq!(t.call("POST", "/v1.0/users", "", grace()).await.no(), "401 InvalidAuthenticationToken");
}

#[tokio::test]
async fn what_graph_demands_is_demanded_and_the_list_is_closed_row_103() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    for name in ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"] {
        let mut body = grace();
        body.as_object_mut().unwrap().remove(name);
        assert_eq!(
            t.call("POST", "/v1.0/users", &admin, body).await.no(),
            "400 Request_BadRequest",
            "{name}"
        );
    }
    for (name, value) in [
        ("id", json!("c0000000-0000-4000-8000-00000000000f")),
        ("createdDateTime", json!("2020-01-01T00:00:00Z")),
        ("userType", json!("Guest")),
        ("userPrincipalName", json!("admin2@contoso.example")),
        ("assignedLicenses", json!([{}])),
        ("signInSessionsValidFromDateTime", json!("2020-01-01T00:00:00Z")),
        ("memberOf@odata.bind", Value::Null),
        ("accountEnabled", json!("yes")),
        ("passwordProfile", json!({ "password": "Password1!" })),
        ("passwordProfile", json!({ "password": "short" })),
    ] {
        let told = patch(&t, &admin, ADA, json!({ name: value })).await;
        if name.contains('@') {
            assert_eq!(told.status, 204, "an annotation says nothing");
        } else {
            assert_eq!(told.no(), "400 Request_BadRequest", "{name}");
        }
    }
    with_password(&t, "ada", PASSWORD).await.good();
}

#[tokio::test]
async fn a_disabled_user_gets_nothing_and_calls_nothing_until_enabled_again() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let ada = with_password(&t, "ada", PASSWORD).await.good();
    let token = ada["access_token"].as_str().unwrap();
    t.get("/v1.0/me", token).await.good();
    assert_eq!(patch(&t, &admin, ADA, json!({ "accountEnabled": false })).await.status, 204);
    assert_eq!(t.get("/v1.0/me", token).await.no(), "401 InvalidAuthenticationToken");
    assert_eq!(refreshed(&t, ada["refresh_token"].as_str().unwrap()).await.no(), "400 invalid_grant 50057");
    assert_eq!(with_password(&t, "ada", PASSWORD).await.no(), "400 invalid_grant 50057");
    patch(&t, &admin, ADA, json!({ "accountEnabled": true, "jobTitle": "Countess" })).await.good();
    // What was over stays so; a new sign-in counts.
    assert_eq!(t.get("/v1.0/me", token).await.no(), "401 InvalidAuthenticationToken");
    let again = with_password(&t, "ada", PASSWORD).await.access_token();
    t.get("/v1.0/me", &again).await.good();
    assert_eq!(t.get(&format!("{ADA}?$select=jobTitle"), &admin).await.good()["jobTitle"], "Countess");
}

#[tokio::test]
async fn revoked_sessions_end_tokens_and_the_next_sign_in_counts_at_once() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let ada = with_password(&t, "ada", PASSWORD).await.good();
    let token = ada["access_token"].as_str().unwrap();
    // Half a second on: within the second in which the token was issued, and it is dead all the same.
    t.clock.set(carnet_tests::NOW.plus_millis(500));
    let told = t.call("POST", &format!("{ADA}/revokeSignInSessions"), &admin, Value::Null).await.good();
    assert_eq!(told["value"], true);
    assert_eq!(t.get("/v1.0/me", token).await.no(), "401 InvalidAuthenticationToken");
    assert_eq!(refreshed(&t, ada["refresh_token"].as_str().unwrap()).await.no(), "400 invalid_grant 50173");
    let fresh = with_password(&t, "ada", PASSWORD).await.access_token();
    t.get("/v1.0/me", &fresh).await.good();
    // Anybody their own, and nobody another's.
    let other =
        t.call("POST", "/v1.0/users/admin@contoso.example/revokeSignInSessions", &fresh, Value::Null).await;
    assert_eq!(other.no(), "403 Authorization_RequestDenied");
    t.later(1);
    t.call("POST", "/v1.0/me/revokeSignInSessions", &fresh, Value::Null).await.good();
    assert_eq!(t.get("/v1.0/me", &fresh).await.no(), "401 InvalidAuthenticationToken");
}

#[tokio::test]
async fn a_reset_password_ends_what_the_old_one_gave_and_opens_a_locked_account() {
    let t = Contoso::start().await;
    let admin = t.graph_token("admin").await;
    let ada = with_password(&t, "ada", PASSWORD).await.good();
    for guess in 0..12 {
        let no = with_password(&t, "ada", &format!("wrong guess {guess}")).await.no();
        assert_eq!(no, "400 invalid_grant 50126");
    }
    assert_eq!(with_password(&t, "ada", "another guess").await.no(), "400 invalid_grant 50126");
    t.later(1);
    let body = json!({ "passwordProfile": { "password": NEW, "forceChangePasswordNextSignIn": false } });
    assert_eq!(patch(&t, &admin, ADA, body).await.status, 204);
    with_password(&t, "ada", NEW).await.good();
    assert_eq!(with_password(&t, "ada", PASSWORD).await.no(), "400 invalid_grant 50126");
    assert_eq!(refreshed(&t, ada["refresh_token"].as_str().unwrap()).await.no(), "400 invalid_grant 50173");
    assert_eq!(
        t.get("/v1.0/me", ada["access_token"].as_str().unwrap()).await.no(),
        "401 InvalidAuthenticationToken"
    );
    // Said or not, a password that somebody else set is to be changed.
    let silent = json!({ "passwordProfile": { "password": PASSWORD } });
    assert_eq!(patch(&t, &admin, ADA, silent).await.status, 204);
    assert_eq!(with_password(&t, "ada", PASSWORD).await.no(), "400 invalid_grant 50055");
    assert_eq!(with_password(&t, "ada", NEW).await.no(), "400 invalid_grant 50126");
}

#[tokio::test]
async fn a_lesser_administrator_touches_no_higher_one_row_101() {
    let t = Contoso::with("", STAFF).await;
    let uma = t.graph_token("uma").await;
    let denied = "403 Authorization_RequestDenied";
    for name in ["admin", "pia"] {
        let path = format!("/v1.0/users/{name}@contoso.example");
        for body in [
            json!({ "passwordProfile": { "password": NEW } }),
            json!({ "accountEnabled": false }),
            json!({ "mobilePhone": "1" }),
        ] {
            assert_eq!(patch(&t, &uma, &path, body).await.no(), denied);
        }
        assert_eq!(t.call("DELETE", &path, &uma, Value::Null).await.no(), denied);
        let revoke = format!("{path}/revokeSignInSessions");
        assert_eq!(t.call("POST", &revoke, &uma, Value::Null).await.no(), denied);
    }
    assert_eq!(patch(&t, &uma, ADA, json!({ "passwordProfile": { "password": NEW } })).await.status, 204);
    let reader = t.by_secret(UNREGISTERED, SECRET, GRAPH).await.access_token();
    assert_eq!(patch(&t, &reader, ADA, json!({ "accountEnabled": false })).await.no(), denied);
}

#[tokio::test]
async fn ones_own_password_is_changed_by_who_knows_it() {
    let t = Contoso::start().await;
    let path = "/v1.0/me/changePassword";
    let ada = t.graph_token("ada").await;
    let body = |old: &str, new: &str| json!({ "currentPassword": old, "newPassword": new });
    for (old, new) in [("wrong", NEW), (PASSWORD, "short"), (PASSWORD, "Password1!"), (PASSWORD, PASSWORD)] {
        assert_eq!(t.call("POST", path, &ada, body(old, new)).await.no(), "400 Request_BadRequest");
    }
    with_password(&t, "ada", PASSWORD).await.good();
    t.later(1);
    assert_eq!(t.call("POST", path, &ada, body(PASSWORD, NEW)).await.status, 204);
    assert_eq!(t.get("/v1.0/me", &ada).await.no(), "401 InvalidAuthenticationToken");
    with_password(&t, "ada", NEW).await.good();
    assert_eq!(with_password(&t, "ada", PASSWORD).await.no(), "400 invalid_grant 50126");
    let app = t.by_secret(UNREGISTERED, SECRET, GRAPH).await.access_token();
    assert!(t.call("POST", path, &app, body(NEW, PASSWORD)).await.status >= 400);
}

#[tokio::test]
async fn guesses_at_ones_current_password_count_as_guesses() {
    let t = Contoso::start().await;
    let ada = t.graph_token("ada").await;
    let guess = async |old: &str| {
        let body = json!({ "currentPassword": old, "newPassword": NEW });
        t.call("POST", "/v1.0/me/changePassword", &ada, body).await
    };
    for number in 0..10 {
        assert_eq!(guess(&format!("wrong {number}")).await.no(), "400 Request_BadRequest");
    }
    assert_eq!(guess(PASSWORD).await.no(), "400 Request_BadRequest", "a locked account is not evaluated");
    t.later(61);
    assert_eq!(guess(PASSWORD).await.status, 204);
}

#[tokio::test]
async fn with_a_deleted_user_goes_what_was_theirs() {
    let t = Contoso::with("", STAFF).await;
    let admin = t.graph_token("admin").await;
    let pia = with_password(&t, "pia", PASSWORD).await.good();
    let path = "/v1.0/users/pia@contoso.example";
    assert_eq!(t.call("DELETE", path, &admin, Value::Null).await.status, 204);
    assert_eq!(t.call("DELETE", path, &admin, Value::Null).await.no(), "404 Request_ResourceNotFound");
    let token = pia["access_token"].as_str().unwrap();
    assert_eq!(t.get("/v1.0/me", token).await.no(), "401 InvalidAuthenticationToken");
    assert_eq!(refreshed(&t, pia["refresh_token"].as_str().unwrap()).await.no(), "400 invalid_grant 500341");
    assert_eq!(with_password(&t, "pia", PASSWORD).await.no(), "400 invalid_grant 50126");
    let directory = t.store.directory(TENANT.parse().unwrap()).await.unwrap().unwrap();
    let left = directory.role_assignments().count();
    assert_eq!(left, 2, "the two that are still here");
}
