//! The Power Platform API and its administration API behind the router.

use carnet_tests::{CONFIDENTIAL, Contoso, ENVIRONMENT, PLATFORM, PUBLIC, SECRET, UNREGISTERED};
use serde_json::{Value, json};

const BAP: &str = "/providers/Microsoft.BusinessAppPlatform";

fn packages() -> String {
    format!("/appmanagement/environments/{ENVIRONMENT}/applicationPackages?api-version=2022-03-01-preview")
}

#[tokio::test]
async fn a_registered_service_principal_reads_packages_and_another_does_not() {
    let t = Contoso::start().await;
    let token = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&packages(), &token).await.good()["value"][0]["uniqueName"], "contoso_base");
    let other = t.by_secret(UNREGISTERED, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&packages(), &other).await.status, 403);
    assert_eq!(t.get(&packages(), "").await.status, 401);
    let graph = t.by_secret(CONFIDENTIAL, SECRET, "https://graph.microsoft.com").await.access_token();
    assert_eq!(t.get(&packages(), &graph).await.status, 401);
}

#[tokio::test]
async fn a_user_needs_the_operations_permission() {
    let t = Contoso::start().await;
    let ask = async |scope: &str| {
        t.consent_to(PUBLIC, "8578e004-a5c6-46e7-913e-12f58912df43", &[scope]).await;
        t.by_password(PUBLIC, "admin", &format!("{PLATFORM}/{scope}")).await.access_token()
    };
    let packages_token = ask("AppManagement.ApplicationPackages.Read").await;
    t.get(&packages(), &packages_token).await.good();
    let environments = "/environmentmanagement/environments?api-version=2022-03-01-preview";
    assert_eq!(t.get(environments, &packages_token).await.status, 403);
    let environments_token = ask("EnvironmentManagement.Environments.Read").await;
    assert_eq!(t.get(environments, &environments_token).await.good()["value"][0]["id"], ENVIRONMENT);
    assert_eq!(t.get(&packages(), &environments_token).await.status, 403);
}

#[tokio::test]
async fn an_installation_is_an_operation_that_completes() {
    let t = Contoso::start().await;
    let token = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    let path = |name: &str| {
        format!(
            "/appmanagement/environments/{ENVIRONMENT}/applicationPackages/{name}/install?api-version=2022-03-01-preview"
        )
    };
    assert_eq!(t.call("POST", &path("nothing_like_this"), &token, json!({})).await.status, 404);
    let begun = t.call("POST", &path("contoso_base"), &token, json!({})).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let operation =
        begun.header("operation-location").strip_prefix("https://localhost:8443").unwrap().to_owned();
    assert_eq!(t.get(&operation, &token).await.good()["status"], "Running");
    t.later(120);
    assert_eq!(t.get(&operation, &token).await.good()["status"], "Succeeded");
    let other = t.by_secret(UNREGISTERED, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&operation, &other).await.status, 403);
}

#[tokio::test]
async fn only_an_administrator_user_registers_a_service_principal() {
    let t = Contoso::start().await;
    let path = format!("{BAP}/adminApplications/{UNREGISTERED}?api-version=2020-10-01");
    let put = async |token: &str| t.call("PUT", &path, token, json!({})).await;
    assert_eq!(put(&t.bap_token("ada").await).await.status, 403);
    // A registered service principal reads here, and registers nobody.
    let app = t.by_secret(CONFIDENTIAL, SECRET, "https://service.powerapps.com/").await.access_token();
    assert_eq!(put(&app).await.status, 403);
    let list = format!("{BAP}/adminApplications?api-version=2020-10-01");
    assert_eq!(t.get(&list, &app).await.good()["value"], json!([{ "applicationId": CONFIDENTIAL }]));

    let platform = t.by_secret(UNREGISTERED, SECRET, PLATFORM).await.access_token();
    assert_eq!(t.get(&packages(), &platform).await.status, 403);
    let admin = t.bap_token("admin").await;
    assert_eq!(put(&admin).await.good()["applicationId"], UNREGISTERED);
    put(&admin).await.good();
    t.get(&packages(), &platform).await.good();
    assert_eq!(t.get(&list, &admin).await.good()["value"].as_array().unwrap().len(), 2);
    t.call("DELETE", &path, &admin, Value::Null).await.good();
    assert_eq!(t.get(&packages(), &platform).await.status, 403);
    assert_eq!(t.get(&path, &admin).await.status, 404);
}

#[tokio::test]
async fn environments_are_all_the_administrators_and_one_by_one() {
    let t = Contoso::start().await;
    let admin = t.bap_token("admin").await;
    let path = format!("{BAP}/scopes/admin/environments?api-version=2020-10-01");
    assert_eq!(t.get(&path, &admin).await.good()["value"][0]["name"], ENVIRONMENT);
    assert_eq!(t.get(&path, &t.bap_token("ada").await).await.status, 403);
    let one = format!("{BAP}/scopes/admin/environments/{ENVIRONMENT}?api-version=2020-10-01");
    assert_eq!(t.get(&one, &admin).await.good()["name"], ENVIRONMENT);
    let none = format!("{BAP}/scopes/admin/environments/nowhere?api-version=2020-10-01");
    assert_eq!(t.get(&none, &admin).await.status, 404);
}

/// On every host an environment is found by its id in any letter case and as `~default`, and a slash may end the path.
#[tokio::test]
async fn an_environment_goes_by_its_id_in_any_case_and_as_the_default_one() {
    let more = "[[environment]]\nname = \"Second\"\nid = \"ABCDEF00-0000-4000-8000-000000000009\"\nsku = \"Sandbox\"\n";
    let t = Contoso::with("", more).await;
    let (admin, ada) = (t.bap_token("admin").await, t.bap_token("ada").await);
    let second = "abcdef00-0000-4000-8000-000000000009";
    for (names, expected) in [
        (
            [ENVIRONMENT.to_uppercase(), ENVIRONMENT.to_lowercase(), "~default".into(), "%7Edefault".into()],
            ENVIRONMENT,
        ),
        (
            [second.into(), second.to_uppercase(), format!("{second}/"), format!("{second}/?")],
            &*second.to_uppercase(),
        ),
    ] {
        for name in names {
            let query =
                if name.ends_with('?') { "&api-version=2016-11-01" } else { "?api-version=2016-11-01" };
            for form in ["environments", "scopes/admin/environments"] {
                let path = format!("{BAP}/{form}/{name}{query}");
                assert_eq!(t.get(&path, &admin).await.good()["name"], expected, "{path}");
            }
        }
    }
    // Who is no administrator sees the default one, in one of the two forms.
    assert_eq!(t.get(&format!("{BAP}/environments/~default"), &ada).await.good()["name"], ENVIRONMENT);
    assert_eq!(t.get(&format!("{BAP}/environments/{second}"), &ada).await.status, 404);
    assert_eq!(t.get(&format!("{BAP}/scopes/admin/environments/~default"), &ada).await.status, 403);
    assert_eq!(t.get(&format!("{BAP}/environments/~other"), &admin).await.status, 404);

    let app = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    for name in [ENVIRONMENT.to_lowercase(), "~default".into()] {
        let one = format!("/environmentmanagement/environments/{name}/");
        assert_eq!(t.get(&one, &app).await.good()["id"], ENVIRONMENT);
        let list = format!("/appmanagement/environments/{name}/applicationPackages/");
        assert_eq!(t.get(&list, &app).await.good()["value"][0]["uniqueName"], "contoso_base");
        let install = format!("/appmanagement/environments/{name}/applicationPackages/contoso_base/install");
        let begun = t.call("POST", &install, &app, json!({})).await;
        let operation = begun.header("operation-location").replace("https://localhost:8443", "");
        assert!(operation.contains(ENVIRONMENT), "{operation}");
        t.get(&operation, &app).await.good();
        t.get(&operation.replace(ENVIRONMENT, &name), &app).await.good();
    }
    let wrong = "/appmanagement/environments/~other/applicationPackages";
    assert_eq!(t.get(wrong, &app).await.status, 400);
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_says_nothing_on_every_host() {
    let t = Contoso::start().await;
    let admin = t.bap_token("admin").await;
    let app = t.by_secret(CONFIDENTIAL, SECRET, PLATFORM).await.access_token();
    for (path, token) in [
        (format!("{BAP}/environments"), &admin),
        (format!("{BAP}/scopes/admin/environments"), &admin),
        (format!("{BAP}/adminApplications"), &admin),
        (format!("{BAP}/adminApplications/{CONFIDENTIAL}"), &admin),
        ("/environmentmanagement/environments".into(), &app),
        (packages().split('?').next().unwrap().to_owned(), &app),
    ] {
        for query in ["", "?api-version=2020-10-01"] {
            let plain = t.get(&format!("{path}{query}"), token).await.good();
            assert_eq!(t.get(&format!("{path}/{query}"), token).await.good(), plain, "{path}");
            // It opens nothing that was closed.
            assert_eq!(t.get(&format!("{path}/{query}"), "").await.status, 401, "{path}");
        }
    }
    let upper = t.get(&format!("{BAP}/adminApplications/{}/", CONFIDENTIAL.to_uppercase()), &admin).await;
    assert_eq!(upper.good()["applicationId"], CONFIDENTIAL);
    let registered = format!("{BAP}/adminApplications/{UNREGISTERED}/");
    assert_eq!(t.get(&registered, &admin).await.status, 404);
    t.call("PUT", &registered, &admin, json!({})).await.good();
    t.get(&registered, &admin).await.good();
    t.call("DELETE", &registered, &admin, Value::Null).await.good();
    assert_eq!(t.get(&registered, &admin).await.status, 404);
}
