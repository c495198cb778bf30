//! A new password in the place of one that is over: chosen on a page, after the old one was right.

use super::{
    flow::Flow,
    pages::{self, Step},
};
use crate::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
    work::hash::Whose,
};
use carnet_store::{AttemptCounter, Once};
use carnet_tenant::{
    authorize::Entered,
    credential::{Guarded, PasswordHash},
    lockout::{Attempt, AttemptPurpose},
    refusal::Refusal,
    token::{Denial, PasswordProof, ServiceNo},
    user::{self, User},
};
use carnet_wire::{secret::Password, token::form::Form};

/// What was wrong on the page.
pub(super) enum Wrong<'a> {
    /// The current password.
    Current,
    /// The new one, and why.
    New(&'a str),
}

impl Context {
    /// The page for a new password.
    pub(super) fn ask_new_password(
        &self,
        flow: &Flow,
        application: &str,
        wrong: Option<Wrong<'_>>,
    ) -> Result<Reply, Failure> {
        let sealed = self.seal_flow(flow)?;
        let action = format!("/{}/login", flow.tenant);
        let (text, new) = match wrong {
            None => (None, false),
            Some(Wrong::Current) => (Some("The current password is wrong."), false),
            Some(Wrong::New(why)) => (Some(why), true),
        };
        let step = Step { action: &action, flow: &sealed, application, wrong: text };
        Ok(pages::new_password(&step, flow.user.as_deref().unwrap_or_default(), new))
    }

    /// Changes a password that is over, for whoever proved it in this sign-in, and lets them in with the new one.
    pub(super) async fn renew(&self, call: &Call, mut flow: Flow, form: &Form) -> Result<Reply, Failure> {
        let (directory, client) = match self.judged(&flow).await? {
            Ok(judged) => judged,
            Err(reply) => return Ok(*reply),
        };
        let lost = || Ok(self.stopped(&flow, &Denial::SignInLost));
        let Some(half) = flow.half.clone() else { return lost() };
        let again = |wrong: Wrong<'_>| self.ask_new_password(&flow, &client.name, Some(wrong));
        let typed = |name: &str| form.get(name).unwrap_or_default();
        let (old, new) =
            (Password::new(typed("passwd").to_owned()), Password::new(typed("new_passwd").to_owned()));
        if new.expose() != typed("new_passwd_again") {
            return again(Wrong::New("The two new passwords differ."));
        }
        // As at any sign-in: counted, recorded, and under the tenant's rules.
        let user = match self.prove(&directory, &client, (&flow, &old)).await? {
            Ok(Entered::Expired(user)) => user,
            Ok(Entered::Half(user)) if half.proved && user.password_expired => user,
            // It was changed meanwhile: that page counts no more.
            Ok(_) => return lost(),
            Err(Denial::WrongPassword) => return again(Wrong::Current),
            Err(denial) => return Ok(self.refused(&denial)),
        };
        if user.id != half.user || user.sessions_valid_from > half.since {
            return lost();
        }
        let mut called = self.in_person(&directory, &user, &client);
        match self.change_own_password(&mut called, &user, (&old, &new), flow.once()).await {
            Ok(()) => {}
            Err(Failure::Refusal(Refusal::BadRequest { message, .. })) => return again(Wrong::New(&message)),
            Err(Failure::Refusal(Refusal::Busy { .. })) => {
                return Ok(self.refused(&Denial::Service(ServiceNo::Busy)));
            }
            Err(failure) => return Err(failure),
        }
        self.next_step(&mut flow);
        let directory = called.directory.clone();
        if half.proved {
            let Some(user) = self.state.store.user(directory.tenant.id, user.id).await? else {
                return Ok(self.refused(&Denial::SignInLost));
            };
            let how = (self.now(), &["pwd", "mfa"][..]);
            return self.enter(call, flow, (&directory, &user), how).await;
        }
        let entered = self.prove(&directory, &client, (&flow, &new)).await?;
        flow.half = None;
        self.entered(call, flow, (&directory, &client), entered).await
    }

    /// The hash of a new password that may be set, made on the hash threads.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] for a password that may not be set, [`Refusal::Busy`] when the queue is full.
    pub(crate) async fn hash_new(
        &self,
        called: &Called,
        (name, password): (&str, &Password),
    ) -> Result<PasswordHash, Failure> {
        user::check_password(password, name)?;
        let mut salt = [0; 16];
        self.state.entropy.fill(&mut salt);
        let (tenant, key) = (called.directory.tenant.id.uuid(), user::fold(name));
        let whose = Whose { account: (tenant.as_bytes(), &key), address: self.envelope.address };
        match self.state.hasher.hash(password, salt, whose).await {
            Ok(hash) => Ok(PasswordHash(Guarded::new(hash))),
            Err(_) => Err(Refusal::Busy { seconds: 1 }.into()),
        }
    }

    /// Changes one's own password: the current one is proved under the account's lockout, like a sign-in. Where a
    /// page asks for it, the page is used up.
    ///
    /// # Errors
    /// The rule's [`Refusal`], or [`Failure`].
    pub(crate) async fn change_own_password(
        &self,
        called: &mut Called,
        own: &User,
        (current, new): (&Password, &Password),
        once: Option<Once>,
    ) -> Result<(), Failure> {
        let tenant = called.directory.tenant.id;
        let from = (self.envelope.address, self.now());
        // A guess at the current password is a guess like one at a sign-in, and counts as one.
        let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key: &own.name_key };
        let (attempt, held) = self.state.store.reserve(&counter, current, from).await?;
        let (proof, _) =
            self.check_password(tenant, &own.name_key, current, (attempt, held.as_deref())).await;
        let hash = match (proof, attempt) {
            (PasswordProof::Right, Attempt::Reserved(_) | Attempt::Repeated) => {
                user::check_new_password(current, new)?;
                Some(self.hash_new(called, (&own.name, new)).await?)
            }
            _ => None,
        };
        let name = own.id.to_string();
        let proved = held.and_then(|it| it.password.clone());
        self.apply_to_user_once(called, (&name, once), |caller, directory, old, at| {
            // What was proved is the password that is held now.
            let same = old.map(|it| &it.password) == Some(&proved);
            let proof = if same { proof } else { PasswordProof::Wrong };
            user::change_own_password(caller, directory, old, (attempt, proof, hash.clone()), at)
        })
        .await?;
        Ok(self.state.store.forgive(&counter, from).await?)
    }
}
