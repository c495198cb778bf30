//! `POST /{tenant}/consent`: what somebody says to an application that asks for permissions.

use crate::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    consent::{consent, question},
    operation::Caller,
    token::Denial,
};

/// Seconds for which a sign-in is fresh enough to consent for everyone.
const FRESH: i64 = 15 * 60;

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, mut flow) = match cx.posted(&mut call).await? {
        Ok(posted) => posted,
        Err(denial) => return Ok(cx.refused(&denial)),
    };
    let good = match cx.asked_well(&flow).await? {
        Ok(good) => good,
        Err(reply) => return Ok(*reply),
    };
    let tenant = good.directory.tenant.id;
    let session = cx.session(&call, tenant).await?;
    let user = match &session {
        Some(session) => cx.state.store.user(tenant, session.user).await?,
        None => None,
    };
    // Who answers is who was asked, even if the browser signed somebody else in meanwhile.
    let asked = flow.user.as_deref();
    let (Some(session), Some(user)) = (session, user.filter(|user| asked == Some(user.name.as_str()))) else {
        return Ok(cx.refused(&Denial::SignInLost));
    };
    if form.get("answer") != Some("yes") {
        return Ok(cx.back_with_no(&good.request, &good.admitted, &Denial::ConsentDeclined));
    }
    let everyone = form.get("everyone").is_some();
    // For everyone only from a fresh sign-in (`security.md`, S18).
    if everyone && session.signed_in.plus_seconds(FRESH) < cx.now() {
        return cx.ask(flow, &good.admitted.client.name, Some("Sign in again to consent for everyone."));
    }
    let caller =
        Caller::User { user: user.id, app: good.admitted.client.app, tenant, scopes: Vec::new().into() };
    let mut called = Called { caller, directory: good.directory.clone() };
    let graphs = cx.state.names.graphs.clone();
    let what = (&good.admitted, &good.asked);
    // Asked again against the directory that the change is decided on.
    let asked = match question(&called.directory, what, &user, &graphs) {
        Ok(asked) => asked,
        Err(denial) => return Ok(cx.refused(&denial)),
    };
    cx.apply(&mut called, |caller, directory, at| {
        consent(caller, directory, (&good.admitted, &asked, everyone), at)
    })
    .await?;
    flow.consented = true;
    cx.advance(&call, flow, Some(session)).await
}
