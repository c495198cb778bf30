//! A new password in the place of one that is over: chosen on a page, after the old one was right.

use super::{
    answer, authorize,
    flow::{self, Flow},
    pages, second_factor, sign_in,
};
use carnet_http::{
    context::Context,
    password,
    reply::{Failure, Reply},
    route::Call,
    web::page::Step,
};
use carnet_tenant::{
    authorize::Entered,
    refusal::Refusal,
    token::{Denial, ServiceNo},
};
use carnet_wire::{secret::Password, token::form::Form};

/// What was wrong on the page.
pub(super) enum Wrong<'a> {
    /// The current password.
    Current,
    /// The new one, and why.
    New(&'a str),
}

/// The page for a new password.
pub(super) fn ask_new_password(
    cx: &Context,
    flow: &Flow,
    application: &str,
    wrong: Option<Wrong<'_>>,
) -> Result<Reply, Failure> {
    let sealed = flow::seal_flow(cx, flow)?;
    let action = format!("/{}/login", flow.tenant);
    let (text, new) = match wrong {
        None => (None, false),
        Some(Wrong::Current) => (Some("The current password is wrong."), false),
        Some(Wrong::New(why)) => (Some(why), true),
    };
    let step = Step { action: &action, flow: &sealed, application, wrong: text };
    Ok(pages::new_password(&step, flow.user.as_deref().unwrap_or_default(), new))
}

/// Changes a password that is over, for whoever proved it in this sign-in, and lets them in with the new one.
pub(super) async fn renew(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    let (directory, client) = match authorize::judged(cx, &flow).await? {
        Ok(judged) => judged,
        Err(reply) => return Ok(*reply),
    };
    let lost = || Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
    let Some(half) = flow.half.clone() else { return lost() };
    let again = |wrong: Wrong<'_>| ask_new_password(cx, &flow, &client.name, Some(wrong));
    let typed = |name: &str| form.get(name).unwrap_or_default();
    let (old, new) =
        (Password::new(typed("passwd").to_owned()), Password::new(typed("new_passwd").to_owned()));
    if new.expose() != typed("new_passwd_again") {
        return again(Wrong::New("The two new passwords differ."));
    }
    // As at any sign-in: counted, recorded, and under the tenant's rules.
    let user = match sign_in::prove(cx, &directory, &client, (&flow, &old)).await? {
        Ok(Entered::Expired(user)) => user,
        Ok(Entered::Half(user)) if half.proved && user.password_expired => user,
        // It was changed meanwhile: that page counts no more.
        Ok(_) => return lost(),
        Err(Denial::WrongPassword) => return again(Wrong::Current),
        Err(denial) => return Ok(answer::refused(cx, &denial)),
    };
    if user.id != half.user || user.sessions_valid_from > half.since {
        return lost();
    }
    let mut called = second_factor::in_person(&directory, &user, &client);
    match password::change_own_password(cx, &mut called, &user, (&old, &new), flow.once()).await {
        Ok(()) => {}
        Err(Failure::Refusal(Refusal::BadRequest { message, .. })) => return again(Wrong::New(&message)),
        Err(Failure::Refusal(Refusal::Busy { .. })) => {
            return Ok(answer::refused(cx, &Denial::Service(ServiceNo::Busy)));
        }
        Err(failure) => return Err(failure),
    }
    flow::next_step(cx, &mut flow);
    let directory = called.directory.clone();
    if half.proved {
        let Some(user) = cx.state.store.user(directory.tenant.id, user.id).await? else {
            return Ok(answer::refused(cx, &Denial::SignInLost));
        };
        let how = (cx.now(), &["pwd", "mfa"][..]);
        return sign_in::enter(cx, call, flow, (&directory, &user), how).await;
    }
    let entered = sign_in::prove(cx, &directory, &client, (&flow, &new)).await?;
    flow.half = None;
    sign_in::entered(cx, call, flow, (&directory, &client), entered).await
}
