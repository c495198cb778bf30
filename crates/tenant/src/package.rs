//! Application packages: what can be installed into an environment, and installations.

use carnet_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A package that the tenant may install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name in addresses.
    pub unique_name: String,
    /// The name people see.
    pub name: String,
    /// Version text, `1.0.0.0`.
    pub version: String,
    /// Who publishes it.
    pub publisher: String,
}

/// One request to install a package into an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The operation's id, a GUID as text.
    pub id: String,
    /// Into which environment.
    pub environment: String,
    /// Which package.
    pub package: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it is done; the state at any moment follows from this and the clock.
    pub completes: Timestamp,
}
