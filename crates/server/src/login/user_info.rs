//! `/oidc/userinfo` and `/{tenant}/openid/userinfo`: who the user of a Graph token is, in the words of the ID
//! token that the same client got.

use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    operation::Caller,
    refusal::Refusal,
    token::subject::{pairwise, user_info},
};
use carnet_wire::authority::TenantName;

pub(crate) async fn show(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let called = cx.caller(&call).await?;
    let no = |reason: &str| Refusal::InvalidToken { reason: reason.to_owned() };
    // Path, token and user are of one tenant (`security.md`, S3); an alias and Graph's own path name none.
    let own = &called.directory.tenant;
    let same = match TenantName::parse(call.variable(0)) {
        Ok(TenantName::Id(id)) => id == own.id,
        Ok(TenantName::Domain(domain)) => own.domains.contains(&domain),
        Ok(_) => true,
        Err(_) => call.variables.is_empty(),
    };
    if !same {
        return Err(no("the token is another tenant's").into());
    }
    let Caller::User { user, app, tenant, scopes } = &called.caller else {
        return Err(no("the token is an application's own; userinfo is about a user").into());
    };
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(no("the token lacks the scope openid").into());
    }
    let found = cx.state.store.user(*tenant, *user).await?;
    let Some(found) = found else { return Err(no("the token's user is no longer there").into()) };
    let keys = cx.state.keys.of(&cx.state.store, *tenant, cx.now()).await?;
    let subject = pairwise(&keys.pairwise, *tenant, (*app, *user));
    Reply::json(&user_info(&found, scopes, subject, &cx.envelope.origin.graph()))
}
