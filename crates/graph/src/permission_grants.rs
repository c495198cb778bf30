//! `/v1.0/oauth2PermissionGrants`: delegated consent (step 2 of the article).

use super::{
    list::{Page, body, entity, framed, key, searched},
    service_principals::find,
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
    permission_grant::{self, GrantKey, PermissionGrant},
    refusal::Refusal,
};
use carnet_wire::{
    graph::members::{BodyError, Members},
    ids::ObjectId,
};
use std::sync::Arc;

const FILTERABLE: &[&str] = &["id", "clientId", "resourceId", "principalId", "consentType"];

/// `GET /v1.0/oauth2PermissionGrants`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    let client = page.only("clientId").map(|id| id.parse::<ObjectId>().ok());
    searched(cx, called, move |cx, called| shown(cx, &called.directory, page, client)).await
}

/// `GET /v1.0/servicePrincipals/{id}/oauth2PermissionGrants`
pub(super) async fn of_client(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    let named = key(&call, "appId")?;
    let client = cx.confirmed(&mut called, |_, directory| Ok(find(directory, &named)?.id)).await?;
    searched(cx, called, move |cx, called| shown(cx, &called.directory, page, Some(Some(client)))).await
}

/// A page of all grants, or of one client's.
fn shown(
    cx: &Context,
    directory: &Directory,
    page: Page,
    client: Option<Option<ObjectId>>,
) -> Result<Reply, Failure> {
    let after = page.after(cx)?.and_then(|key| GrantKey::parse(&key));
    let all: Box<dyn Iterator<Item = &Arc<PermissionGrant>> + Send> = match client {
        Some(Some(client)) => {
            Box::new(directory.grants_of(client).filter(move |it| after.is_none_or(|after| it.key > after)))
        }
        Some(None) => Box::new(std::iter::empty()),
        None => Box::new(directory.grants(after)),
    };
    let shapes = all.map(|it| (it.key.id(), shape::grant(it))).filter(|(_, it)| page.passes(it));
    page.reply(cx, "oauth2PermissionGrants", shapes)
}

/// `POST /v1.0/oauth2PermissionGrants`
pub(super) async fn post(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let (grant, scopes) = wanted(&mut Members::of(&map))?;
    let rule = |caller: &_, directory: &_, at: &Moment<'_>| {
        permission_grant::create(caller, directory, (grant, scopes.clone()), at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(&cx, "oauth2PermissionGrants", shape::grant(&made)))
}

/// `GET /v1.0/oauth2PermissionGrants/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let key = named(&call)?;
    let found = cx
        .confirmed(&mut called, |_, directory| {
            directory.grant(&key).cloned().ok_or_else(|| Refusal::NotFound { id: key.id() })
        })
        .await?;
    entity(&cx, &call, "oauth2PermissionGrants", shape::grant(&found))
}

/// `PATCH /v1.0/oauth2PermissionGrants/{id}`
pub(super) async fn patch(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let scopes =
        scopes(&mut members)?.ok_or_else(|| members.wrong("scope", "the scopes, separated by spaces"))?;
    members.finish()?;
    let key = named(&call)?;
    let rule = |caller: &_, directory: &_, _: &Moment<'_>| {
        permission_grant::change(caller, directory, &key, scopes.clone())
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/oauth2PermissionGrants/{id}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let key = named(&call)?;
    cx.apply(&mut called, |caller, directory, _| permission_grant::delete(caller, directory, &key)).await?;
    Ok(Reply::no_content())
}

fn named(call: &Call) -> Result<GrantKey, Refusal> {
    let id = call.variable(0);
    GrantKey::parse(id).ok_or_else(|| Refusal::NotFound { id: id.chars().take(120).collect() })
}

fn scopes(members: &mut Members<'_>) -> Result<Option<Vec<String>>, BodyError> {
    let text = members.text("scope")?.flatten();
    Ok(text.map(|text| text.split_whitespace().map(str::to_owned).collect()))
}

fn wanted(members: &mut Members<'_>) -> Result<(GrantKey, Vec<String>), BodyError> {
    let client: Option<ObjectId> = members.id("clientId")?;
    let resource: Option<ObjectId> = members.id("resourceId")?;
    let principal: Option<ObjectId> = members.id("principalId")?;
    let client = client.ok_or_else(|| members.wrong("clientId", "the client's service principal id"))?;
    let resource = resource.ok_or_else(|| members.wrong("resourceId", "the API's service principal id"))?;
    let principal = match members.text("consentType")?.flatten().as_deref() {
        Some("AllPrincipals") if principal.is_some() => {
            return Err(members.wrong("principalId", "null when consentType is AllPrincipals"));
        }
        Some("AllPrincipals") => None,
        Some("Principal") => Some(principal.ok_or_else(|| members.wrong("principalId", "the user's id"))?),
        _ => return Err(members.wrong("consentType", "AllPrincipals or Principal")),
    };
    let scopes = scopes(members)?.unwrap_or_default();
    // Older tools send a validity, which means nothing any more.
    members.any("startTime");
    members.any("expiryTime");
    members.finish()?;
    Ok((GrantKey { client, resource, principal }, scopes))
}
