//! `/v1.0/groups`: groups.

use super::{
    list::{Page, body, entity, framed, searched},
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
    group::{self, Changes, Group, New},
    refusal::Refusal,
};
use carnet_wire::{
    graph::members::{BodyError, Members},
    ids::ObjectId,
};
use serde_json::{Map, Value};
use std::sync::Arc;

const FILTERABLE: &[&str] =
    &["id", "displayName", "mailNickname", "mailEnabled", "securityEnabled", "description"];

/// `GET /v1.0/groups`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    searched(cx, called, move |cx, called| listed(cx, called, page)).await
}

fn listed(cx: &Context, called: &Called, page: Page) -> Result<Reply, Failure> {
    let after = page.after(cx)?.and_then(|key| key.parse().ok());
    let all = called.directory.groups(after).map(|it| (it.id.to_string(), shape::group(it)));
    page.reply(cx, "groups", all.filter(|(_, it)| page.passes(it)))
}

/// `POST /v1.0/groups`
pub(super) async fn post(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let new = new(&map)?;
    let rule = |caller: &_, directory: &Directory, at: &Moment<'_>| {
        group::create(caller, directory, new.clone(), at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(&cx, "groups", shape::group(&made)))
}

/// `GET /v1.0/groups/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let found = cx.confirmed(&mut called, |_, directory| find(directory, call.variable(0)).cloned()).await?;
    entity(&cx, &call, "groups", shape::group(&found))
}

/// `PATCH /v1.0/groups/{id}`
pub(super) async fn patch(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let changes = Changes {
        display_name: members.text("displayName")?.flatten(),
        mail_nickname: members.text("mailNickname")?.flatten(),
        security_enabled: members.boolean("securityEnabled")?.flatten(),
        description: members.text("description")?,
    };
    refused(&map, &mut members)?;
    members.finish()?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        group::change(caller, directory, find(directory, call.variable(0))?.id, changes.clone())
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/groups/{id}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        group::delete(caller, directory, find(directory, call.variable(0))?.id)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

fn new(map: &Map<String, Value>) -> Result<New, BodyError> {
    let mut members = Members::of(map);
    let display_name = members.text("displayName")?.flatten();
    let mail_nickname = members.text("mailNickname")?.flatten();
    let security_enabled = members.boolean("securityEnabled")?.flatten();
    let description = members.text("description")?.flatten();
    refused(map, &mut members)?;
    members.finish()?;
    Ok(New {
        id: None,
        display_name: display_name.ok_or_else(|| members.wrong("displayName", "the group's name"))?,
        mail_nickname: mail_nickname.ok_or_else(|| members.wrong("mailNickname", "a name for mail"))?,
        security_enabled: security_enabled.ok_or_else(|| members.wrong("securityEnabled", "true"))?,
        description,
    })
}

/// Nothing here takes mail, and nothing makes members by a rule. Members and owners that a body binds would be
/// lost without a word.
fn refused(map: &Map<String, Value>, members: &mut Members<'_>) -> Result<(), BodyError> {
    if let Some(bound) = map.keys().find(|name| name.ends_with("@odata.bind")) {
        return Err(members.wrong(bound, "to be left out; add members afterwards"));
    }
    if members.boolean("mailEnabled")?.flatten() == Some(true) {
        return Err(members.wrong("mailEnabled", "false; only security groups are kept here"));
    }
    if members.texts("groupTypes")?.is_some_and(|kinds| !kinds.is_empty()) {
        return Err(members.wrong("groupTypes", "an empty list; only security groups are kept here"));
    }
    Ok(())
}

/// The group with this id.
pub(super) fn find<'a>(directory: &'a Directory, id: &str) -> Result<&'a Arc<Group>, Refusal> {
    let found = id.parse::<ObjectId>().ok().and_then(|id| directory.group(id));
    found.ok_or_else(|| Refusal::NotFound { id: id.chars().take(120).collect() })
}
