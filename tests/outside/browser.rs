//! Chromium, MSAL Browser and MSAL Node against a running server: every page that people see, and the clients
//! that send people there.

use crate::kit::{PASSWORD, Server, Told, contoso, handed_over, must_run, prepared, run};
use serde_json::{Value, json};
use std::{
    fs,
    process::{Command, Stdio},
};

const KEYS: [&str; 2] = ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"];
const READS: &str = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n";
const LOCAL: &str = "redirect_uris = { public = [\"http://localhost\"] }\npublic_client = true\n";
const CONSENTED: &str = "admin_consent = true\n";

fn id(number: u8) -> String {
    format!("b0000000-0000-4000-8000-{number:012}")
}

fn application(number: u8, name: &str, more: &str) -> String {
    format!("[[application]]\nname = \"{name}\"\nclient_id = \"{}\"\n{READS}{more}\n", id(number))
}

fn user(name: &str, more: &str) -> String {
    format!("[[user]]\nname = \"{name}@contoso.example\"\npassword = \"{PASSWORD}\"\n{more}\n")
}

fn missing() -> bool {
    prepared("CARNET_TEST_NODE_MODULES").is_none() || prepared("CARNET_TEST_CHROMIUM").is_none()
}

/// Runs a script of `browser/` and wants this many cases of it, all passed.
fn wants(cases: usize, script: &str, (server, facts): (&Server, &Value), input: Stdio) {
    let path = |name: &str| server.path(name);
    fs::write(path("facts.json"), facts.to_string()).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/browser/");
    let mut node = Command::new("node");
    node.arg(format!("{folder}{script}")).arg(path("ready.json")).arg(path("facts.json"));
    let ca = server.ready()["ca_file"].as_str().unwrap().to_owned();
    let told: Told = run(node.env("NODE_EXTRA_CA_CERTS", ca).stdin(input));
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert_eq!(told.out.lines().filter(|line| line.starts_with("PASS ")).count(), cases, "{}", told.out);
}

#[test]
fn every_page_is_whole_with_and_without_script() {
    if missing() {
        return must_run("Chromium with its driver");
    }
    let totp = |key: &str| format!("totp = \"{key}\"");
    let enrols = "[tenant.policy]\nrequire_mfa = [\"user:new-script@contoso.example\", \"user:new-plain@contoso.example\"]\n";
    let operator = "permissions = [{ api = \"00000003-0000-0000-c000-000000000000\", delegated = [\"User-PasswordProfile.ReadWrite.All\"] }]\npublic_client = true\nadmin_consent = true\n";
    let tenant = [
        contoso(enrols),
        ["ada", "grace", "new-script", "new-plain", "old-script", "old-plain"]
            .map(|it| user(it, ""))
            .concat(),
        user("mfa-script", &totp(KEYS[0])),
        user("mfa-plain", &totp(KEYS[1])),
        format!("[[application]]\nname = \"Operator\"\nclient_id = \"{}\"\n{operator}", id(3)),
        application(1, "Package reader", &format!("{LOCAL}{CONSENTED}")),
        application(2, &format!("Weekly report {}", "of".repeat(40)), LOCAL),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "known": id(1), "asking": id(2), "operator": id(3),
        "user": "ada@contoso.example", "other": "grace@contoso.example", "admin": "admin@contoso.example", "password": PASSWORD,
        "mfa_script": { "name": "mfa-script@contoso.example", "totp": KEYS[0] },
        "mfa_plain": { "name": "mfa-plain@contoso.example", "totp": KEYS[1] },
    });
    wants(29, "pages.mjs", (&server, &facts), Stdio::null());
}

#[test]
fn msal_browser_is_served_and_refused() {
    if missing() {
        return must_run("Chromium with its driver");
    }
    let (socket, port) = handed_over();
    let uris = format!(
        "redirect_uris = {{ spa = [\"https://localhost:{port}/redirect\", \"https://localhost:{port}/\"] }}\n"
    );
    let tenant = [
        contoso(&user("ada", "")),
        application(1, "Dashboard", &format!("{uris}{CONSENTED}")),
        application(2, "Weekly report", &uris),
    ];
    let server = Server::start(&tenant.concat());
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
    fs::write(server.path("application.pem"), &certificate).unwrap();
    let facts = json!({
        "known": id(1), "asking": id(2), "port": port,
        "user": "ada@contoso.example", "password": PASSWORD,
        "key": key.serialize_pem(), "certificate": certificate, "certificate_file": server.path("application.pem"),
    });
    wants(10, "msal_browser.mjs", (&server, &facts), socket);
}

#[test]
fn msal_node_is_served_and_refused() {
    if missing() {
        return must_run("Chromium with its driver");
    }
    let pair = || {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["witness".into()]).unwrap();
        (key.serialize_pem(), parameters.self_signed(&key).unwrap().pem())
    };
    let (socket, port) = handed_over();
    let ((key, certificate), (foreign_key, foreign)) = (pair(), pair());
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("cert.pem");
    fs::write(&file, &certificate).unwrap();
    let secrets = "secrets = [{ name = \"good\", value = \"s3cret-value~node\", expires = 2099-01-01 }, { name = \"old\", value = \"s3cret-value~old\", expires = 2020-01-01 }]";
    let tenant = [
        contoso(&user("ada", "")),
        user("mfa", &format!("totp = \"{}\"", KEYS[0])),
        application(1, "Desktop", &format!("{LOCAL}{CONSENTED}")),
        application(
            2,
            "Web",
            &format!("redirect_uris = {{ web = [\"http://localhost:{port}/\"] }}\n{CONSENTED}{secrets}"),
        ),
        application(3, "Service", &format!("{CONSENTED}certificates = [\"{}\"]", file.display())),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "public": id(1), "secret": id(2), "cert": id(3),
        "value": "s3cret-value~node", "expired": "s3cret-value~old",
        "user": "ada@contoso.example", "mfa": "mfa@contoso.example", "password": PASSWORD,
        "own": { "key": key, "certificate": certificate },
        "foreign": { "key": foreign_key, "certificate": foreign },
    });
    wants(10, "msal_node.mjs", (&server, &facts), socket);
}
