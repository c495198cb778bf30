//! Users of a tenant file.

use super::{Known, draft::Draft};
use carnet_tenant::{
    change::Moment,
    credential::Guarded,
    refusal::Refusal,
    role,
    user::{self, Changes, Labels, New},
};
use carnet_wire::{ids::ObjectId, tenant_file::UserTable};

/// Makes or changes one user and gives them their roles; roles that are not in the file stay. Gives the id.
pub(super) fn user(
    draft: &mut Draft,
    table: &UserTable,
    known: Known,
    at: &Moment<'_>,
) -> Result<ObjectId, Refusal> {
    let totp = table.totp.as_ref().map(|key| Guarded::new(key.expose().to_owned()));
    let there = known.user.is_some();
    let given = |label: &Option<String>| label.clone().map(Some);
    let country = table.country.as_deref().map(|it| ("country", it.into()));
    let other_mails = table.other_mails.clone().map(|it| ("otherMails", it.into()));
    let labels = Labels {
        given_name: given(&table.given_name),
        surname: given(&table.surname),
        mail: given(&table.mail),
        kept: country.into_iter().chain(other_mails).collect(),
        ..Labels::default()
    };
    let (id, mut changed) = match known.user {
        Some(old) => {
            if table.id.is_some_and(|id| id != old.id) {
                let message = format!("it has the id {} already; write that one or none", old.id);
                return Err(Refusal::BadRequest { message, target: Some("id".into()) });
            }
            let changes = Changes {
                display_name: table.display_name.clone(),
                enabled: table.enabled,
                password: known.hash,
                totp,
                labels,
                ..Changes::default()
            };
            let decided =
                user::change(&draft.caller, &draft.directory, (Some(&old), &table.name), changes, at)?;
            (old.id, draft.take(decided).1)
        }
        None => {
            let new = New {
                id: table.id,
                name: table.name.clone(),
                display_name: table.display_name.clone().unwrap_or_else(|| table.name.clone()),
                password: known.hash,
                totp,
                enabled: table.enabled.unwrap_or(true),
                force_change: false,
                labels,
            };
            let decided = user::create(&draft.caller, &draft.directory, new, at)?;
            (draft.take(decided).0.id, true)
        }
    };
    for name in &table.roles {
        let decided = role::assign(&draft.caller, &draft.directory, id, name)?;
        changed |= draft.take(decided).1;
    }
    draft.report("user", &table.name, (there, changed));
    Ok(id)
}
