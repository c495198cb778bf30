//! Whose session answers: the one that was just made or chosen, the only one that fits, or somebody is asked
//! to choose.

use super::{
    authorize::Good,
    flow::{self, Flow},
    pages::{self, Account},
    session::{self, Shown},
};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
    web::page::Step,
};
use carnet_tenant::{
    token::subject,
    user::{self, User},
};
use carnet_wire::{
    authorize::{Asked, Prompt},
    ids::TenantId,
};
use std::sync::Arc;

/// How a session came to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It was there.
    There,
    /// Somebody chose it on a page.
    Chosen,
    /// It was made for this very sign-in.
    Fresh,
}

/// Which session answers.
pub(super) enum Whose {
    /// None: somebody has to sign in.
    Nobody,
    /// None, and the account of one that was there is gone.
    Gone,
    /// This one.
    One(Box<(Shown, Arc<User>, How)>),
    /// One of these.
    Several(Vec<(Shown, Arc<User>)>),
}

/// Puts the name of the account in the place of an opaque hint (`login_hint` of an ID token); one that is
/// not ours is no hint.
///
/// # Errors
/// [`Failure`]
pub(super) async fn read_hint(cx: &Context, good: &mut Good) -> Result<(), Failure> {
    let Some(hint) = good.asked.login_hint.take_if(|it| subject::is_login_hint(it)) else {
        return Ok(());
    };
    let user = hinted(cx, good.directory.tenant.id, &hint).await?;
    good.asked.login_hint = user.map(|it| it.name.clone());
    Ok(())
}

/// Whom an opaque hint names.
///
/// # Errors
/// [`Failure`]
pub(super) async fn hinted(cx: &Context, tenant: TenantId, hint: &str) -> Result<Option<Arc<User>>, Failure> {
    let keys = cx.state.keys.of(&cx.state.store, tenant, cx.now()).await?;
    match subject::open_login_hint(&keys.pairwise, tenant, hint) {
        Some(user) => Ok(cx.state.store.user(tenant, user).await?),
        None => Ok(None),
    }
}

/// Looks at the sessions of the browser.
///
/// # Errors
/// [`Failure`]
pub(super) async fn whose(cx: &Context, call: &Call, good: &Good, flow: &Flow) -> Result<Whose, Failure> {
    if flow.anew {
        return Ok(Whose::Nobody);
    }
    let tenant = good.directory.tenant.id;
    let (mut open, mut ended, mut nobody) = (Vec::new(), Vec::new(), Whose::Nobody);
    for shown in session::sessions(cx, call, Some(tenant)).await? {
        let Some(user) = cx.state.store.user(tenant, shown.session.user).await? else {
            nobody = Whose::Gone;
            continue;
        };
        let counts = user.sessions_valid_from <= shown.session.signed_in;
        if counts { &mut open } else { &mut ended }.push((shown, user));
    }
    if let Some(chosen) = flow.session {
        let found = open.into_iter().find(|(shown, _)| shown.session.id == chosen);
        return Ok(match found {
            Some((shown, user)) => Whose::One(Box::new((shown, user, How::Chosen))),
            None => Whose::Nobody,
        });
    }
    // One that was ended is told as that, where nothing better is here.
    if open.is_empty() {
        open = ended;
    }
    open.retain(|(shown, user)| fits(&good.asked, flow, shown, user));
    Ok(match (good.asked.prompt, open.len()) {
        (Prompt::Login, _) => Whose::Nobody,
        (_, 0) => nobody,
        (Prompt::SelectAccount, _) | (_, 2..) => Whose::Several(open),
        (_, _) => match open.pop() {
            Some((shown, user)) => Whose::One(Box::new((shown, user, How::There))),
            None => Whose::Nobody,
        },
    })
}

/// The page on which somebody chooses.
///
/// # Errors
/// [`Failure::Broken`]
pub(super) fn ask_account(
    cx: &Context,
    good: &Good,
    flow: &Flow,
    open: &[(Shown, Arc<User>)],
) -> Result<Reply, Failure> {
    let sealed = flow::seal_flow(cx, flow)?;
    let action = format!("/{}/login", flow.tenant);
    let step = Step { action: &action, flow: &sealed, application: &good.admitted.client.name, wrong: None };
    let accounts: Vec<Account<'_>> = open
        .iter()
        .map(|(shown, user)| Account {
            session: shown.session.id.to_string(),
            display_name: &user.display_name,
            name: &user.name,
        })
        .collect();
    Ok(pages::choose_account(&step, &accounts))
}

/// The session is of the account that is asked for, if one is.
pub(super) fn fits(asked: &Asked, flow: &Flow, shown: &Shown, user: &User) -> bool {
    let named = flow.user.as_deref().or(asked.login_hint.as_deref()).filter(|it| !it.is_empty());
    named.is_none_or(|name| user::fold(name) == user.name_key)
        && asked.session.is_none_or(|id| id == shown.session.id)
}
