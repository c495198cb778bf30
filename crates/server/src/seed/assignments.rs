//! Who may use an application of a tenant file: whether people have to be assigned to it, and who is.

use super::{
    Loaded,
    draft::{Draft, Refused},
};
use carnet_tenant::{
    change::Moment,
    directory::Directory,
    group::MemberKind,
    permission_grant::{self, AssignmentKey},
    refusal::Refusal,
    service_principal::{self, ServicePrincipal},
    user,
};
use carnet_wire::{
    ids::{AppId, KeyId, ObjectId},
    tenant_file::{ApplicationTable, AssignmentTable},
};
use std::collections::HashMap;
use uuid::Uuid;

/// The objects of a file.
pub(super) struct Holders<'a> {
    /// Applications, in the file's order.
    pub(super) apps: &'a [AppId],
    /// Users, by their folded names.
    pub(super) users: &'a HashMap<String, ObjectId>,
    /// Groups, by name.
    pub(super) groups: &'a HashMap<&'a str, ObjectId>,
}

/// Makes the assignments of every application. Assignments that are not in the file stay.
pub(super) fn assignments(
    draft: &mut Draft,
    loaded: &Loaded,
    holders: &Holders<'_>,
    at: &Moment<'_>,
) -> Result<(), Refused> {
    for (table, app) in loaded.file.applications.iter().zip(holders.apps) {
        let changed = of_application(draft, table, (*app, holders), at)
            .map_err(|no| (format!("application `{}`", table.name), no))?;
        draft.touch("application", &table.name, changed);
    }
    Ok(())
}

fn of_application(
    draft: &mut Draft,
    table: &ApplicationTable,
    (app, holders): (AppId, &Holders<'_>),
    at: &Moment<'_>,
) -> Result<bool, Refusal> {
    if table.assignment_required.is_none() && table.assignments.is_empty() {
        return Ok(false);
    }
    let id = draft.principal(app, at)?;
    let wanted = (None, table.assignment_required);
    let decided = service_principal::change(&draft.caller, &draft.directory, id, wanted)?;
    let mut changed = draft.take(decided).1;
    for assignment in &table.assignments {
        let (principal, kind) = holder(assignment, holders)?;
        let role = role(&draft.directory, id, assignment)?;
        let key = AssignmentKey { principal, resource: id, role };
        if draft.directory.app_roles_of(principal).any(|it| it.key == key) {
            continue;
        }
        let decided = permission_grant::assign(&draft.caller, &draft.directory, (key, kind), at)?;
        changed |= draft.take(decided).1;
    }
    Ok(changed)
}

/// The user or group that an assignment names.
fn holder(assignment: &AssignmentTable, holders: &Holders<'_>) -> Result<(ObjectId, MemberKind), Refusal> {
    let user = holders.users.get(&user::fold(&assignment.to)).map(|id| (*id, MemberKind::User));
    let group = || holders.groups.get(assignment.to.as_str()).map(|id| (*id, MemberKind::Group));
    user.or_else(group).ok_or_else(|| wrong(format!("`{}` is no user or group of this file", assignment.to)))
}

/// The id of the app role that an assignment names; zeros for default access.
fn role(directory: &Directory, principal: ObjectId, assignment: &AssignmentTable) -> Result<KeyId, Refusal> {
    let Some(name) = &assignment.role else { return Ok(KeyId::new(Uuid::nil())) };
    let offered = directory.principal(principal).map(|it| &**it);
    let find =
        |it: &ServicePrincipal| it.app_roles.iter().find(|role| role.value == *name).map(|role| role.id);
    offered.and_then(find).ok_or_else(|| wrong(format!("the application exposes no app role `{name}`")))
}

fn wrong(message: String) -> Refusal {
    Refusal::BadRequest { message, target: Some("assignments".into()) }
}
