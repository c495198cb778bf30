//! How a server is to run, and what it tells of its first administrator.

use carnet_wire::secret::{DatabaseUrl, Password};
use std::{net::SocketAddr, path::PathBuf};

/// How to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// A PostgreSQL database instead of a file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// The seal key's file; `None`: `seal.key` in the data folder.
    pub seal_key: Option<PathBuf>,
    /// The TLS listener.
    pub listen: SocketAddr,
    /// A plain listener on loopback.
    pub plain: Option<SocketAddr>,
    /// What the server calls itself.
    pub public_url: PublicUrl,
    /// Further host names.
    pub hosts: Vec<String>,
    /// The operator's own certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Tenant files to apply.
    pub tenant_files: Vec<PathBuf>,
    /// Where to write the ready file.
    pub ready_file: Option<PathBuf>,
    /// What the first administrator's password is, when a tenant is made without a file.
    pub first_admin: FirstAdmin,
    /// Somebody will see secrets that are generated for a tenant file.
    pub show_generated: bool,
    /// Gives environment variables that tenant files name.
    pub variable: fn(&str) -> Option<String>,
}

/// What the server calls itself.
#[derive(Debug, Clone)]
pub enum PublicUrl {
    /// By what a PostgreSQL store keeps; else by its listener, `https://localhost:PORT`.
    Unsaid,
    /// This one, which has to be the one that a PostgreSQL store keeps; the first one is kept.
    Given(String),
    /// This one, which a PostgreSQL store keeps from now on in the place of another.
    Changed(String),
}

/// The first administrator's password.
#[derive(Debug, Clone)]
pub enum FirstAdmin {
    /// This one.
    Password(Password),
    /// A random one, which the caller shows once.
    Generate,
    /// A random one, which is written to this file: an object of user name to password, for its owner alone.
    Write(PathBuf),
    /// None may be made: tenants come from files.
    Refuse,
}

/// The administrator of the first tenant, which this start made without a file.
#[derive(Debug, Clone)]
pub struct FirstAdministrator {
    /// The user name.
    pub name: String,
    /// Where the password is.
    pub password: AdminPassword,
}

/// Where the first administrator's password is.
#[derive(Debug, Clone)]
pub enum AdminPassword {
    /// The operator chose it.
    Given,
    /// It was generated and is to be shown once.
    Generated(Password),
    /// It was generated and is in this file.
    Written(PathBuf),
}
