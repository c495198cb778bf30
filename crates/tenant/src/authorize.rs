//! Signing somebody in for an application: which client and redirect URI are good, what may be asked for, and
//! what a code stands for. What is wrong before the redirect URI is known to be the client's own stays on a
//! page; everything else goes back to the client (`security.md`, S14).

use crate::{
    application::Platform,
    directory::Directory,
    lockout::Attempt,
    redirect, service_principal,
    tenant::Tenant,
    token::{
        CodeBody, Denial, DeviceBody, FactorNo, PasswordProof,
        client_auth::{self, Client},
        denial::{PermissionNo, SessionNo, TenantNo},
        password::{SigningIn, alive, right_password, usable},
        scope,
    },
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    authorize::{Asked, AuthorizeRequest, Prompt, RequestProblem},
    entropy::Entropy,
    ids::{AppId, TenantId},
    time::Timestamp,
    token::request::Version,
};
use std::{net::IpAddr, sync::Arc};
use uuid::Uuid;

/// Where native applications of old have their answer sent.
const NATIVE_CLIENT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

/// A client whose redirect URI is its own.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The tenant in which somebody signs in.
    pub tenant: TenantId,
    /// As the address names it.
    pub named: TenantName,
    /// The client.
    pub client: Client,
    /// Where the answer goes, as asked.
    pub redirect_uri: String,
    /// The request named it, rather than leave it to the only one that is registered.
    pub explicit: bool,
    /// The URI's platform.
    pub platform: Platform,
}

/// Looks client and redirect URI up. What this refuses is shown on a page.
///
/// # Errors
/// [`Denial`]
pub fn admit(
    directory: &Directory,
    tenant: &TenantName,
    request: &AuthorizeRequest,
) -> Result<Admitted, Denial> {
    let client = client_auth::find(directory, tenant, request.client_id)?.enabled()?;
    if *tenant == TenantName::Consumers {
        let domain = directory.tenant.domains.first().cloned().unwrap_or_default();
        return Err(Denial::Tenant(TenantNo::NotPersonal(domain)));
    }
    let mut own = vec!["http://localhost".to_owned(), NATIVE_CLIENT.to_owned()];
    let known = directory.catalogue.application(client.app);
    own.extend(known.into_iter().flat_map(|it| it.redirect_uris.iter().cloned()));
    let none = Vec::new();
    let uris = client.application.as_ref().map(|it| &it.redirect_uris);
    let (web, spa) = uris.map_or((&none, &none), |uris| (&uris.web, &uris.spa));
    // Microsoft's own clients have no registration here; they are public.
    let public_uris = uris.map_or(&own[..], |uris| &uris.public);
    let Some(asked) = &request.redirect_uri else {
        let all = registered(web, spa, public_uris);
        let [(only, platform)] = all[..] else {
            let none = all.is_empty();
            return Err(Denial::Redirect(if none {
                RedirectNo::NoneRegistered
            } else {
                RedirectNo::Missing
            }));
        };
        let (tenant, named, redirect_uri) = (directory.tenant.id, tenant.clone(), only.clone());
        return Ok(Admitted { tenant, named, redirect_uri, explicit: false, platform, client });
    };
    let found = registered(web, spa, public_uris).into_iter().find(|(uri, _)| redirect::matches(uri, asked));
    let Some((_, platform)) = found else {
        let shown: String = asked.chars().filter(char::is_ascii_graphic).take(200).collect();
        let none = registered(web, spa, public_uris).is_empty();
        return Err(Denial::Redirect(match redirect::is_insecure(asked) {
            true => RedirectNo::NotSecure(shown),
            false if none => RedirectNo::NoneRegistered,
            false => RedirectNo::NotRegistered(shown),
        }));
    };
    let (tenant, named, redirect_uri) = (directory.tenant.id, tenant.clone(), asked.clone());
    Ok(Admitted { tenant, named, redirect_uri, explicit: true, platform, client })
}

/// Whether an address is one of an application's own, compared as a redirect URI: on this machine under any port.
#[must_use]
pub fn is_registered(directory: &Directory, app: AppId, uri: &str) -> bool {
    directory.registered(app).is_some_and(|it| {
        let uris = &it.application.redirect_uris;
        registered(&uris.web, &uris.spa, &uris.public).iter().any(|(own, _)| redirect::matches(own, uri))
    })
}

fn registered<'a>(web: &'a [String], spa: &'a [String], public: &'a [String]) -> Vec<(&'a String, Platform)> {
    let all = [(web, Platform::Web), (spa, Platform::Spa), (public, Platform::Public)];
    all.into_iter().flat_map(|(uris, platform)| uris.iter().map(move |uri| (uri, platform))).collect()
}

/// What is wrong with a redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectNo {
    /// None was sent, and several are registered.
    Missing,
    /// None is registered.
    NoneRegistered,
    /// This one is neither https nor on this machine.
    NotSecure(String),
    /// This one is not the client's.
    NotRegistered(String),
}

/// What else the request asks for, if that may be asked for.
///
/// # Errors
/// [`Denial`], which goes back to the client.
pub fn asked<'a>(admitted: &Admitted, request: &'a AuthorizeRequest) -> Result<&'a Asked, Denial> {
    let asked = match &request.rest {
        Ok(asked) => asked,
        Err(RequestProblem::Request(error)) => return Err(Denial::Malformed(error.clone())),
        Err(problem) => return Err(Denial::Authorize(problem.clone())),
    };
    let application = admitted.client.application.as_ref();
    let response = asked.response;
    if response.token && !application.is_some_and(|it| it.gives_access_tokens()) {
        return Err(Denial::Authorize(RequestProblem::AccessTokensOff(response.to_string())));
    }
    // Beside a code, access tokens are given by the token endpoint alone; the metadata announces nothing else.
    if response.token && response.code {
        return Err(Denial::Authorize(RequestProblem::ResponseType(response.to_string())));
    }
    if response.id_token && !application.is_some_and(|it| it.gives_id_tokens()) {
        return Err(Denial::Authorize(RequestProblem::IdTokensOff(response.to_string())));
    }
    let relaxed = application.is_some_and(|it| it.policy.pkce == Some(false));
    let spa = admitted.platform == Platform::Spa;
    if asked.response.code && admitted.platform.is_public() && asked.challenge.is_none() && (spa || !relaxed)
    {
        return Err(Denial::ChallengeMissing);
    }
    Ok(asked)
}

/// What somebody who signs in typed, and what was found of it.
pub struct Tried {
    /// The reserved attempt.
    pub attempt: Attempt,
    /// The password.
    pub proof: PasswordProof,
    /// The account.
    pub user: Option<Arc<User>>,
    /// The name is on a domain of another tenant here.
    pub elsewhere: bool,
}

/// How far a right password gets somebody.
#[derive(Debug, Clone)]
pub enum Entered {
    /// In.
    Whole(Arc<User>),
    /// To the second factor, which is asked for next.
    Half(Arc<User>),
    /// To the registration of a second factor, which a rule demands.
    Enrolling(Arc<User>),
    /// To a new password in the place of one that is over.
    Expired(Arc<User>),
}

impl Entered {
    /// Who it is.
    #[must_use]
    pub const fn user(&self) -> &Arc<User> {
        match self {
            Self::Whole(user) | Self::Half(user) | Self::Enrolling(user) | Self::Expired(user) => user,
        }
    }
}

/// Judges a password; the address and the application are the tenant's rules' to judge.
///
/// # Errors
/// [`Denial`], shown on the page.
pub fn sign_in(
    directory: &Directory,
    tried: Tried,
    (client, address): (AppId, IpAddr),
) -> Result<Entered, Denial> {
    if tried.elsewhere {
        return Err(Denial::Guest);
    }
    let reveal = directory.tenant.policy.reveal_user;
    let user = right_password(reveal, (tried.attempt, tried.proof, tried.user))?;
    alive(&user)?;
    let signing_in = SigningIn { directory, user: &user, client, address };
    signing_in.not_blocked()?;
    match signing_in.one_factor(client) {
        // A registered second factor comes before everything else, a new password before everything but that.
        Err(Denial::SecondFactor(FactorNo::Missing, _)) => Ok(Entered::Half(user)),
        Ok(()) | Err(Denial::SecondFactor(FactorNo::Enrol, _)) if user.password_expired => {
            Ok(Entered::Expired(user))
        }
        Ok(()) => Ok(Entered::Whole(user)),
        Err(Denial::SecondFactor(FactorNo::Enrol, _)) => Ok(Entered::Enrolling(user)),
        Err(denial) => Err(denial),
    }
}

/// Judges a second factor, whose step was found right or not, after a right password.
///
/// # Errors
/// [`Denial`], shown on the page.
pub fn second_factor(
    directory: &Directory,
    (attempt, right, user): (Attempt, bool, Arc<User>),
    (client, address): (AppId, IpAddr),
) -> Result<Arc<User>, Denial> {
    if !right || !attempt.evaluates() {
        return Err(Denial::WrongSecondFactor);
    }
    alive(&user)?;
    SigningIn { directory, user: &user, client, address }.not_blocked()?;
    Ok(user)
}

/// A sign-in that happened.
#[derive(Debug, Clone)]
pub struct SignedIn<'a> {
    /// Who.
    pub user: &'a Arc<User>,
    /// When.
    pub at: Timestamp,
    /// How.
    pub methods: &'a [String],
    /// The session's id.
    pub session: Uuid,
}

/// The session does for this request: it is no older than the account and the tenant let it be, and of the tenant
/// that is hinted at.
fn session(tenant: &Tenant, asked: &Asked, signed_in: &SignedIn<'_>, now: Timestamp) -> Result<(), Denial> {
    let user = signed_in.user;
    let no = |why| Err(Denial::Session(why));
    if signed_in.at < user.sessions_valid_from {
        let changed = signed_in.at < user.password_changed;
        return no(if changed { SessionNo::PasswordChanged } else { SessionNo::Ended });
    }
    if asked.claims.not_before.is_some_and(|from| !user.signed_in_since(signed_in.at, from)) {
        return no(SessionNo::Ended);
    }
    if tenant.policy.outlived(signed_in.at, now) {
        return no(SessionNo::TooOld);
    }
    match &asked.domain_hint {
        // Whoever may be asked signs in as whom they like: it is a hint.
        Some(domain) if asked.prompt == Prompt::None && !tenant.domains.contains(domain) => {
            no(SessionNo::OtherTenant(domain.clone()))
        }
        _ => Ok(()),
    }
}

/// One of Microsoft's own APIs that the tenant has not is told apart from one that nobody knows.
fn service(directory: &Directory, no: Denial) -> Denial {
    match no {
        Denial::ResourceMissing { name, tenant }
            if directory.catalogue.resource_by_name(name.trim_end_matches('/')).is_some() =>
        {
            Denial::Permission(PermissionNo::ServiceMissing { name, tenant })
        }
        other => other,
    }
}

/// Whether somebody who is signed in may go on to an application at all: the session counts, and no rule
/// forbids or demands more.
///
/// # Errors
/// [`Denial`]
pub fn standing(
    directory: &Directory,
    (admitted, asked): (&Admitted, &Asked),
    signed_in: &SignedIn<'_>,
    (address, now): (IpAddr, Timestamp),
) -> Result<(), Denial> {
    let user = signed_in.user;
    session(&directory.tenant, asked, signed_in, now)?;
    usable(user)?;
    let signing_in = SigningIn { directory, user, client: admitted.client.app, address };
    signing_in.still_enough(signed_in.methods, (signed_in.at, now)).map_err(to_be_asked)
}

/// Here somebody can be asked for a second factor, or an application be told that somebody would be.
fn to_be_asked(denial: Denial) -> Denial {
    match denial {
        Denial::SecondFactor(FactorNo::Missing, app) => Denial::SecondFactor(FactorNo::Strong, app),
        Denial::SecondFactor(FactorNo::Enrol, app) => Denial::SecondFactor(FactorNo::EnrolNow, app),
        other => other,
    }
}

/// Whether somebody who signed in for it may let a device in.
///
/// # Errors
/// [`Denial`]
pub fn on_device(
    directory: &Directory,
    (user, methods): (&User, &[String]),
    (client, address): (AppId, IpAddr),
) -> Result<(), Denial> {
    usable(user)?;
    SigningIn { directory, user, client, address }.proved_enough(methods)
}

/// Checks that what a device asks for was consented to, by the person who signed in for it or for everyone.
///
/// # Errors
/// [`Denial::ConsentMissing`] where the person can be asked for consent; another [`Denial`] where asking is no use.
pub fn device_consented(
    directory: &Directory,
    (client, body): (&Client, &DeviceBody),
    user: &User,
    graphs: &[String],
) -> Result<(), Denial> {
    scope::user_assigned(directory, user.id, client)?;
    let directory = &*service_principal::foreseen(directory, client);
    let resolved =
        scope::resolve_usable(directory, graphs, &body.target()?).map_err(|no| service(directory, no))?;
    scope::delegated(directory, client, user, &resolved).map(drop)
}

/// The code for an application, once somebody is signed in: everything was consented to, and nothing forbids
/// it now.
///
/// # Errors
/// [`Denial`], which goes back to the client.
pub fn code(
    directory: &Directory,
    (admitted, asked, version): (&Admitted, &Asked, Version),
    signed_in: &SignedIn<'_>,
    (graphs, address, entropy): (&[String], IpAddr, &dyn Entropy),
    now: Timestamp,
) -> Result<CodeBody, Denial> {
    let user = signed_in.user;
    standing(directory, (admitted, asked), signed_in, (address, now))?;
    // Before anything is asked of somebody who may not go on. An ID token may come of this alone, so nobody else asks.
    scope::user_assigned(directory, user.id, &admitted.client)?;
    let directory = &*service_principal::foreseen(directory, &admitted.client);
    let resolved =
        scope::resolve_usable(directory, graphs, &asked.target).map_err(|no| service(directory, no))?;
    scope::over(&admitted.named, &admitted.client, &resolved.resource)?;
    let resource = resolved.resource.principal.app_id;
    let signing_in = SigningIn { directory, user, client: admitted.client.app, address };
    signing_in.contexts(signed_in.methods, &asked.claims.acrs, resource).map_err(to_be_asked)?;
    scope::delegated(directory, &admitted.client, user, &resolved)?;
    Ok(CodeBody {
        family: entropy.uuid_at(now),
        app: admitted.client.app,
        user: user.id,
        redirect_uri: admitted.redirect_uri.clone(),
        explicit: admitted.explicit,
        platform: admitted.platform,
        challenge: asked.challenge.as_ref().map(|it| it.as_str().to_owned()),
        v1: version == Version::V1,
        scope: asked.scope.clone(),
        nonce: asked.nonce.clone(),
        signed_in: signed_in.at,
        session: Some(signed_in.session),
        methods: signed_in.methods.to_vec(),
        auth_time: asked.max_age.is_some(),
        contexts: asked.claims.acrs.clone(),
    })
}
