//! `POST /{tenant}/oauth2/v2.0/token` and the same without `v2.0`: the version is an argument.

use super::{issue, pace, preflight, second_factor};
use carnet_http::{
    context::{Context, cut},
    own_token::NotOurs,
    password,
    reply::{self, Failure, Reply},
    route::Call,
};
use carnet_store::StoreError;
use carnet_tenant::{
    credential::PasswordHash,
    directory::Directory,
    service_principal::appear_for_token,
    sign_in::SignIn,
    token::{
        Approval, Asking, ClientProof, Decision, Denial, Facts, PasswordProof, Proof, Subject, UserAssertion,
        aio, client_auth, cross_origin, denial::TenantNo, federated, on_behalf_of::Unusable,
    },
    user::{self, User},
};
use carnet_wire::{
    authority::TenantName,
    ids::{AppId, ObjectId},
    jose::{JoseError, Jws},
    token::{
        form::{Basic, Form, LARGEST},
        request::{Grant, RequestError, TokenRequest, Version, correlation, grant_name},
    },
};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn v2(cx: Context, call: Call) -> impl Future<Output = Result<Reply, Failure>> {
    post(cx, call, Version::V2)
}

pub(super) fn v1(cx: Context, call: Call) -> impl Future<Output = Result<Reply, Failure>> {
    post(cx, call, Version::V1)
}

/// A request as far as it could be read.
struct Asked {
    tenant: TenantName,
    grant: String,
    request: TokenRequest,
    /// The `Origin` header, if present.
    origin: Option<String>,
}

/// How the client tried to prove itself. A refusal of a secret by HTTP Basic repeats the scheme (RFC 6749, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Basic,
    Other,
}

impl Scheme {
    fn of(call: &Call) -> Self {
        let value = call.header("authorization").unwrap_or_default();
        match value.split(' ').next().unwrap_or_default().eq_ignore_ascii_case("basic") {
            true => Self::Basic,
            false => Self::Other,
        }
    }

    fn challenge(self, cx: &Context, reply: Reply) -> Reply {
        match self {
            Self::Basic => reply.challenge_basic(&cx.envelope.origin.login()),
            Self::Other => reply,
        }
    }
}

/// A request that could not be read, as far as it could.
struct MalformedRequest {
    tenant: Option<TenantName>,
    grant: String,
    /// The application that it names, whether there is one or not.
    app: Option<AppId>,
    denial: Denial,
}

impl MalformedRequest {
    fn new(tenant: Option<TenantName>, denial: Denial) -> Self {
        Self { tenant, grant: String::new(), app: None, denial }
    }
}

/// Rare branches are boxed so that the future stays small on the common path.
async fn post(mut cx: Context, call: Call, version: Version) -> Result<Reply, Failure> {
    if call.head.method == http::Method::OPTIONS {
        return Box::pin(preflight::token(&cx, &call)).await;
    }
    let scheme = Scheme::of(&call);
    match parse(&mut cx, call, version).await? {
        Ok(asked) => answer(&cx, asked, version).await.map(|reply| scheme.challenge(&cx, reply)),
        Err(malformed) => {
            let reply = Box::pin(unreadable(&cx, malformed, version)).await?;
            Ok(scheme.challenge(&cx, reply))
        }
    }
}

/// Answers a request that could be read.
async fn answer(cx: &Context, asked: Asked, version: Version) -> Result<Reply, Failure> {
    // A tenant that asks too much costs the store nothing.
    if cx.state.pace.is_full(cx.now())
        && let Some(directory) = cx.state.store.directory_named(&asked.tenant).await?
        && let Err(denial) = pace::room(cx, &directory.tenant)
    {
        return Ok(asked.readable(&directory, reply::denial(&denial, version, &cx.envelope)));
    }
    let from = (cx.envelope.address, cx.now());
    let Some(mut facts) = cx.state.store.facts_for(&asked.tenant, &asked.request, from).await? else {
        return Ok(reply::denial(&unknown(&asked), version, &cx.envelope));
    };
    if let Err(denial) = pace::keeps_pace(cx, &facts) {
        return Ok(asked.readable(&facts.directory, reply::denial(&denial, version, &cx.envelope)));
    }
    let seen = facts.directory.clone();
    let (password, rehashed) = prove_password(cx, &facts, &asked.request).await;
    let assertion = asked.request.client_auth.assertion();
    let federated = prove_federated(cx, &facts, (&asked.request, assertion.as_ref())).await;
    let users = (password, prove_assertion(cx, &facts, &asked.request).await?);
    let mut decision = decide(cx, (&asked, assertion.as_ref()), &facts, (&users, federated.as_ref()));
    if decision.rests_on_absence()
        && let Some(newer) =
            Box::pin(cx.state.store.confirm_client(&facts.directory, asked.request.client_id)).await?
    {
        facts.directory = newer;
        decision = decide(cx, (&asked, assertion.as_ref()), &facts, (&users, federated.as_ref()));
    }
    let decision = pace::counted(cx, &facts.directory.tenant, decision, &asked.request.grant);
    if let Ok(approval) = &decision.verdict
        && approval.resource.appears
    {
        Box::pin(make_appear(cx, &facts.directory, approval)).await?;
    }
    let record = record(cx, &facts.directory, &asked.grant, Some(&asked.request));
    let reply = issue::issue(cx, &facts.directory.tenant, decision, record, version).await?;
    if let (Some(hash), Some(user)) = (rehashed, &facts.user) {
        // Against the version before which the account was read, so that no later change of it is undone.
        Box::pin(rehash(cx, &seen, user, hash)).await;
    }
    Ok(asked.readable(&seen, reply))
}

impl Asked {
    /// Lets scripts read an answer whose origin is one of the client's own.
    fn readable(&self, directory: &Directory, reply: Reply) -> Reply {
        let own = |origin: &&String| {
            let registered = directory.registered(self.request.client_id);
            registered.is_some_and(|it| cross_origin::is_own(&it.application, origin))
        };
        match self.origin.as_ref().filter(own) {
            Some(origin) => reply.readable_by(origin),
            None => reply,
        }
    }
}

/// Reads path, headers and form; the inner error is a request that could not be read.
async fn parse(
    cx: &mut Context,
    mut call: Call,
    version: Version,
) -> Result<Result<Asked, MalformedRequest>, Failure> {
    let segment = call.variable(0).to_owned();
    let Ok(tenant) = TenantName::parse(&segment) else {
        return Ok(Err(MalformedRequest::new(None, Denial::TenantName(cut(&segment, 64)))));
    };
    if call.head.method != http::Method::POST {
        let denial = Denial::PostOnly(cut(call.head.method.as_str(), 16));
        if cx.envelope.page {
            return Err(denial.into());
        }
        return Ok(Err(MalformedRequest::new(Some(tenant), denial)));
    }
    let media = call.header("content-type").unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let basic = call.header("authorization").map(Basic::parse).transpose();
    if !media.is_empty() && !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Failure::Unsupported("application/x-www-form-urlencoded"));
    }
    let origin = call.header("origin").map(str::to_owned);
    let body = call.read(LARGEST).await?;
    let form = match Form::parse(&body) {
        Ok(form) => form,
        Err(error) => return Ok(Err(MalformedRequest::new(Some(tenant), Denial::Malformed(error)))),
    };
    if let Some(id) = correlation(&form) {
        cx.envelope.correlation = id;
    }
    let grant = grant_name(&form);
    // What stands in the address is not read, so what it names is missing here.
    let misplaced = call.head.uri.query().is_some_and(|query| !query.is_empty());
    let query = call.head.uri.query().unwrap_or_default();
    let spn_audience = version == Version::V1 && query.split('&').any(|part| part == "api-version=1.0");
    // A proof asks for a token that is bound to its key (RFC 9449), and none is issued here.
    let parsed = match call.head.headers.contains_key("dpop") {
        true => Err(RequestError::OtherTokenKind("DPoP")),
        false => basic.and_then(|basic| TokenRequest::parse(version, &form, basic.flatten())),
    };
    let parsed = parsed.map(|request| TokenRequest { spn_audience, ..request });
    let denial = match parsed {
        Ok(request) => return Ok(Ok(Asked { tenant, grant, request, origin })),
        Err(RequestError::Empty) if misplaced => Denial::Malformed(RequestError::Missing("grant_type")),
        Err(error) => Denial::malformed(error, &tenant),
    };
    let app = form.get("client_id").and_then(|id| id.parse().ok());
    Ok(Err(MalformedRequest { tenant: Some(tenant), grant, app, denial }))
}

/// Answers a request that could not be read. It leaves a record where it names an application of a tenant, and is
/// counted where it names a tenant alone.
async fn unreadable(cx: &Context, malformed: MalformedRequest, version: Version) -> Result<Reply, Failure> {
    let MalformedRequest { tenant, grant, app, denial } = malformed;
    let directory = match &tenant {
        Some(tenant) => cx.state.store.directory_named(tenant).await?,
        None => None,
    };
    let Some(directory) = directory else {
        return Ok(reply::denial(&denial, version, &cx.envelope));
    };
    let mut record = record(cx, &directory, &grant, None);
    record.app = app.filter(|app| client_auth::is_known(&directory, *app));
    issue::issue(cx, &directory.tenant, Decision::no(denial), record, version).await
}

/// Why a tenant was not found: an alias needs something that names one.
fn unknown(asked: &Asked) -> Denial {
    match (&asked.tenant, &asked.request.grant) {
        (TenantName::Common, Grant::Password { .. }) if asked.request.version == Version::V1 => {
            Denial::WrongPassword
        }
        (TenantName::Common | TenantName::Consumers, Grant::Password { .. }) => Denial::GrantNotOverCommon,
        (TenantName::Consumers, _) if asked.request.version == Version::V1 => {
            Denial::Tenant(TenantNo::PersonalToken)
        }
        (name, Grant::RefreshToken { .. }) if name.is_alias() => Denial::RefreshUnknown,
        // Who has no account anywhere looks like who has the wrong password.
        (TenantName::Organizations, Grant::Password { .. }) => Denial::WrongPassword,
        (name, _) if name.is_alias() => Denial::NoTenantNamed,
        (TenantName::Id(id), _) => Denial::UnknownTenant { name: id.to_string(), discovery: false },
        (TenantName::Domain(domain), _) => Denial::UnknownTenant { name: domain.clone(), discovery: false },
        _ => Denial::NoTenantNamed,
    }
}

/// The password of a request, checked.
async fn prove_password(
    cx: &Context,
    facts: &Facts,
    request: &TokenRequest,
) -> (PasswordProof, Option<PasswordHash>) {
    let Grant::Password { username, password } = &request.grant else { return (PasswordProof::None, None) };
    let found = (facts.attempt, facts.user.as_deref());
    password::check_password(cx, facts.directory.tenant.id, &user::fold(username), password, found).await
}

/// A token of an outside issuer that one of the application's federated credentials names.
async fn prove_federated(
    cx: &Context,
    facts: &Facts,
    (request, assertion): (&TokenRequest, Option<&Result<Jws<'_>, JoseError>>),
) -> Option<ClientProof> {
    let jws = assertion?.as_ref().ok()?;
    let named = match federated::credential(facts, request, (jws, &cx.state.names.logins))? {
        Ok(found) => found,
        Err(why) => return Some(ClientProof::Foreign(why)),
    };
    let credential = &named.credential;
    // The operator allowed the issuer to the tenant that configured it.
    let home = cx.state.store.known_tenant(&TenantName::Id(named.home)).ok().flatten();
    let trusted = home.is_some_and(|it| it.policy.danger_allow_issuers.contains(&credential.issuer));
    let key = match Box::pin(cx.state.issuers.key(&credential.issuer, &named.kid, trusted)).await {
        Ok(key) => key,
        Err(cause) => {
            tracing::warn!(issuer = %cut(&credential.issuer, 256), %cause, "an issuer's keys are not there");
            None
        }
    };
    Some(federated::prove(credential, request, (jws, key.as_deref())))
}

/// The token of the user who is acted for: ours, of this tenant, and in its time.
async fn prove_assertion(
    cx: &Context,
    facts: &Facts,
    request: &TokenRequest,
) -> Result<UserAssertion, Failure> {
    let Grant::OnBehalfOf { assertion } = &request.grant else { return Ok(UserAssertion::None) };
    let own = match Box::pin(cx.own_token(assertion.expose())).await? {
        Ok(own) => own,
        Err(why) => {
            return Ok(UserAssertion::Unusable(match why {
                NotOurs::Unreadable(_) | NotOurs::Claim => Unusable::Malformed,
                NotOurs::Tenant | NotOurs::Key | NotOurs::Signature | NotOurs::Issuer => Unusable::Signature,
                NotOurs::Expired | NotOurs::Early => Unusable::Expired,
            }));
        }
    };
    if own.directory.tenant.id != facts.directory.tenant.id {
        return Ok(UserAssertion::Unusable(Unusable::OtherTenant));
    }
    let text = |name: &str| own.claims.get(name).and_then(Value::as_str);
    if request.version == Version::V1 && text("ver") == Some("2.0") {
        return Ok(UserAssertion::Unusable(Unusable::Edition));
    }
    let access = ["appid", "azp"].iter().any(|name| own.claims.contains_key(*name));
    if !access {
        return Ok(UserAssertion::Unusable(Unusable::IdToken));
    }
    let keys = cx.state.keys.of(&cx.state.store, own.directory.tenant.id, cx.now()).await?;
    let user: Option<ObjectId> = text("scp").and(text("oid")).and_then(|oid| oid.parse().ok());
    let held = user.zip(text("uti")).zip(text("aio"));
    Ok(UserAssertion::Token {
        audience: text("aud").unwrap_or_default().to_owned(),
        user,
        issued: own.claims.get("iat").and_then(Value::as_i64).unwrap_or(0),
        sign_in: held.and_then(|((user, uti), aio)| aio::open(&keys.pairwise, (uti, user), aio)),
    })
}

/// Keeps a hash with today's parameters (`security.md`, S27). Whoever changed the account meanwhile
/// wins, and the next sign-in tries again.
pub(super) async fn rehash(cx: &Context, directory: &Directory, user: &User, hash: PasswordHash) {
    match cx.state.store.rehash(directory, user, hash, cx.now()).await {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => tracing::warn!(cause = %error, "a password hash could not be renewed"),
    }
}

/// Makes the service principal of an API of Microsoft's appear in the tenant, for which this token is.
///
/// # Errors
/// [`Failure`] when the store fails.
async fn make_appear(cx: &Context, directory: &Arc<Directory>, approval: &Approval) -> Result<(), Failure> {
    let Subject::User { user, .. } = &approval.subject else { return Ok(()) };
    let mut called = second_factor::in_person(directory, user, &approval.client);
    cx.apply(&mut called, |caller, directory, at| {
        Ok(appear_for_token(caller, directory, &approval.resource.principal, at))
    })
    .await
}

fn decide(
    cx: &Context,
    (asked, assertion): (&Asked, Option<&Result<Jws<'_>, JoseError>>),
    facts: &Facts,
    (users, federated): (&(PasswordProof, UserAssertion), Option<&ClientProof>),
) -> Decision {
    let own = || client_auth::prove(facts, &asked.request, assertion);
    let client: ClientProof = federated.map_or_else(own, ClientProof::clone);
    let asking = Asking {
        now: cx.now(),
        restrictions: &cx.envelope.restrictions,
        tenant: &asked.tenant,
        logins: &cx.state.names.logins,
        graphs: &cx.state.names.graphs,
        address: cx.envelope.address,
        origin: asked.origin.as_deref(),
        entropy: &*cx.state.entropy,
    };
    carnet_tenant::token::decide(
        facts,
        &asked.request,
        &Proof { client, password: users.0, assertion: users.1.clone() },
        &asking,
    )
}

/// The record of this answer, as far as it is known before the decision. It names an application that the tenant
/// knows, or none.
pub(super) fn record(
    cx: &Context,
    directory: &Directory,
    grant: &str,
    request: Option<&TokenRequest>,
) -> SignIn {
    let envelope = &cx.envelope;
    envelope.known.tenant.get_or_init(|| directory.tenant.id);
    if let Some(request) = request {
        envelope.known.app.get_or_init(|| request.client_id);
    }
    let user_name = match request.map(|request| &request.grant) {
        Some(Grant::Password { username, .. }) => cut(username, 256),
        _ => String::new(),
    };
    SignIn {
        at: envelope.now,
        tenant: directory.tenant.id,
        trace: envelope.trace,
        correlation: envelope.correlation,
        address: envelope.address,
        user_agent: envelope.user_agent.clone(),
        grant: grant.to_owned(),
        app: request.map(|request| request.client_id).filter(|app| client_auth::is_known(directory, *app)),
        principal: None,
        user: None,
        user_name,
        resource: None,
        credential: None,
        error: 0,
    }
}
