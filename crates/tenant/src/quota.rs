//! How many objects one person or application may own (`security.md`, row 143).

use crate::{
    access::{Caller, Operation, authorize},
    directory::Directory,
    refusal::Refusal,
};

/// Whether the caller may own one more object. People with a directory role and the operator are not bounded, nor
/// are applications that may change every object of the kind (`change_all`) anyway.
///
/// # Errors
/// [`Refusal::QuotaExceeded`]
pub(crate) fn require_room(
    caller: &Caller,
    directory: &Directory,
    change_all: &Operation,
) -> Result<(), Refusal> {
    let owner = match caller {
        Caller::Operator { .. } => return Ok(()),
        Caller::User { user, .. } if directory.roles_of(*user).next().is_some() => return Ok(()),
        Caller::User { user, .. } => *user,
        Caller::Application { .. } if authorize(caller, directory, change_all, &[]).is_ok() => return Ok(()),
        Caller::Application { principal, .. } => *principal,
    };
    let limit = directory.tenant.policy.objects_per_person;
    match directory.owned_by(owner) < limit {
        true => Ok(()),
        false => Err(Refusal::QuotaExceeded { limit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        application,
        change::Decided,
        fixture::{self, admin, directory, everyone, moment, operator},
        group, role,
        tenant::{Policy, Tenant},
    };
    use carnet_wire::ids::ObjectId;

    fn tenant_of(limit: u32) -> Directory {
        let mut directory = directory();
        let policy = Policy { objects_per_person: limit, ..Policy::default() };
        directory.tenant = Tenant { policy, ..(*directory.tenant).clone() }.into();
        directory
    }

    fn register(caller: &Caller, directory: &mut Directory) -> Result<ObjectId, Refusal> {
        let new = application::New { display_name: "a".into(), ..application::New::default() };
        let Decided { value, changes, .. } = application::create(caller, directory, new, &moment())?;
        directory.apply(changes);
        Ok(value.id)
    }

    fn group(caller: &Caller, directory: &mut Directory) -> Result<ObjectId, Refusal> {
        let new = group::New {
            id: None,
            display_name: "g".into(),
            mail_nickname: "g".into(),
            security_enabled: true,
            description: None,
        };
        let Decided { value, changes, .. } = group::create(caller, directory, new, &moment())?;
        directory.apply(changes);
        Ok(value.id)
    }

    #[test]
    fn a_member_owns_so_many_objects_of_all_kinds_row_143() {
        let mut directory = tenant_of(2);
        let full = Err(Refusal::QuotaExceeded { limit: 2 });
        let app = register(&everyone(), &mut directory).unwrap();
        let own = group(&everyone(), &mut directory).unwrap();
        assert_eq!(register(&everyone(), &mut directory), full);
        assert_eq!(group(&everyone(), &mut directory), full);
        // A change of what they own takes no further place, and what goes makes room.
        let rename = application::Changes { display_name: Some("b".into()), ..Default::default() };
        let renamed = application::change(&everyone(), &directory, app, rename).unwrap();
        directory.apply(renamed.changes);
        assert_eq!(directory.owned_by(directory.application(app).unwrap().owners[0]), 2);
        let gone = group::delete(&everyone(), &directory, own).unwrap();
        directory.apply(gone.changes);
        assert!(group(&everyone(), &mut directory).is_ok());
        let gone = application::delete(&everyone(), &directory, app).unwrap();
        directory.apply(gone.changes);
        assert!(register(&everyone(), &mut directory).is_ok());
        assert_eq!(register(&everyone(), &mut directory), full);
    }

    #[test]
    fn administrators_the_operator_and_applications_over_all_objects_are_not_bounded() {
        let mut directory = tenant_of(1);
        let all = fixture::application(90, &["Application.ReadWrite.All", "Group.ReadWrite.All"]);
        for caller in [admin(), operator(), all] {
            for _ in 0..3 {
                assert!(register(&caller, &mut directory).is_ok() && group(&caller, &mut directory).is_ok());
            }
        }
        let owned = fixture::application(91, &["Application.ReadWrite.OwnedBy"]);
        assert!(register(&owned, &mut directory).is_ok());
        assert_eq!(register(&owned, &mut directory), Err(Refusal::QuotaExceeded { limit: 1 }));
        // Any directory role does.
        assert!(
            register(&everyone(), &mut directory).is_ok() && register(&everyone(), &mut directory).is_err()
        );
        let Caller::User { user, .. } = everyone() else { panic!("a user") };
        let given = role::assign(&operator(), &directory, user, "Reports Reader").unwrap();
        directory.apply(given.changes);
        assert!(register(&everyone(), &mut directory).is_ok());
    }
}
