//! The operations of the Power Platform API and of its administration API (BAP). A user needs a delegated permission, and
//! for some operations a directory role; a service principal needs to be registered, and its application permissions do
//! not count.

use super::Caller;
use crate::{
    directory::Directory,
    refusal::Refusal,
    role::{self, held},
};

/// The directory roles whose holders administer Power Platform.
pub const ADMINISTRATORS: &[&str] =
    &[role::GLOBAL_ADMINISTRATOR, role::POWER_PLATFORM_ADMINISTRATOR, role::DYNAMICS_ADMINISTRATOR];
/// An alternative to every delegated permission, which only clients of Microsoft's hold.
const EVERYTHING: &str = "All.All.ReadWrite";

/// What opens an operation of Power Platform.
#[derive(Debug)]
pub struct PlatformOperation {
    /// For messages and tests.
    pub name: &'static str,
    /// Delegated permissions, any of which opens it for a user.
    pub scopes: &'static [&'static str],
    /// Which callers, besides the permission.
    pub callers: Callers,
}

/// Which callers an operation of Power Platform is open to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Every user, and registered service principals.
    Members,
    /// Administrators of Power Platform, and registered service principals.
    Administrators,
    /// Users who administer Power Platform. No service principal registers itself or another.
    AdministratorUsers,
}

/// Read the environments that one may see.
pub const READ_ENVIRONMENTS: PlatformOperation = PlatformOperation {
    name: "read environments",
    scopes: &["EnvironmentManagement.Environments.Read", EVERYTHING],
    callers: Callers::Members,
};
/// Read the application packages that can be installed.
pub const READ_PACKAGES: PlatformOperation = PlatformOperation {
    name: "read application packages",
    scopes: &["AppManagement.ApplicationPackages.Read", EVERYTHING],
    callers: Callers::Administrators,
};
/// Install an application package.
pub const INSTALL_PACKAGES: PlatformOperation = PlatformOperation {
    name: "install application packages",
    scopes: &["AppManagement.ApplicationPackages.Install", EVERYTHING],
    callers: Callers::Administrators,
};
/// Follow the installation of an application package.
pub const FOLLOW_INSTALLATIONS: PlatformOperation = PlatformOperation {
    name: "follow installations of application packages",
    scopes: &[
        "AppManagement.ApplicationPackages.Read",
        "AppManagement.ApplicationPackages.Install",
        EVERYTHING,
    ],
    callers: Callers::Administrators,
};
/// Read the environments that one may see, through the administration API.
pub const READ_OWN_ENVIRONMENTS: PlatformOperation = PlatformOperation {
    name: "read one's own environments",
    scopes: &["User", "user_impersonation", EVERYTHING],
    callers: Callers::Members,
};
/// Read all environments of the tenant, through the administration API.
pub const READ_ALL_ENVIRONMENTS: PlatformOperation = PlatformOperation {
    name: "read all environments",
    callers: Callers::Administrators,
    ..READ_OWN_ENVIRONMENTS
};
/// Read which service principals are registered with Power Platform. The delegated permissions are the one that the
/// audience of the API publishes, and the one that clients of Microsoft's hold instead.
pub const READ_REGISTRATIONS: PlatformOperation = PlatformOperation {
    name: "read registrations with Power Platform",
    scopes: &["User", "user_impersonation"],
    callers: Callers::Administrators,
};
/// Register a service principal with Power Platform, or end its registration.
pub const CHANGE_REGISTRATIONS: PlatformOperation = PlatformOperation {
    name: "change registrations with Power Platform",
    callers: Callers::AdministratorUsers,
    ..READ_REGISTRATIONS
};

/// Every operation that a route of Power Platform asks for.
pub const PLATFORM_OPERATIONS: &[&PlatformOperation] = &[
    &READ_ENVIRONMENTS,
    &READ_PACKAGES,
    &INSTALL_PACKAGES,
    &FOLLOW_INSTALLATIONS,
    &READ_OWN_ENVIRONMENTS,
    &READ_ALL_ENVIRONMENTS,
    &READ_REGISTRATIONS,
    &CHANGE_REGISTRATIONS,
];

/// The caller administers Power Platform: a user with one of [`ADMINISTRATORS`], or a registered service principal.
#[must_use]
pub fn administers(caller: &Caller, directory: &Directory) -> bool {
    match caller {
        Caller::Operator { .. } => true,
        Caller::User { user, .. } => held(directory, *user, ADMINISTRATORS),
        Caller::Application { app, .. } => directory.registration(*app).is_some(),
    }
}

impl PlatformOperation {
    /// Checks that the operation is open to a caller.
    ///
    /// # Errors
    /// [`Refusal::MissingScope`], [`Refusal::NotRegistered`] or [`Refusal::Forbidden`]
    pub fn check(&self, caller: &Caller, directory: &Directory) -> Result<(), Refusal> {
        match caller {
            Caller::Operator { .. } => Ok(()),
            Caller::User { scopes, .. } if !scopes.iter().any(|it| self.scopes.contains(&it.as_str())) => {
                Err(Refusal::MissingScope { any_of: self.scopes.iter().map(|it| (*it).to_owned()).collect() })
            }
            Caller::User { .. } if self.callers == Callers::Members || administers(caller, directory) => {
                Ok(())
            }
            Caller::User { .. } => {
                Err(Refusal::Forbidden { needs: format!("one of the roles {}", ADMINISTRATORS.join(", ")) })
            }
            Caller::Application { .. } if self.callers == Callers::AdministratorUsers => {
                let needs = "an administrator user; a service principal cannot register itself or another";
                Err(Refusal::Forbidden { needs: needs.into() })
            }
            Caller::Application { .. } if administers(caller, directory) => Ok(()),
            Caller::Application { app, principal, .. } => {
                Err(Refusal::NotRegistered { principal: *principal, app: *app })
            }
        }
    }
}
