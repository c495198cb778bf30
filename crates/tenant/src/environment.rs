//! Power Platform environments.

use crate::{
    admin_registration::ADMINISTRATORS,
    change::{Audit, Change, Decided, Object},
    directory::Directory,
    operation::Caller,
    permission::check_name,
    refusal::Refusal,
    role::held,
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

/// Makes an environment, or makes it anew as described; only the operator does.
///
/// # Errors
/// [`Refusal`]
pub fn define(caller: &Caller, directory: &Directory, new: Environment) -> Result<Decided<()>, Refusal> {
    if !matches!(caller, Caller::Operator { .. }) {
        return Err(Refusal::Forbidden { needs: "the operator's tenant file".into() });
    }
    check_name("environment name", &new.display_name)?;
    let guid = new.id.strip_prefix("Default-").unwrap_or(&new.id);
    if uuid::Uuid::try_parse(guid).is_err() {
        let message = format!("the environment id `{}` is neither a GUID nor Default-GUID", new.id);
        return Err(Refusal::BadRequest { message, target: Some("id".into()) });
    }
    if let Some(old) = directory.environment(&new.id) {
        let same = Environment { created: old.created, ..new.clone() };
        if same == **old {
            return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
        }
    }
    let target = ("environment".to_owned(), new.id.clone(), new.display_name.clone());
    let audit =
        Audit { activity: "Define environment".into(), actor: caller.actor(), target, modified: Vec::new() };
    Ok(Decided { value: (), changes: vec![Change::Put(Object::Environment(new.into()))], audit: vec![audit] })
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
    let mut list: Vec<_> = directory.environments().filter(|it| administrator || it.is_default()).collect();
    list.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(list)
}
