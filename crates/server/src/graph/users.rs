//! `/v1.0/users` and `/v1.0/me`.

use super::{
    list::{Page, entity},
    shape,
};
use crate::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    operation::{Caller, READ_ME, READ_USERS, authorize},
    refusal::Refusal,
    user::{User, fold},
};
use std::sync::Arc;

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
pub(super) async fn list(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let page = Page::of(&call, FILTERABLE)?;
    authorize(&called.caller, &called.directory, &READ_USERS, &[])?;
    let items = match page.only("userPrincipalName").or_else(|| page.only("id")) {
        Some(name) => found(&cx, &called, name).await?.into_iter().collect(),
        None => search(&cx, &called, &page).await?,
    };
    let all = !page.query.select.is_empty();
    let passing = items.into_iter().filter(|it| page.passes(&shape::user(it, true)));
    let items = passing.map(|it| (it.id.to_string(), shape::user(&it, all))).collect();
    page.reply(&cx, "users", items)
}

/// Enough users for a page, and one more.
async fn search(cx: &Context, called: &Called, page: &Page) -> Result<Vec<Arc<User>>, Failure> {
    let tenant = called.directory.tenant.id;
    let wanted = page.query.top + 1;
    let mut after = page.after(cx)?.and_then(|key| key.parse().ok());
    let mut list = Vec::new();
    for _ in 0..MOST_READS {
        let stride =
            if page.query.filter.is_none() { i64::try_from(wanted).unwrap_or(STRIDE) } else { STRIDE };
        let read = cx.state.store.users(tenant, after, stride).await?;
        let more = i64::try_from(read.len()).is_ok_and(|length| length == stride);
        after = read.last().map(|it| it.id);
        list.extend(read.into_iter().filter(|it| page.passes(&shape::user(it, true))));
        if list.len() >= wanted || !more {
            break;
        }
    }
    list.truncate(wanted);
    Ok(list)
}

/// `GET /v1.0/users/{id or name}`
pub(super) async fn get(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let name = call.variable(0);
    let user = found(&cx, &called, name).await?;
    let own = matches!((&called.caller, &user), (Caller::User { user: own, .. }, Some(it)) if it.id == *own);
    authorize(&called.caller, &called.directory, if own { &READ_ME } else { &READ_USERS }, &[])?;
    let user = user.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() })?;
    shown(&cx, &call, &user)
}

/// `GET /v1.0/me`
pub(super) async fn me(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let Caller::User { user, tenant, .. } = &called.caller else {
        let message = "/me request is only valid with delegated authentication flow.".to_owned();
        return Err(Refusal::BadRequest { message, target: None }.into());
    };
    authorize(&called.caller, &called.directory, &READ_ME, &[])?;
    let user =
        cx.state.store.user(*tenant, *user).await?.ok_or(Refusal::NotFound { id: user.to_string() })?;
    shown(&cx, &call, &user)
}

fn shown(cx: &Context, call: &Call, user: &User) -> Result<Reply, Failure> {
    let all = call.query().to_ascii_lowercase().contains("select=");
    entity(cx, call, "users", shape::user(user, all))
}

async fn found(cx: &Context, called: &Called, name: &str) -> Result<Option<Arc<User>>, Failure> {
    let tenant = called.directory.tenant.id;
    Ok(match name.parse() {
        Ok(id) => cx.state.store.user(tenant, id).await?,
        Err(_) => cx.state.store.user_named(tenant, &fold(name)).await?,
    })
}
