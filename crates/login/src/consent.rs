//! `POST /{tenant}/consent`: what somebody says to an application that asks for permissions.

use super::{
    answer, authorize, device_auth,
    flow::{self, Flow},
    second_factor, session,
};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_store::Once;
use carnet_tenant::{
    authorize::{SignedIn, standing},
    change::Decided,
    consent::{ConsentRequest, consent, question},
    directory::Directory,
    token::Denial,
    user::User,
};
use carnet_wire::{authorize::Prompt, digest::hex, token::form::Form};
use std::sync::Arc;

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, flow) = match flow::posted(&cx, &mut call).await? {
        Ok(posted) => posted,
        Err(page) => return Ok(*page),
    };
    let start = flow.start();
    let answer = answer(&cx, &call, flow, &form).await;
    flow::unless_used(&cx, start.as_deref(), answer)
}

/// What is granted where somebody accepts.
pub(super) struct Grant<'a> {
    /// What the client wants.
    pub request: ConsentRequest<'a>,
    /// What was shown: the digest of the question, in hexadecimal.
    pub about: &'a str,
    /// For everyone in the tenant.
    pub everyone: bool,
}

/// Keeps the grants of an approval, if the question is still the one that was shown; whether it is.
///
/// # Errors
/// [`Failure`]
pub(super) async fn grant(
    cx: &Context,
    directory: &Arc<Directory>,
    user: &User,
    grant: &Grant<'_>,
    once: Option<Once>,
) -> Result<bool, Failure> {
    let Grant { request, about, everyone } = *grant;
    let mut called = second_factor::in_person(directory, user, request.client);
    let graphs = &cx.state.names.graphs;
    // Asked again of the directory that the change is decided on: what is granted is what was shown.
    cx.apply_once(&mut called, once, |caller, directory, at| {
        match question(directory, request, user, graphs) {
            Ok(asked) if hex(&asked.digest()) == about => {
                let what = (request.client.app, &asked, everyone);
                let Decided { changes, audit, .. } = consent(caller, directory, what, at)?;
                Ok(Decided { value: true, changes, audit })
            }
            _ => Ok(Decided { value: false, changes: Vec::new(), audit: Vec::new() }),
        }
    })
    .await
}

async fn answer(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    if flow.device().is_some() {
        return device_auth::answer_device_consent(cx, call, flow, form).await;
    }
    let good = match authorize::asked_well(cx, &flow).await? {
        Ok(good) => good,
        Err(reply) => return Ok(*reply),
    };
    let tenant = good.directory.tenant.id;
    let about = flow.question.as_ref().map(|it| it.about.clone()).unwrap_or_default();
    if !flow.asks(&about) {
        return Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
    }
    // Who answers is who was asked, even if the browser signed somebody else in meanwhile.
    let Some((shown, user)) = session::signed_in(cx, call, &flow, tenant).await? else {
        return Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
    };
    flow.question = None;
    if form.get("answer") != Some("yes") {
        flow::use_page(cx, &mut flow).await?;
        return Ok(answer::back_with_no(cx, &good.request, &good.admitted, &Denial::ConsentDeclined));
    }
    let everyone = form.get("everyone").is_some() || good.asked.prompt == Prompt::AdminConsent;
    // For everyone only from a fresh sign-in (`security.md`, S18).
    if everyone && !shown.session.is_fresh(cx.now()) {
        flow.restart(Some(user.name.clone()));
        flow.stay = shown.session.stay;
        return authorize::ask(
            cx,
            flow,
            &good.admitted.client.name,
            Some("Sign in again to consent for everyone."),
        );
    }
    let session = &shown.session;
    let signed_in =
        SignedIn { user: &user, at: session.signed_in, methods: &session.methods, session: session.id };
    let what = (&good.admitted, &good.asked);
    let here = (cx.envelope.address, cx.now());
    if standing(&good.directory, what, &signed_in, here).is_err() {
        return authorize::advance(cx, call, flow, None).await;
    }
    let wanted = Grant { request: good.consent(), about: &about, everyone };
    let granted = grant(cx, &good.directory, &user, &wanted, flow.once()).await?;
    flow::next_step(cx, &mut flow);
    flow.consented = granted;
    authorize::advance(cx, call, flow, Some((shown, user))).await
}
