//! `/{tenant}/oauth2/v2.0/logout` and the same without `v2.0`: ends the sessions of the browser, or the one of
//! the account that a hint names, and tells the applications that asked to hear of it. It goes on to an address
//! only if that is registered for the application that an ID token of ours, or a client id, names; and without
//! such a token of a session of this browser it asks first (`security.md`, S20).

use super::{
    account,
    answer::{self, with_query},
    flow::{self, Flow, Purpose, sent},
    pages,
    session::{self, Shown},
};
use carnet_http::{
    context::{Context, cut},
    own_token::OwnToken,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    authorize::is_registered,
    directory::Directory,
    token::{Denial, subject::pairwise},
};
use carnet_wire::{authority::TenantName, ids::AppId, token::form::Form};
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// What a sign-out is asked for.
struct Asked {
    /// An ID token of ours names a session of this browser, so nobody has to be asked.
    hinted: bool,
    /// The sessions that are to end.
    ended: Vec<Shown>,
    /// Where it goes on to.
    to: Option<String>,
    /// Where it goes on to if an application of the session that ends is at home there: no application was named.
    unnamed: Option<ReturnAddress>,
}

/// An address to which somebody goes on from here.
struct ReturnAddress {
    /// As it was sent, and has to be registered.
    uri: String,
    /// The same with `state`.
    with_state: String,
}

/// The application that is named, with the tenant that knows it.
type Named = (AppId, Arc<Directory>);

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    any(cx, call, "oauth2/v2.0/logout").await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    any(cx, call, "oauth2/logout").await
}

async fn any(cx: Context, mut call: Call, path: &str) -> Result<Reply, Failure> {
    let Ok(tenant) = TenantName::parse(call.variable(0)) else {
        return Ok(answer::refused(&cx, &Denial::TenantName(cut(call.variable(0), 64))));
    };
    let posted = sent(&mut call).await?;
    let form = match Form::parse(posted.as_bytes()) {
        Ok(form) => form,
        Err(error) => return Ok(answer::refused(&cx, &Denial::Malformed(error))),
    };
    // The click on our own page: the request that it confirms is sealed in it.
    if form.get("flow").is_some() {
        let flow = match flow::flow_of(&cx, &call, &form).await? {
            Ok(flow) => flow,
            Err(page) => return Ok(*page),
        };
        let start = flow.start();
        let answer = confirmed(&cx, &call, &tenant, flow).await;
        return flow::unless_used(&cx, start.as_deref(), answer);
    }
    let asked = match asked_to_sign_out(&cx, &call, (&tenant, &form)).await? {
        Ok(asked) => asked,
        Err(denial) => return Ok(answer::refused(&cx, &denial)),
    };
    if asked.hinted || asked.ended.is_empty() {
        return sign_out(&cx, &call, asked).await;
    }
    let tenant = tenant.to_string();
    let action = format!("/{tenant}/{path}");
    let (flow, cookie) = flow::begin(&cx, &call, Purpose::SignOut { request: posted }, tenant);
    let reply = pages::sign_out(&action, &flow::seal_flow(&cx, &flow)?);
    Ok(cookie.into_iter().fold(reply, Reply::cookie))
}

/// Signs out as the request that a page of ours asked about says.
async fn confirmed(cx: &Context, call: &Call, tenant: &TenantName, mut flow: Flow) -> Result<Reply, Failure> {
    let Purpose::SignOut { request } = &flow.purpose else {
        return Ok(answer::refused(cx, &Denial::SignInLost));
    };
    let form = match Form::parse(request.as_bytes()) {
        Ok(form) => form,
        Err(error) => return Ok(answer::refused(cx, &Denial::Malformed(error))),
    };
    match asked_to_sign_out(cx, call, (tenant, &form)).await? {
        Ok(asked) => {
            flow::use_page(cx, &mut flow).await?;
            sign_out(cx, call, asked).await
        }
        Err(denial) => Ok(answer::refused(cx, &denial)),
    }
}

async fn asked_to_sign_out(
    cx: &Context,
    call: &Call,
    (tenant, form): (&TenantName, &Form),
) -> Result<Result<Asked, Denial>, Failure> {
    let text = |name: &str| form.get(name).filter(|it| !it.is_empty());
    let hint = match text("id_token_hint") {
        // However old: MSAL's is an hour old when somebody signs out.
        Some(hint) => cx.genuine(hint).await?.ok().filter(|own| is_id_token(&own.claims)),
        None => None,
    };
    let mut ended = session::sessions(cx, call, None).await?;
    let mut hinted = false;
    if let Some(own) = &hint {
        let named = named_by(cx, own, &ended).await?;
        hinted = !named.is_empty();
        if hinted {
            ended.retain(|it| named.contains(&it.session.id));
        }
    }
    let client = text("client_id").map(str::parse::<AppId>);
    let hinted_app = hint.as_ref().and_then(|own| audience(&own.claims));
    // OpenID Connect RP-Initiated Logout 1.0, section 2: whoever names both means one application.
    if let (Some(asked), Some(hinted)) = (&client, hinted_app)
        && *asked != Ok(hinted)
    {
        let asked = cut(text("client_id").unwrap_or_default(), 64);
        return Ok(Err(Denial::SignOutOfOther { asked, hinted }));
    }
    let here = cx.state.store.directory_named(tenant).await?;
    if let (Some(opaque), Some(directory)) = (text("logout_hint"), &here) {
        let tenant = directory.tenant.id;
        let Some(user) = account::hinted(cx, tenant, opaque).await? else {
            return Ok(Err(Denial::LogoutHint));
        };
        ended.retain(|it| it.tenant == tenant && it.session.user == user.id);
    }
    let by_hint = hint.and_then(|own| Some((hinted_app?, own.directory)));
    let by_id = || Some((client?.ok()?, here?));
    let named: Option<Named> = by_hint.or_else(by_id);
    let to = text("post_logout_redirect_uri");
    let (to, unnamed) = match &named {
        Some((app, directory)) => (to.filter(|uri| is_registered(directory, *app, uri)), None),
        None => (None, to),
    };
    let with_state = |uri: &str| match text("state") {
        Some(state) => with_query(uri, &[("state", state.to_owned())]),
        None => uri.to_owned(),
    };
    let unnamed = unnamed.map(|uri| ReturnAddress { uri: uri.to_owned(), with_state: with_state(uri) });
    Ok(Ok(Asked { hinted, ended, to: to.map(with_state), unnamed }))
}

/// Which of the browser's sessions an ID token speaks of: by the session's id, the account's, or who the
/// account is to its application. Nobody else's token ends anything.
async fn named_by(cx: &Context, own: &OwnToken, open: &[Shown]) -> Result<Vec<Uuid>, Failure> {
    let tenant = own.directory.tenant.id;
    let text = |name: &str| own.claims.get(name).and_then(Value::as_str);
    let keys = cx.state.keys.of(&cx.state.store, tenant, cx.now()).await?;
    let app = audience(&own.claims);
    let spoken_of = |it: &&Shown| {
        let session = &it.session;
        let is = |name: &str, id: Uuid| text(name).is_some_and(|text| text.parse() == Ok(id));
        let subject = app.map(|app| pairwise(&keys.pairwise, tenant, (app, session.user)));
        it.tenant == tenant
            && (is("sid", session.id)
                || is("oid", session.user.uuid())
                || (subject.is_some() && text("sub") == subject.as_deref()))
    };
    Ok(open.iter().filter(spoken_of).map(|it| it.session.id).collect())
}

async fn sign_out(cx: &Context, call: &Call, asked: Asked) -> Result<Reply, Failure> {
    let mut frames = Vec::new();
    let mut to = asked.to;
    for shown in &asked.ended {
        let Some(directory) = cx.state.store.directory_named(&TenantName::Id(shown.tenant)).await? else {
            continue;
        };
        frames.extend(listeners(cx, shown, &directory));
        // Whoever reads this clicked on a page of ours. An address of an application that took part in the session
        // that ends is as good as one of an application that was named.
        let mut applications = shown.session.applications.iter();
        let own =
            |address: &&ReturnAddress| applications.any(|app| is_registered(&directory, *app, &address.uri));
        to = to.or_else(|| asked.unnamed.as_ref().filter(own).map(|it| it.with_state.clone()));
    }
    let mut cookies = session::end_sessions(cx, call, &asked.ended).await?;
    // Pages that were shown before count no more. Where no session ended nothing is taken from a sign-in that is
    // under way: any site can send the browser here.
    if !asked.ended.is_empty() {
        cookies.push(flow::new_browser(cx).1);
    }
    let reply = match &to {
        Some(uri) if frames.is_empty() => Reply::see_other(uri),
        to => pages::signed_out(&frames, to.as_deref()),
    };
    Ok(cookies.into_iter().fold(reply, Reply::cookie))
}

/// The addresses at which applications hear that a session is over (OpenID Connect Front-Channel Logout
/// 1.0, section 3).
fn listeners(cx: &Context, shown: &Shown, directory: &Directory) -> Vec<String> {
    let tenant = shown.tenant.to_string();
    let applications = shown.session.applications.iter();
    let each = applications.filter_map(|app| directory.registered(*app)).filter_map(|it| {
        let uri = it.application.logout_url()?;
        let issuer = cx.envelope.origin.issuer_v2(&tenant);
        let fields = [("sid", shown.session.id.to_string()), ("iss", issuer)];
        Some(with_query(uri, &fields))
    });
    each.collect()
}

/// An ID token, and no access token: those say how their client proved itself, and users' what it may do.
fn is_id_token(claims: &Map<String, Value>) -> bool {
    !["scp", "appidacr", "azpacr"].iter().any(|name| claims.contains_key(*name))
}

/// The application that an ID token is for.
fn audience(claims: &Map<String, Value>) -> Option<AppId> {
    claims.get("aud").and_then(Value::as_str)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::is_id_token;
    use serde_json::{Value, json};

    #[test]
    fn an_access_token_is_no_id_token() {
        let of = |claims: Value| is_id_token(claims.as_object().unwrap());
        assert!(of(json!({ "aud": "a", "sub": "s", "nonce": "n" })));
        for access in [json!({ "scp": "a" }), json!({ "appidacr": "1" }), json!({ "azpacr": "1" })] {
            assert!(!of(access.clone()), "{access}");
        }
    }
}
