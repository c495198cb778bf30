//! What is said about APIs, scopes, consent and assignments.

use super::Denial;
use carnet_wire::aadsts::{self, Row};

/// The row and the sentence of a denial about what is asked for.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::ResourceMissing { name, tenant } => (
            &aadsts::RESOURCE_PRINCIPAL_MISSING,
            format!("The resource principal named {name} was not found in the tenant named {tenant}; create its service principal, or check the name."),
        ),
        Denial::ResourceDisabled(name) => {
            (&aadsts::RESOURCE_DISABLED, format!("The service principal for resource '{name}' is disabled."))
        }
        Denial::ScopeUnknown { scope, resource } => (
            &aadsts::SCOPE_UNKNOWN,
            format!("The application asked for scope '{scope}' that doesn't exist on the resource '{resource}'."),
        ),
        Denial::ScopeNotDefault(scope) => (
            &aadsts::SCOPE_NOT_DEFAULT,
            format!("The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default after the resource, and no other."),
        ),
        Denial::SeveralResources => (
            &aadsts::SEVERAL_RESOURCES,
            "Provided value for the input parameter scope names more than one resource; ask for one at a time.".into(),
        ),
        Denial::UserNotAssigned(app, name) => (
            &aadsts::USER_NOT_ASSIGNED,
            format!("Your administrator has configured the application {name} ('{app}') to block users who are not assigned to it."),
        ),
        Denial::AppNotAssigned { app, resource } => (
            &aadsts::APP_NOT_ASSIGNED,
            format!("Application '{app}' is not assigned to a role for the application '{resource}'."),
        ),
        Denial::ConsentMissing { app, name } => (
            &aadsts::CONSENT_MISSING,
            format!("The user or administrator has not consented to use the application with ID '{app}' named '{name}'."),
        ),
        _ => (&aadsts::SCOPE_INVALID, "The provided value for the input parameter 'scope' is not valid.".into()),
    }
}
