//! What a start tells and leaves: ports, the first administrator, ready files, names.

use crate::kit::{PASSWORD, Server, binary, carnet, contoso, run, signal, until};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A server without a tenant file, and what it writes to standard error.
struct Bare {
    folder: TempDir,
    child: Child,
}

impl Bare {
    fn start(folder: TempDir, more: &[&str]) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = carnet(&["up", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(folder.path().join("data")).args(more).stdout(Stdio::null()).stderr(log);
        let started = Self { child: command.spawn().unwrap(), folder };
        until("no ready file in the data folder", || started.path("data/ready.json").exists());
        // It is told after the file is there.
        until("it says nothing", || started.log().contains("tenant  "));
        started
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    fn ready(&self) -> Value {
        json(&self.path("data/ready.json"))
    }

    fn stop(mut self) -> TempDir {
        signal(self.child.id(), "TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_first_start_that_nobody_watches_writes_the_password_for_its_owner_alone() {
    let server = Bare::start(tempfile::tempdir().unwrap(), &[]);
    let path = server.path("data/first-passwords.json");
    let passwords = json(&path);
    let password = passwords["admin@contoso.example"].as_str().unwrap();
    assert_eq!(passwords.as_object().unwrap().len(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let log = server.log();
    assert!(log.contains(&path.display().to_string()) && log.contains("admin@contoso.example"), "{log}");
    assert!(!log.contains(password));
    // It signs in.
    let file = server.path("password");
    fs::write(&file, password).unwrap();
    let list = |ready: PathBuf| {
        let mut command = carnet(&["app", "list", "--username", "admin@contoso.example", "--ready-file"]);
        run(command.arg(ready).arg("--password-file").arg(&file))
    };
    assert!(list(server.path("data/ready.json")).json().is_array());
    // A later start leaves it alone, and tells nothing of it.
    let folder = server.stop();
    let server = Bare::start(folder, &[]);
    assert_eq!(json(&server.path("data/first-passwords.json")), passwords);
    assert!(!server.log().contains("first-passwords"), "{}", server.log());
}

#[test]
fn a_chosen_password_is_told_as_used_once_and_later_as_unused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, PASSWORD).unwrap();
    let more = ["--admin-password-file", &file.display().to_string()];
    let server = Bare::start(folder, &more);
    let log = server.log();
    assert!(log.contains("administrator admin@contoso.example, with the password of"), "{log}");
    assert!(!log.contains("not used") && !log.contains(PASSWORD), "{log}");
    assert!(!server.path("data/first-passwords.json").exists());
    let folder = server.stop();
    fs::write(&file, "Another-horse-8").unwrap();
    let server = Bare::start(folder, &more);
    let log = server.log();
    assert!(log.contains("--admin-password-file was not used"), "{log}");
}

#[test]
fn ready_files_are_there_while_the_server_is_and_a_start_that_fails_leaves_no_old_one() {
    let mut server = Server::start(&contoso(""));
    let files = [server.path("ready.json"), server.path("data/ready.json")];
    let told = files.each_ref().map(|path| json(path));
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["pid"], server.pid());
    assert_eq!(server.stop(), Some(0));
    assert!(files.iter().all(|path| !path.exists()));
    server.start_again();
    server.kill();
    assert!(files.iter().all(|path| path.exists()));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = carnet(&["up", "--listen", &taken.local_addr().unwrap().to_string()]);
    command.arg("--data").arg(server.path("data")).arg("--ready-file").arg(server.path("ready.json"));
    let told = run(&mut command);
    assert!(told.code == Some(2) && told.err.contains("in use"), "{}", told.err);
    assert!(files.iter().all(|path| !path.exists()));
}

#[test]
fn free_ports_are_told_in_the_output_and_in_the_ready_file() {
    let file = contoso("");
    let more = ["--danger-plain-http", "127.0.0.1:0", "--public-url", "https://carnet.example:443"];
    let server = Server::start_with(&file, &more);
    let ready = server.ready();
    assert_eq!(ready["public_url"], "https://carnet.example");
    let (listen, plain) = (ready["listen"].as_str().unwrap(), ready["plain_http"].as_str().unwrap());
    assert!(listen.starts_with("127.0.0.1:") && !listen.ends_with(":0"), "{ready}");
    server.says(listen, 1);
    server.says(plain, 1);
    let curl = |url: &str, more: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*", "-w", "%{http_code}", "-o", "/dev/null", url]).args(more);
        run(&mut command).out
    };
    assert_eq!(curl(&format!("{plain}/healthz"), &[]), "200");
    let (to, ca) = (format!("::{listen}"), ready["ca_file"].as_str().unwrap());
    assert_eq!(curl("https://carnet.example/healthz", &["--connect-to", &to, "--cacert", ca]), "200");
    let without = Server::start(&file).ready();
    assert_eq!(without["plain_http"], Value::Null);
}

#[test]
fn names_of_microsofts_are_answered_with_a_certificate_and_their_own_issuers() {
    let server = Server::start_with(&contoso(""), &["--host", "login.microsoftonline.com"]);
    let ready = server.ready();
    let (to, ca) = (format!("::{}", ready["listen"].as_str().unwrap()), ready["ca_file"].as_str().unwrap());
    let curl = |url: &str, version: &str| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*", "--connect-to", &to, "--cacert", ca, version, url]);
        run(&mut command)
    };
    let metadata = "contoso.example/v2.0/.well-known/openid-configuration";
    let tenant = ready["tenants"][0]["id"].as_str().unwrap();
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    for host in ["login.microsoftonline.com", "westus2.login.microsoft.com", "login.windows.net"] {
        let told = curl(&format!("https://{host}/{metadata}"), "--http2");
        assert_eq!(told.json()["issuer"], issuer, "{host}");
    }
    let told = curl("https://sts.windows.net/contoso.example/.well-known/openid-configuration", "--http1.1");
    assert_eq!(told.json()["issuer"], format!("https://sts.windows.net/{tenant}/"));
    let told = curl("https://europe.api.bap.microsoft.com/nowhere", "--http2");
    assert_eq!(told.code, Some(0), "{}", told.err);
    // Names that are not answered get no certificate.
    for host in ["evil.example", "a.b.api.bap.microsoft.com", "x.graph.microsoft.com"] {
        assert_eq!(curl(&format!("https://{host}/healthz"), "--http1.1").code, Some(60), "{host}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_cannot_write_is_not_ready_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.toml"), contoso("")).unwrap();
    // A process that may write no file is as one whose disk is full; the signal for it is ignored.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(binary());
    command.args(["up", "--listen", "127.0.0.1:0", "--log", "off", "--data"]).arg(folder.path().join("data"));
    command.arg("--tenant-file").arg(folder.path().join("tenant.toml"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Bare { folder, child };
    until("no ready file", || server.path("data/ready.json").exists());
    let ready = server.ready();
    let url = format!("{}/readyz", ready["public_url"].as_str().unwrap());
    let status = || {
        let mut command = Command::new("curl");
        command.args(["-sS", "--noproxy", "*", "--cacert", ready["ca_file"].as_str().unwrap()]);
        run(command.args(["-w", "%{http_code}", &url])).out
    };
    let limit = |bytes: &str| {
        let pid = server.child.id().to_string();
        let done =
            Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status();
        assert!(done.unwrap().success());
    };
    limit("0");
    assert_eq!(status(), "the store cannot be written\n503");
    limit("unlimited");
    assert_eq!(status(), "ok\n200");
}

#[test]
fn a_ca_file_is_a_copy_that_each_start_writes_anew() {
    let mut server = Server::start(&contoso(""));
    let ca = server.path("data/ca.pem");
    let trusted = fs::read_to_string(&ca).unwrap();
    server.says("this CA is new", 1);
    assert_eq!(server.stop(), Some(0));
    fs::remove_file(&ca).unwrap();
    server.start_again();
    assert_eq!(fs::read_to_string(&ca).unwrap(), trusted);
    assert_eq!(server.stop(), Some(0));
    server.says("this CA is new", 1);
    assert_eq!(server.log().matches("this CA is new").count(), 1);
}

#[tokio::test]
async fn a_node_with_another_public_url_ends_with_2_and_names_the_command_that_changes_it() {
    let Some(database) = carnet_tests::database::database().await else { return };
    let database = database.expose();
    let (one, two) = ("https://one.example", "https://two.example");
    let file = contoso("");
    let mut server = Server::start_with(&file, &["--database-url", database, "--public-url", one]);
    let seal = server.path("data/seal.key").display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let node = |more: &[&str]| {
        let mut command = carnet(&["up", "--listen", "127.0.0.1:0", "--database-url", database]);
        command.args(["--seal-key", &seal, "--data"]).arg(folder.path().join("data")).args(more);
        command
    };
    let told = run(&mut node(&["--public-url", two]));
    assert_eq!(told.code, Some(2), "{}", told.err);
    for part in [one, two, "carnet up --public-url https://two.example --change-public-url"] {
        assert!(told.err.contains(part), "{}", told.err);
    }
    // The command is there, and tells what it does.
    assert!(run(&mut carnet(&["up", "--help"])).out.contains("--change-public-url"));
    assert_eq!(run(&mut node(&["--change-public-url"])).code, Some(2));
    let other = Server::start_with(
        &file,
        &["--database-url", database, "--seal-key", &seal, "--public-url", two, "--change-public-url"],
    );
    assert_eq!(other.ready()["public_url"], two);
    for part in [one, two, "are refused", "until they are restarted"] {
        assert!(other.log().contains(part), "{}", other.log());
    }
    // The node that runs keeps its own until it is started again, without another URL of its own.
    assert_eq!(server.ready()["public_url"], one);
    assert_eq!(server.stop(), Some(0));
    let again = Bare::start(tempfile::tempdir().unwrap(), &["--database-url", database, "--seal-key", &seal]);
    assert_eq!(again.ready()["public_url"], two);
}
