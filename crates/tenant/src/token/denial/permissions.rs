//! What is said about APIs, scopes, consent and assignments.

use super::Denial;
use carnet_wire::{
    aadsts::{self, Row},
    ids::AppId,
};

/// The row and the sentence of a denial about what is asked for.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::Permission(why) => why.entry(),
        Denial::ResourceMissing { name, tenant } => (
            &aadsts::RESOURCE_PRINCIPAL_MISSING,
            format!("The resource principal named {name} was not found in the tenant named {tenant}; create its service principal, or check the name."),
        ),
        Denial::ResourceDisabled(name) => {
            (&aadsts::RESOURCE_DISABLED, format!("The service principal for resource '{name}' is disabled."))
        }
        Denial::ScopeUnknown { application, scope, resource } => (
            &aadsts::SCOPE_UNKNOWN,
            format!("The application '{application}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'."),
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

/// Why client and API do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionNo {
    /// The API's identifier is all zeros.
    ResourceZero,
    /// A client of Microsoft's own is not preauthorized for one of Microsoft's own APIs.
    FirstParty {
        /// The client.
        app: AppId,
        /// The API.
        resource: AppId,
    },
    /// A client of Microsoft's own asks for a token for itself.
    FirstPartyToItself,
    /// The registration lists nothing of the API, and nothing was consented to; asked over v1.0.
    NotListed {
        /// The client.
        app: AppId,
        /// The API.
        resource: AppId,
    },
    /// The same, asked for `.default` over v2.0.
    Misconfigured {
        /// The API's name.
        resource: String,
    },
    /// One of Microsoft's own APIs, which the tenant has not.
    ServiceMissing {
        /// As asked.
        name: String,
        /// The tenant.
        tenant: String,
    },
    /// The registration lists permissions of the API that the API does not publish.
    NothingMatches(AppId),
    /// The registration lists a role of the API that users alone may hold.
    RoleForUsers {
        /// The client.
        app: AppId,
        /// Its name.
        name: String,
        /// The role.
        role: String,
        /// The API's name.
        resource: String,
    },
    /// The API takes no personal accounts, and an application that does asked for it over `common`.
    NotOverCommon {
        /// The API.
        resource: AppId,
        /// Its name.
        name: String,
    },
    /// An application asks for everything of itself, by a name that is not its id.
    TokenForItself(AppId),
    /// The `resource` parameter names another API than the scope (RFC 8707).
    ResourceDiffers {
        /// The parameter.
        parameter: String,
        /// The API of the scope, as the client named it.
        resource: String,
    },
}

impl PermissionNo {
    fn entry(&self) -> (&'static Row, String) {
        match self {
            Self::ResourceZero => {
                (&aadsts::RESOURCE_ID_ZERO, "A resource identifier of zeros is none.".into())
            }
            Self::FirstParty { app, resource } => (
                &aadsts::FIRST_PARTY_PREAUTHORIZATION,
                format!(
                    "Consent between first party application '{app}' and first party resource '{resource}' must be configured via preauthorization, which this is not."
                ),
            ),
            Self::FirstPartyToItself => (
                &aadsts::FIRST_PARTY_TO_ITSELF,
                "Consent for a first party token to itself must be configured via preauthorization.".into(),
            ),
            Self::NotListed { app, resource } => (
                &aadsts::RESOURCE_NOT_LISTED,
                format!(
                    "Invalid resource: the registration of '{app}' lists no permission of '{resource}'; add one."
                ),
            ),
            Self::Misconfigured { resource } => (
                &aadsts::MISCONFIGURED_APPLICATION,
                format!(
                    "Misconfigured application: it lists no permission for '{resource}' in its registration, and nobody consented to any."
                ),
            ),
            Self::ServiceMissing { name, tenant } => (
                &aadsts::SERVICE_NOT_IN_ORGANIZATION,
                format!(
                    "The app is trying to access a service '{name}' that your organization '{tenant}' lacks a service principal for; create it."
                ),
            ),
            Self::NothingMatches(resource) => (
                &aadsts::NO_MATCHING_PERMISSION,
                format!(
                    "Resource '{resource}' publishes none of the permissions that the application requires."
                ),
            ),
            Self::RoleForUsers { app, name, role, resource } => (
                &aadsts::ROLE_FOR_USERS_ONLY,
                format!(
                    "The client application '{name}' ({app}) requested the role '{role}' of '{resource}', which only users may hold; take it out of the registration."
                ),
            ),
            Self::NotOverCommon { resource, name } => (
                &aadsts::RESOURCE_NOT_OVER_COMMON,
                format!(
                    "'{name}' '{resource}' is not supported over the /common or /consumers endpoints; use /organizations or the tenant."
                ),
            ),
            Self::ResourceDiffers { parameter, resource } => (
                &aadsts::RESOURCE_DIFFERS,
                format!(
                    "The resource parameter '{parameter}' does not name the API of the scope, '{resource}'; send one of the two, or name the same API in both."
                ),
            ),
            Self::TokenForItself(app) => (
                &aadsts::TOKEN_FOR_ITSELF,
                format!(
                    "Application '{app}' is requesting a token for itself; name it by its application id."
                ),
            ),
        }
    }
}
