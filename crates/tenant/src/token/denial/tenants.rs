//! What is said about tenants, and about applications as a tenant knows them.

use super::Denial;
use carnet_wire::{
    aadsts::{self, Row},
    authority::TenantName,
    cloud::Cloud,
    ids::AppId,
    token::request::RequestError,
};

/// The row and the sentence of a denial about a tenant or an application.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::Tenant(why) => why.entry(),
        Denial::UnknownTenant { name, .. } if is_elsewhere(name) => (
            &aadsts::TENANT_IN_OTHER_CLOUD,
            format!("Tenant '{name}' lives in another, national cloud; sign in there."),
        ),
        Denial::UnknownTenant { name, .. } => {
            (&aadsts::TENANT_NOT_FOUND, format!("Tenant '{name}' not found. Check the tenant id or domain."))
        }
        Denial::TenantName(name) => {
            // Shown on pages too, where a stranger's sentence would read as ours.
            let name: String = name.split_whitespace().collect();
            (
                &aadsts::TENANT_NAME_INVALID,
                format!("Specified tenant identifier '{name}' is neither a valid DNS name, nor a GUID."),
            )
        }
        Denial::GrantNotOverCommon => (
            &aadsts::GRANT_NOT_OVER_COMMON,
            "The grant type is not supported over the /common or /consumers endpoints; use /organizations or the tenant.".into(),
        ),
        Denial::NotMultiTenant(app, name) => (
            &aadsts::NOT_MULTI_TENANT,
            format!("Application '{app}'({name}) is not configured as a multi-tenant application; name its tenant in the address."),
        ),
        Denial::PostOnly(method) => (
            &aadsts::POST_ONLY,
            format!("The endpoint only accepts POST requests. Received a {method} request."),
        ),
        Denial::Discovery => (
            &aadsts::DISCOVERY_MALFORMED,
            "The request is malformed: invalid format for 'authorization_endpoint', which is an https address.".into(),
        ),
        Denial::UnknownInstance => (&aadsts::UNKNOWN_INSTANCE, "Unknown or invalid instance.".into()),
        Denial::UnknownApplication(app, tenant) => (
            &aadsts::UNKNOWN_APPLICATION,
            format!("Application with identifier '{app}' was not found in the directory '{tenant}'."),
        ),
        Denial::PrincipalMissing(app) => (
            &aadsts::CLIENT_PRINCIPAL_MISSING,
            format!("The client application {app} is missing service principal in its tenant; create it."),
        ),
        Denial::ApplicationDisabled(app, name) => {
            (&aadsts::APPLICATION_DISABLED, format!("Application '{app}'({name}) is disabled."))
        }
        // NoTenantNamed, and nothing else: the other variants have their own groups.
        _ => (
            &aadsts::NO_TENANT_NAMED,
            "No tenant-identifying information found in the request; name the tenant in the address.".into(),
        ),
    }
}

impl Denial {
    /// A request that is none, in the words of the tenant that was named: where that is an alias, there is no
    /// directory in which an application of another name than its id could be looked for.
    #[must_use]
    pub fn malformed(error: RequestError, tenant: &TenantName) -> Self {
        match error {
            RequestError::ClientIdNotAGuid(id) if tenant.is_alias() => Self::Tenant(TenantNo::ClientId(id)),
            other => Self::Malformed(other),
        }
    }
}

/// The tenant lives in another cloud, as its domain says.
pub(super) fn is_elsewhere(name: &str) -> bool {
    Cloud::of_domain(&name.to_ascii_lowercase()).is_some()
}

/// Why a tenant, or an application in it, does not serve a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantNo {
    /// The client id is no GUID, and an alias was named.
    ClientId(String),
    /// The account's domain is no tenant's, so nothing tells which tenant is meant.
    Domain(String),
    /// The account's domain is another tenant's.
    OtherTenant {
        /// The account.
        user: String,
        /// The tenant in which it would sign in.
        tenant: String,
    },
    /// The application is for personal accounts only.
    PersonalOnly(AppId, String),
    /// The application is for work accounts only, and `consumers` was named.
    WorkOnly(AppId, String),
    /// A client of Microsoft's own over `consumers`.
    NotOverConsumers(AppId, String),
    /// A v1.0 token for personal accounts.
    PersonalToken,
    /// A v1.0 sign-in for personal accounts.
    PersonalSignIn,
    /// The account is a work account, and `consumers` was named.
    NotPersonal(String),
    /// The network that the request comes from lets nobody into this tenant.
    Restricted(String),
    /// The same, by another tenant's policy.
    RestrictedByPolicy(String),
    /// One of Microsoft's own clients, which this tenant has disabled.
    DisabledHere(AppId, String),
    /// Admin consent over an address that names no tenant.
    ConsentNeedsTenant,
}

impl TenantNo {
    fn entry(&self) -> (&'static Row, String) {
        match self {
            Self::ConsentNeedsTenant => (
                &aadsts::ADMIN_CONSENT_NEEDS_TENANT,
                "Admin consent is for one tenant: name it, or organizations, instead of common or consumers."
                    .into(),
            ),
            Self::ClientId(id) => (
                &aadsts::CLIENT_ID_NOT_A_GUID,
                format!("Application identifier is expected to be a GUID, which '{id}' is not."),
            ),
            Self::Domain(domain) => (
                &aadsts::NO_TENANT_NAMED_DOMAIN,
                format!(
                    "Invalid domain name: '{domain}' is no tenant's; name the tenant in the address, or check the account."
                ),
            ),
            Self::OtherTenant { user, tenant } => (
                &aadsts::USER_OF_OTHER_TENANT,
                format!("User account '{user}' belongs to another tenant and does not exist in '{tenant}'."),
            ),
            Self::PersonalOnly(app, name) => (
                &aadsts::PERSONAL_ACCOUNTS_ONLY,
                format!("Application '{app}'({name}) is for personal accounts only; use /consumers."),
            ),
            Self::WorkOnly(app, name) => (
                &aadsts::WORK_ACCOUNTS_ONLY,
                format!("Application '{app}'({name}) is for work accounts only; do not use /consumers."),
            ),
            Self::NotOverConsumers(app, name) => (
                &aadsts::NOT_OVER_COMMON,
                format!("Application '{app}' {name} is not supported over the /consumers endpoint."),
            ),
            Self::PersonalToken => (
                &aadsts::V1_NOT_FOR_PERSONAL,
                "This version of the API issues no tokens for personal accounts; use v2.0.".into(),
            ),
            Self::PersonalSignIn => (
                &aadsts::V1_NOT_FOR_PERSONAL_TOKEN,
                "This version of the API signs no personal accounts in; use v2.0.".into(),
            ),
            Self::NotPersonal(domain) => (
                &aadsts::DOMAIN_NOT_FOR_ACCOUNT_TYPE,
                format!("The domain '{domain}' has work accounts, which do not sign in over /consumers."),
            ),
            Self::Restricted(tenant) => (
                &aadsts::TENANT_RESTRICTED,
                format!("Access to '{tenant}' tenant is denied by the network that this request comes from."),
            ),
            Self::RestrictedByPolicy(tenant) => (
                &aadsts::TENANT_RESTRICTED_HEADER,
                format!("Access to '{tenant}' tenant is denied by the policy of another tenant."),
            ),
            Self::DisabledHere(app, name) => (
                &aadsts::APPLICATION_DISABLED_IN_TENANT,
                format!("Client application '{app}'({name}) is disabled in this tenant."),
            ),
        }
    }
}
