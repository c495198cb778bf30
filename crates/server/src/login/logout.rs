//! `/{tenant}/oauth2/v2.0/logout` and the same without `v2.0`: ends the browser's session. It goes on to an
//! address only if that is registered for the application that an ID token of ours, or a client id, names; and
//! without such a token it asks first (`security.md`, S20).

use super::{
    flow::{Purpose, sent},
    pages,
};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{authorize::is_registered, directory::Directory, token::Denial};
use carnet_wire::{authority::TenantName, ids::AppId, percent, token::form::Form};
use serde_json::Value;
use std::sync::Arc;

/// What a sign-out is asked for.
struct Asked {
    /// An ID token of ours names the application, so nobody has to be asked.
    hinted: bool,
    /// Where it goes on to.
    to: Option<String>,
}

pub(super) async fn any(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let posted = sent(&mut call).await?;
    let form = match Form::parse(posted.as_bytes()) {
        Ok(form) => form,
        Err(error) => return Ok(cx.refused(&Denial::Malformed(error))),
    };
    // The click on our own page: the request that it confirms is sealed in it.
    if let Some(sealed) = form.get("flow") {
        let flow = cx.open_flow(&call, sealed).filter(|_| cx.same_origin(&call));
        let Some(Purpose::SignOut { request }) = flow.map(|flow| flow.purpose) else {
            return Ok(cx.refused(&Denial::SignInLost));
        };
        let confirmed = match Form::parse(request.as_bytes()) {
            Ok(form) => form,
            Err(error) => return Ok(cx.refused(&Denial::Malformed(error))),
        };
        let asked = cx.asked_to_sign_out(&call, &confirmed).await?;
        return cx.sign_out(&call, asked).await;
    }
    let asked = cx.asked_to_sign_out(&call, &form).await?;
    if asked.hinted || !cx.has_session(&call) {
        return cx.sign_out(&call, asked).await;
    }
    let tenant = call.variable(0).to_owned();
    let (flow, cookie) = cx.begin(&call, Purpose::SignOut { request: posted }, tenant);
    let action = call.head.uri.path().to_owned();
    let reply = pages::sign_out(&action, &cx.seal_flow(&flow)?);
    Ok(cookie.into_iter().fold(reply, Reply::cookie))
}

impl Context {
    async fn asked_to_sign_out(&self, call: &Call, form: &Form) -> Result<Asked, Failure> {
        let text = |name: &str| form.get(name).filter(|it| !it.is_empty());
        let hint = match text("id_token_hint") {
            // However old: MSAL's is an hour old when somebody signs out.
            Some(hint) => self.genuine(hint).await?.ok(),
            None => None,
        };
        let hinted: Option<(AppId, Arc<Directory>)> = hint.and_then(|own| {
            let app = own.claims.get("aud").and_then(Value::as_str)?.parse().ok()?;
            // An access token is no ID token.
            (!own.claims.contains_key("scp") && !own.claims.contains_key("roles"))
                .then_some((app, own.directory))
        });
        let named = match (&hinted, text("client_id").and_then(|it| it.parse().ok())) {
            (Some(named), _) => Some(named.clone()),
            (None, Some(app)) => match TenantName::parse(call.variable(0)) {
                Ok(tenant) => self.state.store.directory_named(&tenant).await?.map(|it| (app, it)),
                Err(_) => None,
            },
            (None, None) => None,
        };
        let to = text("post_logout_redirect_uri")
            .filter(|uri| named.as_ref().is_some_and(|(app, directory)| is_registered(directory, *app, uri)));
        let to = to.map(|uri| match text("state") {
            Some(state) => {
                let separator = if uri.contains('?') { '&' } else { '?' };
                format!("{uri}{separator}state={}", percent::encode(state))
            }
            None => uri.to_owned(),
        });
        Ok(Asked { hinted: hinted.is_some(), to })
    }

    async fn sign_out(&self, call: &Call, asked: Asked) -> Result<Reply, Failure> {
        let open = self.sessions(call, None).await?;
        let cookies = self.end_sessions(call, &open).await?;
        let reply = match &asked.to {
            Some(uri) => Reply::see_other(uri),
            None => pages::signed_out(),
        };
        Ok(cookies.into_iter().fold(reply, Reply::cookie))
    }
}
