//! `/v1.0/applications`: registrations (step 1 of the article, and what steps 2 to 4 change of them).

use super::{
    application_body::changes,
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
    application::{self, Application, New},
    change::Moment,
    directory::Directory,
    refusal::Refusal,
};
use std::sync::Arc;

const FILTERABLE: &[&str] = &["id", "appId", "displayName", "identifierUris", "signInAudience", "tags"];

/// `GET /v1.0/applications`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    if page.only("appId").is_some() {
        return listed(&cx, &called, page);
    }
    searched(cx, called, move |cx, called| listed(cx, called, page)).await
}

fn listed(cx: &Context, called: &Called, page: Page) -> Result<Reply, Failure> {
    let after = page.after(cx)?.and_then(|key| key.parse().ok());
    let directory = &called.directory;
    let by_key =
        page.only("appId").map(|app| app.parse().ok().and_then(|app| directory.application_by_app(app)));
    let candidates: Box<dyn Iterator<Item = &Arc<Application>> + Send> = match by_key {
        Some(found) => Box::new(found.into_iter()),
        None => Box::new(directory.applications(after)),
    };
    let matching =
        candidates.filter(|it| page.query.filter.is_none() || page.passes(&shape::application_key(it)));
    let items = matching.map(|it| (it.id.to_string(), shape::application(it, directory, false)));
    page.reply(cx, "applications", items)
}

/// `POST /v1.0/applications`
pub(super) async fn post(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut wanted = changes(&map, None, &*cx.state.entropy)?;
    let display_name = wanted.display_name.take().unwrap_or_default();
    let rule = |caller: &_, directory: &_, at: &Moment<'_>| {
        let new = New { id: None, app_id: None, display_name: display_name.clone(), changes: wanted.clone() };
        application::create(caller, directory, new, at)
    };
    let made = cx.apply(&mut called, rule).await?;
    Reply::created(&framed(&cx, "applications", shape::application(&made, &called.directory, false)))
}

/// `GET /v1.0/applications/{id}`
pub(super) async fn get(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let named = key(&call, "appId")?;
    let found = cx.confirmed(&mut called, |_, directory| find(directory, &named).cloned()).await?;
    let keys = call.query().to_ascii_lowercase().contains("keycredentials");
    entity(&cx, &call, "applications", shape::application(&found, &called.directory, keys))
}

/// `PATCH /v1.0/applications/{id}`
pub(super) async fn patch(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let named = key(&call, "appId")?;
    let entropy = cx.state.entropy.clone();
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        let old = find(directory, &named)?;
        let wanted = changes(&map, Some(old), &*entropy);
        let wanted = wanted
            .map_err(|error| Refusal::BadRequest { message: error.message, target: Some(error.target) })?;
        application::change(caller, directory, old.id, wanted)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/applications/{id}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        application::delete(caller, directory, find(directory, &named)?.id)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}

/// The registration that a path names.
pub(super) fn find<'a>(directory: &'a Directory, named: &Key<'_>) -> Result<&'a Arc<Application>, Refusal> {
    let (found, text) = match named {
        Key::Id(id) => (id.parse().ok().and_then(|id| directory.application(id)), *id),
        Key::Alternate(app) => (app.parse().ok().and_then(|app| directory.application_by_app(app)), &**app),
    };
    found.ok_or_else(|| Refusal::NotFound { id: text.chars().take(120).collect() })
}
