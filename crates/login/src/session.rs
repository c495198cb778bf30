//! Sessions of a browser: several accounts of several tenants at once, each kept by the digest of a text that
//! only the browser has. Those that end with the browser and those of people who stay signed in are in a
//! cookie each. They slide while they are used.

use super::{cookie, flow::Flow};
use carnet_http::{context::Context, reply::Failure, route::Call};
use carnet_store::{
    Once, StoreError,
    artifact::{Artifact, Place, SESSION, text_digest},
};
use carnet_tenant::user::User;
use carnet_wire::{
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Sessions that end with the browser.
const SHORT: &str = "__Host-carnet-session";
/// Sessions of people who stay signed in.
const LONG: &str = "__Host-carnet-stay";
/// Between the sessions of one cookie.
const BETWEEN: char = '|';
/// Seconds that a session lies unused.
const SHORT_LIFE: i64 = 24 * 3600;
/// Seconds that it lies unused where the person chose to stay signed in.
const LONG_LIFE: i64 = 90 * 24 * 3600;
/// A session in use is prolonged so often, in seconds.
const SLIDE: i64 = 3600;
/// Applications that a session remembers; a further one takes the place of the first.
const APPLICATIONS: usize = 32;
/// How often a change of a session is tried while other requests of the browser are faster.
const TRIES: usize = 5;
/// Accounts of one browser; a further one takes the place of the oldest.
const MOST: usize = 8;

/// A session as kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// `sid` of its tokens.
    pub id: Uuid,
    /// Who.
    pub user: ObjectId,
    /// When they signed in.
    pub signed_in: Timestamp,
    /// How.
    pub methods: Vec<String>,
    /// They stay signed in when the browser ends.
    pub stay: bool,
    /// Applications that got something of it.
    #[serde(default)]
    pub applications: Vec<AppId>,
}

/// Seconds for which a sign-in is fresh enough to consent for everyone, or to add a second factor.
const FRESH: i64 = 15 * 60;

impl Session {
    /// Somebody signed in a moment ago.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.signed_in.plus_seconds(FRESH) >= now
    }

    fn remember(&mut self, app: AppId) {
        if self.applications.contains(&app) {
            return;
        }
        let over = (self.applications.len() + 1).saturating_sub(APPLICATIONS);
        self.applications.drain(..over);
        self.applications.push(app);
    }

    const fn life(&self) -> i64 {
        if self.stay { LONG_LIFE } else { SHORT_LIFE }
    }
}

/// A session that a browser showed.
#[derive(Clone)]
pub struct Shown {
    /// Its tenant.
    pub tenant: TenantId,
    /// What is kept of it.
    pub session: Session,
    text: String,
    generation: i64,
    expires: Timestamp,
}

/// Without its text, which is the session.
impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown")
            .field("tenant", &self.tenant)
            .field("session", &self.session)
            .field("generation", &self.generation)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The sessions that a cookie names, by tenant and text.
fn named(call: &Call, name: &str) -> Vec<(TenantId, String)> {
    let value = cookie::read(call, name).unwrap_or_default();
    let each = value.split(BETWEEN).filter_map(|part| part.split_once('.'));
    let each = each.filter(|(_, text)| text.len() == 43);
    each.filter_map(|(tenant, text)| Some((tenant.parse().ok()?, text.to_owned()))).take(MOST).collect()
}

/// The sessions of this browser that count, in a tenant or in all.
///
/// # Errors
/// [`Failure`]
pub async fn sessions(cx: &Context, call: &Call, tenant: Option<TenantId>) -> Result<Vec<Shown>, Failure> {
    let mut all = Vec::new();
    for (own, text) in [named(call, SHORT), named(call, LONG)].concat() {
        if tenant.is_some_and(|tenant| tenant != own) {
            continue;
        }
        let found: Option<Artifact<Session>> =
            cx.state.store.artifact(own, SESSION, &text_digest(SESSION, &text)).await?;
        if let Some(it) = found.filter(|it| it.expires > cx.now()) {
            let (generation, expires) = (it.generation, it.expires);
            all.push(Shown { tenant: own, session: it.body, text, generation, expires });
        }
    }
    Ok(all)
}

/// The session of this browser with this id.
///
/// # Errors
/// [`Failure`]
pub async fn find(cx: &Context, call: &Call, tenant: TenantId, id: Uuid) -> Result<Option<Shown>, Failure> {
    Ok(sessions(cx, call, Some(tenant)).await?.into_iter().find(|it| it.session.id == id))
}

/// The session that a sign-in goes by, with its user, if both still count.
///
/// # Errors
/// [`Failure`]
pub async fn signed_in(
    cx: &Context,
    call: &Call,
    flow: &Flow,
    tenant: TenantId,
) -> Result<Option<(Shown, Arc<User>)>, Failure> {
    let Some(id) = flow.session else { return Ok(None) };
    let Some(shown) = find(cx, call, tenant, id).await? else { return Ok(None) };
    let user = cx.state.store.user(tenant, shown.session.user).await?;
    let user = user.filter(|it| it.enabled && it.sessions_valid_from <= shown.session.signed_in);
    Ok(user.map(|user| (shown, user)))
}

/// Makes a session, with a new id, beside the browser's others; one that the same account had ends. Its
/// cookies. The page that makes it is used up.
///
/// # Errors
/// [`Failure::PageUsed`] when the page was used before; then no session was made or ended. The rest of
/// [`Failure`]
pub async fn new_session(
    cx: &Context,
    call: &Call,
    tenant: TenantId,
    session: Session,
    once: Option<Once>,
) -> Result<(Shown, Vec<String>), Failure> {
    let mut others = sessions(cx, call, None).await?;
    let same = |it: &Shown| it.tenant == tenant && it.session.user == session.user;
    let (replaced, rest): (Vec<_>, Vec<_>) = others.drain(..).partition(same);
    let mut kept = rest;
    let dropped = kept.split_off(kept.len().min(MOST - 1));
    let text = cookie::random(cx);
    let expires = cx.now().plus_seconds(session.life());
    let place = Place { tenant, family: session.id, user: session.user, created: cx.now(), expires };
    let store = &cx.state.store;
    store.put_artifact_once(SESSION, &text_digest(SESSION, &text), place, &session, once).await?;
    for old in replaced.iter().chain(&dropped) {
        store.end_artifact(SESSION, &text_digest(SESSION, &old.text)).await?;
    }
    let made = Shown { tenant, session, text, generation: 0, expires };
    kept.insert(0, made.clone());
    Ok((made, cookies(call, &kept)))
}

/// Ends sessions of this browser; the cookies that are left.
///
/// # Errors
/// [`Failure`]
pub async fn end_sessions(cx: &Context, call: &Call, ended: &[Shown]) -> Result<Vec<String>, Failure> {
    for it in ended {
        cx.state.store.end_artifact(SESSION, &text_digest(SESSION, &it.text)).await?;
    }
    let mut left = sessions(cx, call, None).await?;
    left.retain(|it| !ended.iter().any(|gone| gone.session.id == it.session.id));
    Ok(cookies(call, &left))
}

/// A session was used by an application: it lives on from now. The cookies that have to live on with it.
///
/// # Errors
/// [`Failure`]
pub async fn used(cx: &Context, call: &Call, shown: &Shown, app: AppId) -> Result<Vec<String>, Failure> {
    let mut shown = shown.clone();
    for _ in 0..TRIES {
        let expires = cx.now().plus_seconds(shown.session.life());
        let slides = shown.expires.plus_seconds(SLIDE) <= expires;
        if !slides && shown.session.applications.contains(&app) {
            break;
        }
        let mut session = shown.session.clone();
        session.remember(app);
        let digest = text_digest(SESSION, &shown.text);
        let kept = (shown.tenant, shown.generation);
        match cx.state.store.replace_artifact(SESSION, &digest, kept, (expires, &session)).await {
            Ok(()) if session.stay && slides => {
                let value = cookie::read(call, LONG).unwrap_or_default();
                return Ok(vec![cookie::set(LONG, value, Some(LONG_LIFE))]);
            }
            Ok(()) => break,
            // Another request of this browser was faster: once more, on what that one kept.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(now) = find(cx, call, shown.tenant, shown.session.id).await? else { break };
        shown = now;
    }
    Ok(Vec::new())
}

/// The cookies that hold these sessions; one that becomes empty is taken away.
fn cookies(call: &Call, kept: &[Shown]) -> Vec<String> {
    let mut all = Vec::new();
    for (name, stay) in [(SHORT, false), (LONG, true)] {
        let of_kind = kept.iter().filter(|it| it.session.stay == stay);
        let value: Vec<String> = of_kind.map(|it| format!("{}.{}", it.tenant, it.text)).collect();
        let life = if stay { Some(LONG_LIFE) } else { None };
        match value.is_empty() {
            false => all.push(cookie::set(name, &value.join(&BETWEEN.to_string()), life)),
            true if cookie::read(call, name).is_some() => all.push(cookie::set(name, "", Some(0))),
            true => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let user = ObjectId::new(Uuid::from_u128(2));
        let signed_in = Timestamp::from_millis(0);
        let (methods, applications) = (Vec::new(), Vec::new());
        Session { id: Uuid::from_u128(1), user, signed_in, methods, stay: false, applications }
    }

    #[test]
    fn a_session_remembers_its_last_applications_once_each() {
        let mut session = session();
        let app = |number| AppId::new(Uuid::from_u128(number));
        for number in [7, 7].into_iter().chain(1..=40) {
            session.remember(app(number));
        }
        let held: Vec<AppId> = (9..=40).map(app).collect();
        assert_eq!(session.applications, held);
    }

    #[test]
    fn what_opens_a_session_is_not_in_its_debug_form() {
        let (session, expires) = (session(), Timestamp::from_millis(0));
        let tenant = TenantId::new(Uuid::from_u128(3));
        let shown = Shown { tenant, session, text: "the-secret".to_owned(), generation: 1, expires };
        assert!(!format!("{shown:?}").contains("the-secret"));
    }
}
