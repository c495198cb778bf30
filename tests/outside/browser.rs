//! Chromium, MSAL Browser and MSAL Node against a running server: every page that people see, and the clients
//! that send people there.

use crate::kit::{PASSWORD, Server, contoso, handed_over, must_run, prepared, run};
use serde_json::{Value, json};
use std::{
    fs,
    process::{Command, Stdio},
};

const KEYS: [&str; 2] = ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"];
const READS: &str = r#"permissions = [{ api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] }]"#;
const OPERATES: &str = r#"permissions = [{ api = "00000003-0000-0000-c000-000000000000", delegated = ["Application.ReadWrite.All", "User-PasswordProfile.ReadWrite.All"] }]"#;
const WIDE: &str = r#"permissions = [
    { api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["AppManagement.ApplicationPackages.Read"] },
    { api = "00000003-0000-0000-c000-000000000000", delegated = ["User.Read"], application = ["Application.Read.All"] },
]"#;
const LOCAL: &str = r#"redirect_uris = { public = ["http://localhost"] }
public_client = true"#;
const CONSENTED: &str = "admin_consent = true";
const SECRETS: &str = r#"secrets = [
    { name = "good", value = "s3cret-value~node", expires = 2099-01-01 },
    { name = "old", value = "s3cret-value~old", expires = 2020-01-01 },
]"#;

fn id(number: u8) -> String {
    format!("b0000000-0000-4000-8000-{number:012}")
}

fn application(number: u8, name: &str, lines: &[&str]) -> String {
    format!("[[application]]\nname = \"{name}\"\nclient_id = \"{}\"\n{}\n", id(number), lines.join("\n"))
}

fn user(name: &str, more: &str) -> String {
    format!("[[user]]\nname = \"{name}@contoso.example\"\npassword = \"{PASSWORD}\"\n{more}\n")
}

/// A key and a certificate that it signed itself.
fn pair(names: &[&str]) -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem())
}

fn missing() -> bool {
    let missing =
        prepared("CARNET_TEST_NODE_MODULES").is_none() || prepared("CARNET_TEST_CHROMIUM").is_none();
    if missing {
        must_run("Chromium with its driver");
    }
    missing
}

/// Runs a script of `browser/` and wants this many cases of it, all passed. An application of the script's own
/// listens on the socket.
fn wants(cases: usize, script: &str, (server, mut facts): (&Server, Value), (socket, port): (Stdio, u16)) {
    let path = |name: &str| server.path(name);
    let (key, certificate) = pair(&["localhost", "127.0.0.1"]);
    fs::write(path("site.pem"), &certificate).unwrap();
    facts["password"] = json!(PASSWORD);
    facts["site"] = json!({ "port": port, "key": key, "certificate": certificate, "file": path("site.pem") });
    fs::write(path("facts.json"), facts.to_string()).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/browser/");
    let mut node = Command::new("node");
    node.arg(format!("{folder}{script}")).arg(path("ready.json")).arg(path("facts.json")).stdin(socket);
    let told = run(node.env("NODE_EXTRA_CA_CERTS", server.ready()["ca_file"].as_str().unwrap()));
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert_eq!(told.out.lines().filter(|line| line.starts_with("PASS ")).count(), cases, "{}", told.out);
}

#[test]
fn every_page_is_whole_with_and_without_script() {
    if missing() {
        return;
    }
    let (socket, port) = handed_over();
    let totp = |key: &str| format!("totp = \"{key}\"");
    let enrols = "[tenant.policy]\nrequire_mfa = [\"user:new-script@contoso.example\", \"user:new-plain@contoso.example\"]\n";
    let both = format!(
        r#"redirect_uris = {{ public = ["http://localhost"], web = ["https://localhost:{port}/back"] }}"#
    );
    let tenant = [
        contoso(enrols),
        user("ada", "display_name = \"Ada Lovelace\""),
        ["grace", "new-script", "new-plain", "old-script", "old-plain"].map(|it| user(it, "")).concat(),
        user("mfa-script", &totp(KEYS[0])),
        user("mfa-plain", &totp(KEYS[1])),
        application(1, "Package reader", &[LOCAL, READS, CONSENTED]),
        application(2, &format!("Weekly report {}", "of".repeat(40)), &[LOCAL, READS]),
        application(3, "Operator", &[LOCAL, OPERATES, CONSENTED]),
        application(4, "Listener", &[&both, READS, CONSENTED]),
        application(5, "Yearly report", &[LOCAL, WIDE]),
        application(6, "Yearly review", &[LOCAL, WIDE]),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "known": id(1), "asking": id(2), "operator": id(3), "listening": id(4),
        "wide_script": id(5), "wide_plain": id(6),
        "user": "ada@contoso.example", "other": "grace@contoso.example", "admin": "admin@contoso.example",
        "mfa_script": { "name": "mfa-script@contoso.example", "totp": KEYS[0] },
        "mfa_plain": { "name": "mfa-plain@contoso.example", "totp": KEYS[1] },
    });
    wants(33, "pages.mjs", (&server, facts), (socket, port));
}

#[test]
fn msal_browser_is_served_and_refused() {
    if missing() {
        return;
    }
    let (socket, port) = handed_over();
    let uris = format!(
        r#"redirect_uris = {{ spa = ["https://localhost:{port}/redirect", "https://localhost:{port}/"] }}"#
    );
    let elsewhere = format!(r#"redirect_uris = {{ spa = ["https://127.0.0.1:{port}/redirect"] }}"#);
    let tenant = [
        contoso(&user("ada", "")),
        application(1, "Dashboard", &[&uris, READS, CONSENTED]),
        application(2, "Weekly report", &[&uris, READS]),
        application(3, "Elsewhere", &[&elsewhere, READS, CONSENTED]),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({ "known": id(1), "asking": id(2), "elsewhere": id(3), "user": "ada@contoso.example" });
    wants(11, "msal_browser.mjs", (&server, facts), (socket, port));
}

#[test]
fn msal_node_is_served_and_refused() {
    if missing() {
        return;
    }
    let (socket, port) = handed_over();
    let ((key, certificate), (foreign_key, foreign)) = (pair(&["witness"]), pair(&["witness"]));
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("cert.pem");
    fs::write(&file, &certificate).unwrap();
    let web = format!(r#"redirect_uris = {{ web = ["http://localhost:{port}/"] }}"#);
    let certificates = format!("certificates = [\"{}\"]", file.display());
    let tenant = [
        contoso(&user("ada", "")),
        user("mfa", &format!("totp = \"{}\"", KEYS[0])),
        application(1, "Desktop", &[LOCAL, READS, CONSENTED]),
        application(2, "Web", &[&web, READS, CONSENTED, SECRETS]),
        application(3, "Service", &[READS, CONSENTED, &certificates]),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "public": id(1), "secret": id(2), "cert": id(3),
        "value": "s3cret-value~node", "expired": "s3cret-value~old",
        "user": "ada@contoso.example", "mfa": "mfa@contoso.example",
        "own": { "key": key, "certificate": certificate },
        "foreign": { "key": foreign_key, "certificate": foreign },
    });
    wants(10, "msal_node.mjs", (&server, facts), (socket, port));
}
