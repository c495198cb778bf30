//! Groups of a tenant file, and who is in them.

use super::{
    Loaded,
    draft::{Draft, Refused},
};
use carnet_tenant::{
    change::Moment,
    directory::Directory,
    group::{self, Changes, MemberKind, MembershipKey, New},
    refusal::Refusal,
    user,
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    tenant_file::GroupTable,
};
use std::collections::HashMap;

/// Makes or changes every group, and then puts the members in: groups may name each other. Members that are
/// not in the file stay. Gives the groups' ids by name.
pub(super) fn groups<'a>(
    draft: &mut Draft,
    loaded: &'a Loaded,
    (users, apps): (&HashMap<String, ObjectId>, &[AppId]),
    at: &Moment<'_>,
) -> Result<HashMap<&'a str, ObjectId>, Refused> {
    let tables = &loaded.file.groups;
    let mut ids: HashMap<&str, ObjectId> = HashMap::new();
    for table in tables {
        let id = one(draft, table, at).map_err(|no| about(table, no))?;
        ids.insert(table.name.as_str(), id);
    }
    let named: HashMap<&str, AppId> =
        loaded.file.applications.iter().map(|it| it.name.as_str()).zip(apps.iter().copied()).collect();
    for table in tables {
        let mut changed = false;
        for name in &table.members {
            let app = name.parse().ok().or_else(|| named.get(name.as_str()).copied());
            let principal = app.and_then(|app| draft.directory.principal_by_app(app)).map(|it| it.id);
            let user = users.get(&user::fold(name)).map(|id| (*id, MemberKind::User));
            let member = user
                .or(principal.map(|id| (id, MemberKind::ServicePrincipal)))
                .or(ids.get(name.as_str()).map(|id| (*id, MemberKind::Group)));
            let Some((member, kind)) = member else {
                let message = format!("`{name}` is no user, application or group of this file");
                let target = Some("members".into());
                return Err(about(table, Refusal::BadRequest { message, target }));
            };
            let key = MembershipKey { member, group: ids[table.name.as_str()] };
            if draft.directory.is_member(&key) {
                continue;
            }
            let decided = group::add_member(&draft.caller, &draft.directory, (key, kind));
            changed |= draft.take(decided.map_err(|no| about(table, no))?).1;
        }
        draft.touch("group", &table.name, changed);
    }
    Ok(ids)
}

fn about(table: &GroupTable, no: Refusal) -> Refused {
    (format!("group `{}`", table.name), no)
}

fn one(draft: &mut Draft, table: &GroupTable, at: &Moment<'_>) -> Result<ObjectId, Refusal> {
    let found = existing(&draft.directory, table)?;
    let (id, changed) = match found {
        Some(id) => {
            let changes = Changes {
                display_name: Some(table.name.clone()),
                description: table.description.clone().map(Some),
                ..Changes::default()
            };
            let decided = group::change(&draft.caller, &draft.directory, id, changes)?;
            (id, draft.take(decided).1)
        }
        None => {
            let new = New {
                id: table.id,
                display_name: table.name.clone(),
                mail_nickname: nickname(&table.name),
                security_enabled: true,
                description: table.description.clone(),
            };
            let decided = group::create(&draft.caller, &draft.directory, new, at)?;
            (draft.take(decided).0.id, true)
        }
    };
    draft.report("group", &table.name, (found.is_some(), changed));
    Ok(id)
}

/// The group that the table means: by id, else by name.
fn existing(directory: &Directory, table: &GroupTable) -> Result<Option<ObjectId>, Refusal> {
    if let Some(id) = table.id {
        return Ok(directory.group(id).map(|it| it.id));
    }
    let mut same = directory.groups(None).filter(|it| it.display_name == table.name).map(|it| it.id);
    match (same.next(), same.next()) {
        (_, Some(_)) => {
            let message = "several groups have this name; say which one by id".to_owned();
            Err(Refusal::BadRequest { message, target: Some("id".into()) })
        }
        (found, None) => Ok(found),
    }
}

/// A name for mail that is made of a group's name: its letters and digits.
fn nickname(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if letters.is_empty() { "group".into() } else { letters }
}
