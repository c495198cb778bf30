//! Power Platform environments.

use carnet_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An environment of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// A GUID, or `Default-{tenant id}`.
    pub id: String,
    /// The name people see.
    pub display_name: String,
    /// `europe`, `unitedstates`, …
    pub location: String,
    /// `Default`, `Production`, `Sandbox`, `Trial`, `Developer`.
    pub sku: String,
    /// When it was made.
    pub created: Timestamp,
}
