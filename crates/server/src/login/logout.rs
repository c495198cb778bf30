//! `/{tenant}/oauth2/v2.0/logout` and the same without `v2.0`: ends the sessions of the browser, or the one of
//! the account that a hint names, and tells the applications that asked to hear of it. It goes on to an address only if that is registered for the application that an ID token of ours, or a client id, names; and
//! without such a token it asks first (`security.md`, S20).

use super::{
    answer::with_query,
    flow::{Purpose, sent},
    pages,
    session::Shown,
};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{authorize::is_registered, directory::Directory, token::Denial};
use carnet_wire::{
    authority::TenantName,
    ids::{AppId, ObjectId},
    token::form::Form,
};
use serde_json::Value;
use std::sync::Arc;

/// What a sign-out is asked for.
struct Asked {
    /// An ID token of ours names the application, so nobody has to be asked.
    hinted: bool,
    /// Whose session alone is to end.
    user: Option<ObjectId>,
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
        return match cx.asked_to_sign_out(&call, &confirmed).await? {
            Ok(asked) => cx.sign_out(&call, asked).await,
            Err(denial) => Ok(cx.refused(&denial)),
        };
    }
    let asked = match cx.asked_to_sign_out(&call, &form).await? {
        Ok(asked) => asked,
        Err(denial) => return Ok(cx.refused(&denial)),
    };
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
    async fn asked_to_sign_out(&self, call: &Call, form: &Form) -> Result<Result<Asked, Denial>, Failure> {
        let text = |name: &str| form.get(name).filter(|it| !it.is_empty());
        let hint = match text("id_token_hint") {
            // However old: MSAL's is an hour old when somebody signs out.
            Some(hint) => self.genuine(hint).await?.ok(),
            None => None,
        };
        // An access token is no ID token.
        let hint = hint.filter(|own| !own.claims.contains_key("scp") && !own.claims.contains_key("appidacr"));
        let mut user = hint.as_ref().and_then(|own| own.claims.get("oid")?.as_str()?.parse().ok());
        let hinted: Option<(AppId, Arc<Directory>)> = hint.and_then(|own| {
            let app = own.claims.get("aud").and_then(Value::as_str)?.parse().ok()?;
            Some((app, own.directory))
        });
        let here = match TenantName::parse(call.variable(0)) {
            Ok(tenant) => self.state.store.directory_named(&tenant).await?,
            Err(_) => None,
        };
        if let (Some(opaque), Some(directory)) = (text("logout_hint"), &here) {
            match self.hinted(directory.tenant.id, opaque).await? {
                Some(found) => user = Some(found.id),
                None => return Ok(Err(Denial::LogoutHint)),
            }
        }
        let named = match (&hinted, text("client_id").and_then(|it| it.parse().ok())) {
            (Some(named), _) => Some(named.clone()),
            (None, Some(app)) => here.map(|it| (app, it)),
            (None, None) => None,
        };
        let to = text("post_logout_redirect_uri")
            .filter(|uri| named.as_ref().is_some_and(|(app, directory)| is_registered(directory, *app, uri)));
        let to = to.map(|uri| match text("state") {
            Some(state) => with_query(uri, &[("state", state.to_owned())]),
            None => uri.to_owned(),
        });
        Ok(Ok(Asked { hinted: hinted.is_some(), user, to }))
    }

    async fn sign_out(&self, call: &Call, asked: Asked) -> Result<Reply, Failure> {
        let mut ended = self.sessions(call, None).await?;
        if let Some(user) = asked.user {
            ended.retain(|it| it.session.user == user);
        }
        let mut frames = Vec::new();
        for shown in &ended {
            frames.extend(self.listeners(shown).await?);
        }
        let cookies = self.end_sessions(call, &ended).await?;
        let reply = match &asked.to {
            Some(uri) if frames.is_empty() => Reply::see_other(uri),
            to => pages::signed_out(&frames, to.as_deref()),
        };
        Ok(cookies.into_iter().fold(reply, Reply::cookie))
    }

    /// The addresses at which applications hear that a session is over (OpenID Connect Front-Channel Logout
    /// 1.0, section 3).
    async fn listeners(&self, shown: &Shown) -> Result<Vec<String>, Failure> {
        if shown.session.applications.is_empty() {
            return Ok(Vec::new());
        }
        let Some(directory) = self.state.store.directory_named(&TenantName::Id(shown.tenant)).await? else {
            return Ok(Vec::new());
        };
        let tenant = shown.tenant.to_string();
        let applications = shown.session.applications.iter();
        let each = applications.filter_map(|app| directory.application_by_app(*app)).filter_map(|it| {
            let uri = it.logout_url()?;
            let issuer = self.envelope.origin.issuer_v2(&tenant);
            let fields = [("sid", shown.session.id.to_string()), ("iss", issuer)];
            Some(with_query(uri, &fields))
        });
        Ok(each.collect())
    }
}
