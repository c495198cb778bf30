//! The setup steps as a plan: the desired state, the current state, and the actions that lead to it. Applying a plan
//! twice changes nothing the second time.

pub mod apply;
pub mod plan;
pub mod step1;
pub mod step2;
pub mod step3;
pub mod step4;
pub mod tenant;

use carnet_wire::ids::AppId;

/// The desired state of an application.
#[derive(Debug, Clone)]
pub struct DesiredState {
    /// The application's name.
    pub name: String,
    /// Delegated permissions by API.
    pub permissions: Vec<(AppId, Vec<String>)>,
    /// Application permissions by API.
    pub roles: Vec<(AppId, Vec<String>)>,
    /// Whether to consent for all users.
    pub admin_consent: bool,
    /// Whether to enable the public client switch (step 3). If false, it stays as it is.
    pub public_client: bool,
    /// The name of a secret to add, if the application has none of this name.
    pub secret: Option<String>,
    /// A certificate (base64 of DER) to register, if it is not registered yet.
    pub certificate: Option<String>,
    /// Whether to register the service principal with Power Platform.
    pub register_admin: bool,
}
