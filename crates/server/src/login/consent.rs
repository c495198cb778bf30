//! `POST /{tenant}/consent`: what somebody says to an application that asks for permissions.

use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    consent::{consent, question},
    token::Denial,
};
use carnet_wire::authorize::Prompt;

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
    // Who answers is who was asked, even if the browser signed somebody else in meanwhile.
    let Some((shown, user)) = cx.signed_in(&call, &flow, tenant).await? else {
        return Ok(cx.refused(&Denial::SignInLost));
    };
    if form.get("answer") != Some("yes") {
        return Ok(cx.back_with_no(&good.request, &good.admitted, &Denial::ConsentDeclined));
    }
    let everyone = form.get("everyone").is_some() || good.asked.prompt == Prompt::AdminConsent;
    // For everyone only from a fresh sign-in (`security.md`, S18).
    if everyone && shown.session.signed_in.plus_seconds(FRESH) < cx.now() {
        (flow.user, flow.session, flow.anew) = (Some(user.name.clone()), None, true);
        return cx.ask(flow, &good.admitted.client.name, Some("Sign in again to consent for everyone."));
    }
    let mut called = cx.in_person(&good.directory, &user, &good.admitted.client);
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
    cx.advance(&call, flow, Some((shown, user))).await
}
