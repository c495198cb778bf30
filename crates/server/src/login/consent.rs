//! `POST /{tenant}/consent`: what somebody says to an application that asks for permissions.

use super::flow::Flow;
use crate::{
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
    let (form, flow) = match cx.posted(&mut call).await? {
        Ok(posted) => posted,
        Err(page) => return Ok(*page),
    };
    let start = flow.start();
    let answer = answer(&cx, &call, flow, &form).await;
    cx.unless_used(start.as_deref(), answer)
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

impl Context {
    /// Keeps the grants of an approval, if the question is still the one that was shown; whether it is.
    ///
    /// # Errors
    /// [`Failure`]
    pub(super) async fn grant(
        &self,
        directory: &Arc<Directory>,
        user: &User,
        grant: &Grant<'_>,
        once: Option<Once>,
    ) -> Result<bool, Failure> {
        let Grant { request, about, everyone } = *grant;
        let mut called = self.in_person(directory, user, request.client);
        let graphs = &self.state.names.graphs;
        // Asked again of the directory that the change is decided on: what is granted is what was shown.
        self.apply_once(&mut called, once, |caller, directory, at| {
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
}

async fn answer(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    if flow.device().is_some() {
        return cx.answer_device_consent(call, flow, form).await;
    }
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
        flow.stay = shown.session.stay;
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
    let grant = Grant { request: good.consent(), about: &about, everyone };
    let granted = cx.grant(&good.directory, &user, &grant, flow.once()).await?;
    cx.next_step(&mut flow);
    flow.consented = granted;
    cx.advance(call, flow, Some((shown, user))).await
}
