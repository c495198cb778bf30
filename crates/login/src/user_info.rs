//! `/oidc/userinfo` and `/{tenant}/openid/userinfo`: who the user of a Graph token is, in the words of the ID
//! token that the same client got.

use carnet_http::{
    caller::{Called, bearer},
    context::Context,
    cross_origin::any_tenant_has,
    reply::{self, Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    access::Caller,
    refusal::Refusal,
    token::subject::{pairwise, user_info},
};
use carnet_wire::{
    authority::TenantName,
    token::form::{Form, LARGEST},
};
use http::Method;

/// Answers by `GET` and `POST`. Scripts of registered single-page origins may read the answer, a refusal too.
pub(super) async fn show(mut cx: Context, call: Call) -> Result<Reply, Failure> {
    let origin = call.header("origin").map(str::to_owned);
    let told = answer(&mut cx, call).await;
    let Some(origin) = origin else { return told };
    let known = match cx.envelope.known.tenant.get().copied() {
        // Of a token that counts, the origins of its tenant.
        Some(tenant) => {
            let directory = cx.state.store.directory(tenant).await?;
            directory.is_some_and(|it| it.has_spa_origin(&origin))
        }
        None => any_tenant_has(&cx, &origin).await?,
    };
    let reply = told.unwrap_or_else(|failure| reply::failure(failure, &cx.envelope));
    Ok(if known { reply.readable_by(&origin) } else { reply })
}

async fn answer(cx: &mut Context, mut call: Call) -> Result<Reply, Failure> {
    let called = called(cx, &mut call).await?;
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

/// Who calls: by the `Authorization` header, or by the `access_token` of a form (RFC 6750, 2.2), and not by both.
async fn called(cx: &mut Context, call: &mut Call) -> Result<Called, Failure> {
    let by_header = bearer(call)?.map(str::to_owned);
    let media = call.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_form =
        call.head.method == Method::POST && media.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let form = match is_form {
        true => Form::parse(&call.read(LARGEST).await?)
            .map_err(|_| Failure::BadRequest("the form cannot be read"))?,
        false => Form::default(),
    };
    let by_form = form.get("access_token").filter(|token| !token.is_empty());
    match (by_header, by_form) {
        (Some(_), Some(_)) => {
            Err(Failure::BadRequest("the access token is sent in the header and in the form; send it once"))
        }
        (Some(token), None) => cx.caller_with(&token).await,
        (None, Some(token)) => cx.caller_with(token).await,
        (None, None) => Err(Refusal::NoToken.into()),
    }
}
