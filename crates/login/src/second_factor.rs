//! The second factor of a sign-in: the code of an authenticator, a recovery code instead of it, and the
//! registration of an authenticator where a rule of the tenant demands one. Tries are counted apart from
//! passwords, and what was right once is spent.

use super::{
    answer, authorize,
    flow::{self, Flow, Half},
    new_password, pages,
    session::Shown,
    sign_in,
};
use carnet_http::{
    caller::Called,
    context::{Context, cut},
    reply::{Failure, Reply},
    route::Call,
    web::error_page,
    web::page::Step,
    work::second_factor::{STEP, step},
};
use carnet_store::{AttemptCounter, Settle, StoreError};
use carnet_tenant::{
    access::{Caller, OWN_RIGHTS},
    credential::Guarded,
    directory::Directory,
    lockout::AttemptPurpose,
    refusal::Refusal,
    token::{Denial, Effect, client_auth::Client},
    user::{User, second_factor},
};
use carnet_wire::{
    digest, percent,
    secret::{Password, RecoveryCode},
    token::form::Form,
};
use std::sync::Arc;

const WRONG_CODE: &str = "That code is wrong, or was used before. Wait for the next one.";
const WRONG_RECOVERY: &str = "That recovery code is wrong, or was used before.";

/// The same with its number, which whoever helps asks for.
fn wrong_code() -> String {
    format!("{WRONG_CODE} (AADSTS{})", Denial::WrongSecondFactor.entry().0.number)
}
/// Seconds for which a code that was right is remembered: longer than it could be right again.
const REMEMBERED: i64 = 120;

/// Who is asked for a second factor, by which client.
struct Asked {
    directory: Arc<Directory>,
    client: Client,
    user: Arc<User>,
}

/// What somebody answers when a second factor is asked for.
pub(super) async fn second(cx: &Context, call: &Call, flow: Flow, form: &Form) -> Result<Reply, Failure> {
    let (directory, client) = match authorize::judged(cx, &flow).await? {
        Ok(judged) => judged,
        Err(reply) => return Ok(*reply),
    };
    let start = flow.start();
    let lost = || Ok(error_page::refused(&Denial::SignInLost, &cx.envelope, start.as_deref()));
    let Some(half) = flow.half.clone() else { return lost() };
    let Some(user) = cx.state.store.user(directory.tenant.id, half.user).await? else { return lost() };
    // Whoever was signed out meanwhile begins again.
    if user.sessions_valid_from > half.since {
        return lost();
    }
    let asked = Asked { directory, client, user };
    if form.get("lost").is_some() {
        return ask_recovery(cx, &flow, &asked, None);
    }
    if half.proved {
        return past(cx, call, flow, &asked).await;
    }
    match (form.get("recovery"), &half.key, &asked.user.totp) {
        (Some(typed), _, Some(_)) => recover(cx, call, flow, &asked, typed).await,
        (None, Some(key), None) => {
            let key = key.clone();
            register(cx, flow, &asked, (&key, form)).await
        }
        (None, _, Some(key)) => {
            let key = key.expose().to_owned();
            match try_code(cx, &asked, (&key, form)).await? {
                Ok(()) => past(cx, call, flow, &asked).await,
                Err(Denial::WrongSecondFactor) => {
                    let names = (&*asked.user, asked.client.name.as_str());
                    ask_second(cx, flow, &asked.directory, names, Some(&wrong_code()))
                }
                Err(other) => Ok(answer::refused(cx, &other)),
            }
        }
        _ => lost(),
    }
}

/// The page for the second factor, or for its registration.
pub(super) fn ask_second(
    cx: &Context,
    mut flow: Flow,
    directory: &Directory,
    (user, application): (&User, &str),
    wrong: Option<&str>,
) -> Result<Reply, Failure> {
    flow.user = Some(user.name.clone());
    if user.totp.is_some() {
        return authorize::ask(cx, flow, application, wrong);
    }
    let mut half = flow.half.take().unwrap_or_else(|| Half::new(user, cx.now()));
    let key = half.key.clone().unwrap_or_else(|| second_factor::authenticator_key(&*cx.state.entropy));
    half.key = Some(key.clone());
    flow.half = Some(half);
    let issuer = percent::encode(&cut(&directory.tenant.display_name, 256)).replace('+', "%20");
    let label = percent::encode(&user.name);
    let address = format!("otpauth://totp/{issuer}:{label}?secret={}&issuer={issuer}", key.expose());
    let sealed = flow::seal_flow(cx, &flow)?;
    let action = format!("/{}/login", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application, wrong };
    Ok(pages::enrol(&step, &user.name, (key.expose(), &address)))
}

fn ask_recovery(cx: &Context, flow: &Flow, asked: &Asked, wrong: Option<&str>) -> Result<Reply, Failure> {
    let sealed = flow::seal_flow(cx, flow)?;
    let action = format!("/{}/login", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application: &asked.client.name, wrong };
    Ok(pages::recovery(&step, &asked.user.name))
}

/// The second factor was right: in, or on to a new password in the place of one that is over.
async fn past(cx: &Context, call: &Call, mut flow: Flow, asked: &Asked) -> Result<Reply, Failure> {
    if asked.user.password_expired {
        let mut half = flow.half.take().unwrap_or_else(|| Half::new(&asked.user, cx.now()));
        (half.proved, half.expired) = (true, true);
        flow.half = Some(half);
        return new_password::ask_new_password(cx, &flow, &asked.client.name, None);
    }
    let since = flow.half.as_ref().map_or(cx.now(), |half| half.since);
    let who = (&*asked.directory, &asked.user);
    sign_in::enter(cx, call, flow, who, (since, &["pwd", "mfa"])).await
}

/// Judges the code of an authenticator with this key, and spends it.
async fn try_code(
    cx: &Context,
    asked: &Asked,
    (key, form): (&str, &Form),
) -> Result<Result<(), Denial>, Failure> {
    let typed = form.get("otc").unwrap_or_default();
    let found = step(key, typed, cx.now());
    let user = &asked.user;
    let effects = found.map(|step| {
        let spent = digest::sha256(&[b"second factor", user.id.uuid().as_bytes(), &step.to_be_bytes()]);
        Effect::SpendAssertion { digest: spent, expires: cx.now().plus_seconds(REMEMBERED) }
    });
    try_factor(cx, asked, typed, (found.is_some(), effects.as_slice())).await
}

/// Counts a try and judges it, with the record that it leaves.
async fn try_factor(
    cx: &Context,
    asked: &Asked,
    typed: &str,
    (right, effects): (bool, &[Effect]),
) -> Result<Result<(), Denial>, Failure> {
    let Asked { directory, client, user } = asked;
    let tenant = directory.tenant.id;
    // The same code is another guess once its time is over, unlike a password that is typed again.
    let guess = Password::new(format!("{typed} {}", cx.now().seconds() / STEP));
    let from = (cx.envelope.address, cx.now());
    let counter = AttemptCounter { tenant, purpose: AttemptPurpose::SecondFactor, key: &user.name_key };
    let (attempt, _) = cx.state.store.reserve(&counter, &guess, from).await?;
    let here = (client.app, cx.envelope.address);
    let verdict = carnet_tenant::authorize::second_factor(directory, (attempt, right, user.clone()), here);
    let mut record = sign_in::page_record(cx, directory, client, Some(user));
    let denial = match verdict {
        Ok(_) => match cx.state.store.settle(Settle { effects, record: &record, refresh: None }).await {
            Ok(()) => {
                cx.state.store.forgive(&counter, from).await?;
                return Ok(Ok(()));
            }
            Err(StoreError::Conflict) => Denial::WrongSecondFactor,
            Err(error) => return Err(error.into()),
        },
        Err(denial) => denial,
    };
    record.error = denial.entry().0.number;
    cx.state.store.settle(Settle { effects: &[], record: &record, refresh: None }).await?;
    Ok(Err(denial))
}

/// Registers the authenticator of a page, once its first code is right, and shows the recovery codes.
async fn register(
    cx: &Context,
    mut flow: Flow,
    asked: &Asked,
    (key, form): (&Guarded, &Form),
) -> Result<Reply, Failure> {
    match try_code(cx, asked, (key.expose(), form)).await? {
        Ok(()) => {}
        Err(Denial::WrongSecondFactor) => {
            let names = (&*asked.user, asked.client.name.as_str());
            return ask_second(cx, flow, &asked.directory, names, Some(&wrong_code()));
        }
        Err(other) => return Ok(answer::refused(cx, &other)),
    }
    let codes = second_factor::recovery_codes(&*cx.state.entropy);
    let mut called = themselves(asked);
    let kept = cx
        .apply_to_user_once(&mut called, (&asked.user.id.to_string(), flow.once()), |caller, _, old, _| {
            second_factor::register(caller, old, (key, &codes))
        })
        .await;
    match kept {
        Ok(()) => {}
        // Registered meanwhile, on another page: that one counts.
        Err(Failure::Refusal(Refusal::Conflict { .. })) => {
            return Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
        }
        Err(failure) => return Err(failure),
    }
    flow::next_step(cx, &mut flow);
    if let Some(half) = &mut flow.half {
        (half.key, half.proved) = (None, true);
    }
    let sealed = flow::seal_flow(cx, &flow)?;
    let action = format!("/{}/login", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application: &asked.client.name, wrong: None };
    Ok(pages::recovery_codes(&step, &codes))
}

/// A recovery code instead of the authenticator.
async fn recover(
    cx: &Context,
    call: &Call,
    mut flow: Flow,
    asked: &Asked,
    typed: &str,
) -> Result<Reply, Failure> {
    let code: Option<RecoveryCode> = second_factor::read_code(typed);
    let mut right = false;
    if let Some(code) = &code {
        // Tries are counted before the code is spent, so that a locked account spends none.
        right = second_factor::holds(&asked.user, code);
    }
    match try_factor(cx, asked, typed, (right, &[])).await? {
        Ok(()) => {}
        Err(Denial::WrongSecondFactor) => return ask_recovery(cx, &flow, asked, Some(WRONG_RECOVERY)),
        Err(other) => return Ok(answer::refused(cx, &other)),
    }
    let Some(code) = code else { return ask_recovery(cx, &flow, asked, Some(WRONG_RECOVERY)) };
    let mut called = themselves(asked);
    let spent = cx
        .apply_to_user_once(&mut called, (&asked.user.id.to_string(), flow.once()), |caller, _, old, _| {
            second_factor::recover(caller, old, &code)
        })
        .await?;
    flow::next_step(cx, &mut flow);
    match spent {
        true => past(cx, call, flow, asked).await,
        false => ask_recovery(cx, &flow, asked, Some(WRONG_RECOVERY)),
    }
}

fn themselves(asked: &Asked) -> Called {
    in_person(&asked.directory, &asked.user, &asked.client)
}

/// Somebody who signed in on a page, acting with their own rights.
pub(super) fn in_person(directory: &Arc<Directory>, user: &User, client: &Client) -> Called {
    let caller = Caller::User {
        user: user.id,
        app: client.app,
        tenant: directory.tenant.id,
        scopes: vec![OWN_RIGHTS.to_owned()].into(),
    };
    Called { caller, directory: directory.clone() }
}

/// A session is too weak for what is asked: its second factor is asked for, not its password again.
pub(super) fn step_up(
    cx: &Context,
    mut flow: Flow,
    directory: &Directory,
    (shown, user, application): (&Shown, &User, &str),
) -> Result<Reply, Failure> {
    flow.stay = shown.session.stay;
    flow.half = Some(Half::new(user, shown.session.signed_in));
    ask_second(cx, flow, directory, (user, application), None)
}
