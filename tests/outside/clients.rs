//! Unmodified Microsoft clients for Python, Go and Java: MSAL and azure-identity get tokens that others verify.

use crate::kit::{PASSWORD, Server, handed_over, must_run, prepared, run};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

const PERMISSIONS: &str = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }, { api = \"00000003-0000-0000-c000-000000000000\", delegated = [\"User.Read\"] }]\nadmin_consent = true\n";
const SECRETS: &str = "secrets = [{ name = \"good\", value = \"s3cret-value~witness\", expires = 2099-01-01 }, { name = \"old\", value = \"s3cret-value~old\", expires = 2020-01-01 }]";

/// A tenant with an application for each way to sign in.
struct Home {
    number: u8,
    domain: &'static str,
    issuer: String,
    key: String,
    certificate: String,
}

impl Home {
    fn new(number: u8, domain: &'static str, issuer_port: u16) -> Self {
        let (key, certificate) = key_and_certificate();
        Self { number, domain, issuer: format!("http://127.0.0.1:{issuer_port}"), key, certificate }
    }

    fn tenant(&self) -> String {
        format!("b7a1c0de-0000-4000-8000-{:012}", self.number)
    }

    fn id(&self, number: u8) -> String {
        format!("a0000000-000{}-4000-8000-{number:012}", self.number)
    }

    fn user(&self, name: &str) -> String {
        format!("{name}@{}", self.domain)
    }

    fn application(&self, number: u8, name: &str, more: &str) -> String {
        let id = self.id(number);
        format!("[[application]]\nname = \"{name}\"\nclient_id = \"{id}\"\n{PERMISSIONS}{more}\n")
    }

    /// For people on devices without a secret; several resources.
    fn public_application(&self) -> String {
        format!(
            "[[application]]\nname = \"public\"\nclient_id = \"{}\"\npublic_client = true\nadmin_consent = true\n\
             permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}, \
             {{ api = \"00000003-0000-0000-c000-000000000000\", delegated = [\"User.Read\"] }}, \
             {{ api = \"middle\", delegated = [\"act\"] }}]\n",
            self.id(1)
        )
    }

    /// The tenant file; its certificate lies beside it.
    fn file(&self) -> String {
        let federated = format!(
            "federated = [{{ name = \"workload\", issuer = \"{}\", subject = \"workload\", audience = \"api://AzureADTokenExchange\" }}]",
            self.issuer
        );
        let middle = format!(
            "exposes = {{ identifier_uris = [\"api://middle\"], scopes = [\"act\"], token_version = 2 }}\n{SECRETS}"
        );
        let person = |name: &str, more: &str| {
            format!("[[user]]\nname = \"{}\"\npassword = \"{PASSWORD}\"\n{more}\n", self.user(name))
        };
        [
            format!(
                "version = 1\n[tenant]\nid = \"{}\"\ndomain = \"{}\"\nname = \"Home {}\"\n[tenant.policy]\ndanger_allow_issuers = [\"{}\"]\n",
                self.tenant(),
                self.domain,
                self.number,
                self.issuer
            ),
            person("admin", "roles = [\"Global Administrator\"]"),
            person("revoked", ""),
            person("left", ""),
            person("leaving", ""),
            person("mfa", "totp = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\""),
            self.application(5, "middle", &middle),
            self.public_application(),
            self.application(2, "secret", SECRETS),
            self.application(3, "cert", &format!("certificates = [\"cert-{}.pem\"]", self.number)),
            self.application(4, "federated", &federated),
            self.application(6, "multiple", "public_client = true\naudience = \"AzureADMultipleOrgs\"\n"),
        ]
        .concat()
    }

    /// What a program of clients is told about this tenant, and about the other one when there is one.
    fn facts(&self, other: Option<&Self>) -> Value {
        let (other_key, other_certificate) = key_and_certificate();
        let mut facts = json!({
            "tenant": self.tenant(), "domain": self.domain, "issuer": self.issuer,
            "public": self.id(1), "secret": self.id(2), "cert": self.id(3), "federated": self.id(4),
            "middle": self.id(5), "multiple": self.id(6),
            "value": "s3cret-value~witness", "expired": "s3cret-value~old",
            "user": self.user("admin"), "mfa": self.user("mfa"), "revoked": self.user("revoked"),
            "left": self.user("left"), "leaving": self.user("leaving"),
            "password": PASSWORD, "key": self.key, "certificate": self.certificate,
            "other_key": other_key, "other_certificate": other_certificate,
        });
        if let Some(other) = other {
            facts["foreign_tenant"] = other.tenant().into();
            facts["foreign_domain"] = other.domain.into();
            facts["foreign_public"] = other.id(1).into();
            facts["foreign_user"] = other.user("admin").into();
        }
        facts
    }
}

fn key_and_certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["witness".into()]).unwrap().self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem())
}

/// What a program of clients is run with, once for each tenant.
struct Run {
    facts: PathBuf,
    /// The socket of the tenant's outside issuer.
    socket: Stdio,
}

/// A server with one tenant or with two.
struct Witnessed {
    server: Server,
    runs: Vec<Run>,
}

fn witnessed(domains: &[&'static str]) -> Witnessed {
    let folder = tempfile::tempdir().unwrap();
    let (mut homes, mut sockets) = (Vec::new(), Vec::new());
    for (number, domain) in (1..).zip(domains) {
        let (socket, port) = handed_over();
        sockets.push(socket);
        homes.push(Home::new(number, domain, port));
    }
    for home in &homes {
        write(&folder, &format!("cert-{}.pem", home.number), &home.certificate);
        write(&folder, &format!("tenant-{}.toml", home.number), &home.file());
        let other = homes.iter().find(|other| other.number != home.number);
        write(&folder, &format!("facts-{}.json", home.number), &home.facts(other).to_string());
    }
    let more: Vec<&str> = match homes.len() {
        1 => vec![],
        _ => vec!["--tenant-file", "FOLDER/tenant-2.toml"],
    };
    let server = Server::start_in(folder, &homes[0].file(), &more);
    let facts = homes.iter().map(|home| server.path(&format!("facts-{}.json", home.number)));
    let runs = facts.zip(sockets).map(|(facts, socket)| Run { facts, socket }).collect();
    Witnessed { server, runs }
}

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).unwrap();
}

impl Witnessed {
    /// Runs the program for each tenant; all of its cases pass, and there are so many.
    fn bears_out(self, program: impl Fn() -> Command, cases: usize) {
        let ready = self.server.path("ready.json");
        for it in self.runs {
            let told = run(program().arg(&ready).arg(&it.facts).stdin(it.socket));
            assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
            assert_eq!(
                told.out.lines().filter(|line| line.starts_with("PASS ")).count(),
                cases,
                "{}",
                told.out
            );
        }
    }
}

const ONE: [&str; 1] = ["contoso.example"];
const TWO: [&str; 2] = ["contoso.example", "fabrikam.example"];

#[test]
fn msal_azure_identity_and_pyjwt_are_served_and_refused() {
    let Some(python) = prepared("CARNET_TEST_PYTHON") else { return must_run("the Python environment") };
    let program = || {
        let mut program = Command::new(&python);
        program.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/outside/clients/witness.py"));
        program
    };
    witnessed(&ONE).bears_out(program, 23);
}

#[test]
fn msal_and_azidentity_for_go_are_served_and_refused() {
    let Some(program) = prepared("CARNET_TEST_GO") else { return must_run("the program of Go clients") };
    witnessed(&ONE).bears_out(|| Command::new(&program), 99);
}

#[test]
fn msal_and_azidentity_for_go_are_served_and_refused_in_each_of_two_tenants() {
    let Some(program) = prepared("CARNET_TEST_GO") else { return must_run("the program of Go clients") };
    witnessed(&TWO).bears_out(|| Command::new(&program), 119);
}

fn java(folder: &Path) -> Command {
    let mut command = Command::new("java");
    let path = std::env::join_paths([folder.join("classes"), folder.join("lib/*")]).unwrap();
    // It runs for seconds: the second compiler and a parallel collector would cost more than they bring.
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
    command.arg("-cp").arg(path).arg("carnet.Witness");
    command
}

#[test]
fn msal4j_and_azure_identity_for_java_are_served_and_refused() {
    let Some(folder) = prepared("CARNET_TEST_JAVA") else { return must_run("the program of Java clients") };
    witnessed(&ONE).bears_out(|| java(&folder), 100);
}

#[test]
fn msal4j_and_azure_identity_for_java_are_served_and_refused_in_each_of_two_tenants() {
    let Some(folder) = prepared("CARNET_TEST_JAVA") else { return must_run("the program of Java clients") };
    witnessed(&TWO).bears_out(|| java(&folder), 120);
}
