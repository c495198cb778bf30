//! Power Platform environments.

use crate::{
    admin_registration::ADMINISTRATORS, directory::Directory, operation::Caller, refusal::Refusal, role::held,
};
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

impl Environment {
    /// It is the tenant's default one, in which every member is a maker.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.sku.eq_ignore_ascii_case("Default")
    }
}

/// Checks that a caller of the Power Platform API holds what the operation wants: a user one of the
/// scopes, a service principal its registration. Says whether the caller administers the tenant.
///
/// # Errors
/// [`Refusal::MissingScope`] or [`Refusal::NotRegistered`]
pub fn admit(caller: &Caller, directory: &Directory, any_of: &[&str]) -> Result<bool, Refusal> {
    match caller {
        Caller::Operator { .. } => Ok(true),
        Caller::User { user, scopes, .. } => {
            if !scopes.iter().any(|it| any_of.contains(&it.as_str())) {
                // The live service lists this alternative too, which nobody can be granted.
                let any_of = any_of.iter().copied().chain(["All.All.ReadWrite"]).map(str::to_owned).collect();
                return Err(Refusal::MissingScope { any_of });
            }
            Ok(held(directory, *user, ADMINISTRATORS))
        }
        Caller::Application { app, principal, .. } => match directory.registration(*app) {
            Some(_) => Ok(true),
            None => Err(Refusal::NotRegistered { principal: *principal, app: *app }),
        },
    }
}

/// As [`admit`], for operations that only administrators may do.
///
/// # Errors
/// [`Refusal`]
pub fn admit_administrator(caller: &Caller, directory: &Directory, any_of: &[&str]) -> Result<(), Refusal> {
    match admit(caller, directory, any_of)? {
        true => Ok(()),
        false => Err(Refusal::Forbidden { needs: format!("one of the roles {}", ADMINISTRATORS.join(", ")) }),
    }
}

/// The environments that a caller may see.
///
/// # Errors
/// [`Refusal`]
pub fn visible<'a>(
    caller: &Caller,
    directory: &'a Directory,
    any_of: &[&str],
) -> Result<Vec<&'a std::sync::Arc<Environment>>, Refusal> {
    let administrator = admit(caller, directory, any_of)?;
    Ok(directory.environments().filter(|it| administrator || it.is_default()).collect())
}
