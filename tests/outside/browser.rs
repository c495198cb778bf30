//! Chromium, MSAL Browser and MSAL Node against a running server: every page that people see, and the clients
//! that send people there.

use crate::kit::{PASSWORD, Server, Told, contoso, must_run, prepared, run};
use serde_json::{Value, json};
use std::{fs, process::Command};

const KEYS: [&str; 2] = ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"];
const READS: &str = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n";
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

/// Runs a script of `browser/` and wants this many cases of it, all passed.
fn wants(cases: usize, script: &str, server: &Server, facts: &Value) {
    let path = |name: &str| server.path(name);
    fs::write(path("facts.json"), facts.to_string()).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/browser/");
    let mut node = Command::new("node");
    node.arg(format!("{folder}{script}")).arg(path("ready.json")).arg(path("facts.json"));
    let ca = server.ready()["ca_file"].as_str().unwrap().to_owned();
    let told: Told = run(node.env("NODE_EXTRA_CA_CERTS", ca));
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert_eq!(told.out.lines().filter(|line| line.starts_with("PASS ")).count(), cases, "{}", told.out);
}

#[test]
fn every_page_is_whole_with_and_without_script() {
    if prepared("CARNET_TEST_NODE_MODULES").is_none() || prepared("CARNET_TEST_CHROMIUM").is_none() {
        return must_run("Chromium with its driver");
    }
    let totp = |key: &str| format!("totp = \"{key}\"");
    let local = "redirect_uris = { public = [\"http://localhost\"] }\npublic_client = true\n";
    let tenant = [
        contoso(&user("ada", "")),
        user("mfa-script", &totp(KEYS[0])),
        user("mfa-plain", &totp(KEYS[1])),
        application(1, "Package reader", &format!("{local}{CONSENTED}")),
        application(2, "Weekly report", local),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "known": id(1), "asking": id(2),
        "user": "ada@contoso.example", "admin": "admin@contoso.example", "password": PASSWORD,
        "mfa_script": { "name": "mfa-script@contoso.example", "totp": KEYS[0] },
        "mfa_plain": { "name": "mfa-plain@contoso.example", "totp": KEYS[1] },
    });
    wants(23, "pages.mjs", &server, &facts);
}
