//! The program under test: where it is, one run of it, and a server that ends with its test.

use serde_json::Value;
use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The tenant of most tests.
pub const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";
/// Everyone's password.
pub const PASSWORD: &str = "Correct-horse-7";

/// What the test command prepared, by the name of its variable.
#[expect(clippy::disallowed_methods, reason = "the test command hands its preparations over in variables")]
pub fn prepared(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// A skip is a failure where everything has to run.
pub fn must_run(what: &str) {
    let ci = prepared("CI").is_some_and(|value| value.as_os_str() == "true");
    assert!(!ci, "{what} is missing; `cargo xtask test` prepares it");
}

/// A port for a client to listen on: it is part of an address that the tenant file names, so its socket is handed
/// over as the client's standard input, and nobody takes it meanwhile.
pub fn handed_over() -> (Stdio, u16) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it is bound").port();
    (Stdio::from(OwnedFd::from(socket)), port)
}

/// The built program.
pub fn binary() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().expect("a running test knows its own file");
        own.parent().and_then(Path::parent).map(|folder| folder.join("carnet")).unwrap_or_default()
    };
    let found = prepared("CARNET_TEST_BINARY").unwrap_or_else(beside);
    assert!(
        found.is_file(),
        "{} is not built; run `cargo build -p carnet` or `cargo xtask test`",
        found.display()
    );
    found
}

/// The program with arguments and without the environment's own choices.
pub fn carnet(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    for name in [
        "CARNET_TENANT",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_USERNAME",
        "AZURE_PASSWORD",
        "CARNET_READY_FILE",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a run printed, and its exit code.
#[derive(Debug)]
pub struct Told {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Told {
    told(command.output().expect("the program starts"))
}

/// Runs it with something on its standard input.
pub fn run_with(command: &mut Command, input: &str) -> Told {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    told(child.wait_with_output().expect("it ends"))
}

fn told(output: Output) -> Told {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Told {
    /// The JSON that it printed.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A running `carnet up`.
pub struct Server {
    /// Its folder: `data`, `ready.json`, `password`.
    pub folder: TempDir,
    child: Child,
    arguments: Vec<String>,
}

impl Server {
    /// Starts one over a tenant file.
    pub fn start(tenant_file: &str) -> Self {
        Self::start_with(tenant_file, &[])
    }

    /// Starts one over a tenant file, with further arguments; `FOLDER` in them is its folder.
    pub fn start_with(tenant_file: &str, more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), tenant_file, more)
    }

    /// Starts one in a folder that has what the further arguments name.
    pub fn start_in(folder: TempDir, tenant_file: &str, more: &[&str]) -> Self {
        fs::write(folder.path().join("tenant.toml"), tenant_file).expect("a file");
        fs::write(folder.path().join("password"), PASSWORD).expect("a file");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let arguments = [
            "up",
            "--listen",
            "127.0.0.1:0",
            "--data",
            &path("data"),
            "--ready-file",
            &path("ready.json"),
            "--tenant-file",
            &path("tenant.toml"),
        ];
        let more = more.iter().map(|it| it.replace("FOLDER", &folder.path().display().to_string()));
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).chain(more).collect();
        let child = spawn(&arguments, folder.path());
        let server = Self { folder, child, arguments };
        server.wait();
        server
    }

    fn wait(&self) {
        let ready = self.path("ready.json");
        let begun = Instant::now();
        while !ready.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no ready file: {}", self.log());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What its ready file says.
    pub fn ready(&self) -> Value {
        let text = fs::read_to_string(self.path("ready.json")).expect("a ready file");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// Its host and port.
    pub fn address(&self) -> String {
        let url = self.ready()["public_url"].as_str().expect("an address").to_owned();
        url.replace("https://localhost", "127.0.0.1")
    }

    /// Kills it without notice.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Kills it without notice, and starts it again over the same folder.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Starts it again over the same folder, once it has ended.
    pub fn start_again(&mut self) {
        // A server that was killed has left it.
        let _ = fs::remove_file(self.path("ready.json"));
        self.child = spawn(&self.arguments, self.folder.path());
        self.wait();
    }

    /// Asks it to stop; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        signal(self.pid(), "TERM");
        self.ended()
    }

    /// Waits until it ends; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Waits until it has said this so many times.
    pub fn says(&self, text: &str, times: usize) {
        until(&format!("`{text}` is not said"), || self.log().matches(text).count() >= times);
    }

    /// A client verb against it, as the administrator.
    pub fn admin(&self, arguments: &[&str]) -> Command {
        let mut command = carnet(arguments);
        command.arg("--ready-file").arg(self.path("ready.json"));
        command
            .args(["--username", "admin@contoso.example"])
            .arg("--password-file")
            .arg(self.path("password"));
        command
    }

    /// A client verb against it.
    pub fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = carnet(arguments);
        command.arg("--ready-file").arg(self.path("ready.json"));
        command
    }
}

/// Sends a process a signal, by its name.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Waits until something holds.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[String], folder: &Path) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("a file");
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().expect("the program starts")
}

/// A tenant with an administrator and whatever more.
pub fn contoso(more: &str) -> String {
    format!(
        "version = 1\n[tenant]\nid = \"{TENANT}\"\ndomain = \"contoso.example\"\nname = \"Contoso\"\n\
         [[user]]\nname = \"admin@contoso.example\"\npassword = \"{PASSWORD}\"\nroles = [\"Global Administrator\"]\n{more}"
    )
}
