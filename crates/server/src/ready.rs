//! The ready file: written once every listener accepts, so that scripts wait for it instead of sleeping, and removed
//! before the listeners close. It is also written into the data folder, as `ready.json`.

use carnet_os::{
    private::{self, Readers},
    process,
};
use carnet_wire::ids::TenantId;
use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What the file says.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// Carnet's version.
    pub version: &'static str,
    /// What the server calls itself.
    pub public_url: String,
    /// The address of the TLS listener, with its real port.
    pub listen: String,
    /// Base URL of the plain listener, with its real port.
    pub plain_http: Option<String>,
    /// The CA to trust, absolute.
    pub ca_file: PathBuf,
    /// The tenants.
    pub tenants: Vec<ReadyTenant>,
    /// Base URLs.
    pub endpoints: Endpoints,
    /// Where metrics are, if anywhere.
    pub metrics: Option<String>,
}

/// A tenant in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadyTenant {
    /// Its id.
    pub id: TenantId,
    /// Its default domain.
    pub domain: String,
}

/// Base URLs of the surfaces.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoints {
    /// The token service.
    pub login: String,
    /// Microsoft Graph.
    pub graph: String,
    /// The Power Platform API.
    pub power_platform: String,
    /// The administration API.
    pub bap: String,
    /// The portal.
    pub portal: String,
}

impl Ready {
    /// Writes the file in one step.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        private::replace(path, &serde_json::to_vec_pretty(self)?, Readers::Everybody)
    }
}

/// The ready files of a server: the one that was asked for, and the one in the data folder.
#[derive(Debug, Clone)]
pub(crate) struct ReadyFiles(Vec<PathBuf>);

impl ReadyFiles {
    pub(crate) fn new(data: &Path, asked: Option<&Path>) -> Self {
        // Who asked for a file waits for it, so it is written last.
        Self([data.join("ready.json")].into_iter().chain(asked.map(Path::to_path_buf)).collect())
    }

    /// Removes those that no living process wrote: of a server that was killed, for example. Another server may be
    /// running over the same files as long as this one does not hold the store.
    pub(crate) fn remove_stale(&self) {
        for path in self.0.iter().filter(|path| writer(path).is_none_or(|pid| !is_another(pid))) {
            remove(path);
        }
    }

    /// Removes all of them.
    pub(crate) fn remove(&self) {
        self.0.iter().for_each(|path| remove(path));
    }

    /// Removes those that this process wrote.
    pub(crate) fn remove_own(&self) {
        for path in self.0.iter().filter(|path| writer(path) == Some(std::process::id())) {
            remove(path);
        }
    }

    /// Writes all of them; the error names the file.
    pub(crate) fn write(&self, ready: &Ready) -> Result<(), (PathBuf, io::Error)> {
        self.0.iter().try_for_each(|path| ready.write(path).map_err(|error| (path.clone(), error)))
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), cause = %error, "the ready file could not be removed");
        }
        _ => {}
    }
}

/// The process that a ready file names.
fn writer(path: &Path) -> Option<u32> {
    let file: serde_json::Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    file["pid"].as_u64().and_then(|pid| pid.try_into().ok())
}

/// The process is alive and not this one.
fn is_another(pid: u32) -> bool {
    pid != std::process::id() && process::is_alive(pid)
}
