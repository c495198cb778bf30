//! Unmodified Microsoft clients for Python and Go: MSAL and azure-identity get tokens that others verify.

use crate::kit::{PASSWORD, Server, contoso, handed_over, must_run, prepared, run};
use serde_json::json;
use std::{
    fs,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const PERMISSIONS: &str = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\nadmin_consent = true\n";

fn id(number: u8) -> String {
    format!("a0000000-0000-4000-8000-{number:012}")
}

fn application(number: u8, name: &str, more: &str) -> String {
    format!("[[application]]\nname = \"{name}\"\nclient_id = \"{}\"\n{PERMISSIONS}{more}\n", id(number))
}

fn key_and_certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["witness".into()]).unwrap().self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem())
}

/// What a program of clients is run with: a server, the facts about its tenant, and the socket of an outside issuer.
struct Witnessed {
    server: Server,
    socket: Stdio,
    _files: TempDir,
}

/// A tenant with an application for each way to sign in.
fn witnessed() -> Witnessed {
    let ((key, certificate), (other_key, other_certificate)) = (key_and_certificate(), key_and_certificate());
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("cert.pem");
    fs::write(&file, &certificate).unwrap();
    let secrets = "secrets = [{ name = \"good\", value = \"s3cret-value~witness\", expires = 2099-01-01 }, { name = \"old\", value = \"s3cret-value~old\", expires = 2020-01-01 }]";
    let (socket, port) = handed_over();
    let issuer = format!("http://127.0.0.1:{port}");
    let federated = format!(
        "federated = [{{ name = \"workload\", issuer = \"{issuer}\", subject = \"workload\", audience = \"api://AzureADTokenExchange\" }}]"
    );
    let middle = format!(
        "exposes = {{ identifier_uris = [\"api://middle\"], scopes = [\"act\"], token_version = 2 }}\n{secrets}"
    );
    let public = format!(
        "[[application]]\nname = \"public\"\nclient_id = \"{}\"\npublic_client = true\nadmin_consent = true\n\
         permissions = [{{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }}, \
         {{ api = \"00000003-0000-0000-c000-000000000000\", delegated = [\"User.Read\"] }}, \
         {{ api = \"middle\", delegated = [\"act\"] }}]\n",
        id(1)
    );
    let tenant = [
        contoso(&format!("[tenant.policy]\ndanger_allow_issuers = [\"{issuer}\"]\n")),
        "[[user]]\nname = \"mfa@contoso.example\"\npassword = \"Correct-horse-7\"\ntotp = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n".to_owned(),
        application(5, "middle", &middle),
        public,
        application(2, "secret", secrets),
        application(3, "cert", &format!("certificates = [\"{}\"]", file.display())),
        application(4, "federated", &federated),
    ];
    let server = Server::start(&tenant.concat());
    let facts = json!({
        "public": id(1), "secret": id(2), "cert": id(3), "federated": id(4), "middle": id(5), "issuer": issuer,
        "value": "s3cret-value~witness", "expired": "s3cret-value~old",
        "user": "admin@contoso.example", "mfa": "mfa@contoso.example", "password": PASSWORD,
        "key": key, "certificate": certificate, "other_key": other_key, "other_certificate": other_certificate,
    });
    fs::write(server.path("facts.json"), facts.to_string()).unwrap();
    Witnessed { server, socket, _files: files }
}

impl Witnessed {
    /// Runs the program; all of its cases pass, and there are so many.
    fn bears_out(self, mut program: Command, cases: usize) {
        program.arg(self.server.path("ready.json")).arg(self.server.path("facts.json"));
        let told = run(program.stdin(self.socket));
        assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
        assert_eq!(told.out.lines().filter(|line| line.starts_with("PASS ")).count(), cases, "{}", told.out);
    }
}

#[test]
fn msal_azure_identity_and_pyjwt_are_served_and_refused() {
    let Some(python) = prepared("CARNET_TEST_PYTHON") else { return must_run("the Python environment") };
    let mut program = Command::new(python);
    program.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/outside/clients/witness.py"));
    witnessed().bears_out(program, 22);
}

#[test]
fn msal_and_azidentity_for_go_are_served_and_refused() {
    let Some(program) = prepared("CARNET_TEST_GO") else { return must_run("the program of Go clients") };
    witnessed().bears_out(Command::new(program), 31);
}
