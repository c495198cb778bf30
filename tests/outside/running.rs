//! What a running server does with signals, and what clients see while they still send.

use crate::{
    kit::{Server, contoso, run, signal, until},
    limits::{connect, connect_to},
};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const APPLICATION: &str = "[[application]]\nname = \"later\"\n";

/// Writes a certificate for localhost and its key.
fn certificate(folder: &Path, name: &str) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("tls.pem"), made.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    fs::write(folder.join(name), made.pem()).unwrap();
    made.der().to_vec()
}

#[tokio::test]
async fn a_hangup_reads_certificate_and_tenant_files_again_and_what_is_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "first.pem");
    let mut server = Server::start_in(
        folder,
        &contoso(""),
        &["--tls-cert", "FOLDER/tls.pem", "--tls-key", "FOLDER/tls.key"],
    );
    let apps = || run(&mut server.admin(&["app", "list", "--query", "[].displayName"])).json();
    assert!(!apps().to_string().contains("later"));
    let second = certificate(server.folder.path(), "second.pem");
    fs::write(server.path("tenant.toml"), contoso(APPLICATION)).unwrap();
    signal(server.pid(), "HUP");
    server.says("objects created or changed", 2);
    assert!(apps().to_string().contains("later"));
    let shown = async |ca: &str| {
        let stream = connect_to(server.address(), &server.path(ca), &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    assert_eq!(shown("second.pem").await, second);
    fs::write(server.path("tls.pem"), "nothing").unwrap();
    fs::write(server.path("tenant.toml"), "version = 1\ncolour = \"red\"\n").unwrap();
    signal(server.pid(), "HUP");
    server.says("could not reload the certificate", 1);
    server.says("could not reload the tenant files", 1);
    assert!(server.log().contains("colour"));
    assert_eq!(shown("second.pem").await, second);
    assert_eq!(server.stop(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_stops_a_server_whose_terminal_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.toml"), contoso("")).unwrap();
    let program = crate::kit::binary();
    let line = format!(
        "{} up --listen 127.0.0.1:0 --data {1}/data --tenant-file {1}/tenant.toml",
        program.display(),
        folder.path().display()
    );
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::null());
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let ready = folder.path().join("data/ready.json");
    until("no ready file", || ready.exists());
    let told: Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
    signal(told["pid"].as_u64().unwrap().try_into().unwrap(), "HUP");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("stopping") && !text.contains("reloaded"), "{text}");
    assert!(!ready.exists());
}

#[tokio::test]
async fn a_stop_says_that_it_waits_for_a_request_and_the_client_gets_its_answer() {
    let mut server = Server::start(&contoso(""));
    let mut stream = connect(&server).await;
    let head = "POST /contoso.example/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\
                Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = [0; 1024];
    let count = stream.read(&mut bytes).await.unwrap();
    assert!(bytes[..count].starts_with(b"HTTP/1.1 100 "), "{:?}", String::from_utf8_lossy(&bytes[..count]));
    signal(server.pid(), "TERM");
    server.says("waiting up to 10 s for 1 request(s) in progress", 1);
    stream.write_all(b"a=b").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(server.ended(), Some(0));
}

#[tokio::test]
async fn a_client_that_still_sends_sees_the_refusal() {
    let server = Server::start(&contoso(""));
    let ca = server.ready()["ca_file"].as_str().unwrap().to_owned();
    let ca = reqwest::Certificate::from_pem(&fs::read(ca).unwrap()).unwrap();
    let builder = || reqwest::Client::builder().tls_certs_only([ca.clone()]).no_proxy();
    let address = server.ready()["public_url"].as_str().unwrap().to_owned();
    for client in [builder().http1_only().build().unwrap(), builder().build().unwrap()] {
        for _ in 0..40 {
            for (path, status) in [
                ("contoso.example/oauth2/v2.0/token", 415),
                ("v1.0/applications", 401),
                ("v1.0/nowhere", 400),
                ("healthz", 405),
            ] {
                let request =
                    client.post(format!("{address}/{path}")).header("content-type", "application/json");
                let answer = request.body("x".repeat(40_000)).send().await.unwrap();
                assert_eq!(answer.status(), status, "{:?} {path}", answer.version());
            }
        }
    }
}

#[tokio::test]
async fn each_request_leaves_one_line_in_the_log_without_what_is_secret() {
    let server = Server::start(&contoso(""));
    let ca = fs::read(server.ready()["ca_file"].as_str().unwrap()).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    let url = server.ready()["public_url"].as_str().unwrap().to_owned();
    let tenant = server.ready()["tenants"][0]["id"].as_str().unwrap().to_owned();
    let (app, correlation) = ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "5ca1ab1e-0000-4000-8000-00000000c0de");
    let form = [
        ("grant_type", "password"),
        ("client_id", app),
        ("scope", "openid"),
        ("username", "nobody@contoso.example"),
        ("password", "not-the-pass-word"),
    ];
    let request = client.post(format!("{url}/contoso.example/oauth2/v2.0/token"));
    let request = request.header("client-request-id", correlation).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 400);
    for path in ["v1.0/me?$select=id", "nowhere/at/all"] {
        client.get(format!("{url}/{path}")).send().await.unwrap();
    }
    server.says("request answered", 3);
    let log = server.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    let lines: Vec<Value> = lines.filter(|line: &Value| line["message"] == "request answered").collect();
    assert_eq!(lines.len(), 3, "{log}");
    let names = ["host", "method", "route", "status", "tenant.id", "app.id"];
    let shown = |line: &Value| Value::from(names.map(|name| line[name].clone()).to_vec());
    let token = "/{tenant}/oauth2/v2.0/token";
    assert_eq!(shown(&lines[0]), json!(["login", "POST", token, 400, tenant, app]));
    assert_eq!(lines[0]["correlation.id"], correlation);
    assert!(lines[0]["duration_ms"].is_i64(), "{log}");
    assert_eq!(shown(&lines[1]), json!(["graph", "GET", "/v1.0/me", 401, null, null]));
    assert_eq!(shown(&lines[2]), json!(["login", "GET", null, 404, null, null]));
    for secret in ["not-the-pass-word", "nobody@", "select"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
