//! Issuing: hands what a decision leaves to the writer, signs at the same time, and answers when both are done. Where
//! another request was faster with what a decision spends, what was signed is thrown away unseen.

use carnet_http::{
    context::{Context, Envelope},
    reply::{self, Failure, Reply},
};
use carnet_store::{Settle, StoreError, artifact::new_text, refresh_digest};
use carnet_tenant::{
    sign_in::SignIn,
    tenant::Tenant,
    token::{Approval, Decision, Denial, Effect, Subject, claims::Issuing, front_channel::half_hash},
    user::User,
};
use carnet_wire::{
    authorize::ResponseType,
    digest::DigestKey,
    secret::{AuthorizationCode, RefreshToken},
    token::{
        reply::{ClientInfo, ReplyV1, ReplyV2, Tokens},
        request::Version,
    },
};

/// Turns a decision into its answer, with its record.
///
/// # Errors
/// [`Failure`] when the store or a key fails; then nothing was issued.
pub async fn issue(
    cx: &Context,
    tenant: &Tenant,
    decision: Decision,
    mut record: SignIn,
    version: Version,
) -> Result<Reply, Failure> {
    decision.complete(&mut record);
    let approval = match &decision.verdict {
        Ok(approval) => approval,
        Err(denial) => {
            let denial = denial.clone();
            return Box::pin(refuse(cx, (decision, denial), record, version)).await;
        }
    };
    let refresh = approval.refresh.then(|| mint(cx));
    let (kept, answer) =
        futures_util::future::join(settle(cx, &decision, &record, refresh.as_ref()), async {
            // Who else can hand in a record does so first: then there is something to sign during the commit.
            tokio::task::yield_now().await;
            answer(cx, tenant, approval, refresh.as_ref()).await
        })
        .await;
    let Err(error) = kept else { return answer };
    Box::pin(lost(cx, error, decision, record, version)).await
}

/// Another request was faster: the answer that the decision has for it.
async fn lost(
    cx: &Context,
    error: StoreError,
    decision: Decision,
    mut record: SignIn,
    version: Version,
) -> Result<Reply, Failure> {
    let (StoreError::Conflict, Some(denial)) = (&error, decision.if_lost) else {
        return Err(error.into());
    };
    let lost =
        Decision { known: decision.known, effects: decision.lost_effects, ..Decision::no(denial.clone()) };
    lost.complete(&mut record);
    settle(cx, &lost, &record, None).await?;
    Ok(reply::denial(&denial, version, &cx.envelope))
}

/// A no, with what it leaves. Where the assertion that it spends was spent before, that is what is told, and
/// the rest is kept all the same: a family that is to end ends.
async fn refuse(
    cx: &Context,
    (decision, mut denial): (Decision, Denial),
    mut record: SignIn,
    version: Version,
) -> Result<Reply, Failure> {
    let is_assertion = |effect: &Effect| matches!(effect, Effect::SpendAssertion { .. });
    match settle(cx, &decision, &record, None).await {
        Err(StoreError::Conflict) if decision.effects.iter().any(is_assertion) => {
            denial = Denial::AssertionReplayed;
            let mut effects = decision.effects;
            effects.retain(|effect| !is_assertion(effect));
            let rest = Decision { known: decision.known, effects, ..Decision::no(denial.clone()) };
            rest.complete(&mut record);
            settle(cx, &rest, &record, None).await?;
        }
        kept => kept?,
    }
    Ok(reply::denial(&denial, version, &cx.envelope))
}

async fn settle(
    cx: &Context,
    decision: &Decision,
    record: &SignIn,
    refresh: Option<&RefreshToken>,
) -> Result<(), StoreError> {
    if matches!(&decision.verdict, Err(denial) if denial.is_pending()) {
        return Ok(());
    }
    // Whoever names no application of the tenant leaves no record, only a count (`security.md`, row 148).
    if decision.verdict.is_err() && record.app.is_none() && decision.effects.is_empty() {
        cx.state.store.count_denial(record);
        return Ok(());
    }
    let settle = Settle { effects: &decision.effects, record, refresh: refresh.map(refresh_digest) };
    match decision.verdict {
        Ok(_) => cx.state.store.settle_beside(settle).await,
        Err(_) => cx.state.store.settle(settle).await,
    }
}

/// A new refresh token.
fn mint(cx: &Context) -> RefreshToken {
    RefreshToken::new(new_text(cx.envelope.now, &*cx.state.entropy))
}

/// Signs the tokens that go back from the authorize endpoint, beside a code or alone, with the record of the
/// sign-in.
///
/// # Errors
/// [`Failure`] when the store or a key fails.
pub async fn front_channel(
    cx: &Context,
    tenant: &Tenant,
    approval: &Approval,
    response: ResponseType,
    (code, record): (Option<&AuthorizationCode>, SignIn),
) -> Result<FrontChannelTokens, Failure> {
    let envelope = &cx.envelope;
    let keys = cx.state.keys.of(&cx.state.store, tenant.id, envelope.now).await?;
    let names = Names::of(envelope, tenant);
    let usual = names.issuing(envelope, tenant, &keys.pairwise);
    let sign = |version: Version, claims: &[u8]| {
        let signed = keys.current(envelope.now).sign(version, claims);
        signed.map_err(|error| Failure::Broken(error.to_string()))
    };
    cx.state.store.settle(Settle { effects: &[], record: &record, refresh: None }).await?;
    let access = || sign(approval.token_version(), &approval.access_claims(&usual));
    let access = response.token.then(access).transpose()?;
    let code_hash = code.map(|code| half_hash(code.expose()));
    let access_hash = access.as_deref().map(half_hash);
    let issuing = Issuing {
        in_address: true,
        code_hash: code_hash.as_deref(),
        access_hash: access_hash.as_deref(),
        ..usual
    };
    let id = match approval.openid {
        true => approval.id_claims(&issuing).map(|claims| sign(approval.version, &claims)).transpose()?,
        false => None,
    };
    Ok(FrontChannelTokens { access, id })
}

async fn answer(
    cx: &Context,
    tenant: &Tenant,
    approval: &Approval,
    refresh: Option<&RefreshToken>,
) -> Result<Reply, Failure> {
    let envelope = &cx.envelope;
    let keys = cx.state.keys.of(&cx.state.store, tenant.id, envelope.now).await?;
    let names = Names::of(envelope, tenant);
    let issuing = names.issuing(envelope, tenant, &keys.pairwise);
    let sign = |version: Version, claims: &[u8]| {
        keys.current(envelope.now).sign(version, claims).map_err(|error| Failure::Broken(error.to_string()))
    };
    let access = sign(approval.token_version(), &approval.access_claims(&issuing))?;
    let id_token = match approval.openid {
        true => approval.id_claims(&issuing).map(|claims| sign(approval.version, &claims)).transpose()?,
        false => None,
    };
    let client_info = match &approval.subject {
        Subject::User { user, .. } if approval.client_info => Some(info(user, tenant)),
        _ => None,
    };
    // The recorded answers say one second less than the token lives.
    let seconds = approval.lifetime - 1;
    let tokens = Tokens {
        access: &access,
        refresh: refresh.map(RefreshToken::expose),
        id: id_token.as_deref(),
        client_info: client_info.as_deref(),
    };
    let body = match approval.version {
        Version::V2 => tokens.after(&ReplyV2 {
            token_type: "Bearer",
            scope: approval.scope_text.as_deref(),
            expires_in: seconds,
            ext_expires_in: seconds,
        }),
        Version::V1 => tokens.after(&ReplyV1 {
            token_type: "Bearer",
            scope: approval.scope_text.as_deref(),
            expires_in: seconds.to_string(),
            ext_expires_in: seconds.to_string(),
            expires_on: (envelope.now.seconds() + approval.lifetime).to_string(),
            not_before: (envelope.now.seconds() - 300).to_string(),
            resource: &approval.resource.name,
        }),
    };
    body.map(Reply::json_text).map_err(|error| Failure::Broken(error.to_string()))
}

/// What goes back from the authorize endpoint, signed.
pub struct FrontChannelTokens {
    /// The access token, where one was asked for.
    pub access: Option<String>,
    /// The ID token, where one was asked for.
    pub id: Option<String>,
}

/// What tokens of this answer call the authority and Graph.
struct Names {
    issuer_v1: String,
    issuer_v2: String,
    graph: String,
}

impl Names {
    fn of(envelope: &Envelope, tenant: &Tenant) -> Self {
        let (id, origin) = (tenant.id.to_string(), &envelope.origin);
        Self { issuer_v1: origin.issuer_v1(&id), issuer_v2: origin.issuer_v2(&id), graph: origin.graph() }
    }

    /// What claims need, for an answer of the token endpoint.
    fn issuing<'a>(
        &'a self,
        envelope: &Envelope,
        tenant: &'a Tenant,
        pairwise: &'a DigestKey,
    ) -> Issuing<'a> {
        Issuing {
            tenant: tenant.id,
            tenant_created: tenant.created,
            tenant_country: tenant.country.as_deref(),
            domains: &tenant.domains,
            issuer_v1: &self.issuer_v1,
            issuer_v2: &self.issuer_v2,
            graph: &self.graph,
            trace: envelope.trace,
            now: envelope.now,
            pairwise,
            address: envelope.address,
            in_address: false,
            code_hash: None,
            access_hash: None,
        }
    }
}

fn info(user: &User, tenant: &Tenant) -> String {
    ClientInfo { uid: user.id, utid: tenant.id }.encode()
}
