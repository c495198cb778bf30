//! A temporary PostgreSQL cluster on a free port.

use crate::run::{install, is_root, quiet};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

/// A running cluster. It is stopped and removed on drop.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    /// The connection URL.
    pub url: String,
}

impl Cluster {
    /// Installs PostgreSQL if it is missing, and starts a cluster.
    pub fn start() -> Result<Self, String> {
        let programs = match find() {
            Some(programs) => programs,
            None => {
                install(&["postgresql"])?;
                find().ok_or("PostgreSQL was installed but cannot be found")?
            }
        };
        let folder = std::env::temp_dir().join(format!("carnet-test-postgres-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if is_root() {
            quiet(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let data = folder.join("data");
        let port = free_port()?;
        quiet(as_owner(&programs.join("initdb")).arg("-D").arg(&data).args([
            "-U",
            "carnet",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]))?;
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c max_connections=200",
            folder.display()
        );
        let log = folder.join("log");
        let mut start = as_owner(&programs.join("pg_ctl"));
        quiet(
            start.arg("-D").arg(&data).arg("-l").arg(&log).args(["-w", "-t", "60", "-o", &settings, "start"]),
        )?;
        let url = format!("postgresql://carnet@127.0.0.1:{port}/postgres?sslmode=disable");
        Ok(Self { programs, folder, url })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_owner(&self.programs.join("pg_ctl"));
        let stopped = quiet(stop.arg("-D").arg(self.folder.join("data")).args(["-m", "immediate", "stop"]));
        if let Err(error) = stopped {
            eprintln!("the test cluster did not stop: {error}");
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A command that runs as an unprivileged user, because PostgreSQL refuses to run as root.
fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
    command
}

/// The programs of the newest installed version.
fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    found.retain(|folder| folder.join("initdb").is_file());
    found.sort();
    found.pop()
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
