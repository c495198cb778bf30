//! Applications: the registration a tenant owns (step 1 of the article), and the rules for creating
//! and changing it. Its presence in a tenant is `service_principal`; its credentials are `credential`.

use crate::{
    credential::{CertificateCredential, FederatedCredential, SecretCredential},
    permission::{AppRole, PermissionScope, RequiredResource},
    tenant::RefreshReuse,
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The object's id.
    pub id: ObjectId,
    /// What clients send as `client_id`.
    pub app_id: AppId,
    /// The name people see.
    pub display_name: String,
    /// Free text.
    pub description: Option<String>,
    /// Free text for administrators.
    pub notes: Option<String>,
    /// Whose users may use it.
    pub sign_in_audience: SignInAudience,
    /// Step 3's switch. `None` is off.
    pub is_fallback_public_client: Option<bool>,
    /// Where authorization answers may go, by platform.
    pub redirect_uris: RedirectUris,
    /// Names under which tokens for this application are asked for.
    pub identifier_uris: Vec<String>,
    /// What the application says it needs (step 2); consent is what counts.
    pub required_resource_access: Vec<RequiredResource>,
    /// Delegated permissions this application offers.
    pub scopes: Vec<PermissionScope>,
    /// Application permissions and user roles this application offers.
    pub app_roles: Vec<AppRole>,
    /// Version of access tokens for this application: `None` and 1 are v1.0.
    pub requested_access_token_version: Option<u8>,
    /// Client secrets.
    pub secrets: Vec<SecretCredential>,
    /// Certificates.
    pub certificates: Vec<CertificateCredential>,
    /// Trust in tokens of outside issuers.
    pub federated: Vec<FederatedCredential>,
    /// Users and service principals that own it.
    pub owners: Vec<ObjectId>,
    /// Labels.
    pub tags: Vec<String>,
    /// The rest of Graph's properties that are kept as given and read by no rule (`web.homePageUrl`,
    /// `info`, `optionalClaims`, …), by Graph's property name.
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// Choices beside the tenant's.
    pub policy: ApplicationPolicy,
    /// When it was made.
    pub created: Timestamp,
}

/// Graph's `signInAudience`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInAudience {
    /// This tenant only: the article's *Single tenant*.
    AzureADMyOrg,
    /// Any tenant.
    AzureADMultipleOrgs,
    /// Any tenant and personal accounts.
    AzureADandPersonalMicrosoftAccount,
    /// Personal accounts only.
    PersonalMicrosoftAccount,
}

/// Redirect URIs by platform; the platform decides whether a client is public.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectUris {
    /// Confidential web applications.
    pub web: Vec<String>,
    /// Single-page applications.
    pub spa: Vec<String>,
    /// Desktop and mobile applications.
    pub public: Vec<String>,
}

/// Choices of one application that win over the tenant's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationPolicy {
    /// Public clients must use PKCE. `None`: yes.
    pub pkce: Option<bool>,
    /// Implicit and hybrid answers may be enabled. `None`: no.
    pub implicit: Option<bool>,
    /// The device code grant is served. `None`: as the tenant says.
    pub device_code: Option<bool>,
    /// What becomes of used refresh tokens. `None`: as the tenant says.
    pub refresh_reuse: Option<RefreshReuse>,
}
