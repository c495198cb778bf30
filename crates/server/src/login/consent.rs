//! `POST /{tenant}/consent`: what somebody says to an application that asks for permissions.

use super::flow::Flow;
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    authorize::{SignedIn, standing},
    change::Decided,
    consent::{consent, question},
    token::Denial,
};
use carnet_wire::{authorize::Prompt, digest::hex, token::form::Form};

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, flow) = match cx.posted(&mut call).await? {
        Ok(posted) => posted,
        Err(page) => return Ok(*page),
    };
    let start = flow.start();
    let answer = answer(&cx, &call, flow, &form).await;
    cx.unless_used(start.as_deref(), answer)
}

async fn answer(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    let good = match cx.asked_well(&flow).await? {
        Ok(good) => good,
        Err(reply) => return Ok(*reply),
    };
    let tenant = good.directory.tenant.id;
    let about = flow.question.as_ref().map(|it| it.about.clone()).unwrap_or_default();
    if !flow.asks(&about) {
        return Ok(cx.stopped(&flow, &Denial::SignInLost));
    }
    // Who answers is who was asked, even if the browser signed somebody else in meanwhile.
    let Some((shown, user)) = cx.signed_in(call, &flow, tenant).await? else {
        return Ok(cx.stopped(&flow, &Denial::SignInLost));
    };
    flow.question = None;
    if form.get("answer") != Some("yes") {
        cx.use_page(&mut flow).await?;
        return Ok(cx.back_with_no(&good.request, &good.admitted, &Denial::ConsentDeclined));
    }
    let everyone = form.get("everyone").is_some() || good.asked.prompt == Prompt::AdminConsent;
    // For everyone only from a fresh sign-in (`security.md`, S18).
    if everyone && !shown.session.is_fresh(cx.now()) {
        flow.restart(Some(user.name.clone()));
        return cx.ask(flow, &good.admitted.client.name, Some("Sign in again to consent for everyone."));
    }
    let session = &shown.session;
    let signed_in =
        SignedIn { user: &user, at: session.signed_in, methods: &session.methods, session: session.id };
    let what = (&good.admitted, &good.asked);
    let here = (cx.envelope.address, cx.now());
    if standing(&good.directory, what, &signed_in, here).is_err() {
        return cx.advance(call, flow, None).await;
    }
    let mut called = cx.in_person(&good.directory, &user, &good.admitted.client);
    let graphs = cx.state.names.graphs.clone();
    // Asked again of the directory that the change is decided on: what is granted is what was shown.
    let granted = cx
        .apply_once(&mut called, flow.once(), |caller, directory, at| {
            match question(directory, what, &user, &graphs) {
                Ok(asked) if hex(&asked.digest()) == about => {
                    let Decided { changes, audit, .. } =
                        consent(caller, directory, (&good.admitted, &asked, everyone), at)?;
                    Ok(Decided { value: true, changes, audit })
                }
                _ => Ok(Decided { value: false, changes: Vec::new(), audit: Vec::new() }),
            }
        })
        .await?;
    cx.next_step(&mut flow);
    flow.consented = granted;
    cx.advance(call, flow, Some((shown, user))).await
}
