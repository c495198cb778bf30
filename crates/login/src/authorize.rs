//! `/{tenant}/oauth2/v2.0/authorize` and the same without `v2.0`: signs somebody in and sends a code back. What
//! is asked of people in between is posted to `sign_in`.

use super::{
    account::{self, How, Whose},
    answer::{self, Granted},
    confirm, device_auth,
    flow::{self, Flow, Purpose, Question, sent},
    home, pace,
    pages::{self, consent},
    second_factor,
    session::{self, Shown},
};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
    web::page::Step,
};
use carnet_tenant::{
    authorize::{Admitted, SignedIn, admit, asked, code, standing},
    consent::{ConsentRequest, question},
    directory::Directory,
    restriction::allowed,
    token::{
        Denial, FactorNo,
        client_auth::Client,
        denial::{SessionNo, TenantNo},
        front_channel::{self, FrontChannel},
    },
    user::{self, User},
};
use carnet_wire::{
    authority::TenantName,
    authorize::{Asked, AuthorizeRequest, Prompt, Wants},
    digest::hex,
    token::{
        form::Form,
        request::{LONGEST_QUERY, RequestError, Target, Version},
    },
};
use std::sync::Arc;

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    start(cx, call, (Version::V2, false)).await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    start(cx, call, (Version::V1, false)).await
}

/// Begins a sign-in, at the endpoint for it or at the one for admin consent.
pub(super) async fn start(
    cx: Context,
    mut call: Call,
    (version, admin_consent): (Version, bool),
) -> Result<Reply, Failure> {
    if call.query().len() > LONGEST_QUERY {
        return Ok(answer::refused(&cx, &Denial::Malformed(RequestError::QueryTooLong)));
    }
    let request = sent(&mut call).await?;
    let tenant = call.variable(0).to_owned();
    let purpose = Purpose::Authorize { request, v1: version == Version::V1, admin_consent };
    let (flow, cookie) = flow::begin(&cx, &call, purpose, tenant);
    let reply = advance(&cx, &call, flow, None).await?;
    Ok(cookie.into_iter().fold(reply, Reply::cookie))
}

/// A flow whose client, redirect URI and wishes are good.
pub(super) struct Good {
    pub directory: Arc<Directory>,
    pub request: AuthorizeRequest,
    pub admitted: Admitted,
    pub asked: Asked,
}

impl Good {
    /// What is asked of people where consent is missing.
    pub(super) fn consent(&self) -> ConsentRequest<'_> {
        let admin = self.asked.prompt == Prompt::AdminConsent;
        ConsentRequest { client: &self.admitted.client, target: &self.asked.target, admin }
    }
}

/// The domain that is hinted at is no tenant's.
fn realm(domain: &Option<String>) -> Denial {
    let domain = carnet_http::context::cut(domain.as_deref().unwrap_or_default(), 64);
    Denial::Session(SessionNo::UnknownDomain(domain))
}

/// The tenant that a flow names, and its request, as far as they can be read.
fn request_of(flow: &Flow) -> Result<(TenantName, AuthorizeRequest), Denial> {
    let Purpose::Authorize { request, v1, admin_consent } = &flow.purpose else {
        return Err(Denial::SignInLost);
    };
    let Ok(tenant) = TenantName::parse(&flow.tenant) else {
        return Err(Denial::TenantName(carnet_http::context::cut(&flow.tenant, 64)));
    };
    let version = if *v1 { Version::V1 } else { Version::V2 };
    let read = Form::parse(request.as_bytes());
    let read = read.and_then(|form| match admin_consent {
        true => AuthorizeRequest::admin_consent(version, &form),
        false => AuthorizeRequest::parse(version, &form),
    });
    let request = match read {
        Ok(request) => request,
        Err(error) => return Err(Denial::malformed(error, &tenant)),
    };
    let nobodys = matches!(tenant, TenantName::Common | TenantName::Consumers);
    if *admin_consent && version == Version::V2 && nobodys {
        return Err(Denial::Tenant(TenantNo::ConsentNeedsTenant));
    }
    if version == Version::V1 && tenant == TenantName::Consumers {
        return Err(Denial::Tenant(TenantNo::PersonalSignIn));
    }
    Ok((tenant, request))
}

/// Why a flow ends here.
pub(super) enum Stop {
    /// On a page.
    Page(Denial),
    /// At the client.
    Client(Box<(AuthorizeRequest, Admitted)>, Denial),
    /// The tenant is not known before the account is. The request is good where its client is registered.
    Account(Box<Good>),
}

/// Takes a sign-in as far as it goes: to a page, or back to the client. `fresh`: a session that was made
/// for this very sign-in.
///
/// # Errors
/// [`Failure`]
pub(super) async fn advance(
    cx: &Context,
    call: &Call,
    flow: Flow,
    fresh: Option<(Shown, Arc<User>)>,
) -> Result<Reply, Failure> {
    match flow.purpose {
        Purpose::Authorize { .. } => {}
        Purpose::Device { .. } => return device_auth::advance_device(cx, flow, fresh).await,
        Purpose::SignOut { .. } => return Ok(answer::refused(cx, &Denial::SignInLost)),
    }
    let mut flow = flow;
    let mut judged = judge(cx, &flow).await?;
    if let Err(Stop::Account(good)) = &judged {
        flow = match home::flow_of_session(cx, call, good, flow).await? {
            Ok(flow) => flow,
            Err(reply) => return Ok(*reply),
        };
        judged = judge(cx, &flow).await?;
    }
    let mut good = match judged {
        Ok(good) => good,
        Err(Stop::Page(denial)) => return Ok(answer::refused(cx, &denial)),
        Err(Stop::Client(to, denial)) => return Ok(answer::back_with_no(cx, &to.0, &to.1, &denial)),
        Err(Stop::Account(good)) => return ask(cx, flow, &good.admitted.client.name, None),
    };
    account::read_hint(cx, &mut good).await?;
    let mut chosen = None;
    let whose = match fresh {
        Some((shown, user)) => Whose::One(Box::new((shown, user, How::Fresh))),
        None => account::whose(cx, call, &good, &flow).await?,
    };
    match whose {
        Whose::One(one) => {
            if let Some(reply) = with_session(cx, call, &good, (&flow, &one.0, &one.1, one.2)).await? {
                return Ok(reply);
            }
            // The account that was chosen signs in again, and stays signed in as it did.
            if one.2 == How::Chosen {
                chosen = Some(one.1.name.clone());
                flow.stay = one.0.session.stay;
            }
        }
        Whose::Several(_) if good.asked.prompt == Prompt::None => {
            return Ok(answer::back_with_no(cx, &good.request, &good.admitted, &Denial::SeveralSessions));
        }
        Whose::Several(open) => return account::ask_account(cx, &good, &flow, &open),
        Whose::Gone if good.asked.prompt == Prompt::None => {
            let gone = Denial::Session(SessionNo::UserGone);
            return Ok(answer::back_with_no(cx, &good.request, &good.admitted, &gone));
        }
        Whose::Gone | Whose::Nobody => {}
    }
    if good.asked.prompt == Prompt::None {
        return Ok(answer::back_with_no(cx, &good.request, &good.admitted, &Denial::NoSession));
    }
    let name = good.admitted.client.name.clone();
    flow.user = flow.user.or(chosen).or_else(|| good.asked.login_hint.clone());
    ask(cx, flow, &name, None)
}

/// Whether client, redirect URI and wishes are good.
async fn judge(cx: &Context, flow: &Flow) -> Result<Result<Good, Stop>, Failure> {
    let page = |denial| Ok(Err(Stop::Page(denial)));
    let (tenant, request) = match request_of(flow) {
        Ok(read) => read,
        Err(denial) => return page(denial),
    };
    let hint = request.rest.as_ref().ok().and_then(|asked| asked.login_hint.as_deref());
    let account = flow.user.as_deref().or(hint);
    let domain = account.and_then(|name| name.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    let meant = request.rest.as_ref().ok().and_then(|asked| asked.domain_hint.clone());
    let named = match (tenant.is_alias(), domain.clone().or(meant.clone())) {
        (false, _) => tenant.clone(),
        (true, Some(domain)) => TenantName::Domain(domain),
        (true, None) => return home::judge_at_home(cx, &tenant, request).await.map(Err),
    };
    let Some(mut directory) = cx.state.store.directory_named(&named).await? else {
        let name = carnet_http::context::cut(&flow.tenant, 64);
        // Only a hint named the domain: the request is the client's, and so is the answer where nobody is asked.
        if tenant.is_alias() && flow.user.is_none() {
            return Ok(Err(match home::judge_at_home(cx, &tenant, request).await? {
                Stop::Account(good) if domain.is_none() => {
                    Stop::Client(Box::new((good.request, good.admitted)), realm(&meant))
                }
                Stop::Account(good) if good.asked.prompt == Prompt::None => {
                    Stop::Client(Box::new((good.request, good.admitted)), Denial::NoSession)
                }
                Stop::Account(_) => Stop::Page(Denial::Tenant(TenantNo::Domain(carnet_http::context::cut(
                    &domain.unwrap_or_default(),
                    64,
                )))),
                other => other,
            }));
        }
        return page(match (tenant.is_alias(), domain) {
            (true, Some(domain)) => Denial::Tenant(TenantNo::Domain(carnet_http::context::cut(&domain, 64))),
            (true, None) => realm(&meant),
            (false, _) => Denial::UnknownTenant { name, discovery: false },
        });
    };
    if let Err(denial) = allowed(&cx.envelope.restrictions, &directory.tenant) {
        return page(denial);
    }
    let rule = |directory: &Directory| admit(directory, &tenant, &request);
    let admitted = match confirm::confirmed_denial(cx, (&mut directory, request.client_id), rule).await? {
        Ok(admitted) => admitted,
        Err(denial) => return page(denial),
    };
    // Told by the domain alone, before a password is asked for: whether the account is there is not told.
    if let Some(name) =
        flow.user.as_deref().filter(|it| cx.state.store.elsewhere(directory.tenant.id, &user::fold(it)))
    {
        let (user, tenant) = (carnet_http::context::cut(name, 256), directory.tenant.display_name.clone());
        return page(Denial::Tenant(TenantNo::OtherTenant { user, tenant }));
    }
    if let Some(domain) = &meant
        && cx.state.store.directory_named(&TenantName::Domain(domain.clone())).await?.is_none()
    {
        return Ok(Err(Stop::Client(Box::new((request, admitted)), realm(&meant))));
    }
    let wishes = asked(&admitted, &request).cloned();
    Ok(match wishes {
        Ok(asked) => Ok(Good { directory, request, admitted, asked }),
        Err(denial) => Err(Stop::Client(Box::new((request, admitted)), denial)),
    })
}

/// The answer for somebody who is signed in; `None`: they have to sign in (again).
async fn with_session(
    cx: &Context,
    call: &Call,
    good: &Good,
    (flow, shown, user, how): (&Flow, &Shown, &Arc<User>, How),
) -> Result<Option<Reply>, Failure> {
    let (asked, session) = (&good.asked, &shown.session);
    let old = asked.max_age.is_some_and(|age| session.signed_in.plus_seconds(age) < cx.now());
    if how != How::Fresh && (old || asked.prompt == Prompt::Login) {
        return Ok(None);
    }
    let signed_in = SignedIn { user, at: session.signed_in, methods: &session.methods, session: session.id };
    let here = (&cx.state.names.graphs[..], cx.envelope.address, &*cx.state.entropy);
    let what = (&good.admitted, asked, good.request.version);
    let channel = FrontChannel {
        admitted: &good.admitted,
        asked,
        version: good.request.version,
        graphs: &cx.state.names.graphs,
        entropy: &*cx.state.entropy,
    };
    let mut directory = good.directory.clone();
    // Code and tokens are decided on one directory, and before the page is used up.
    let rule = |directory: &Directory| match good.request.wants {
        Wants::SignIn => {
            let body = code(directory, what, &signed_in, here, cx.now())?;
            let tokens = || front_channel::tokens(directory, &channel, &signed_in);
            let tokens = asked.response.gives_token().then(tokens).transpose()?;
            Ok(Some(Granted { body, tokens }))
        }
        Wants::AdminConsent => {
            let now = (cx.envelope.address, cx.now());
            standing(directory, (&good.admitted, asked), &signed_in, now).map(|()| None)
        }
    };
    let granted = match confirm::confirmed_denial(cx, (&mut directory, good.request.client_id), rule).await? {
        Ok(granted) => granted,
        Err(denial) => return not_yet(cx, good, (flow, shown, user, how), &denial),
    };
    let anew = matches!(asked.prompt, Prompt::Consent | Prompt::AdminConsent) && !flow.consented;
    if anew && !(granted.is_some() && nothing_to_ask(cx, good, user)) {
        return ask_consent(cx, good, flow, (shown, user)).map(Some);
    }
    let reply = match granted {
        Some(granted) => {
            if let Some(stopped) = pace::comes_round(cx, good, &granted.body) {
                return Ok(Some(stopped));
            }
            answer::give(cx, good, &signed_in, granted, flow.once()).await?
        }
        None => {
            if let Some(once) = flow.once() {
                cx.state.store.spend(once).await?;
            }
            answer::consented(good)
        }
    };
    let cookies = session::used(cx, call, shown, good.admitted.client.app).await?;
    Ok(Some(cookies.into_iter().fold(reply, Reply::cookie)))
}

/// What becomes of a session that does not do: something is asked, or its application is told; `None`: they have
/// to sign in again.
fn not_yet(
    cx: &Context,
    good: &Good,
    (flow, shown, user, how): (&Flow, &Shown, &Arc<User>, How),
    denial: &Denial,
) -> Result<Option<Reply>, Failure> {
    let (session, name) = (&shown.session, good.admitted.client.name.as_str());
    if good.asked.prompt == Prompt::None {
        return Ok(Some(answer::back_with_no(cx, &good.request, &good.admitted, denial)));
    }
    match denial {
        // The session, or its second factor, does not count any more.
        Denial::Session(_) | Denial::SecondFactor(FactorNo::Over, _) => Ok(None),
        // Nobody registers a second factor from a session that lay open for long.
        Denial::SecondFactor(FactorNo::EnrolNow, _) if how != How::Fresh && !session.is_fresh(cx.now()) => {
            let mut flow = flow.clone();
            flow.restart(Some(user.name.clone()));
            flow.stay = session.stay;
            ask(cx, flow, name, Some("Sign in again to add a second factor.")).map(Some)
        }
        // The session is too weak for this application: its second factor is asked for, or all of it where that
        // one would be over at once.
        Denial::SecondFactor(FactorNo::Strong | FactorNo::EnrolNow, _) => {
            let policy = &good.directory.tenant.policy;
            match policy.second_factor_over(session.signed_in, cx.now()) {
                true => Ok(None),
                false => {
                    second_factor::step_up(cx, flow.clone(), &good.directory, (shown, user, name)).map(Some)
                }
            }
        }
        Denial::ConsentMissing { .. } => ask_consent(cx, good, flow, (shown, user)).map(Some),
        denial => Ok(Some(answer::back_with_no(cx, &good.request, &good.admitted, denial))),
    }
}

/// There is no permission that somebody could be asked for: Microsoft's own clients come with theirs, and
/// some registrations list none. What was consented to stands.
fn nothing_to_ask(cx: &Context, good: &Good, user: &User) -> bool {
    let asked = question(&good.directory, good.consent(), user, &cx.state.names.graphs);
    matches!(asked, Err(Denial::ConsentMissing { .. }))
}

/// The page that asks for consent, with what exactly is asked.
fn ask_consent(
    cx: &Context,
    good: &Good,
    flow: &Flow,
    (shown, user): (&Shown, &User),
) -> Result<Reply, Failure> {
    let asked = match question(&good.directory, good.consent(), user, &cx.state.names.graphs) {
        Ok(asked) => asked,
        Err(denial @ Denial::AdminConsentNeeded(..)) => return Ok(answer::refused(cx, &denial)),
        Err(denial) => return Ok(answer::back_with_no(cx, &good.request, &good.admitted, &denial)),
    };
    let what = consent::Asked {
        user: &user.name,
        organisation: &good.directory.tenant.display_name,
        answer: consent::Answer::RedirectUri(&good.admitted.redirect_uri),
        offline: matches!(&good.asked.target, Target::Scope(it) if it.offline_access),
        question: &asked,
    };
    consent_page(cx, flow.clone(), shown, (&good.admitted.client.name, &what))
}

/// A consent page. Only the session to which it is shown answers it, and only what it shows.
///
/// # Errors
/// [`Failure::Broken`]
pub(super) fn consent_page(
    cx: &Context,
    mut flow: Flow,
    shown: &Shown,
    (application, what): (&str, &consent::Asked<'_>),
) -> Result<Reply, Failure> {
    flow.session = Some(shown.session.id);
    flow.question = Some(Question { session: shown.session.id, about: hex(&what.question.digest()) });
    let sealed = flow::seal_flow(cx, &flow)?;
    let action = format!("/{}/consent", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application, wrong: None };
    Ok(consent::consent(&step, what))
}

/// The page that asks for the account, or for the password where the account is known.
///
/// # Errors
/// [`Failure::Broken`]
pub(super) fn ask(
    cx: &Context,
    flow: Flow,
    application: &str,
    wrong: Option<&str>,
) -> Result<Reply, Failure> {
    let sealed = flow::seal_flow(cx, &flow)?;
    let action = format!("/{}/login", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application, wrong };
    Ok(match flow.user.as_deref().filter(|name| !name.is_empty()) {
        Some(user) if flow.half.is_some() => pages::second_factor(&step, user),
        Some(user) => pages::password(&step, user, flow.stay),
        None => pages::user_name(&step, ""),
    })
}

/// Ends a sign-in at the client: the user went back.
///
/// # Errors
/// [`Failure`]
pub(super) async fn cancelled(cx: &Context, flow: &Flow) -> Result<Reply, Failure> {
    Ok(match judge(cx, flow).await? {
        Ok(good) => answer::back_with_no(cx, &good.request, &good.admitted, &Denial::SignInCancelled),
        Err(Stop::Client(to, denial)) => answer::back_with_no(cx, &to.0, &to.1, &denial),
        Err(Stop::Page(denial)) => answer::refused(cx, &denial),
        Err(Stop::Account(good)) => {
            answer::back_with_no(cx, &good.request, &good.admitted, &Denial::SignInCancelled)
        }
    })
}

/// The client and directory of a flow, for judging a password; a page where the flow is not good.
///
/// # Errors
/// [`Failure`]
pub(super) async fn judged(
    cx: &Context,
    flow: &Flow,
) -> Result<Result<(Arc<Directory>, Client), Box<Reply>>, Failure> {
    if matches!(flow.purpose, Purpose::Device { .. }) {
        return Ok(match device_auth::device_of(cx, flow).await? {
            Ok(device) if device.tenant.is_some() => Ok((device.directory, device.client)),
            // The account is not known yet, and so is its tenant.
            Ok(device) => Err(Box::new(ask(cx, flow.clone(), &device.client.name, None)?)),
            Err(denial) => Err(Box::new(answer::refused(cx, &denial))),
        });
    }
    Ok(asked_well(cx, flow).await?.map(|good| (good.directory, good.admitted.client)))
}

/// A flow whose client, redirect URI and wishes are good, or the answer that says they are not.
///
/// # Errors
/// [`Failure`]
pub(super) async fn asked_well(cx: &Context, flow: &Flow) -> Result<Result<Good, Box<Reply>>, Failure> {
    Ok(match judge(cx, flow).await? {
        Ok(good) => Ok(good),
        Err(Stop::Client(to, denial)) => Err(Box::new(answer::back_with_no(cx, &to.0, &to.1, &denial))),
        Err(Stop::Page(denial)) => Err(Box::new(answer::refused(cx, &denial))),
        Err(Stop::Account(good)) => {
            let mut flow = flow.clone();
            flow.user = None;
            Err(Box::new(ask(cx, flow, &good.admitted.client.name, None)?))
        }
    })
}
