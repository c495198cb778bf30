//! Registration of an application with Power Platform (`adminApplications`): made by an administrator
//! user only; it makes the service principal an administrator there.

use crate::{
    access::{self, Caller},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    directory::Directory,
    refusal::Refusal,
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
    access::CHANGE_REGISTRATIONS.check(caller, directory)?;
    let by = match caller {
        Caller::User { user, .. } => Some(*user),
        _ => None,
    };
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
    access::CHANGE_REGISTRATIONS.check(caller, directory)?;
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

fn audit(caller: &Caller, activity: &str, app: AppId) -> Audit {
    let target = ("adminApplication".to_owned(), app.to_string(), String::new());
    Audit { activity: activity.to_owned(), actor: caller.actor(), target, modified: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{TENANT, bap_admin, bap_member, moment, nobody, operator, with_power_platform};

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
        assert!(matches!(
            access::READ_REGISTRATIONS.check(&itself, &directory),
            Err(Refusal::NotRegistered { .. })
        ));
        let done = register(&bap_admin(), &directory, app, &moment()).unwrap();
        directory.apply(done.changes);
        assert!(register(&bap_admin(), &directory, app, &moment()).unwrap().changes.is_empty());
        assert!(access::READ_REGISTRATIONS.check(&itself, &directory).is_ok());
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
        assert!(missing(access::READ_REGISTRATIONS.check(&nobody(), &directory)));
    }

    #[test]
    fn a_registration_names_the_administrator_who_made_it() {
        let (mut directory, principal, _) = with_power_platform();
        let app = directory.principal(principal).unwrap().app_id;
        let Caller::User { user, .. } = bap_admin() else { panic!("a user") };
        for (caller, by) in [(bap_admin(), Some(user)), (operator(), None)] {
            let done = register(&caller, &directory, app, &moment()).unwrap();
            directory.apply(done.changes);
            assert_eq!(directory.registration(app).unwrap().by, by);
            directory.apply(unregister(&caller, &directory, app).unwrap().changes);
        }
    }
}
