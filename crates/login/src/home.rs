//! Requests over `common` and `organizations` that name no account: where their client is registered, and which
//! session of the browser answers them.

use super::{
    account::{self, fits},
    answer,
    authorize::{self, Good, Stop},
    confirm,
    flow::Flow,
    session::{self, Shown},
};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    authorize::{admit, asked},
    directory::Directory,
    restriction::allowed,
    token::{Denial, subject},
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    authorize::{AuthorizeRequest, Prompt},
    ids::AppId,
};
use std::sync::Arc;

/// The answer to somebody who named no account with a domain.
pub(super) const WHOLE_NAME: &str = "Enter your full user name, for example ada@contoso.example.";

/// The tenant in which a client is registered; for Microsoft's own clients, and for those that nobody knows, any
/// tenant. `None`: there is no tenant.
///
/// # Errors
/// [`Failure`]
pub(super) async fn home_of(cx: &Context, app: AppId) -> Result<Option<Arc<Directory>>, Failure> {
    match cx.state.store.home_directory(app).await? {
        Some(home) => Ok(Some(home)),
        None => Ok(cx.state.store.any_directory().await?),
    }
}

/// Judges a request that names no account by the registration of its client.
///
/// # Errors
/// [`Failure`]; the inner error is [`Stop::Account`] where the request is good.
pub(super) async fn judge_at_home(
    cx: &Context,
    tenant: &TenantName,
    request: AuthorizeRequest,
) -> Result<Stop, Failure> {
    let Some(mut directory) = home_of(cx, request.client_id).await? else {
        return Ok(Stop::Page(Denial::UnknownTenant { name: tenant.to_string(), discovery: false }));
    };
    let rule = |directory: &Directory| admit(directory, tenant, &request);
    let admitted = match confirm::confirmed_denial(cx, (&mut directory, request.client_id), rule).await? {
        Ok(admitted) => admitted,
        Err(denial) => return Ok(Stop::Page(denial)),
    };
    let wishes = asked(&admitted, &request).cloned();
    Ok(match wishes {
        Ok(asked) => Stop::Account(Box::new(Good { directory, request, admitted, asked })),
        Err(denial) => Stop::Client(Box::new((request, admitted)), denial),
    })
}

/// Finds the session that answers a request that names no account: the one that was chosen, or the only one that
/// fits. The flow then names its account, and with it the tenant.
///
/// # Errors
/// [`Failure`]; the inner error is the answer where no session decides.
pub(super) async fn flow_of_session(
    cx: &Context,
    call: &Call,
    good: &Good,
    mut flow: Flow,
) -> Result<Result<Flow, Box<Reply>>, Failure> {
    let open = match flow.anew {
        true => Vec::new(),
        false => sessions_anywhere(cx, call, good, &flow).await?,
    };
    let back = |denial| Ok(Err(Box::new(answer::back_with_no(cx, &good.request, &good.admitted, &denial))));
    let chosen = flow.session.is_some();
    match (&open[..], good.asked.prompt) {
        ([], Prompt::None) => return back(Denial::NoSession),
        ([_, _, ..], Prompt::None) => return back(Denial::SeveralSessions),
        ([(_, user)], Prompt::AsNeeded | Prompt::None | Prompt::Consent | Prompt::AdminConsent) => {
            flow.user = Some(user.name.clone());
            return Ok(Ok(flow));
        }
        ([(_, user)], _) if chosen => {
            flow.user = Some(user.name.clone());
            return Ok(Ok(flow));
        }
        ([], _) | (_, Prompt::Login) => {}
        _ => return Ok(Err(Box::new(account::ask_account(cx, good, &flow, &open)?))),
    }
    let typed = flow.user.take().is_some_and(|name| !name.is_empty());
    let wrong = typed.then_some(WHOLE_NAME);
    Ok(Err(Box::new(authorize::ask(cx, flow, &good.admitted.client.name, wrong)?)))
}

/// The sessions of the browser, in whichever tenant, that fit a request that names no account.
async fn sessions_anywhere(
    cx: &Context,
    call: &Call,
    good: &Good,
    flow: &Flow,
) -> Result<Vec<(Shown, Arc<User>)>, Failure> {
    let store = &cx.state.store;
    let mut asked = good.asked.clone();
    let opaque = asked.login_hint.take_if(|hint| subject::is_login_hint(hint));
    let (mut open, mut ended) = (Vec::new(), Vec::new());
    for shown in session::sessions(cx, call, None).await? {
        let Some(user) = store.user(shown.tenant, shown.session.user).await? else { continue };
        let Some(directory) = store.directory(shown.tenant).await? else { continue };
        let welcome = allowed(&cx.envelope.restrictions, &directory.tenant).is_ok()
            && admit(&directory, &good.admitted.named, &good.request).is_ok();
        if !welcome || !fits(&asked, flow, &shown, &user) {
            continue;
        }
        if let Some(hint) = &opaque
            && account::hinted(cx, shown.tenant, hint).await?.is_none_or(|hinted| hinted.id != user.id)
        {
            continue;
        }
        if flow.session.is_some_and(|chosen| chosen != shown.session.id) {
            continue;
        }
        let counts = user.sessions_valid_from <= shown.session.signed_in;
        if counts { &mut open } else { &mut ended }.push((shown, user));
    }
    // A session that was ended is told as that, where nothing better is here.
    Ok(if open.is_empty() && flow.session.is_none() { ended } else { open })
}
