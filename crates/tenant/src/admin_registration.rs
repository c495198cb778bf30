//! Registration of an application with Power Platform (`adminApplications`): made by an administrator
//! user only; it makes the service principal an administrator there.

use crate::{
    change::{Audit, Change, Decided, Object, ObjectKey},
    directory::Directory,
    operation::{Caller, Moment},
    refusal::Refusal,
    role::{self, held},
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A registered application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminRegistration {
    /// The application.
    pub app_id: AppId,
    /// The administrator who registered it; `None`: the operator, by tenant file.
    pub by: Option<ObjectId>,
    /// When.
    pub created: Timestamp,
}

/// The directory roles whose holders administer Power Platform.
pub const ADMINISTRATORS: &[&str] =
    &[role::GLOBAL_ADMINISTRATOR, role::POWER_PLATFORM_ADMINISTRATOR, role::DYNAMICS_ADMINISTRATOR];

/// The delegated permissions that open the administration API: the one that its audience publishes, and the one that
/// clients of Microsoft's hold instead.
pub const USER_SCOPES: &[&str] = &["User", "user_impersonation"];

/// The token has one of [`USER_SCOPES`].
fn has_user_scope(scopes: &[String]) -> bool {
    scopes.iter().any(|it| USER_SCOPES.contains(&it.as_str()))
}

/// Checks that the caller may register and unregister: an administrator user, and nobody else.
fn administrator_user(caller: &Caller, directory: &Directory) -> Result<Option<ObjectId>, Refusal> {
    match caller {
        Caller::Operator { .. } => Ok(None),
        Caller::User { scopes, .. } if !has_user_scope(scopes) => {
            Err(Refusal::MissingScope { any_of: USER_SCOPES.iter().map(|it| (*it).to_owned()).collect() })
        }
        Caller::User { user, .. } if held(directory, *user, ADMINISTRATORS) => Ok(Some(*user)),
        Caller::User { .. } => {
            Err(Refusal::Forbidden { needs: format!("one of the roles {}", ADMINISTRATORS.join(", ")) })
        }
        Caller::Application { .. } => Err(Refusal::Forbidden {
            needs: "an administrator user; a service principal cannot register itself or another".into(),
        }),
    }
}

/// Registers an application. Doing it again changes nothing.
///
/// # Errors
/// [`Refusal::Forbidden`] for anybody but an administrator user, and for a token that the application itself got for
/// such a user.
pub fn register(
    caller: &Caller,
    directory: &Directory,
    app: AppId,
    at: &Moment<'_>,
) -> Result<Decided<AppId>, Refusal> {
    let by = administrator_user(caller, directory)?;
    // A token on behalf of a user tells its client, and not how the client got it.
    if matches!(caller, Caller::User { app: client, .. } if *client == app) {
        return Err(Refusal::Forbidden {
            needs: "a token of another client: an application cannot register itself on behalf of a user"
                .into(),
        });
    }
    if directory.principal_by_app(app).is_none() {
        let message =
            format!("the application {app} has no service principal in this tenant; create it first");
        return Err(Refusal::BadRequest { message, target: Some("applicationId".into()) });
    }
    if directory.registration(app).is_some() {
        return Ok(Decided { value: app, changes: Vec::new(), audit: Vec::new() });
    }
    let change =
        Change::Put(Object::AdminRegistration(AdminRegistration { app_id: app, by, created: at.now }.into()));
    let audit = audit(caller, "Register management application", app);
    Ok(Decided { value: app, changes: vec![change], audit: vec![audit] })
}

/// Takes a registration back; it ends at once.
///
/// # Errors
/// [`Refusal`]
pub fn unregister(caller: &Caller, directory: &Directory, app: AppId) -> Result<Decided<()>, Refusal> {
    administrator_user(caller, directory)?;
    if directory.registration(app).is_none() {
        return Err(Refusal::NotFound { id: app.to_string() });
    }
    let audit = audit(caller, "Unregister management application", app);
    Ok(Decided {
        value: (),
        changes: vec![Change::Remove(ObjectKey::AdminRegistration(app))],
        audit: vec![audit],
    })
}

/// May read registrations: administrators, and registered service principals.
///
/// # Errors
/// [`Refusal`]
pub fn may_read(caller: &Caller, directory: &Directory) -> Result<(), Refusal> {
    match caller {
        Caller::Application { app, .. } if directory.registration(*app).is_some() => Ok(()),
        Caller::Application { app, principal, .. } => {
            Err(Refusal::NotRegistered { principal: *principal, app: *app })
        }
        other => administrator_user(other, directory).map(drop),
    }
}

fn audit(caller: &Caller, activity: &str, app: AppId) -> Audit {
    let target = ("adminApplication".to_owned(), app.to_string(), String::new());
    Audit { activity: activity.to_owned(), actor: caller.actor(), target, modified: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TENANT, bap_admin, bap_member, moment, nobody, with_power_platform};

    #[test]
    fn only_an_administrator_user_registers_and_it_can_be_done_twice_row_109() {
        let (mut directory, principal, _) = with_power_platform();
        let app = directory.principal(principal).unwrap().app_id;
        let itself = Caller::Application {
            principal,
            app,
            tenant: TENANT.parse().unwrap(),
            roles: vec!["Application.ReadWrite.All".into()].into(),
        };
        assert!(matches!(register(&itself, &directory, app, &moment()), Err(Refusal::Forbidden { .. })));
        assert!(matches!(
            register(&bap_member(), &directory, app, &moment()),
            Err(Refusal::Forbidden { .. })
        ));
        assert!(matches!(may_read(&itself, &directory), Err(Refusal::NotRegistered { .. })));
        let done = register(&bap_admin(), &directory, app, &moment()).unwrap();
        directory.apply(done.changes);
        assert!(register(&bap_admin(), &directory, app, &moment()).unwrap().changes.is_empty());
        assert!(may_read(&itself, &directory).is_ok());
        assert!(unregister(&itself, &directory, app).is_err());
        let gone = unregister(&bap_admin(), &directory, app).unwrap();
        directory.apply(gone.changes);
        assert!(directory.registration(app).is_none());
        assert!(matches!(unregister(&bap_admin(), &directory, app), Err(Refusal::NotFound { .. })));
    }

    #[test]
    fn registering_wants_a_scope_of_the_administration_api() {
        let (directory, principal, _) = with_power_platform();
        let app = directory.principal(principal).unwrap().app_id;
        let missing = |done: Result<(), Refusal>| matches!(done, Err(Refusal::MissingScope { .. }));
        assert!(missing(register(&nobody(), &directory, app, &moment()).map(drop)));
        assert!(missing(unregister(&nobody(), &directory, app).map(drop)));
        assert!(missing(may_read(&nobody(), &directory)));
    }
}
