//! `POST /{tenant}/login`: what people type on the pages of a sign-in.

use super::browser::{Flow, Session};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
    work::second_factor,
};
use carnet_store::{Settle, StoreError};
use carnet_tenant::{
    authorize::{self, Entered, Tried, sign_in},
    directory::Directory,
    token::{Denial, Effect, client_auth::Client},
    user::{self, User},
};
use carnet_wire::{digest, ids::ObjectId, secret::Password, token::form::Form};
use std::sync::Arc;

/// How the grant is called in the records.
const GRANT: &str = "interactive";

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, mut flow) = match cx.posted(&mut call).await? {
        Ok(posted) => posted,
        Err(denial) => return Ok(cx.refused(&denial)),
    };
    if form.get("cancel").is_some() && flow.device.is_none() {
        return cx.cancelled(&flow).await;
    }
    if form.get("again").is_some() {
        (flow.user, flow.half) = (Some(String::new()), None);
        return cx.ask(flow, "", None);
    }
    if let Some(half) = flow.half {
        return cx.second(&call, flow, half, &form).await;
    }
    let typed = form.get("username").map(str::trim).filter(|name| !name.is_empty());
    if typed.is_some_and(|name| name.len() > 256 || name.chars().any(char::is_control)) {
        return Ok(cx.refused(&Denial::Typed));
    }
    let Some(password) = form.get("passwd") else {
        flow.user = typed.map(|name| crate::context::cut(name, 256));
        return cx.advance(&call, flow, None).await;
    };
    let password = Password::new(password.to_owned());
    let (directory, client) = match cx.judged(&flow).await? {
        Ok(judged) => judged,
        Err(reply) => return Ok(*reply),
    };
    match cx.prove(&directory, &client, (&flow, &password)).await? {
        Ok(Entered::Whole(user)) => cx.enter(&call, flow, (&directory, &user, &["pwd"]), &form).await,
        Ok(Entered::Half(user)) => {
            flow.half = Some(user.id);
            cx.ask(flow, &client.name, None)
        }
        Err(Denial::WrongPassword) => cx.ask(flow, &client.name, Some("The user name or password is wrong.")),
        Err(denial) => Ok(cx.refused(&denial)),
    }
}

impl Context {
    /// Somebody is in: a new session, and on with what they came for.
    async fn enter(
        &self,
        call: &Call,
        mut flow: Flow,
        (directory, user, methods): (&Directory, &User, &[&str]),
        form: &Form,
    ) -> Result<Reply, Failure> {
        flow.half = None;
        let methods = methods.iter().map(|it| (*it).to_owned()).collect();
        let session = Session { user: user.id, signed_in: self.now(), methods };
        let cookie = self.new_session(directory.tenant.id, &session, form.get("stay").is_some()).await?;
        Ok(self.advance(call, flow, Some(session)).await?.cookie(cookie))
    }

    /// The code of the authenticator, after a right password. Its tries are counted apart from passwords, and
    /// a code that was right once is spent.
    async fn second(&self, call: &Call, flow: Flow, half: ObjectId, form: &Form) -> Result<Reply, Failure> {
        let (directory, client) = match self.judged(&flow).await? {
            Ok(judged) => judged,
            Err(reply) => return Ok(*reply),
        };
        let tenant = directory.tenant.id;
        let typed = form.get("otc").unwrap_or_default();
        let (from, guess) = ((self.envelope.address, self.now()), Password::new(typed.to_owned()));
        let Some(user) = self.state.store.user(tenant, half).await? else {
            return Ok(self.refused(&Denial::SignInLost));
        };
        let key = format!("second factor of {}", user.name_key);
        let (attempt, _) = self.state.store.reserve(tenant, (&key, &guess), from).await?;
        let found = user.totp.as_ref().and_then(|key| second_factor::step(key.expose(), typed, self.now()));
        let tried = (attempt, found.is_some(), user.clone());
        let here = (client.app, self.envelope.address);
        let mut verdict = authorize::second_factor(&directory, tried, here);
        let mut record = self.record(&directory, GRANT, None);
        record.app = Some(client.app);
        record.user = Some(user.id);
        record.user_name = crate::context::cut(&user.name, 256);
        if let (Ok(_), Some(step)) = (&verdict, found) {
            let spent = digest::sha256(&[b"second factor", user.id.uuid().as_bytes(), &step.to_be_bytes()]);
            let effects = [Effect::SpendAssertion { digest: spent, expires: self.now().plus_seconds(120) }];
            match self.state.store.settle(Settle { effects: &effects, record: &record, refresh: None }).await
            {
                Ok(()) => self.state.store.forgive(tenant, &key, from).await?,
                Err(StoreError::Conflict) => verdict = Err(Denial::WrongSecondFactor),
                Err(error) => return Err(error.into()),
            }
        }
        let denial = match verdict {
            Ok(user) => return self.enter(call, flow, (&directory, &user, &["pwd", "mfa"]), form).await,
            Err(denial) => denial,
        };
        record.error = denial.entry().0.number;
        self.state.store.settle(Settle { effects: &[], record: &record, refresh: None }).await?;
        match denial {
            Denial::WrongSecondFactor => self.ask(
                flow,
                &client.name,
                Some("That code is wrong, or was used before. Wait for the next one."),
            ),
            other => Ok(self.refused(&other)),
        }
    }

    /// Judges a password, with the record that every try leaves.
    async fn prove(
        &self,
        directory: &Arc<Directory>,
        client: &Client,
        (flow, password): (&Flow, &Password),
    ) -> Result<Result<Entered, Denial>, Failure> {
        let name = flow.user.clone().unwrap_or_default();
        let tenant = directory.tenant.id;
        let from = (self.envelope.address, self.now());
        let key = user::fold(&name);
        let (attempt, user) = self.state.store.reserve(tenant, (&key, password), from).await?;
        let (proof, rehashed) = self.check_password(tenant, &key, password, (attempt, user.as_deref())).await;
        let tried = Tried { attempt, proof, user: user.clone() };
        let verdict = sign_in(directory, tried, (client.app, self.envelope.address));
        let mut record = self.record(directory, GRANT, None);
        record.app = Some(client.app);
        record.principal = client.principal.as_ref().map(|it| it.id);
        record.user = user.as_ref().map(|it| it.id);
        record.user_name = crate::context::cut(&name, 256);
        record.error = verdict.as_ref().err().map_or(0, |denial| denial.entry().0.number);
        let right = !matches!(
            verdict,
            Err(Denial::WrongPassword | Denial::Busy | Denial::Locked | Denial::UnknownUser)
        );
        let effects = if right { vec![Effect::ClearAttempts] } else { Vec::new() };
        self.state.store.settle(Settle { effects: &effects, record: &record, refresh: None }).await?;
        if let (Some(hash), Some(user)) = (rehashed, &user) {
            self.rehash(directory, user, hash).await;
        }
        Ok(verdict)
    }
}
