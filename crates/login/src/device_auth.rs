//! `/{tenant}/oauth2/deviceauth`: where somebody types the code that a device shows, signs in, and says yes or
//! no to that very application (`security.md`, S19).

use super::{
    answer, authorize,
    consent::{self, Grant},
    flow::{self, Flow, Purpose, Question},
    home::WHOLE_NAME,
    pages,
    session::{self, Shown},
};
use carnet_http::{
    context::{Context, cut},
    reply::{Failure, Reply},
    route::Call,
    web::page::Step,
};
use carnet_store::{
    AttemptCounter, StoreError,
    artifact::{DEVICE, Place, USER_CODE, text_digest},
    device::AnsweredDevice,
};
use carnet_tenant::{
    authorize::{device_consented, on_device},
    consent::{ConsentRequest, question},
    directory::Directory,
    lockout::{Attempt, AttemptPurpose},
    pace::Counted,
    restriction::allowed,
    tenant::Policy,
    token::{
        Denial, DeviceAnswer, DeviceBody, ServiceNo,
        client_auth::Client,
        denial::TenantNo,
        device_code::{DeviceNo, client},
    },
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    device::UserCode,
    digest,
    ids::{ObjectId, TenantId},
    secret::Password,
    source::Source,
    time::Timestamp,
    token::{form::Form, request::Target},
};
use std::sync::Arc;
use uuid::Uuid;

/// Seconds in which guesses are counted together.
const WINDOW: i64 = 15 * 60;
/// Counters of a tenant.
const COUNTERS: u8 = 7;

/// A device code that somebody is about to answer.
pub(super) struct Device {
    pub directory: Arc<Directory>,
    pub client: Client,
    /// The tenant of the account; `None` while the person who signs in has yet to say it.
    pub tenant: Option<TenantId>,
    body: DeviceBody,
    digest: [u8; 32],
    /// The tenant in which the code waits.
    kept_in: TenantId,
}

/// `GET /devicelogin`: the address that devices show.
pub(super) async fn short(cx: Context, call: Call) -> Result<Reply, Failure> {
    show(&cx, &call, &TenantName::Common)
}

/// `GET /{tenant}/oauth2/deviceauth`: the same page, at the address to which it is posted.
pub(super) async fn get(cx: Context, call: Call) -> Result<Reply, Failure> {
    match TenantName::parse(call.variable(0)) {
        Ok(tenant) => show(&cx, &call, &tenant),
        Err(_) => Ok(answer::refused(&cx, &Denial::TenantName(cut(call.variable(0), 64)))),
    }
}

/// The page for the code.
fn show(cx: &Context, call: &Call, tenant: &TenantName) -> Result<Reply, Failure> {
    let tenant = tenant.to_string();
    let (flow, cookie) = flow::begin(cx, call, Purpose::Device { digest: None }, tenant);
    let reply = ask_code(cx, &flow, None)?;
    Ok(cookie.into_iter().fold(reply, Reply::cookie))
}

/// The code, or the answer.
pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, flow) = match flow::posted(&cx, &mut call).await? {
        Ok(posted) => posted,
        Err(page) => return Ok(*page),
    };
    let start = flow.start();
    let answer = typed(&cx, &call, flow, &form).await;
    flow::unless_used(&cx, start.as_deref(), answer)
}

async fn typed(cx: &Context, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
    if let Some(answer) = form.get("answer").filter(|_| flow.device().is_some()) {
        return answer_device(cx, call, &flow, answer == "yes").await;
    }
    let typed = form.get("user_code").unwrap_or_default();
    match find_code(cx, typed, &flow).await? {
        Ok(device) => {
            flow.restart(None);
            flow.purpose = Purpose::Device { digest: Some(device) };
            flow.tenant = TenantName::Organizations.to_string();
            authorize::advance(cx, call, flow, None).await
        }
        Err(denial @ Denial::Service(_)) => Ok(answer::refused(cx, &denial)),
        Err(denial) => {
            let (row, sentence) = denial.entry();
            ask_code(cx, &flow, Some(&format!("{sentence} (AADSTS{})", row.number)))
        }
    }
}

/// The counter of a guess among those of a tenant: each lasts 15 minutes, in which it lets at most 14 through
/// (`tenant::lockout`: 10, and one after each lock), so that seven let fewer than 100. They are not forgiven, since
/// right codes do not end guessing; they are over by themselves.
fn counter(code: &str, now: Timestamp) -> String {
    let part = digest::sha256(&[code.as_bytes()])[0] % COUNTERS;
    format!("{part} at {}", now.seconds() / WINDOW)
}

/// The counter of guesses of user codes from one source, whichever tenant they are meant for.
fn of_source(source: &str) -> AttemptCounter<'_> {
    let tenant = TenantId::new(Uuid::nil());
    AttemptCounter { tenant, purpose: AttemptPurpose::UserCodeFromSource, key: source }
}

fn ask_code(cx: &Context, flow: &Flow, wrong: Option<&str>) -> Result<Reply, Failure> {
    let sealed = flow::seal_flow(cx, flow)?;
    let action = format!("/{}/oauth2/deviceauth", flow.tenant);
    Ok(pages::user_code(&Step { action: &action, flow: &sealed, application: "", wrong }))
}

/// The tenant whose guesses of user codes are counted together: the one whose page it is, or none.
async fn guessed_at(cx: &Context, flow: &Flow) -> Result<TenantId, Failure> {
    let directory = match TenantName::parse(&flow.tenant) {
        Ok(name) => cx.state.store.directory_named(&name).await?,
        Err(_) => None,
    };
    Ok(directory.map_or(TenantId::new(Uuid::nil()), |it| it.tenant.id))
}

/// The device code of a user code. A right one is no end of guessing: anybody can ask for one of their own.
///
/// The numbers of `security.md`, section 2: 5 of a browser, 20 of an address (10, then ever fewer), and 100 of a
/// tenant in 15 minutes. Who forgets their cookies is another browser, from the same address.
async fn find_code(cx: &Context, typed: &str, flow: &Flow) -> Result<Result<String, Denial>, Failure> {
    if typed.trim().is_empty() {
        return Ok(Err(Denial::Device(DeviceNo::UserCodeMissing)));
    }
    let code = match UserCode::parse(typed) {
        Ok(code) => code,
        Err(problem) => return Ok(Err(Denial::Device(DeviceNo::UserCodeForm(problem)))),
    };
    let (pace, none) = (&cx.state.pace, Policy::default());
    let browser: (&[&[u8]], Timestamp) = (&[flow.browser().as_bytes()], cx.now());
    if let Err(denial) = pace.room(Counted::Guesses, &none, browser) {
        return Ok(Err(denial));
    }
    let from = (cx.envelope.address, cx.now());
    let guess = Password::new(code.as_str().to_owned());
    // Who is stopped by their address counts no further against everyone else.
    let source = Source::of(cx.envelope.address).to_string();
    let part = counter(code.as_str(), cx.now());
    let everyones = AttemptCounter {
        tenant: guessed_at(cx, flow).await?,
        purpose: AttemptPurpose::UserCodeAtTenant,
        key: &part,
    };
    for counter in [of_source(&source), everyones] {
        let (attempt, _) = cx.state.store.reserve(&counter, &guess, from).await?;
        if let Attempt::Locked(until) = attempt {
            let wait = (until.seconds() - cx.now().seconds()).clamp(1, WINDOW);
            return Ok(Err(Denial::Service(ServiceNo::Throttled { wait })));
        }
    }
    let digest = text_digest(USER_CODE, code.as_str());
    let found = cx.state.store.artifact_anywhere::<String>(USER_CODE, &digest).await?;
    let Some((_, found)) = found else {
        let wrong = Denial::Device(DeviceNo::UserCode);
        return Ok(Err(pace.count(Counted::Guesses, &none, browser).err().unwrap_or(wrong)));
    };
    if found.expires <= cx.now() {
        return Ok(Err(Denial::Device(DeviceNo::UserCodeExpired)));
    }
    Ok(Ok(found.body))
}

/// The device code that a flow speaks of.
///
/// # Errors
/// [`Failure`]
pub(super) async fn device_of(cx: &Context, flow: &Flow) -> Result<Result<Device, Denial>, Failure> {
    let unknown = Ok(Err(Denial::Device(DeviceNo::Unknown)));
    let Some(digest) = flow.device().and_then(digest::from_hex) else { return unknown };
    let Some((kept_in, kept)) = cx.state.store.artifact_anywhere::<DeviceBody>(DEVICE, &digest).await? else {
        return unknown;
    };
    let body = kept.body;
    let named: Option<TenantId> = flow.tenant.parse().ok();
    let tenant = match named {
        Some(named) if named == kept_in || body.any_tenant => Some(named),
        Some(_) => return unknown,
        None => (!body.any_tenant).then_some(kept_in),
    };
    let Some(directory) = cx.state.store.directory(tenant.unwrap_or(kept_in)).await? else {
        return unknown;
    };
    if tenant.is_some()
        && let Err(denial) = allowed(&cx.envelope.restrictions, &directory.tenant)
    {
        return Ok(Err(denial));
    }
    let client = client(&directory, &body, cx.now());
    Ok(client.map(|client| Device { directory, client, tenant, body, digest, kept_in }))
}

/// Finds the tenant of a sign-in for a device: the one in which its code waits, or that of the account's domain.
/// Where no account is named yet, the flow's tenant is no tenant.
async fn place_device(cx: &Context, flow: &mut Flow) -> Result<Result<Device, Denial>, Failure> {
    flow.tenant = TenantName::Organizations.to_string();
    let device = match device_of(cx, flow).await? {
        Ok(device) => device,
        Err(denial) => return Ok(Err(denial)),
    };
    if let Some(tenant) = device.tenant {
        flow.tenant = tenant.to_string();
        return Ok(Ok(device));
    }
    let domain = flow.user.as_deref().and_then(|name| name.rsplit_once('@'));
    let Some(domain) = domain.map(|(_, domain)| domain.to_lowercase()) else { return Ok(Ok(device)) };
    match cx.state.store.directory_named(&TenantName::Domain(domain.clone())).await? {
        Some(directory) => {
            flow.tenant = directory.tenant.id.to_string();
            device_of(cx, flow).await
        }
        None => Ok(Err(Denial::Tenant(TenantNo::Domain(cut(&domain, 64))))),
    }
}

/// Takes the sign-in for a device as far as it goes: to a page for the account, or to the question.
///
/// # Errors
/// [`Failure`]
pub(super) async fn advance_device(
    cx: &Context,
    mut flow: Flow,
    fresh: Option<(Shown, Arc<User>)>,
) -> Result<Reply, Failure> {
    // Everyone signs in anew: who forwards a code finds no open session to abuse.
    let Some((shown, user)) = fresh else {
        let device = match place_device(cx, &mut flow).await? {
            Ok(device) => device,
            Err(denial) => return Ok(answer::refused(cx, &denial)),
        };
        let mut wrong = None;
        if device.tenant.is_none() {
            let typed = flow.user.take().is_some_and(|name| !name.is_empty());
            wrong = typed.then_some(WHOLE_NAME);
        }
        return authorize::ask(cx, flow, &device.client.name, wrong);
    };
    let device = match device_of(cx, &flow).await? {
        Ok(device) if device.tenant.is_some() => device,
        Ok(_) => return Ok(answer::refused(cx, &Denial::SignInLost)),
        Err(denial) => return Ok(answer::refused(cx, &denial)),
    };
    match device_consent(cx, &device, (&shown, &user), &flow)? {
        None => {}
        Some(reply) => return Ok(reply),
    }
    flow.session = Some(shown.session.id);
    let about = flow.device().unwrap_or_default().to_owned();
    flow.question = Some(Question { session: shown.session.id, about });
    let sealed = flow::seal_flow(cx, &flow)?;
    let action = format!("/{}/oauth2/deviceauth", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application: &device.client.name, wrong: None };
    Ok(pages::confirm_device(&step, &user.name, &device.body.address.to_string()))
}

/// What is asked or said before a device may be let in: the page for consent where that is missing, or why asking
/// is no use.
fn device_consent(
    cx: &Context,
    device: &Device,
    (shown, user): (&Shown, &User),
    flow: &Flow,
) -> Result<Option<Reply>, Failure> {
    let graphs = &cx.state.names.graphs;
    let here = (device.client.app, cx.envelope.address);
    let missing = match on_device(&device.directory, (user, &shown.session.methods), here) {
        Ok(()) => device_consented(&device.directory, (&device.client, &device.body), user, graphs),
        Err(denial) => return Ok(Some(answer::refused(cx, &denial))),
    };
    let denial = match missing {
        Ok(()) => return Ok(None),
        Err(denial) => denial,
    };
    if !matches!(denial, Denial::ConsentMissing { .. }) {
        return Ok(Some(answer::refused(cx, &denial)));
    }
    let target = match device.body.target() {
        Ok(target) => target,
        Err(denial) => return Ok(Some(answer::refused(cx, &denial))),
    };
    let request = ConsentRequest { client: &device.client, target: &target, admin: false };
    let question = match question(&device.directory, request, user, graphs) {
        Ok(question) => question,
        Err(denial) => return Ok(Some(answer::refused(cx, &denial))),
    };
    let address = device.body.address.to_string();
    let asked = pages::consent::Asked {
        user: &user.name,
        organisation: &device.directory.tenant.display_name,
        answer: pages::consent::Answer::Device(&address),
        offline: matches!(&target, Target::Scope(it) if it.offline_access),
        question: &question,
    };
    authorize::consent_page(cx, flow.clone(), shown, (&device.client.name, &asked)).map(Some)
}

/// What somebody says to an application on a device that asks for permissions.
///
/// # Errors
/// [`Failure`]
pub(super) async fn answer_device_consent(
    cx: &Context,
    call: &Call,
    mut flow: Flow,
    form: &Form,
) -> Result<Reply, Failure> {
    let device = match device_of(cx, &flow).await? {
        Ok(device) => device,
        Err(denial) => return Ok(answer::refused(cx, &denial)),
    };
    let about = flow.question.as_ref().map(|it| it.about.clone()).unwrap_or_default();
    if !flow.asks(&about) {
        return Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
    }
    let tenant = device.directory.tenant.id;
    let Some((shown, user)) = session::signed_in(cx, call, &flow, tenant).await? else {
        return Ok(flow::stopped(cx, &flow, &Denial::SignInLost));
    };
    if form.get("answer") != Some("yes") {
        return decline_device(cx, &device, user.id, &flow).await;
    }
    flow.question = None;
    let everyone = form.get("everyone").is_some();
    if everyone && !shown.session.is_fresh(cx.now()) {
        flow.restart(Some(user.name.clone()));
        flow.stay = shown.session.stay;
        return authorize::ask(cx, flow, &device.client.name, Some("Sign in again to consent for everyone."));
    }
    let here = (device.client.app, cx.envelope.address);
    if let Err(denial) = on_device(&device.directory, (&user, &shown.session.methods), here) {
        return Ok(answer::refused(cx, &denial));
    }
    let target = match device.body.target() {
        Ok(target) => target,
        Err(denial) => return Ok(answer::refused(cx, &denial)),
    };
    let request = ConsentRequest { client: &device.client, target: &target, admin: false };
    let grant = Grant { request, about: &about, everyone };
    consent::grant(cx, &device.directory, &user, &grant, flow.once()).await?;
    flow::next_step(cx, &mut flow);
    advance_device(cx, flow, Some((shown, user))).await
}

/// Declines a device before anybody signed in: the code is what lets somebody say no.
///
/// # Errors
/// [`Failure`]
pub(super) async fn cancel_device(cx: &Context, flow: &Flow) -> Result<Reply, Failure> {
    match device_of(cx, flow).await? {
        Ok(device) => decline_device(cx, &device, ObjectId::new(Uuid::nil()), flow).await,
        Err(denial) => Ok(answer::refused(cx, &denial)),
    }
}

/// Keeps a no. The code stays in the tenant in which it waits.
async fn decline_device(
    cx: &Context,
    device: &Device,
    user: ObjectId,
    flow: &Flow,
) -> Result<Reply, Failure> {
    keep_answer(cx, device, (device.kept_in, user), &DeviceAnswer::Declined, flow).await
}

/// Keeps what somebody said to a device, unless somebody said something before.
async fn keep_answer(
    cx: &Context,
    device: &Device,
    (tenant, user): (TenantId, ObjectId),
    answer: &DeviceAnswer,
    flow: &Flow,
) -> Result<Reply, Failure> {
    let place = Place {
        tenant,
        family: Uuid::nil(),
        user,
        created: cx.now(),
        expires: device.body.expires.plus_seconds(carnet_wire::device::LIFETIME),
    };
    let answered = AnsweredDevice { digest: &device.digest, body: &device.body, kept_in: device.kept_in };
    match cx.state.store.put_device_answer(answered, place, answer, flow.once()).await {
        Ok(()) => {
            forgive_guesses(cx).await?;
            Ok(pages::device_done(&device.client.name, *answer != DeviceAnswer::Declined))
        }
        Err(StoreError::Exists | StoreError::Conflict) => {
            Ok(answer::refused(cx, &Denial::Device(DeviceNo::Answered)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn answer_device(cx: &Context, call: &Call, flow: &Flow, yes: bool) -> Result<Reply, Failure> {
    let device = match device_of(cx, flow).await? {
        Ok(device) => device,
        Err(denial) => return Ok(answer::refused(cx, &denial)),
    };
    let tenant = device.directory.tenant.id;
    // Who answers is who signed in for this and was asked, even if the browser signed somebody else in
    // meanwhile.
    if !flow.asks(flow.device().unwrap_or_default()) {
        return Ok(flow::stopped(cx, flow, &Denial::SignInLost));
    }
    let Some((Shown { session, .. }, user)) = session::signed_in(cx, call, flow, tenant).await? else {
        return Ok(flow::stopped(cx, flow, &Denial::SignInLost));
    };
    if !yes {
        return decline_device(cx, &device, session.user, flow).await;
    }
    let here = (device.client.app, cx.envelope.address);
    if let Err(denial) = on_device(&device.directory, (&user, &session.methods), here) {
        return Ok(answer::refused(cx, &denial));
    }
    let who = (tenant, session.user);
    let answer =
        DeviceAnswer::Approved { user: session.user, signed_in: session.signed_in, methods: session.methods };
    keep_answer(cx, &device, who, &answer, flow).await
}

/// Somebody signed in and answered: earlier wrong codes of this source count no more.
async fn forgive_guesses(cx: &Context) -> Result<(), Failure> {
    let source = Source::of(cx.envelope.address).to_string();
    Ok(cx.state.store.forgive(&of_source(&source), (cx.envelope.address, cx.now())).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_counters_are_few_and_begin_anew() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let of = |seconds| -> std::collections::BTreeSet<String> {
            (0..500).map(|it| counter(&format!("code {it}"), at(seconds))).collect()
        };
        assert_eq!((of(0).len(), of(0)), (7, of(899)));
        assert!(of(0).is_disjoint(&of(900)));
    }
}
