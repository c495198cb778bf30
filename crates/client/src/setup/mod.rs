//! The five steps as a plan: what is wanted, what is there, what is to be done. A plan is shown before
//! it is applied, and applying it twice changes nothing the second time.

pub mod apply;
pub mod plan;
pub mod step1;
pub mod step2;
pub mod step3;
pub mod step4;
pub mod tenant;

use carnet_wire::ids::AppId;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The application's name.
    pub name: String,
    /// Delegated permissions by API.
    pub permissions: Vec<(AppId, Vec<String>)>,
    /// Application permissions by API.
    pub roles: Vec<(AppId, Vec<String>)>,
    /// Consent is given for everyone.
    pub admin_consent: bool,
    /// Step 3's switch is on; otherwise it stays as it is.
    pub public_client: bool,
    /// A secret of this name is made when there is none.
    pub secret: Option<String>,
    /// The certificate, base64 of DER, is registered when it is not yet.
    pub certificate: Option<String>,
    /// The service principal is registered with Power Platform.
    pub register_admin: bool,
}
