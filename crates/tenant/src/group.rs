//! Groups: sets of users, service principals and other groups, and the rules for making and changing
//! them. A member of a group within a group is a member of both, whatever the depth; circles do no harm.

use crate::{
    access::{self, Caller, authorize},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    directory::Directory,
    permission::{check_name, require_authority_over_group},
    quota,
    refusal::Refusal,
    text::{DESCRIPTION, NAME, SHORT_NAME, Text, check_texts},
};
use carnet_wire::{ids::ObjectId, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The object's id; what `groups` shows.
    pub id: ObjectId,
    /// The name people see.
    pub display_name: String,
    /// Left part of its mail address, whether it has one or not.
    pub mail_nickname: String,
    /// It takes mail.
    pub mail_enabled: bool,
    /// Access may be given to it; only such groups are security groups.
    pub security_enabled: bool,
    /// Free text.
    pub description: Option<String>,
    /// Users and service principals that own it.
    pub owners: Vec<ObjectId>,
    /// When it was made.
    pub created: Timestamp,
}

/// What names a membership. The order of the parts is the order of the index, so that the groups of one
/// member lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MembershipKey {
    /// The member.
    pub member: ObjectId,
    /// The group.
    pub group: ObjectId,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A person.
    User,
    /// An application in the tenant.
    ServicePrincipal,
    /// Another group.
    Group,
}

/// Somebody is a member of a group, directly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Member and group.
    pub key: MembershipKey,
    /// What the member is.
    pub kind: MemberKind,
}

/// What a new group says of itself.
#[derive(Debug, Clone)]
pub struct New {
    /// The id, if the operator fixes it.
    pub id: Option<ObjectId>,
    /// The name people see.
    pub display_name: String,
    /// Left part of its mail address.
    pub mail_nickname: String,
    /// Access may be given to it.
    pub security_enabled: bool,
    /// Free text.
    pub description: Option<String>,
}

/// Properties that may be changed; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name people see.
    pub display_name: Option<String>,
    /// Left part of its mail address.
    pub mail_nickname: Option<String>,
    /// Access may be given to it.
    pub security_enabled: Option<bool>,
    /// Free text.
    pub description: Option<Option<String>>,
}

/// Makes a group. Members may, as at Entra by default; whoever makes it owns it.
///
/// # Errors
/// [`Refusal`]
pub fn create(
    caller: &Caller,
    directory: &Directory,
    new: New,
    at: &Moment<'_>,
) -> Result<Decided<Group>, Refusal> {
    authorize(caller, directory, &access::CREATE_GROUP, &[])?;
    quota::require_room(caller, directory, &access::CHANGE_GROUP)?;
    let owners = match caller {
        Caller::User { user, .. } => vec![*user],
        Caller::Application { principal, .. } => vec![*principal],
        Caller::Operator { .. } => Vec::new(),
    };
    let group = Group {
        id: new.id.unwrap_or_else(|| ObjectId::new(at.entropy.uuid())),
        display_name: new.display_name,
        mail_nickname: new.mail_nickname,
        // Nothing here takes mail.
        mail_enabled: false,
        security_enabled: new.security_enabled,
        description: new.description,
        owners,
        created: at.now,
    };
    check(None, &group)?;
    let taken = directory.group(group.id).is_some() || directory.principal(group.id).is_some();
    if taken || directory.application(group.id).is_some() {
        return Err(Refusal::ObjectConflict { property: "id" });
    }
    let audit = audit(caller, "Add group", &group, Vec::new());
    let change = Change::Put(Object::Group(group.clone().into()));
    Ok(Decided { value: group, changes: vec![change], audit: vec![audit] })
}

/// Changes a group.
///
/// # Errors
/// [`Refusal`]
pub fn change(
    caller: &Caller,
    directory: &Directory,
    id: ObjectId,
    changes: Changes,
) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_GROUP, &old.owners)?;
    let mut new = old.clone();
    new.display_name = changes.display_name.unwrap_or(new.display_name);
    new.mail_nickname = changes.mail_nickname.unwrap_or(new.mail_nickname);
    new.security_enabled = changes.security_enabled.unwrap_or(new.security_enabled);
    new.description = changes.description.unwrap_or(new.description);
    check(Some(old), &new)?;
    if new == *old {
        return Ok(nothing());
    }
    let renamed = ("displayName".to_owned(), old.display_name.clone(), new.display_name.clone());
    let modified = if old.display_name == new.display_name { Vec::new() } else { vec![renamed] };
    let audit = audit(caller, "Update group", &new, modified);
    Ok(Decided { value: (), changes: vec![Change::Put(Object::Group(new.into()))], audit: vec![audit] })
}

/// Deletes a group, with its memberships and what was given to it.
///
/// # Errors
/// [`Refusal`]
pub fn delete(caller: &Caller, directory: &Directory, id: ObjectId) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::DELETE_GROUP, &old.owners)?;
    let mut keys = vec![ObjectKey::Group(id)];
    let inside = directory.members_of(id, None).map(|(member, _)| MembershipKey { member, group: id });
    keys.extend(inside.map(ObjectKey::Membership));
    keys.extend(directory.app_roles_of(id).map(|it| ObjectKey::AppRoleAssignment(it.key)));
    let mut changes: Vec<Change> = keys.into_iter().map(Change::Remove).collect();
    changes.extend(leave_all(directory, id));
    let audit = audit(caller, "Delete group", old, Vec::new());
    Ok(Decided { value: (), changes, audit: vec![audit] })
}

/// Puts somebody into a group. That a user is there is the caller's to know: users are not in the directory.
///
/// # Errors
/// [`Refusal`]
pub fn add_member(
    caller: &Caller,
    directory: &Directory,
    (key, kind): (MembershipKey, MemberKind),
) -> Result<Decided<()>, Refusal> {
    let group = found(directory, key.group)?;
    authorize(caller, directory, &access::CHANGE_GROUP, &group.owners)?;
    require_authority_over_group(caller, directory, group.id)?;
    let there = match kind {
        MemberKind::User => true,
        MemberKind::ServicePrincipal => directory.principal(key.member).is_some(),
        MemberKind::Group => directory.group(key.member).is_some(),
    };
    if !there {
        return Err(Refusal::NotFound { id: key.member.to_string() });
    }
    if key.member == key.group {
        let message = "a group cannot be a member of itself".to_owned();
        return Err(Refusal::BadRequest { message, target: Some("members".into()) });
    }
    if directory.is_member(&key) {
        let message = "One or more added object references already exist for the following modified properties: 'members'.";
        return Err(Refusal::BadRequest { message: message.into(), target: Some("members".into()) });
    }
    let modified = vec![("member".to_owned(), String::new(), key.member.to_string())];
    let audit = audit(caller, "Add member to group", group, modified);
    let change = Change::Put(Object::Membership(Membership { key, kind }.into()));
    Ok(Decided { value: (), changes: vec![change], audit: vec![audit] })
}

/// Takes somebody out of a group.
///
/// # Errors
/// [`Refusal`]
pub fn remove_member(
    caller: &Caller,
    directory: &Directory,
    key: MembershipKey,
) -> Result<Decided<()>, Refusal> {
    let group = found(directory, key.group)?;
    authorize(caller, directory, &access::CHANGE_GROUP, &group.owners)?;
    if !directory.is_member(&key) {
        return Err(Refusal::NotFound { id: key.member.to_string() });
    }
    let modified = vec![("member".to_owned(), key.member.to_string(), String::new())];
    let audit = audit(caller, "Remove member from group", group, modified);
    let change = Change::Remove(ObjectKey::Membership(key));
    Ok(Decided { value: (), changes: vec![change], audit: vec![audit] })
}

/// The memberships that end with a user, service principal or group.
pub(crate) fn leave_all(directory: &Directory, member: ObjectId) -> impl Iterator<Item = Change> + '_ {
    let groups = directory.memberships_of(member);
    groups.map(|it| Change::Remove(ObjectKey::Membership(it.key)))
}

/// Every group that somebody is in, through other groups too, in the order of the ids.
#[must_use]
pub fn all_of(directory: &Directory, member: ObjectId) -> BTreeSet<ObjectId> {
    let mut all = BTreeSet::new();
    let mut waiting = vec![member];
    while let Some(next) = waiting.pop() {
        for it in directory.memberships_of(next) {
            if all.insert(it.key.group) {
                waiting.push(it.key.group);
            }
        }
    }
    all
}

fn found(directory: &Directory, id: ObjectId) -> Result<&Group, Refusal> {
    directory.group(id).map(|it| &**it).ok_or_else(|| Refusal::NotFound { id: id.to_string() })
}

const fn nothing() -> Decided<()> {
    Decided { value: (), changes: Vec::new(), audit: Vec::new() }
}

/// Whether a group may be kept. `held` is what it was before.
fn check(held: Option<&Group>, it: &Group) -> Result<(), Refusal> {
    if held.is_none_or(|old| old.display_name != it.display_name) {
        check_name("displayName", &it.display_name)?;
    }
    check_texts(&texts(it), &held.map(texts).unwrap_or_default())?;
    let wrong = |target: &str, wants: &str| {
        let message = format!("the property '{target}' wants {wants}");
        Err(Refusal::BadRequest { message, target: Some(target.to_owned()) })
    };
    let nickname = (1..=64).contains(&it.mail_nickname.len())
        && it.mail_nickname.bytes().all(|b| b.is_ascii_graphic() && !b"@()\\[]\";:<>,".contains(&b));
    if !nickname {
        return wrong("mailNickname", "1 to 64 visible characters without @ ( ) \\ [ ] \" ; : < > ,");
    }
    if !it.security_enabled {
        return wrong("securityEnabled", "true: a group that takes no mail is a security group");
    }
    Ok(())
}

/// Every text of a group with its limit. A property that is added has to be named here.
fn texts(it: &Group) -> Vec<Text<'_>> {
    let Group {
        id: _,
        display_name,
        mail_nickname,
        mail_enabled: _,
        security_enabled: _,
        description,
        owners: _,
        created: _,
    } = it;
    let mut all = vec![
        Text::new("displayName", display_name, NAME),
        Text::new("mailNickname", mail_nickname, SHORT_NAME),
    ];
    all.extend(description.iter().map(|it| Text::new("description", it, DESCRIPTION)));
    all
}

fn audit(caller: &Caller, activity: &str, it: &Group, modified: Vec<(String, String, String)>) -> Audit {
    let target = ("group".to_owned(), it.id.to_string(), it.display_name.clone());
    Audit { activity: activity.to_owned(), actor: caller.actor(), target, modified }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{admin, directory, everyone, moment, nobody, with_power_platform};
    use uuid::Uuid;

    fn new(name: &str) -> New {
        New {
            id: None,
            display_name: name.into(),
            mail_nickname: name.into(),
            security_enabled: true,
            description: None,
        }
    }

    fn make(directory: &mut Directory, caller: &Caller, name: &str) -> ObjectId {
        let made = create(caller, directory, new(name), &moment()).unwrap();
        directory.apply(made.changes);
        made.value.id
    }

    fn put(directory: &mut Directory, member: ObjectId, group: ObjectId, kind: MemberKind) {
        let key = MembershipKey { member, group };
        let added = add_member(&admin(), directory, (key, kind)).unwrap();
        directory.apply(added.changes);
    }

    fn user(number: u128) -> ObjectId {
        ObjectId::new(Uuid::from_u128(number))
    }

    #[test]
    fn a_member_makes_a_group_and_owns_it_and_others_do_not_change_it() {
        let mut directory = directory();
        let own = make(&mut directory, &everyone(), "own");
        let rename = || Changes { display_name: Some("new".into()), ..Changes::default() };
        assert!(change(&everyone(), &directory, own, rename()).is_ok());
        let theirs = make(&mut directory, &admin(), "theirs");
        for refused in [
            change(&everyone(), &directory, theirs, rename()).map(drop),
            delete(&everyone(), &directory, theirs).map(drop),
            create(&nobody(), &directory, new("x"), &moment()).map(drop),
        ] {
            assert!(matches!(refused, Err(Refusal::Forbidden { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_group_wants_a_name_and_a_nickname() {
        let directory = directory();
        let refused = |new: New| create(&admin(), &directory, new, &moment()).is_err();
        assert!(!refused(new("a")));
        assert!(refused(new("")) && refused(New { mail_nickname: "a b".into(), ..new("a") }));
        assert!(refused(New { security_enabled: false, ..new("a") }));
    }

    #[test]
    fn members_of_inner_groups_are_members_and_circles_end() {
        let mut directory = directory();
        let [a, b, c] = ["a", "b", "c"].map(|name| make(&mut directory, &admin(), name));
        put(&mut directory, user(7), a, MemberKind::User);
        put(&mut directory, a, b, MemberKind::Group);
        put(&mut directory, b, c, MemberKind::Group);
        put(&mut directory, c, a, MemberKind::Group);
        assert_eq!(all_of(&directory, user(7)), BTreeSet::from([a, b, c]));
        assert!(all_of(&directory, user(8)).is_empty());
        let gone = remove_member(&admin(), &directory, MembershipKey { member: a, group: b }).unwrap();
        directory.apply(gone.changes);
        assert_eq!(all_of(&directory, user(7)), BTreeSet::from([a]));
    }

    #[test]
    fn nobody_is_twice_in_a_group_nor_a_group_in_itself_nor_what_is_not_there() {
        let mut directory = directory();
        let a = make(&mut directory, &admin(), "a");
        put(&mut directory, user(7), a, MemberKind::User);
        let add = |member, kind| {
            add_member(&admin(), &directory, (MembershipKey { member, group: a }, kind)).unwrap_err()
        };
        assert!(matches!(add(user(7), MemberKind::User), Refusal::BadRequest { .. }));
        assert!(matches!(add(a, MemberKind::Group), Refusal::BadRequest { .. }));
        assert!(matches!(add(user(9), MemberKind::Group), Refusal::NotFound { .. }));
        assert!(matches!(add(user(9), MemberKind::ServicePrincipal), Refusal::NotFound { .. }));
        let key = MembershipKey { member: user(8), group: a };
        assert!(matches!(remove_member(&admin(), &directory, key), Err(Refusal::NotFound { .. })));
    }

    #[test]
    fn memberships_end_with_the_group_and_with_the_principal() {
        let (mut directory, client, _) = with_power_platform();
        let [a, b] = ["a", "b"].map(|name| make(&mut directory, &admin(), name));
        put(&mut directory, client, a, MemberKind::ServicePrincipal);
        put(&mut directory, user(7), b, MemberKind::User);
        put(&mut directory, b, a, MemberKind::Group);
        let principal = directory.principal(client).unwrap().clone();
        directory.apply(crate::service_principal::removal(&directory, &principal));
        assert_eq!(directory.members_of(a, None).map(|(id, _)| id).collect::<Vec<_>>(), [b]);
        let gone = delete(&admin(), &directory, b).unwrap();
        directory.apply(gone.changes);
        assert_eq!(directory.members_of(a, None).count(), 0);
        assert!(directory.memberships_of(user(7)).next().is_none() && directory.group(b).is_none());
    }
}
