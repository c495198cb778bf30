//! Application packages: what can be installed into an environment, and installations.

use crate::{
    access::{self, Caller},
    change::{Audit, Change, Decided, Moment, Object},
    directory::Directory,
    environment,
    permission::check_name,
    refusal::Refusal,
};
use carnet_wire::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A package that the tenant may install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name in addresses.
    pub unique_name: String,
    /// The name people see.
    pub name: String,
    /// Version text, `1.0.0.0`.
    pub version: String,
    /// Who publishes it.
    pub publisher: String,
}

/// One request to install a package into an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The operation's id, a GUID as text.
    pub id: String,
    /// Into which environment.
    pub environment: String,
    /// Which package.
    pub package: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it is done; the state at any moment follows from this and the clock.
    pub completes: Timestamp,
}

/// How long an installation takes, in milliseconds.
const INSTALLING: i64 = 1000;

impl Installation {
    /// `Running` until it is done, then `Succeeded`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        if now < self.completes { "Running" } else { "Succeeded" }
    }
}

/// Offers a package to the tenant; only the operator does.
///
/// # Errors
/// [`Refusal`]
pub fn define(caller: &Caller, directory: &Directory, new: Package) -> Result<Decided<()>, Refusal> {
    if !matches!(caller, Caller::Operator { .. }) {
        return Err(Refusal::Forbidden { needs: "the operator's tenant file".into() });
    }
    check_name("application package name", &new.name)?;
    let form = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if new.unique_name.is_empty() || new.unique_name.len() > 256 || !new.unique_name.bytes().all(form) {
        let message =
            format!("the unique_name `{}` is not made of letters, digits, _, - and .", new.unique_name);
        return Err(Refusal::BadRequest { message, target: Some("unique_name".into()) });
    }
    if directory.package(&new.unique_name).is_some_and(|old| **old == new) {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let target = ("applicationPackage".to_owned(), new.unique_name.clone(), new.name.clone());
    let activity = "Offer application package".to_owned();
    let audit = Audit { activity, actor: caller.actor(), target, modified: Vec::new() };
    Ok(Decided { value: (), changes: vec![Change::Put(Object::Package(new.into()))], audit: vec![audit] })
}

/// The packages that can be installed into an environment.
///
/// # Errors
/// [`Refusal`]; authorization comes before the environment is looked at.
pub fn list<'a>(
    caller: &Caller,
    directory: &'a Directory,
    environment: &str,
) -> Result<Vec<&'a std::sync::Arc<Package>>, Refusal> {
    access::READ_PACKAGES.check(caller, directory)?;
    known(directory, environment)?;
    let mut list: Vec<_> = directory.packages().collect();
    list.sort_by(|one, other| one.unique_name.cmp(&other.unique_name));
    Ok(list)
}

/// Begins an installation.
///
/// # Errors
/// [`Refusal`]
pub fn install(
    caller: &Caller,
    directory: &Directory,
    (environment, unique_name): (&str, &str),
    at: &Moment<'_>,
) -> Result<Decided<Installation>, Refusal> {
    access::INSTALL_PACKAGES.check(caller, directory)?;
    let environment = known(directory, environment)?;
    let package = directory.packages().find(|it| it.unique_name.eq_ignore_ascii_case(unique_name));
    let package = package.ok_or_else(|| Refusal::NotFound { id: unique_name.to_owned() })?;
    let installation = Installation {
        id: at.entropy.uuid().to_string(),
        environment: environment.to_owned(),
        package: package.unique_name.clone(),
        created: at.now,
        completes: at.now.plus_millis(INSTALLING),
    };
    let target = ("installation".to_owned(), installation.id.clone(), package.name.clone());
    let modified = vec![("environment".to_owned(), String::new(), environment.to_owned())];
    let audit =
        Audit { activity: "Install application package".into(), actor: caller.actor(), target, modified };
    let change = Change::Put(Object::Installation(installation.clone().into()));
    Ok(Decided { value: installation, changes: vec![change], audit: vec![audit] })
}

/// Checks that the caller may read the state of installations, and gives the id of the environment that the path means.
///
/// # Errors
/// [`Refusal`]
pub fn may_follow(caller: &Caller, directory: &Directory, environment: &str) -> Result<String, Refusal> {
    access::FOLLOW_INSTALLATIONS.check(caller, directory)?;
    known(directory, environment).map(str::to_owned)
}

/// The id of the environment that a path means.
fn known<'a>(directory: &'a Directory, environment: &str) -> Result<&'a str, Refusal> {
    match environment::named(directory, environment) {
        Some(found) => Ok(&found.id),
        None => Err(Refusal::UnknownEnvironment { id: environment.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TENANT, moment, platform_user, with_power_platform};

    const READ: &str = "AppManagement.ApplicationPackages.Read";
    const INSTALL: &str = "AppManagement.ApplicationPackages.Install";

    #[test]
    fn packages_want_scope_role_and_environment_in_this_order_rows_110_to_112() {
        let (directory, principal, _) = with_power_platform();
        let app = directory.principal(principal).unwrap().app_id;
        let admin = |scope: &str| platform_user(true, scope);
        assert_eq!(list(&admin(READ), &directory, "e1").unwrap().len(), 1);
        assert!(matches!(
            list(&admin("AppManagement.ApplicationPackages.read"), &directory, "e1"),
            Err(Refusal::MissingScope { .. })
        ));
        assert!(matches!(list(&admin(INSTALL), &directory, "none"), Err(Refusal::MissingScope { .. })));
        assert!(matches!(
            list(&platform_user(false, READ), &directory, "e1"),
            Err(Refusal::Forbidden { .. })
        ));
        assert!(matches!(list(&admin(READ), &directory, "none"), Err(Refusal::UnknownEnvironment { .. })));
        let itself =
            Caller::Application { principal, app, tenant: TENANT.parse().unwrap(), roles: vec![].into() };
        assert!(matches!(list(&itself, &directory, "e1"), Err(Refusal::NotRegistered { .. })));
    }

    #[test]
    fn an_installation_completes() {
        let (directory, ..) = with_power_platform();
        let begun =
            install(&platform_user(true, INSTALL), &directory, ("e1", "P1"), &moment()).unwrap().value;
        assert_eq!((begun.state(moment().now), begun.state(begun.completes)), ("Running", "Succeeded"));
        assert!(install(&platform_user(true, INSTALL), &directory, ("e1", "p2"), &moment()).is_err());
    }

    #[test]
    fn a_member_sees_the_default_environment_only() {
        let (directory, ..) = with_power_platform();
        let scope = "EnvironmentManagement.Environments.Read";
        let seen = |admin| environment::visible(&platform_user(admin, scope), &directory).len();
        assert_eq!((seen(true), seen(false)), (2, 1));
    }
}
