//! The ready file: written once every listener accepts, so that scripts wait for it instead of sleeping.

use crate::listen::ca;
use carnet_wire::ids::TenantId;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What the file says.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// The process.
    pub pid: u32,
    /// Carnet's version.
    pub version: &'static str,
    /// What the server calls itself.
    pub public_url: String,
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
#[derive(Debug, Clone, Serialize)]
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
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        ca::write(path, &serde_json::to_vec_pretty(self)?, 0o644)
    }
}
