//! `appRoleAssignments` of service principals, groups and users: the application roles that they hold.

use super::{
    groups,
    list::{Key, Page, body, framed, key, searched},
    service_principals, shape, users,
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
    group::MemberKind,
    permission_grant::{self, AssignmentKey},
    refusal::Refusal,
};
use carnet_wire::{
    graph::members::Members,
    ids::{KeyId, ObjectId},
};
use serde_json::{Map, Value};

/// Whose roles a path speaks of.
enum Holder<'a> {
    Principal(Key<'a>),
    Group(&'a str),
    /// Users are no part of the directory: the id is one of the store's, or there is no such user.
    User(Option<ObjectId>, &'a str),
}

impl Holder<'_> {
    const fn kind(&self) -> MemberKind {
        match self {
            Self::Principal(_) => MemberKind::ServicePrincipal,
            Self::Group(_) => MemberKind::Group,
            Self::User(..) => MemberKind::User,
        }
    }

    fn id(&self, directory: &Directory) -> Result<ObjectId, Refusal> {
        match self {
            Self::Principal(key) => Ok(service_principals::find(directory, key)?.id),
            Self::Group(id) => Ok(groups::find(directory, id)?.id),
            Self::User(id, name) => {
                id.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() })
            }
        }
    }
}

/// `GET /v1.0/servicePrincipals/{id}/appRoleAssignments`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let holder = Holder::Principal(key(&call, "appId")?);
    shown(cx, called, (&call, holder)).await
}

/// `GET /v1.0/groups/{id}/appRoleAssignments`
pub(super) async fn list_of_group(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    shown(cx, called, (&call, Holder::Group(call.variable(0)))).await
}

/// `GET /v1.0/users/{id}/appRoleAssignments`
pub(super) async fn list_of_user(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let user = users::found(&cx, &called, call.variable(0)).await?.map(|it| it.id);
    shown(cx, called, (&call, Holder::User(user, call.variable(0)))).await
}

/// `POST /v1.0/servicePrincipals/{id}/appRoleAssignments`
pub(super) async fn post(cx: Context, called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let holder = Holder::Principal(key(&call, "appId")?);
    made(&cx, called, (&map, holder)).await
}

/// `POST /v1.0/groups/{id}/appRoleAssignments`
pub(super) async fn post_of_group(cx: Context, called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    made(&cx, called, (&map, Holder::Group(call.variable(0)))).await
}

/// `POST /v1.0/users/{id}/appRoleAssignments`
pub(super) async fn post_of_user(cx: Context, called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let user = users::found(&cx, &called, call.variable(0)).await?.map(|it| it.id);
    made(&cx, called, (&map, Holder::User(user, call.variable(0)))).await
}

/// `DELETE /v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}`
pub(super) async fn delete(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let holder = Holder::Principal(key(&call, "appId")?);
    removed(&cx, called, (&call, holder)).await
}

/// `DELETE /v1.0/groups/{id}/appRoleAssignments/{assignment}`
pub(super) async fn delete_of_group(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    removed(&cx, called, (&call, Holder::Group(call.variable(0)))).await
}

/// `DELETE /v1.0/users/{id}/appRoleAssignments/{assignment}`
pub(super) async fn delete_of_user(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let user = users::found(&cx, &called, call.variable(0)).await?.map(|it| it.id);
    removed(&cx, called, (&call, Holder::User(user, call.variable(0)))).await
}

async fn removed(
    cx: &Context,
    mut called: Called,
    (call, holder): (&Call, Holder<'_>),
) -> Result<Reply, Failure> {
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        let principal = holder.id(directory)?;
        permission_grant::unassign(caller, directory, (principal, holder.kind()), call.variable(1))
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

async fn shown(
    cx: Context,
    mut called: Called,
    (call, holder): (&Call, Holder<'_>),
) -> Result<Reply, Failure> {
    let page = Page::of(call, &["id", "resourceId", "appRoleId", "principalDisplayName"])?;
    let principal = cx.confirmed(&mut called, |_, directory| holder.id(directory)).await?;
    searched(cx, called, move |cx, called| listed(cx, called, (principal, page))).await
}

fn listed(cx: &Context, called: &Called, (principal, page): (ObjectId, Page)) -> Result<Reply, Failure> {
    let after = page.after(cx)?;
    let directory = &called.directory;
    // In the order of resources and roles, so that a page begins after a place even when what stood there is gone.
    let place = |it: &AssignmentKey| format!("{} {}", it.resource, it.role);
    let rest = directory.app_roles_of(principal).map(|it| (place(&it.key), it));
    let rest = rest.filter(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    let items = rest.map(|(place, it)| (place, shape::assignment(it, directory)));
    page.reply(cx, "appRoleAssignments", items.filter(|(_, it)| page.passes(it)))
}

async fn made(
    cx: &Context,
    mut called: Called,
    (map, holder): (&Map<String, Value>, Holder<'_>),
) -> Result<Reply, Failure> {
    let mut members = Members::of(map);
    let principal: Option<ObjectId> = members.id("principalId")?;
    let resource: Option<ObjectId> = members.id("resourceId")?;
    let role: Option<KeyId> = members.id("appRoleId")?;
    let resource = resource.ok_or_else(|| members.wrong("resourceId", "the API's service principal id"))?;
    let role = role.ok_or_else(|| members.wrong("appRoleId", "the role's GUID"))?;
    members.finish()?;
    let rule = |caller: &_, directory: &Directory, at: &Moment<'_>| {
        let id = holder.id(directory)?;
        if principal.is_some_and(|it| it != id) {
            let message = "the property 'principalId' wants the object of the path".to_owned();
            return Err(Refusal::BadRequest { message, target: Some("principalId".into()) });
        }
        let key = AssignmentKey { principal: id, resource, role };
        permission_grant::assign(caller, directory, (key, holder.kind()), at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(cx, "appRoleAssignments", shape::assignment(&made, &called.directory)))
}
