//! `/v1.0/servicePrincipals`: applications in the tenant. Creating one by `appId` is what makes the Power
//! Platform API appear (step 2 of the article).

use super::{
    list::{Key, Page, body, entity, framed, key, searched},
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
    refusal::Refusal,
    service_principal::{self, ServicePrincipal},
};
use carnet_wire::{graph::members::Members, ids::AppId};
use std::sync::Arc;

const FILTERABLE: &[&str] = &[
    "id",
    "appId",
    "displayName",
    "servicePrincipalNames",
    "appOwnerOrganizationId",
    "accountEnabled",
    "servicePrincipalType",
    "tags",
];

/// `GET /v1.0/servicePrincipals`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    if page.only("appId").or_else(|| page.only("servicePrincipalNames")).is_some() {
        return listed(&cx, &called, page);
    }
    searched(cx, called, move |cx, called| listed(cx, called, page)).await
}

fn listed(cx: &Context, called: &Called, page: Page) -> Result<Reply, Failure> {
    let after = page.after(cx)?.and_then(|key| key.parse().ok());
    let directory = &called.directory;
    let by_app =
        page.only("appId").map(|app| app.parse().ok().and_then(|app| directory.principal_by_app(app)));
    let by_name = || page.only("servicePrincipalNames").map(|name| directory.principal_by_name(name));
    let candidates: Box<dyn Iterator<Item = &Arc<ServicePrincipal>> + Send> = match by_app.or_else(by_name) {
        Some(found) => Box::new(found.into_iter()),
        None => Box::new(directory.principals(after)),
    };
    let matching =
        candidates.filter(|it| page.query.filter.is_none() || page.passes(&shape::principal_key(it)));
    let items = matching.map(|it| (it.id.to_string(), shape::principal(it, directory)));
    page.reply(cx, "servicePrincipals", items)
}

/// `POST /v1.0/servicePrincipals`
pub(super) async fn post(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let app: Option<AppId> = members.id("appId")?;
    let app = app.ok_or_else(|| members.wrong("appId", "the application's GUID"))?;
    // The name comes from the application, whatever the caller calls it.
    members.text("displayName")?;
    if members.boolean("accountEnabled")?.flatten() == Some(false) {
        return Err(members.wrong("accountEnabled", "true; disable it afterwards").into());
    }
    members.finish()?;
    // One that another node registered a moment ago in another tenant is known from here on.
    cx.state.store.home_directory(app).await?;
    let rule = |caller: &_, directory: &Directory, at: &Moment<'_>| {
        service_principal::create(caller, directory, (app, None), at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(&cx, "servicePrincipals", shape::principal(&made, &called.directory)))
}

/// `GET /v1.0/servicePrincipals/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let named = key(&call, "appId")?;
    let found = cx.confirmed(&mut called, |_, directory| find(directory, &named).cloned()).await?;
    entity(&cx, &call, "servicePrincipals", shape::principal(&found, &called.directory))
}

/// `PATCH /v1.0/servicePrincipals/{id}`
pub(super) async fn patch(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let wanted = (
        members.boolean("accountEnabled")?.flatten(),
        members.boolean("appRoleAssignmentRequired")?.flatten(),
    );
    members.finish()?;
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        service_principal::change(caller, directory, find(directory, &named)?.id, wanted)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/servicePrincipals/{id}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        service_principal::delete(caller, directory, find(directory, &named)?.id)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// The service principal that a path names.
pub(super) fn find<'a>(
    directory: &'a Directory,
    named: &Key<'_>,
) -> Result<&'a Arc<ServicePrincipal>, Refusal> {
    let (found, text) = match named {
        Key::Id(id) => (id.parse().ok().and_then(|id| directory.principal(id)), *id),
        Key::Alternate(app) => (app.parse().ok().and_then(|app| directory.principal_by_app(app)), &**app),
    };
    found.ok_or_else(|| Refusal::NotFound { id: text.chars().take(120).collect() })
}
