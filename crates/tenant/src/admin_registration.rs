//! Registration of an application with Power Platform (`adminApplications`): made by an administrator
//! user only; it makes the service principal an administrator there.

use carnet_wire::{
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A registered application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminRegistration {
    /// The application.
    pub app_id: AppId,
    /// The administrator who registered it; `None`: the operator, by tenant file.
    pub by: Option<ObjectId>,
    /// When.
    pub created: Timestamp,
}
