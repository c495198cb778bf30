//! `memberOf`, `getMemberGroups` and `getMemberObjects` of users and service principals: the groups that
//! somebody is in. `getMemberObjects` is where a token sends those whose groups it has no room for.
//! Directory roles are no objects of their own here, so neither answer has any.

use super::{
    list::{Page, body, searched},
    service_principals, shape,
    users::found,
};
use crate::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    directory::Directory,
    group::{MemberKind, all_of},
    operation::{Caller, READ_GROUPS, READ_OWN_GROUPS, authorize},
    refusal::Refusal,
};
use carnet_wire::{graph::members::Members, ids::ObjectId};
use serde_json::json;

/// `GET /v1.0/users/{id}/memberOf`
pub(super) async fn of_user(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let user = named(&cx, &called, call.variable(0)).await?;
    list(cx, &call, (called, user)).await
}

/// `GET /v1.0/me/memberOf`
pub(super) async fn of_me(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let user = me(&called)?;
    list(cx, &call, (called, user)).await
}

/// `GET /v1.0/servicePrincipals/{id}/memberOf`
pub(super) async fn of_principal(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let principal = principal(&cx, &mut called, &call).await?;
    list(cx, &call, (called, principal)).await
}

/// `POST /v1.0/users/{id}/getMemberGroups` and `…/getMemberObjects`
pub(super) async fn ids_of_user(mut cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let user = named(&cx, &called, call.variable(0)).await?;
    ids(cx, &mut call, (called, user)).await
}

/// `POST /v1.0/me/getMemberGroups` and `…/getMemberObjects`
pub(super) async fn ids_of_me(mut cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let user = me(&called)?;
    ids(cx, &mut call, (called, user)).await
}

/// `POST /v1.0/servicePrincipals/{id}/getMemberGroups` and `…/getMemberObjects`
pub(super) async fn ids_of_principal(mut cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let principal = principal(&cx, &mut called, &call).await?;
    ids(cx, &mut call, (called, principal)).await
}

/// Direct memberships, as objects.
async fn list(cx: Context, call: &Call, (called, member): (Called, ObjectId)) -> Result<Reply, Failure> {
    let page = Page::of(call, &["id", "displayName", "securityEnabled"])?;
    searched(cx, called, move |cx, called| listed(cx, called, (member, page))).await
}

fn listed(cx: &Context, called: &Called, (member, page): (ObjectId, Page)) -> Result<Reply, Failure> {
    let after = page.after(cx)?;
    let directory = &called.directory;
    let groups = directory.memberships_of(member).filter_map(|it| directory.group(it.key.group));
    let items = groups
        .map(|it| (it.id.to_string(), shape::typed(MemberKind::Group, shape::group(it))))
        .filter(|(id, it)| after.as_ref().is_none_or(|after| id > after) && page.passes(it));
    page.reply(cx, "directoryObjects", items)
}

/// Every group by id, groups within groups too.
async fn ids(cx: Context, call: &mut Call, (called, member): (Called, ObjectId)) -> Result<Reply, Failure> {
    let map = body(call).await?;
    let mut members = Members::of(&map);
    let only = members.boolean("securityEnabledOnly")?.flatten();
    let only = only.ok_or_else(|| members.wrong("securityEnabledOnly", "true or false"))?;
    members.finish()?;
    searched(cx, called, move |cx, called| counted(cx, &called.directory, (member, only))).await
}

fn counted(cx: &Context, directory: &Directory, (member, only): (ObjectId, bool)) -> Result<Reply, Failure> {
    let counts = |id: &ObjectId| directory.group(*id).is_some_and(|it| it.security_enabled || !only);
    let value: Vec<ObjectId> = all_of(directory, member).into_iter().filter(counts).collect();
    let context = format!("{}/v1.0/$metadata#Collection(Edm.String)", cx.envelope.origin.graph());
    Reply::json(&json!({ "@odata.context": context, "value": value }))
}

/// The user that a path names, once the caller may know their groups.
async fn named(cx: &Context, called: &Called, name: &str) -> Result<ObjectId, Failure> {
    let user = found(cx, called, name).await?.map(|it| it.id);
    let own = matches!((&called.caller, user), (Caller::User { user: own, .. }, Some(it)) if it == *own);
    let operation = if own { &READ_OWN_GROUPS } else { &READ_GROUPS };
    authorize(&called.caller, &called.directory, operation, &[])?;
    user.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() }.into())
}

fn me(called: &Called) -> Result<ObjectId, Failure> {
    let Caller::User { user, .. } = &called.caller else {
        let message = "/me request is only valid with delegated authentication flow.".to_owned();
        return Err(Refusal::BadRequest { message, target: None }.into());
    };
    authorize(&called.caller, &called.directory, &READ_OWN_GROUPS, &[])?;
    Ok(*user)
}

async fn principal(cx: &Context, called: &mut Called, call: &Call) -> Result<ObjectId, Failure> {
    let named = super::list::key(call, "appId")?;
    cx.confirmed(called, |caller, directory| {
        authorize(caller, directory, &READ_GROUPS, &[])?;
        Ok(service_principals::find(directory, &named)?.id)
    })
    .await
}
