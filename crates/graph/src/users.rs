//! `/v1.0/users` and `/v1.0/me`. A password is hashed on the hash threads before the rule is asked, and only
//! for somebody who may set one.

use super::{
    list::{Page, body, entity, framed, searched},
    shape, user_actions, user_body,
};
use carnet_http::{
    caller::Called,
    context::Context,
    password,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    change::Moment,
    refusal::Refusal,
    user::{self, New, User},
};
use std::sync::Arc;
use tokio::runtime::Handle;

const FILTERABLE: &[&str] = &[
    "id",
    "userPrincipalName",
    "displayName",
    "mail",
    "mailNickname",
    "accountEnabled",
    "userType",
    "givenName",
    "surname",
];
/// Users read in one go while a page is filled.
const STRIDE: i64 = 1000;
/// Goes for one page, so that a filter that nobody passes costs a bounded number of reads; the next link
/// goes on from there.
const MOST_READS: usize = 8;

/// `GET /v1.0/users`
pub(super) async fn list(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let page = Page::of(&call, FILTERABLE)?;
    let Some(name) = page.only("userPrincipalName").or_else(|| page.only("id")) else {
        let runtime = Handle::current();
        return searched(cx, called, move |cx, called| {
            let found = search(cx, called, (&page, &runtime))?;
            listed(cx, &page, found)
        })
        .await;
    };
    let mut users: Vec<Arc<User>> = found(&cx, &called, name).await?.into_iter().collect();
    users.retain(|user| page.passes(&shape::user(user, true)));
    listed(&cx, &page, Found { users, stopped: None })
}

fn listed(cx: &Context, page: &Page, found: Found) -> Result<Reply, Failure> {
    let all = !page.query.select.is_empty();
    let items = found.users.into_iter().map(|user| (user.id.to_string(), shape::user(&user, all)));
    page.reply_until(cx, "users", items, found.stopped)
}

/// Enough users for a page, and one more.
struct Found {
    users: Vec<Arc<User>>,
    /// The last one that was read, where more may follow it.
    stopped: Option<String>,
}

/// Fills a page. It runs on a search thread, so it waits for the store by blocking.
fn search(cx: &Context, called: &Called, (page, runtime): (&Page, &Handle)) -> Result<Found, Failure> {
    let tenant = called.directory.tenant.id;
    let wanted = page.query.top + 1;
    let mut after = page.after(cx)?.and_then(|key| key.parse().ok());
    let mut users: Vec<Arc<User>> = Vec::new();
    for _ in 0..MOST_READS {
        let stride =
            if page.query.filter.is_none() { i64::try_from(wanted).unwrap_or(STRIDE) } else { STRIDE };
        let read =
            cx.state.searcher.reading(|| runtime.block_on(cx.state.store.users(tenant, after, stride)))?;
        let more = i64::try_from(read.len()).is_ok_and(|length| length == stride);
        after = read.last().map(|it| it.id);
        users.extend(read.into_iter().filter(|it| page.passes(&shape::user(it, true))));
        if users.len() >= wanted || !more {
            users.truncate(wanted);
            return Ok(Found { users, stopped: None });
        }
    }
    Ok(Found { users, stopped: after.map(|id| id.to_string()) })
}

/// `GET /v1.0/users/{id or name}`
pub(super) async fn get(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let name = call.variable(0);
    let user = found(&cx, &called, name).await?;
    user::may_read(&called.caller, &called.directory, user.as_ref().map(|it| it.id))?;
    let user = user.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() })?;
    shown(&cx, &call, &user)
}

/// `GET /v1.0/me`
pub(super) async fn me(cx: Context, called: Called, call: Call) -> Result<Reply, Failure> {
    let user = user_actions::me(&called.caller)?;
    let tenant = called.directory.tenant.id;
    let user = cx.state.store.user(tenant, user).await?.ok_or(Refusal::NotFound { id: user.to_string() })?;
    shown(&cx, &call, &user)
}

fn shown(cx: &Context, call: &Call, user: &User) -> Result<Reply, Failure> {
    let all = call.query().to_ascii_lowercase().contains("select=");
    entity(cx, call, "users", shape::user(user, all))
}

/// The user with this id or name.
pub(super) async fn found(cx: &Context, called: &Called, name: &str) -> Result<Option<Arc<User>>, Failure> {
    cx.user_named(called.directory.tenant.id, name).await
}

/// `POST /v1.0/users`
pub(super) async fn post(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let account = user_body::account(&body(&mut call).await?)?;
    let hash = password::hash_new(&cx, &called, (&account.name, &account.password)).await?;
    let rule = |caller: &_, directory: &_, at: &Moment<'_>| {
        let wanted = account.wanted.changes.clone();
        let new = New {
            id: None,
            name: account.name.clone(),
            display_name: wanted.display_name.unwrap_or_default(),
            password: Some(hash.clone()),
            totp: None,
            enabled: wanted.enabled.unwrap_or(false),
            force_change: wanted.force_change.unwrap_or(true),
            labels: wanted.labels,
        };
        user::create(caller, directory, new, at)
    };
    match cx.apply(&mut called, rule).await {
        Ok(made) => Reply::created(&framed(&cx, "users", shape::user(&made, false))),
        // The only unique name of a user.
        Err(Failure::Refusal(Refusal::ObjectConflict { .. })) => {
            Err(Refusal::ObjectConflict { property: "userPrincipalName" }.into())
        }
        Err(other) => Err(other),
    }
}

/// `PATCH /v1.0/users/{id or name}`
pub(super) async fn patch(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let wanted = user_body::changes(&body(&mut call).await?)?;
    let name = call.variable(0);
    let mut changes = wanted.changes;
    if let Some(password) = &wanted.password {
        user::may_set_passwords(&called.caller, &called.directory)?;
        let user = found(&cx, &called, name).await?;
        let shown = user.as_ref().map_or(name, |user| &user.name);
        changes.password = Some(password::hash_new(&cx, &called, (shown, password)).await?);
    }
    cx.apply_to_user(&mut called, name, |caller, directory, old, at| {
        user::change(caller, directory, (old, name), changes.clone(), at)
    })
    .await?;
    if changes.password.is_some()
        && let Some(user) = found(&cx, &called, name).await?
    {
        // Whoever sets a password opens an account that was locked by wrong ones.
        cx.state.store.unlock(called.directory.tenant.id, &user.name_key).await?;
    }
    Ok(Reply::no_content())
}

/// `DELETE /v1.0/users/{id or name}`
pub(super) async fn delete(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let name = call.variable(0);
    cx.apply_to_user(&mut called, name, |caller, directory, old, _| {
        user::delete(caller, directory, (old, name))
    })
    .await?;
    Ok(Reply::no_content())
}
