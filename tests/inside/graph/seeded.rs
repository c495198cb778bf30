//! What a tenant file says of people and of who may use an application, as Graph and tokens show it.

use carnet_tests::{Contoso, tenant_file};

const READER: &str = "a6000000-0000-4000-8000-000000000001";
const FILE: &str = r#"
[[user]]
name = "grace@contoso.example"
password = "Correct-horse-7"
given_name = "Grace"
surname = "Example"
mail = "grace.example@contoso.example"
[[group]]
name = "Readers"
members = ["ada@contoso.example"]
[[application]]
name = "reader"
client_id = "a6000000-0000-4000-8000-000000000001"
public_client = true
redirect_uris = { web = ["https://reader.example/back"] }
exposes = { identifier_uris = ["api://reader"], scopes = ["read"], app_roles = ["Reader", "Writer"] }
assignment_required = true
assignments = [{ to = "Readers", role = "Reader" }, { to = "grace@contoso.example", role = "Writer" }, { to = "grace@contoso.example" }]
implicit = { id_token = true }
logout_url = "https://reader.example/signed-out"
"#;

#[tokio::test]
async fn people_have_their_names_and_mail() {
    let t = Contoso::with("", FILE).await;
    let admin = t.graph_token("admin").await;
    let grace = t.get("/v1.0/users/grace@contoso.example", &admin).await.good();
    assert_eq!(
        (&grace["givenName"], &grace["surname"], &grace["mail"]),
        (&"Grace".into(), &"Example".into(), &"grace.example@contoso.example".into())
    );
    // Changed by a second file, and what it does not name stays.
    let without = |lines: &[&str]| lines.iter().fold(FILE.to_owned(), |text, line| text.replace(line, ""));
    t.seed(&tenant_file("", &without(&["given_name = \"Grace\"\n"]).replace("\"Example\"", "\"Other\"")))
        .await;
    let grace = t.get("/v1.0/users/grace@contoso.example", &admin).await.good();
    assert_eq!((&grace["givenName"], &grace["surname"]), (&"Grace".into(), &"Other".into()));
}

#[tokio::test]
async fn an_application_is_assigned_to_people_and_groups_and_to_nobody_else() {
    let t = Contoso::with("", FILE).await;
    let ask = async |user: &str| t.by_password(READER, user, &format!("{READER}/.default")).await;
    assert_eq!(ask("ada").await.claims()["roles"], serde_json::json!(["Reader"]));
    assert_eq!(ask("grace").await.claims()["roles"], serde_json::json!(["Writer"]));
    assert_eq!(ask("admin").await.no(), "400 invalid_grant 50105");
    let admin = t.graph_token("admin").await;
    let path = format!("/v1.0/servicePrincipals(appId='{READER}')");
    assert_eq!(t.get(&path, &admin).await.good()["appRoleAssignmentRequired"], true);
    let web = t.get(&format!("/v1.0/applications(appId='{READER}')"), &admin).await.good()["web"].clone();
    assert_eq!(web["logoutUrl"], "https://reader.example/signed-out");
    assert_eq!(web["implicitGrantSettings"]["enableIdTokenIssuance"], true);
    assert_eq!(web["implicitGrantSettings"]["enableAccessTokenIssuance"], false);
    // The same file again changes nothing; without the demand everybody gets in, and no assignment goes.
    let open = FILE.replace("assignment_required = true", "assignment_required = false");
    t.seed(&tenant_file("", &open.replace("assignments = [", "assignments = [ "))).await;
    ask("admin").await.good();
    assert_eq!(ask("ada").await.claims()["roles"], serde_json::json!(["Reader"]));
}
