//! What is said about tenants, and about applications as a tenant knows them.

use super::Denial;
use carnet_wire::aadsts::{self, Row};

/// The row and the sentence of a denial about a tenant or an application.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::UnknownTenant { name, .. } => {
            (&aadsts::TENANT_NOT_FOUND, format!("Tenant '{name}' not found. Check the tenant id or domain."))
        }
        Denial::TenantName(name) => (
            &aadsts::TENANT_NAME_INVALID,
            format!("Specified tenant identifier '{name}' is neither a valid DNS name, nor a GUID."),
        ),
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
