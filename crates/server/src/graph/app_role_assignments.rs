//! `/v1.0/servicePrincipals/{id}/appRoleAssignments`: application permissions that a principal holds.

use super::{
    list::{Page, body, framed, key},
    service_principals::find,
    shape,
};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    directory::Directory,
    operation::{Moment, READ_APPLICATIONS, authorize},
    permission_grant::{self, AssignmentKey},
    refusal::Refusal,
};
use carnet_wire::{
    graph::members::Members,
    ids::{KeyId, ObjectId},
};

/// `GET …/appRoleAssignments`
pub(super) async fn list(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let page = Page::of(&call, &["id", "resourceId", "appRoleId", "principalDisplayName"])?;
    let named = key(&call, "appId")?;
    let principal = cx
        .confirmed(&mut called, |caller, directory| {
            authorize(caller, directory, &READ_APPLICATIONS, &[])?;
            Ok(find(directory, &named)?.id)
        })
        .await?;
    let after = page.after(&cx)?;
    let directory = &called.directory;
    let all = directory.app_roles_of(principal).map(|it| (it.id.clone(), shape::assignment(it, directory)));
    let rest = all
        .skip_while(|(id, _)| after.as_ref().is_some_and(|after| id != after))
        .skip(usize::from(after.is_some()));
    let items = rest.filter(|(_, it)| page.passes(it)).take(page.query.top + 1).collect();
    page.reply(&cx, "appRoleAssignments", items)
}

/// `POST …/appRoleAssignments`
pub(super) async fn post(mut cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let mut called = cx.caller(&call).await?;
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let principal: Option<ObjectId> = members.id("principalId")?;
    let resource: Option<ObjectId> = members.id("resourceId")?;
    let role: Option<KeyId> = members.id("appRoleId")?;
    let resource = resource.ok_or_else(|| members.wrong("resourceId", "the API's service principal id"))?;
    let role = role.ok_or_else(|| members.wrong("appRoleId", "the role's GUID"))?;
    members.finish()?;
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, at: &Moment<'_>| {
        let holder = find(directory, &named)?.id;
        if principal.is_some_and(|it| it != holder) {
            let message = "the property 'principalId' wants the service principal of the path".to_owned();
            return Err(Refusal::BadRequest { message, target: Some("principalId".into()) });
        }
        let key = AssignmentKey { principal: holder, resource, role };
        permission_grant::assign(caller, directory, (key, false), at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(&cx, "appRoleAssignments", shape::assignment(&made, &called.directory)))
}
