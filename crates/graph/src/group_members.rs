//! `/v1.0/groups/{id}/members`: who is in a group, directly.

use super::{
    groups::find,
    list::{Page, body},
    shape,
};
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    change::Moment,
    directory::Directory,
    group::{self, MemberKind, MembershipKey},
    refusal::Refusal,
    user::User,
};
use carnet_wire::{graph::members::Members, ids::ObjectId};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// Most members of one page: each person in it is read from the store.
const MOST: usize = 50;

/// `GET /v1.0/groups/{id}/members`
pub(super) async fn list(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let mut page = Page::of(&call, &[])?;
    page.query.top = page.query.top.min(MOST);
    let after: Option<ObjectId> = page.after(&cx)?.and_then(|key| key.parse().ok());
    let wanted = page.query.top + 1;
    let mut members: Vec<(ObjectId, MemberKind)> = cx
        .confirmed(&mut called, |_, directory| {
            let group = find(directory, call.variable(0))?.id;
            Ok(directory.members_of(group, after).take(wanted).collect())
        })
        .await?;
    // The page may show fewer than it read: an account may just have gone.
    let more = members.len() == wanted;
    members.truncate(page.query.top);
    let stopped = members.last().filter(|_| more).map(|(id, _)| id.to_string());
    let people: Vec<ObjectId> =
        members.iter().filter(|(_, kind)| *kind == MemberKind::User).map(|(id, _)| *id).collect();
    let found = cx.state.store.users_with(called.directory.tenant.id, &people).await?;
    let found: HashMap<ObjectId, Arc<User>> = found.into_iter().map(|user| (user.id, user)).collect();
    let shown = |(id, kind): (ObjectId, MemberKind)| {
        let object = match kind {
            MemberKind::User => found.get(&id).map(|user| shape::user(user, false)),
            MemberKind::ServicePrincipal => {
                called.directory.principal(id).map(|it| shape::principal(it, &called.directory))
            }
            MemberKind::Group => called.directory.group(id).map(|it| shape::group(it)),
        };
        object.map(|object| (id.to_string(), shape::typed(kind, object)))
    };
    let items = members.into_iter().filter_map(shown);
    page.reply_until(&cx, "directoryObjects", items, stopped)
}

/// `POST /v1.0/groups/{id}/members/$ref`
pub(super) async fn add(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let member = referred(map.get("@odata.id"))
        .ok_or_else(|| Members::of(&map).wrong("@odata.id", "the address of a directory object"))?;
    let kind = kind_of(&cx, &called, member).await?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        let group = find(directory, call.variable(0))?.id;
        let kind = kind.ok_or_else(|| Refusal::NotFound { id: member.to_string() })?;
        group::add_member(caller, directory, (MembershipKey { member, group }, kind))
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/groups/{id}/members/{member}/$ref`
pub(super) async fn remove(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let text = call.variable(1);
    let member: Option<ObjectId> = text.parse().ok();
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        let group = find(directory, call.variable(0))?.id;
        let absent = || Refusal::NotFound { id: text.chars().take(120).collect() };
        let key = MembershipKey { member: member.ok_or_else(absent)?, group };
        group::remove_member(caller, directory, key)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// The object that a reference names by its last segment: `…/directoryObjects/ID`, `…/users/ID`.
fn referred(reference: Option<&Value>) -> Option<ObjectId> {
    let (before, id) = reference?.as_str()?.trim_end_matches('/').rsplit_once('/')?;
    let collection = before.rsplit('/').next()?;
    let known = ["directoryObjects", "users", "groups", "servicePrincipals"];
    known.iter().any(|it| it.eq_ignore_ascii_case(collection)).then(|| id.parse().ok())?
}

/// What an object of the caller's tenant is; `None`: there is none with this id.
async fn kind_of(cx: &Context, called: &Called, id: ObjectId) -> Result<Option<MemberKind>, Failure> {
    let directory = &called.directory;
    if directory.group(id).is_some() {
        return Ok(Some(MemberKind::Group));
    }
    if directory.principal(id).is_some() {
        return Ok(Some(MemberKind::ServicePrincipal));
    }
    let user = cx.state.store.user(directory.tenant.id, id).await?;
    Ok(user.map(|_| MemberKind::User))
}
