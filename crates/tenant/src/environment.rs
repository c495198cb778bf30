//! Power Platform environments.

use crate::{
    access::{Caller, administers},
    change::{Audit, Change, Decided, Object},
    directory::Directory,
    permission::check_name,
    refusal::Refusal,
};
use carnet_wire::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

/// The name by which callers mean the tenant's default environment without its id.
pub const DEFAULT: &str = "~default";

/// The environment that a path means: by id in any letter case, or the default one by [`DEFAULT`].
#[must_use]
pub fn named<'a>(directory: &'a Directory, name: &str) -> Option<&'a Arc<Environment>> {
    directory.environment(name).or_else(|| match name {
        DEFAULT => directory.environments().find(|it| it.is_default()),
        _ => directory.environments().find(|it| it.id.eq_ignore_ascii_case(name)),
    })
}

/// Makes an environment, or makes it anew as described; only the operator does.
///
/// # Errors
/// [`Refusal`]
pub fn define(caller: &Caller, directory: &Directory, mut new: Environment) -> Result<Decided<()>, Refusal> {
    if !matches!(caller, Caller::Operator { .. }) {
        return Err(Refusal::Forbidden { needs: "the operator's tenant file".into() });
    }
    check_name("environment name", &new.display_name)?;
    let guid = new.id.strip_prefix("Default-").unwrap_or(&new.id);
    if uuid::Uuid::try_parse(guid).is_err() {
        let message = format!("the environment id `{}` is neither a GUID nor Default-GUID", new.id);
        return Err(Refusal::BadRequest { message, target: Some("id".into()) });
    }
    if let Some(old) = named(directory, &new.id) {
        new.id.clone_from(&old.id);
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

/// The environments that a caller may see: all of them for administrators, else the default one.
#[must_use]
pub fn visible<'a>(caller: &Caller, directory: &'a Directory) -> Vec<&'a Arc<Environment>> {
    let all = administers(caller, directory);
    let mut list: Vec<_> = directory.environments().filter(|it| all || it.is_default()).collect();
    list.sort_by(|one, other| one.id.cmp(&other.id));
    list
}

/// The environment that a path means, if the caller may see it.
///
/// # Errors
/// [`Refusal::NotFound`]
pub fn visible_named<'a>(
    caller: &Caller,
    directory: &'a Directory,
    name: &str,
) -> Result<&'a Arc<Environment>, Refusal> {
    let found = named(directory, name).filter(|it| it.is_default() || administers(caller, directory));
    found.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() })
}
