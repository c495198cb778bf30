//! `carnet up` as a process of its own, for the programs that measure it: started, stopped, and what it takes of the
//! machine.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Where a server answers.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Without TLS.
    pub plain: SocketAddr,
    /// With TLS.
    pub tls: SocketAddr,
}

impl Ports {
    /// Two ports of this machine that are free now.
    #[must_use]
    pub fn free() -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
        Self { plain: free(), tls: free() }
    }
}

/// A running server. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    folder: PathBuf,
    /// Where it answers.
    pub ports: Ports,
    child: Child,
}

impl Process {
    /// Starts a server over `tenant.toml` of a folder and waits until it is ready.
    #[must_use]
    pub fn start(program: &Path, folder: &Path, ports: Ports) -> Self {
        let ready = folder.join("ready.json");
        let _ = fs::remove_file(&ready);
        let mut child = spawn(program, folder, ports);
        while !ready.exists() {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("{} ended before it was ready: {status}", program.display());
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        Self { program: program.to_path_buf(), folder: folder.to_path_buf(), ports, child }
    }

    /// Asks the server to stop and waits until it has.
    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }

    /// Starts a stopped server again, without waiting for it.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.folder, self.ports);
    }

    /// Processor time so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Resident memory, in MiB.
    #[must_use]
    pub fn resident(&self) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    /// Open descriptors.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// Size of the database with its log, in MiB.
    #[must_use]
    pub fn stored(&self) -> f64 {
        let files = fs::read_dir(self.folder.join("data")).into_iter().flatten().flatten();
        let database = files.filter(|file| file.file_name().to_string_lossy().starts_with("carnet.db"));
        let bytes: u64 = database.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
        bytes as f64 / (1024.0 * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, folder: &Path, ports: Ports) -> Child {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(program);
    command.args(["up", "--listen", &ports.tls.to_string(), "--danger-plain-http", &ports.plain.to_string()]);
    command.args(["--data", &path("data"), "--ready-file", &path("ready.json")]);
    command.args(["--tenant-file", &path("tenant.toml")]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("carnet starts")
}
