//! `POST /{tenant}/login`: what people type on the pages of a sign-in.

use super::browser::{Flow, Session};
use crate::{
    context::{Context, read},
    reply::{Failure, Reply},
    route::Call,
};
use carnet_store::Settle;
use carnet_tenant::{
    authorize::{Tried, sign_in},
    directory::Directory,
    token::{Denial, Effect, client_auth::Client},
    user::{self, User},
};
use carnet_wire::{
    secret::Password,
    token::form::{Form, LARGEST},
};
use std::sync::Arc;

/// How the grant is called in the records.
const GRANT: &str = "interactive";

pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let body = std::mem::replace(&mut call.body, crate::context::empty());
    let form = match Form::parse(&read(body, &call.head.headers, LARGEST).await?) {
        Ok(form) => form,
        Err(error) => return Ok(cx.refused(&Denial::Malformed(error))),
    };
    let flow = form.get("flow").and_then(|sealed| cx.open_flow(&call, sealed));
    let Some(mut flow) = flow.filter(|_| cx.same_origin(&call)) else {
        return Ok(cx.refused(&Denial::SignInLost));
    };
    if form.get("cancel").is_some() && flow.device.is_none() {
        return cx.cancelled(&flow).await;
    }
    if form.get("again").is_some() {
        flow.user = Some(String::new());
        return cx.ask(flow, "", None);
    }
    let typed = form.get("username").map(str::trim).filter(|name| !name.is_empty());
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
        Ok(user) => {
            let session = Session { user: user.id, signed_in: cx.now(), methods: vec!["pwd".into()] };
            let stay = form.get("stay").is_some();
            let cookie = cx.new_session(directory.tenant.id, &session, stay).await?;
            Ok(cx.advance(&call, flow, Some(session)).await?.cookie(cookie))
        }
        Err(Denial::WrongPassword) => cx.ask(flow, &client.name, Some("The user name or password is wrong.")),
        Err(denial) => Ok(cx.refused(&denial)),
    }
}

impl Context {
    /// Judges a password, with the record that every try leaves.
    async fn prove(
        &self,
        directory: &Arc<Directory>,
        client: &Client,
        (flow, password): (&Flow, &Password),
    ) -> Result<Result<Arc<User>, Denial>, Failure> {
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
