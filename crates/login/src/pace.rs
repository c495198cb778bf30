//! Who asks too often: a tenant, a device that does not wait, an application that sends its user round and round. The
//! numbers are `tenant::pace`'s, and `work::pace` counts.

use super::{answer, authorize::Good};
use carnet_http::{context::Context, reply::Reply};
use carnet_tenant::{
    pace::Counted,
    tenant::Tenant,
    token::{CodeBody, Decision, Denial, Facts, Subject},
};
use carnet_wire::{
    authorize::Prompt,
    ids::{AppId, ObjectId},
    token::request::Grant,
};
use uuid::Uuid;

/// The tenant may ask once more.
pub(super) fn room(cx: &Context, tenant: &Tenant) -> Result<(), Denial> {
    let whose = tenant.id.uuid();
    cx.state.pace.room(Counted::Requests, &tenant.policy, (&[whose.as_bytes()], cx.now()))
}

/// Neither the tenant nor a device whose code nobody has answered asks too often.
pub(super) fn keeps_pace(cx: &Context, facts: &Facts) -> Result<(), Denial> {
    let tenant = &facts.directory.tenant;
    if let Some(device) = facts.device.as_ref().filter(|it| it.answer.is_none()) {
        cx.state.pace.count(Counted::Polls, &tenant.policy, (&[&device.digest], cx.now()))?;
    }
    room(cx, tenant)
}

/// A decision that counts for its tenant and its client; a no where the client signs its user in for the same
/// again and again.
pub(super) fn counted(cx: &Context, tenant: &Tenant, decision: Decision, grant: &Grant) -> Decision {
    if decision.of_somebody() {
        // One that was under way already is let through.
        let whose = tenant.id.uuid();
        let one: (&[&[u8]], _) = (&[whose.as_bytes()], cx.now());
        let _ = cx.state.pace.count(Counted::Requests, &tenant.policy, one);
    }
    let Ok(yes) = &decision.verdict else { return decision };
    let Subject::User { user, .. } = &yes.subject else { return decision };
    let (who, resource) = ((yes.client.app, user.id), yes.resource.principal.id);
    let what = (grant.name(), Some(resource), yes.scopes.iter().map(String::as_str));
    match repeats(cx, tenant, who, what) {
        Ok(()) => decision,
        Err(denial) => decision.into_no(denial),
    }
}

/// The answer for a browser that comes for the same code again and again: not back to the application, which
/// would send it round once more, unless that waits for no page.
pub(super) fn comes_round(cx: &Context, good: &Good, body: &CodeBody) -> Option<Reply> {
    let what = ("authorize", None, body.scope.split_whitespace());
    let denial = repeats(cx, &good.directory.tenant, (body.app, body.user), what).err()?;
    Some(match good.asked.prompt {
        Prompt::None => answer::back_with_no(cx, &good.request, &good.admitted, &denial),
        _ => answer::refused(cx, &denial),
    })
}

/// Counts what a user gets through a client: how, of which API, and which permissions, in whatever order.
///
/// # Errors
/// [`ServiceNo::ClientLoop`](carnet_tenant::token::ServiceNo::ClientLoop) where that is the same again and again.
fn repeats<'a>(
    cx: &Context,
    tenant: &Tenant,
    (client, user): (AppId, ObjectId),
    (how, resource, scopes): (&str, Option<ObjectId>, impl Iterator<Item = &'a str>),
) -> Result<(), Denial> {
    if tenant.policy.repeats_per_minute.is_none() {
        return Ok(());
    }
    let resource = resource.map_or(Uuid::nil(), ObjectId::uuid);
    let ids = [tenant.id.uuid(), client.uuid(), user.uuid(), resource].map(Uuid::into_bytes).concat();
    let mut scopes: Vec<&str> = scopes.collect();
    scopes.sort_unstable();
    let scopes = scopes.join(" ");
    let one: (&[&[u8]], _) = (&[&ids, scopes.as_bytes(), how.as_bytes()], cx.now());
    cx.state.pace.count(Counted::Repeats, &tenant.policy, one)
}
