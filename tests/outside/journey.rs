//! The article's five steps by the verbs that people type, ending in an authorised call and a refused one.

use crate::kit::{PASSWORD, Server, carnet, contoso, run, run_with};
use std::{fs, process::Command};

const ENVIRONMENT: &str = "[[environment]]\nname = \"Default\"\nid = \"Default-b7a1c0de-0000-4000-8000-000000000001\"\nsku = \"Default\"\n\
    [[application_package]]\nunique_name = \"contoso_base\"\nname = \"Contoso Base\"\nversion = \"1.0.0.0\"\npublisher = \"Contoso\"\n";
const PACKAGES: &str = "/appmanagement/environments/Default-b7a1c0de-0000-4000-8000-000000000001/applicationPackages?api-version=2022-03-01-preview";

#[test]
fn the_steps_one_by_one_end_in_a_call() {
    let server = Server::start(&contoso(ENVIRONMENT));
    let app =
        run(&mut server.admin(&["app", "create", "reader"])).json()["appId"].as_str().unwrap().to_owned();
    assert_eq!(run(&mut server.admin(&["app", "create", "reader"])).code, Some(2));
    let listed = run(&mut server.admin(&[
        "app",
        "permission",
        "add",
        "reader",
        "AppManagement.ApplicationPackages.Read",
    ]));
    assert!(listed.err.contains("created the missing service principal"), "{}", listed.err);
    assert_eq!(listed.json()[0]["consented"], false);
    run(&mut server.admin(&["app", "consent", "reader"])).json();
    assert_eq!(run(&mut server.admin(&["app", "permission", "list", "reader"])).json()[0]["consented"], true);

    let as_user = [
        "token",
        "--as",
        "user",
        "--username",
        "admin@contoso.example",
        "--password-stdin",
        "--client-id",
        &app,
    ];
    let too_early = run_with(&mut server.verb(&as_user), PASSWORD);
    assert_eq!(too_early.code, Some(1));
    assert!(too_early.err.contains("AADSTS7000218") && too_early.err.contains("step 3"), "{}", too_early.err);
    run(&mut server.admin(&["app", "set", "reader", "--public-client", "on"])).json();
    let token = run_with(&mut server.verb(&as_user), PASSWORD).json();
    let decoded = run_with(&mut carnet(&["token", "decode"]), &token.to_string()).json();
    assert_eq!(decoded["claims"]["scp"], "AppManagement.ApplicationPackages.Read");

    let secret = run(&mut server.admin(&["app", "secret", "add", "reader", "--name", "ci"])).json();
    let value = secret["clientSecret"].as_str().unwrap();
    let call = |server: &Server| {
        let mut command = server.verb(&[
            "api",
            "GET",
            PACKAGES,
            "--as",
            "app",
            "--client-id",
            &app,
            "--secret-env",
            "SECRET",
        ]);
        run(command.env("SECRET", value))
    };
    let refused = call(&server);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("carnet register-admin"), "{}", refused.err);
    run(&mut server.admin(&["register-admin", &app])).json();
    assert_eq!(call(&server).json()["value"][0]["uniqueName"], "contoso_base");
    run(&mut server.admin(&["register-admin", &app, "--remove"])).json();
    assert_eq!(call(&server).code, Some(1));

    let key = secret["keyId"].as_str().unwrap();
    run(&mut server.admin(&["app", "secret", "remove", "reader", key])).json();
    assert!(call(&server).err.contains("AADSTS70002"), "the secret still works");
    run(&mut server.admin(&["app", "delete", "reader"])).json();
    assert!(call(&server).err.contains("AADSTS700016"));
}

#[test]
fn setup_does_it_at_once_and_a_second_time_changes_nothing() {
    let server = Server::start(&contoso(ENVIRONMENT));
    certificate(&server);
    let arguments =
        ["setup", "--name", "reader", "--secret", "ci", "--public-client", "--register-admin", "--yes"];
    let setup = || run(server.admin(&arguments).arg("--certificate").arg(server.path("cert.pem")));
    let unconfirmed = run(&mut server.admin(&["setup", "--name", "reader"]));
    assert_eq!(unconfirmed.code, Some(2), "{}", unconfirmed.err);
    assert_eq!(run(&mut server.admin(&["app", "list"])).json(), serde_json::json!([]));
    let first = setup();
    assert!(first.err.contains("applied 9 of 9 actions"), "{}", first.err);
    let app = first.json()["clientId"].as_str().unwrap().to_owned();
    let again = setup();
    assert!(again.err.contains("applied 0 of 9 actions"), "{}", again.err);
    assert_eq!(again.json()["clientSecret"], serde_json::Value::Null);
    let mut by_certificate = server.verb(&[
        "api",
        "GET",
        PACKAGES,
        "--as",
        "app",
        "--client-id",
        &app,
        "--query",
        "value[].uniqueName",
        "--output",
        "tsv",
    ]);
    by_certificate
        .arg("--certificate")
        .arg(server.path("cert.pem"))
        .arg("--certificate-key")
        .arg(server.path("key.pem"));
    assert_eq!(run(&mut by_certificate).out, "contoso_base\n");
    let shown = run(&mut server.admin(&["app", "certificate", "list", "reader"])).json();
    let thumbprint = shown[0]["thumbprint"].as_str().unwrap().to_owned();
    run(&mut server.admin(&["app", "certificate", "remove", "reader", &thumbprint])).json();
    assert!(
        run(&mut by_certificate).err.contains("AADSTS700027")
            || run(&mut by_certificate).err.contains("AADSTS700026")
    );
}

fn certificate(server: &Server) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["reader".into()]).unwrap().self_signed(&key).unwrap();
    fs::write(server.path("cert.pem"), certificate.pem()).unwrap();
    fs::write(server.path("key.pem"), key.serialize_pem()).unwrap();
}

#[test]
fn secrets_on_the_command_line_are_refused_and_shown_nowhere() {
    let server = Server::start(&contoso(""));
    for flag in ["--client-secret", "--password"] {
        let told = run(&mut server.verb(&[
            "token",
            "--client-id",
            "a0000000-0000-4000-8000-000000000001",
            flag,
            "Canary-secret-1",
        ]));
        assert_eq!(told.code, Some(2));
        assert!(!told.err.contains("Canary-secret-1") && told.err.contains("process list"), "{}", told.err);
    }
    let cmdline = fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(!cmdline.contains(PASSWORD));
    assert!(!server.log().contains(PASSWORD));
}

#[test]
fn a_server_that_is_asked_to_stop_ends_well_and_its_ca_verifies_outside() {
    let mut server = Server::start(&contoso(""));
    let url = format!("{}/healthz", server.ready()["public_url"].as_str().unwrap());
    let curl = |more: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]).args(more).arg(&url);
        run(&mut command)
    };
    let ca = server.ready()["ca_file"].as_str().unwrap().to_owned();
    assert_eq!(curl(&["--cacert", &ca]).out, "200");
    assert_ne!(curl(&[]).code, Some(0), "without the CA it verified too");
    assert_eq!(server.stop(), Some(0), "{}", server.log());
}
