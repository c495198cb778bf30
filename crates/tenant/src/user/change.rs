//! Changing, deleting and signing out. Nobody touches a higher administrator (`security.md`, S32), and whatever
//! takes a sign-in's ground away moves `sessions_valid_from`, so that refresh tokens, sessions and access
//! tokens from before are dead.

use super::{User, text};
use crate::{
    access::{self, Caller, authorize},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    credential::{Guarded, PasswordHash},
    directory::Directory,
    group,
    lockout::Attempt,
    permission::check_name,
    refusal::Refusal,
    role,
    token::PasswordProof,
};
use serde_json::Value;

/// Names and labels of an account, which no rule reads. What is `None` stays, and `Some(None)` empties.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Given name.
    pub given_name: Option<Option<String>>,
    /// Family name.
    pub surname: Option<Option<String>>,
    /// Mail address.
    pub mail: Option<Option<String>>,
    /// Left part of the mail address.
    pub mail_nickname: Option<Option<String>>,
    /// Further Graph properties, kept as given; null takes one away.
    pub kept: Vec<(&'static str, Value)>,
}

/// What becomes of an account; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name people see.
    pub display_name: Option<String>,
    /// May sign in.
    pub enabled: Option<bool>,
    /// A new password's hash. Refresh tokens that the old one gave die with it.
    pub password: Option<PasswordHash>,
    /// The password must be changed before the next token, or need not any more.
    pub force_change: Option<bool>,
    /// A second factor.
    pub totp: Option<Guarded>,
    /// Names and labels.
    pub labels: Labels,
}

/// Labels by which somebody could be reached to get their password back, so that changing them is like
/// changing the password.
const RECOVERY: [&str; 3] = ["businessPhones", "mobilePhone", "otherMails"];
/// Roles that a User Administrator may touch the holders of; every other one is a higher administrator's.
const LOW_ROLES: [&str; 4] =
    [role::USER_ADMINISTRATOR, "Directory Readers", "Reports Reader", "Message Center Reader"];

impl Changes {
    /// They touch what a sign-in rests on.
    fn sensitive(&self) -> bool {
        self.enabled.is_some()
            || self.password.is_some()
            || self.force_change.is_some()
            || self.totp.is_some()
            || self.labels.kept.iter().any(|(name, _)| RECOVERY.contains(name))
    }

    /// They touch the password.
    const fn about_password(&self) -> bool {
        self.password.is_some() || self.force_change.is_some()
    }

    /// They touch anything but the password.
    fn about_account(&self) -> bool {
        self.display_name.is_some()
            || self.enabled.is_some()
            || self.totp.is_some()
            || self.labels.given_name.is_some()
            || self.labels.surname.is_some()
            || self.labels.mail.is_some()
            || self.labels.mail_nickname.is_some()
            || !self.labels.kept.is_empty()
    }
}

/// The caller stands at least as high as this user (`security.md`, S32): a Global Administrator above
/// everyone, a User Administrator above people without roles and with [`LOW_ROLES`], an application without a
/// role above people without roles.
fn above(caller: &Caller, directory: &Directory, user: &User) -> Result<(), Refusal> {
    let who = match caller {
        Caller::Operator { .. } => return Ok(()),
        Caller::User { user, .. } => *user,
        Caller::Application { principal, .. } => *principal,
    };
    let holds = |name| role::held(directory, who, &[name]);
    let low = |template| {
        let known = |name: &&str| directory.catalogue.role(name).is_some_and(|it| it.id == template);
        LOW_ROLES.iter().any(known)
    };
    let mut roles = directory.roles_of(user.id).map(|it| it.key.role).peekable();
    let allowed = roles.peek().is_none()
        || holds(role::GLOBAL_ADMINISTRATOR)
        || (holds(role::USER_ADMINISTRATOR) && roles.all(low));
    match allowed {
        true => Ok(()),
        false => {
            let needs = "the user is an administrator, and only one at least as high may do this".into();
            Err(Refusal::Forbidden { needs })
        }
    }
}

fn found<'a>(old: Option<&'a User>, name: &str) -> Result<&'a User, Refusal> {
    old.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() })
}

fn put(caller: &Caller, activity: &str, new: User, modified: Vec<(String, String, String)>) -> Decided<()> {
    let target = ("user".to_owned(), new.id.to_string(), new.display_name.clone());
    let audit = Audit { activity: activity.into(), actor: caller.actor(), target, modified };
    Decided { value: (), changes: vec![Change::Put(Object::User(new.into()))], audit: vec![audit] }
}

/// Changes an account. `old` is the account as `name` found it.
///
/// # Errors
/// [`Refusal`]
pub fn change(
    caller: &Caller,
    directory: &Directory,
    (old, name): (Option<&User>, &str),
    changes: Changes,
    at: &Moment<'_>,
) -> Result<Decided<()>, Refusal> {
    if changes.about_password() {
        authorize(caller, directory, &access::RESET_PASSWORD, &[])?;
    }
    if changes.about_account() || !changes.about_password() {
        authorize(caller, directory, &access::CHANGE_USERS, &[])?;
    }
    let old = found(old, name)?;
    if changes.sensitive() {
        above(caller, directory, old)?;
    }
    let mut new = old.clone();
    let mut modified = Vec::new();
    if let Some(name) = changes.display_name.filter(|name| *name != old.display_name) {
        check_name("displayName", &name)?;
        modified.push(("displayName".to_owned(), old.display_name.clone(), name.clone()));
        new.display_name = name;
    }
    if let Some(enabled) = changes.enabled.filter(|enabled| *enabled != old.enabled) {
        modified.push(("accountEnabled".to_owned(), old.enabled.to_string(), enabled.to_string()));
        new.enabled = enabled;
        // Letting them in again later revives nothing.
        if !enabled {
            new.end_sessions(at.now);
        }
    }
    label(&mut new, changes.labels, &mut modified)?;
    text::check(Some(old), &new)?;
    let reset = changes.password.is_some();
    if let Some(hash) = changes.password {
        modified.push(("passwordProfile".to_owned(), String::new(), String::new()));
        set_password(&mut new, hash, at);
    }
    if let Some(force) = changes.force_change.filter(|force| *force != new.password_expired) {
        let (was, is) = (new.password_expired.to_string(), force.to_string());
        modified.push(("forceChangePasswordNextSignIn".to_owned(), was, is));
        new.password_expired = force;
    }
    if let Some(totp) = changes.totp.filter(|totp| old.totp.as_ref() != Some(totp)) {
        modified.push(("strongAuthentication".to_owned(), String::new(), String::new()));
        (new.totp, new.recovery_codes) = (Some(totp), Vec::new());
    }
    if modified.is_empty() {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    Ok(put(caller, if reset { "Reset user password" } else { "Update user" }, new, modified))
}

fn set_password(user: &mut User, hash: PasswordHash, at: &Moment<'_>) {
    user.password = Some(hash);
    user.password_expired = false;
    user.password_changed = at.now;
    user.end_sessions(at.now);
}

/// Sets names and labels, and says which changed.
pub(super) fn label(
    user: &mut User,
    labels: Labels,
    modified: &mut Vec<(String, String, String)>,
) -> Result<(), Refusal> {
    let texts = [
        ("givenName", labels.given_name, &mut user.given_name),
        ("surname", labels.surname, &mut user.surname),
        ("mail", labels.mail, &mut user.mail),
        ("mailNickname", labels.mail_nickname, &mut user.mail_nickname),
    ];
    for (name, wanted, held) in texts {
        let Some(wanted) = wanted.filter(|wanted| wanted != held) else { continue };
        if let Some(text) = &wanted {
            check_name(name, text)?;
        }
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        modified.push((name.to_owned(), text(held), text(&wanted)));
        *held = wanted;
    }
    for (name, value) in labels.kept {
        let old = user.kept.get(name).cloned().unwrap_or_default();
        if old == value {
            continue;
        }
        modified.push((name.to_owned(), old.to_string(), value.to_string()));
        match value {
            Value::Null => drop(user.kept.remove(name)),
            value => drop(user.kept.insert(name.to_owned(), value)),
        }
    }
    Ok(())
}

/// Deletes an account with everything that hangs on it: roles, assignments, groups, what it consented to. The store
/// revokes its refresh tokens in the same batch; its sessions and codes stand for nobody from then on.
///
/// # Errors
/// [`Refusal`]
pub fn delete(
    caller: &Caller,
    directory: &Directory,
    (old, name): (Option<&User>, &str),
) -> Result<Decided<()>, Refusal> {
    authorize(caller, directory, &access::DELETE_USERS, &[])?;
    let old = found(old, name)?;
    above(caller, directory, old)?;
    let id = old.id;
    let mut keys = vec![ObjectKey::User(id)];
    keys.extend(directory.roles_of(id).map(|it| ObjectKey::RoleAssignment(it.key)));
    keys.extend(directory.app_roles_of(id).map(|it| ObjectKey::AppRoleAssignment(it.key)));
    let own = directory.grants(None).filter(|it| it.key.principal == Some(id));
    keys.extend(own.map(|it| ObjectKey::PermissionGrant(it.key)));
    let target = ("user".to_owned(), id.to_string(), old.display_name.clone());
    let audit = Audit { activity: "Delete user".into(), actor: caller.actor(), target, modified: Vec::new() };
    let mut changes: Vec<Change> = keys.into_iter().map(Change::Remove).collect();
    changes.extend(group::leave_all(directory, id));
    Ok(Decided { value: (), changes, audit: vec![audit] })
}

/// Ends all sessions and refresh tokens of an account, and the access tokens that were issued so far.
///
/// # Errors
/// [`Refusal`]
pub fn revoke_sessions(
    caller: &Caller,
    directory: &Directory,
    (old, name): (Option<&User>, &str),
    at: &Moment<'_>,
) -> Result<Decided<()>, Refusal> {
    let own = matches!((caller, old), (Caller::User { user, .. }, Some(old)) if *user == old.id);
    let operation = if own { &access::REVOKE_OWN_SESSIONS } else { &access::REVOKE_SESSIONS };
    authorize(caller, directory, operation, &[])?;
    let old = found(old, name)?;
    if !own {
        above(caller, directory, old)?;
    }
    let mut new = old.clone();
    new.end_sessions(at.now);
    let (was, is) = (old.sessions_valid_from.iso(), new.sessions_valid_from.iso());
    let modified = vec![("signInSessionsValidFromDateTime".to_owned(), was, is)];
    Ok(put(caller, "Revoke sign-in sessions", new, modified))
}

/// Changes one's own password. The old one was proved under the account's lockout, as at a sign-in.
///
/// # Errors
/// [`Refusal`]; a wrong old password and a locked account look the same.
pub fn change_own_password(
    caller: &Caller,
    directory: &Directory,
    old: Option<&User>,
    (attempt, proof, hash): (Attempt, PasswordProof, Option<PasswordHash>),
    at: &Moment<'_>,
) -> Result<Decided<()>, Refusal> {
    authorize(caller, directory, &access::CHANGE_OWN_PASSWORD, &[])?;
    let old = found(old, "me")?;
    let own = matches!(caller, Caller::User { user, .. } if *user == old.id);
    let hash = match (proof, hash) {
        (PasswordProof::Busy, _) => return Err(Refusal::Busy { seconds: 1 }),
        (PasswordProof::Right, Some(hash)) if own && attempt.evaluates() => hash,
        _ => {
            let message = "the current password is wrong, or the account is closed to this address".into();
            return Err(Refusal::BadRequest { message, target: Some("currentPassword".into()) });
        }
    };
    let mut new = old.clone();
    set_password(&mut new, hash, at);
    let modified = vec![("passwordProfile".to_owned(), String::new(), String::new())];
    Ok(put(caller, "Change user password", new, modified))
}

#[cfg(test)]
mod tests {
    use super::{super::create, *};
    use crate::{
        fixture::{admin, directory, everyone, moment, nobody},
        user::New,
    };
    use carnet_wire::ids::ObjectId;
    use uuid::Uuid;

    fn user(directory: &Directory, number: u128) -> User {
        let new = New {
            id: Some(ObjectId::new(Uuid::from_u128(number))),
            name: format!("u{number}@contoso.example"),
            display_name: "U".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels: Labels::default(),
        };
        create(&Caller::Operator { digest: String::new() }, directory, new, &moment()).unwrap().value
    }

    fn with(directory: &mut Directory, number: u128, role: &str) {
        let id = ObjectId::new(Uuid::from_u128(number));
        let operator = Caller::Operator { digest: String::new() };
        let made = role::assign(&operator, directory, id, role).unwrap();
        directory.apply(made.changes);
    }

    /// User 2 of the fixture, as a User Administrator.
    fn ranks() -> Directory {
        let mut directory = directory();
        with(&mut directory, 2, role::USER_ADMINISTRATOR);
        with(&mut directory, 3, role::GLOBAL_ADMINISTRATOR);
        with(&mut directory, 4, role::POWER_PLATFORM_ADMINISTRATOR);
        with(&mut directory, 5, role::USER_ADMINISTRATOR);
        directory
    }

    fn hash() -> PasswordHash {
        PasswordHash(Guarded::new("h".into()))
    }

    fn sensitive() -> Vec<Changes> {
        let kept = vec![("mobilePhone", Value::from("1"))];
        vec![
            Changes { enabled: Some(false), ..Changes::default() },
            Changes { password: Some(hash()), ..Changes::default() },
            Changes { force_change: Some(true), ..Changes::default() },
            Changes { labels: Labels { kept, ..Labels::default() }, ..Changes::default() },
        ]
    }

    #[test]
    fn nobody_touches_a_higher_administrator_row_101() {
        let directory = ranks();
        for (number, allowed) in [(6, true), (5, true), (4, false), (3, false)] {
            let target = user(&directory, number);
            let it = (Some(&target), "u");
            for changes in sensitive() {
                let told = change(&everyone(), &directory, it, changes.clone(), &moment());
                assert_eq!(told.is_ok(), allowed, "{number} {changes:?}");
                assert!(change(&admin(), &directory, it, changes, &moment()).is_ok());
            }
            assert_eq!(delete(&everyone(), &directory, it).is_ok(), allowed);
            assert_eq!(revoke_sessions(&everyone(), &directory, it, &moment()).is_ok(), allowed);
            assert!(delete(&admin(), &directory, it).is_ok());
        }
        let rename = Changes { display_name: Some("New".into()), ..Changes::default() };
        let target = user(&directory, 3);
        assert!(change(&everyone(), &directory, (Some(&target), "u"), rename, &moment()).is_ok());
    }

    #[test]
    fn an_application_with_the_role_touches_no_administrator() {
        let directory = ranks();
        let app = |role: &str| Caller::Application {
            principal: ObjectId::new(Uuid::from_u128(90)),
            app: carnet_wire::catalogue::GRAPH.parse().unwrap(),
            tenant: directory.tenant.id,
            roles: [role.to_owned()].into(),
        };
        let off = || Changes { enabled: Some(false), ..Changes::default() };
        for (number, allowed) in [(6, true), (5, false), (3, false)] {
            let target = user(&directory, number);
            let it = (Some(&target), "u");
            let told = change(&app("User.ReadWrite.All"), &directory, it, off(), &moment());
            assert_eq!(told.is_ok(), allowed, "{number}");
        }
        let target = user(&directory, 6);
        let reset = Changes { password: Some(hash()), ..Changes::default() };
        let it = (Some(&target), "u");
        assert!(change(&app("User.ReadWrite.All"), &directory, it, reset.clone(), &moment()).is_err());
        assert!(change(&app("User-PasswordProfile.ReadWrite.All"), &directory, it, reset, &moment()).is_ok());
    }

    #[test]
    fn an_absent_user_is_told_to_those_who_may_and_a_scope_is_needed() {
        let directory = directory();
        let absent = (None, "nobody");
        assert!(matches!(delete(&admin(), &directory, absent), Err(Refusal::NotFound { .. })));
        assert!(matches!(delete(&everyone(), &directory, absent), Err(Refusal::Forbidden { .. })));
        let target = user(&directory, 6);
        let it = (Some(&target), "u");
        assert!(matches!(delete(&nobody(), &directory, it), Err(Refusal::Forbidden { .. })));
    }

    #[test]
    fn what_ends_sessions_moves_what_counts_and_a_label_does_not() {
        let directory = directory();
        let mut target = user(&directory, 6);
        target.sessions_valid_from = carnet_wire::time::Timestamp::from_seconds(1);
        let moved = |decided: Decided<()>| match decided.changes.as_slice() {
            [Change::Put(Object::User(it))] => it.sessions_valid_from == moment().now,
            _ => panic!("one change"),
        };
        let it = (Some(&target), "u");
        let reset = Changes { password: Some(hash()), force_change: Some(true), ..Changes::default() };
        let decided = change(&admin(), &directory, it, reset, &moment()).unwrap();
        assert!(matches!(&decided.changes[..], [Change::Put(Object::User(it))] if it.password_expired));
        assert!(moved(decided));
        assert!(moved(revoke_sessions(&admin(), &directory, it, &moment()).unwrap()));
        let enabled = |to| Changes { enabled: Some(to), ..Changes::default() };
        assert!(moved(change(&admin(), &directory, it, enabled(false), &moment()).unwrap()));
        let mut off = target.clone();
        off.enabled = false;
        let it_off = (Some(&off), "u");
        assert!(!moved(change(&admin(), &directory, it_off, enabled(true), &moment()).unwrap()));
        let rename = Changes { display_name: Some("New".into()), ..Changes::default() };
        assert!(!moved(change(&admin(), &directory, it, rename, &moment()).unwrap()));
    }

    #[test]
    fn ones_own_password_wants_the_old_one_and_ones_own_sessions_no_role() {
        let directory = directory();
        let own = user(&directory, 2);
        let try_with = |attempt, proof, user: &User| {
            change_own_password(
                &everyone(),
                &directory,
                Some(user),
                (attempt, proof, Some(hash())),
                &moment(),
            )
        };
        assert!(try_with(Attempt::Reserved(1), PasswordProof::Right, &own).is_ok());
        for (attempt, proof) in [
            (Attempt::Reserved(1), PasswordProof::Wrong),
            (Attempt::Locked(moment().now), PasswordProof::Right),
            (Attempt::Reserved(1), PasswordProof::Busy),
        ] {
            assert!(try_with(attempt, proof, &own).is_err());
        }
        let other = user(&directory, 6);
        assert!(try_with(Attempt::Reserved(1), PasswordProof::Right, &other).is_err());
        assert!(revoke_sessions(&everyone(), &directory, (Some(&own), "me"), &moment()).is_ok());
        assert!(revoke_sessions(&everyone(), &directory, (Some(&other), "u"), &moment()).is_err());
    }

    #[test]
    fn with_an_account_goes_what_hangs_on_it() {
        let directory = ranks();
        let target = user(&directory, 5);
        let decided = delete(&admin(), &directory, (Some(&target), "u")).unwrap();
        assert!(decided.changes.contains(&Change::Remove(ObjectKey::User(target.id))));
        assert!(decided.changes.iter().any(|it| matches!(it, Change::Remove(ObjectKey::RoleAssignment(_)))));
    }

    #[test]
    fn the_fraction_of_a_revocation_counts_whole() {
        let mut it = user(&directory(), 6);
        it.sessions_valid_from = carnet_wire::time::Timestamp::from_millis(5_001);
        assert_eq!(it.tokens_valid_from(), 6);
        it.sessions_valid_from = carnet_wire::time::Timestamp::from_millis(5_000);
        assert_eq!(it.tokens_valid_from(), 5);
    }

    #[test]
    fn revocations_in_any_number_close_no_account() {
        let at = carnet_wire::time::Timestamp::from_seconds;
        let mut it = user(&directory(), 6);
        (it.sessions_valid_from, it.tokens_from) = (at(0), 0);
        for number in 1..=420 {
            it.end_sessions(at(5_000));
            assert_eq!(it.tokens_valid_from(), (4_999 + number).min(5_300));
        }
        it.end_sessions(at(5_001));
        assert_eq!(it.tokens_valid_from(), 5_301);
        // What a clock that ran ahead wrote stays.
        it.end_sessions(at(4_000));
        assert_eq!(it.tokens_valid_from(), 5_301);
    }

    #[test]
    fn of_two_revocations_in_one_second_each_ends_what_was_issued_before_it() {
        let at = carnet_wire::time::Timestamp::from_millis;
        let mut it = user(&directory(), 6);
        (it.sessions_valid_from, it.tokens_from) = (at(0), 0);
        it.end_sessions(at(5_100));
        assert_eq!(it.tokens_valid_from(), 6);
        it.end_sessions(at(5_300));
        assert_eq!(it.tokens_valid_from(), 7);
        assert!(it.signed_in_since(at(5_400), 7) && !it.signed_in_since(at(5_200), 7));
        assert!(!it.signed_in_since(at(5_400), 8) && it.signed_in_since(at(7_001), 8));
        // A clock that jumps back revives nothing.
        it.end_sessions(at(1_000));
        assert_eq!((it.sessions_valid_from, it.tokens_valid_from()), (at(5_300), 8));
    }
}
