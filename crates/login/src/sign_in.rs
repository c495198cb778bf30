//! `POST /{tenant}/login`: what people type on the pages of a sign-in.

use super::{
    answer, authorize, device_auth,
    flow::{self, Flow, Half, Purpose},
    new_password, second_factor,
    session::{self, Session},
    token,
};
use carnet_http::{
    context::{Context, cut},
    password,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_store::{AttemptCounter, Settle};
use carnet_tenant::{
    authorize::{Entered, Tried, sign_in},
    directory::Directory,
    lockout::AttemptPurpose,
    sign_in::SignIn,
    token::{Denial, Effect, PasswordProof, client_auth::Client},
    user::{self, User},
};
use carnet_wire::{secret::Password, time::Timestamp, token::form::Form};
use std::sync::Arc;

/// How the grant is called in the records.
pub(super) const GRANT: &str = "interactive";

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, flow) = match flow::posted(&cx, &mut call).await? {
        Ok(posted) => posted,
        Err(page) => return Ok(*page),
    };
    let start = flow.start();
    let answer = answer(&cx, &call, flow, &form).await;
    flow::unless_used(&cx, start.as_deref(), answer)
}

async fn answer(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    if form.get("cancel").is_some() {
        return match flow.purpose {
            Purpose::Device { .. } => device_auth::cancel_device(cx, &flow).await,
            _ => authorize::cancelled(cx, &flow).await,
        };
    }
    flow.question = None;
    if form.get("again").is_some() {
        flow.restart(Some(String::new()));
        return authorize::advance(cx, call, flow, None).await;
    }
    // The page for the password asks whether they stay signed in; the pages after it keep the answer.
    let stay = form.get("stay").is_some();
    flow.stay = stay || (flow.stay && flow.half.is_some());
    let chosen = form.get("account").filter(|_| matches!(flow.purpose, Purpose::Authorize { .. }));
    if let Some(chosen) = chosen {
        (flow.session, flow.half, flow.consented) = (chosen.parse().ok(), None, false);
        return authorize::advance(cx, call, flow, None).await;
    }
    if flow.half.as_ref().is_some_and(|half| half.expired) {
        return new_password::renew(cx, call, flow, form).await;
    }
    if flow.half.is_some() {
        return second_factor::second(cx, call, flow, form).await;
    }
    let typed = form.get("username").map(str::trim).filter(|name| !name.is_empty());
    if typed.is_some_and(|name| name.len() > 256 || name.chars().any(char::is_control)) {
        return Ok(answer::refused(cx, &Denial::Typed));
    }
    let Some(password) = form.get("passwd") else {
        flow.user = typed.map(|name| cut(name, 256));
        return authorize::advance(cx, call, flow, None).await;
    };
    let password = Password::new(password.to_owned());
    let (directory, client) = match authorize::judged(cx, &flow).await? {
        Ok(judged) => judged,
        Err(reply) => return Ok(*reply),
    };
    let outcome = prove(cx, &directory, &client, (&flow, &password)).await?;
    entered(cx, call, flow, (&directory, &client), outcome).await
}

/// On from a password: in, or to what else is asked for.
pub(super) async fn entered(
    cx: &Context,
    call: &Call,
    mut flow: Flow,
    (directory, client): (&Directory, &Client),
    entered: Result<Entered, Denial>,
) -> Result<Reply, Failure> {
    match entered {
        Ok(Entered::Whole(user)) => enter(cx, call, flow, (directory, &user), (cx.now(), &["pwd"])).await,
        Ok(Entered::Half(user) | Entered::Enrolling(user)) => {
            flow.half = Some(Half::new(&user, cx.now()));
            second_factor::ask_second(cx, flow, directory, (&user, &client.name), None)
        }
        Ok(Entered::Expired(user)) => {
            flow.half = Some(Half { expired: true, ..Half::new(&user, cx.now()) });
            new_password::ask_new_password(cx, &flow, &client.name, None)
        }
        Err(Denial::WrongPassword) => {
            authorize::ask(cx, flow, &client.name, Some("The user name or password is wrong."))
        }
        Err(denial) => Ok(answer::refused(cx, &denial)),
    }
}

/// Somebody is in: makes a new session, gives the browser another cookie, and goes on with what they came for.
pub(super) async fn enter(
    cx: &Context,
    call: &Call,
    mut flow: Flow,
    (directory, user): (&Directory, &Arc<User>),
    (signed_in, methods): (Timestamp, &[&str]),
) -> Result<Reply, Failure> {
    let session = Session {
        id: cx.state.entropy.uuid(),
        user: user.id,
        signed_in,
        methods: methods.iter().map(|it| (*it).to_owned()).collect(),
        stay: flow.stay,
        applications: Vec::new(),
    };
    let (shown, mut cookies) =
        session::new_session(cx, call, directory.tenant.id, session, flow.once()).await?;
    flow::next_step(cx, &mut flow);
    cookies.push(flow::renew_browser(cx, &mut flow));
    (flow.half, flow.anew, flow.session) = (None, false, Some(shown.session.id));
    flow.user = Some(user.name.clone());
    let reply = authorize::advance(cx, call, flow, Some((shown, user.clone()))).await?;
    Ok(cookies.into_iter().fold(reply, Reply::cookie))
}

/// Judges a password, with the record that every try leaves.
pub(super) async fn prove(
    cx: &Context,
    directory: &Arc<Directory>,
    client: &Client,
    (flow, password): (&Flow, &Password),
) -> Result<Result<Entered, Denial>, Failure> {
    let name = flow.user.clone().unwrap_or_default();
    let tenant = directory.tenant.id;
    let from = (cx.envelope.address, cx.now());
    let key = user::fold(&name);
    let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key: &key };
    let (attempt, user) = cx.state.store.reserve(&counter, password, from).await?;
    let (proof, rehashed) =
        password::check_password(cx, tenant, &key, password, (attempt, user.as_deref())).await;
    let elsewhere = cx.state.store.elsewhere(tenant, &key);
    let tried = Tried { attempt, proof, user: user.clone(), elsewhere };
    let verdict = sign_in(directory, tried, (client.app, cx.envelope.address));
    let mut record = page_record(cx, directory, client, user.as_deref());
    record.user_name = cut(&name, 256);
    record.error = verdict.as_ref().err().map_or(0, |denial| denial.entry().0.number);
    // Also where the account may not sign in: whoever knows the password is no guesser.
    let right = attempt.evaluates() && proof == PasswordProof::Right;
    let effects = if right { vec![Effect::ClearAttempts] } else { Vec::new() };
    cx.state.store.settle(Settle { effects: &effects, record: &record, refresh: None }).await?;
    if let (Some(hash), Some(user)) = (rehashed, &user) {
        token::rehash(cx, directory, user, hash).await;
    }
    Ok(verdict)
}

/// The record of what somebody does on a page.
pub(super) fn page_record(
    cx: &Context,
    directory: &Directory,
    client: &Client,
    user: Option<&User>,
) -> SignIn {
    let mut record = token::record(cx, directory, GRANT, None);
    record.app = Some(client.app);
    record.principal = client.principal.as_ref().map(|it| it.id);
    record.user = user.map(|it| it.id);
    record.user_name = user.map_or_else(String::new, |it| cut(&it.name, 256));
    record
}
