//! Deciding and applying: a rule is asked with the newest directory, its changes are kept in one batch,
//! and when another change was faster, or a no rests on something that may just have come, it is asked
//! again.

use crate::{caller::Called, context::Context, copies, reply::Failure};
use carnet_store::{Once, StoreError};
use carnet_tenant::{
    access::Caller,
    change::{Decided, Moment},
    directory::Directory,
    refusal::Refusal,
    user::{LONGEST_NAME, User, fold},
};
use carnet_wire::ids::TenantId;
use std::sync::Arc;

/// How often a change is decided on again.
const TRIES: usize = 5;

impl Context {
    /// Asks a rule that changes the directory, and keeps what it says.
    ///
    /// # Errors
    /// The rule's [`Refusal`], or [`Failure`] when the store fails.
    pub async fn apply<T>(
        &self,
        called: &mut Called,
        rule: impl Fn(&Caller, &Directory, &Moment<'_>) -> Result<Decided<T>, Refusal>,
    ) -> Result<T, Failure> {
        self.apply_once(called, None, rule).await
    }

    /// Asks a rule that changes the directory, and keeps what it says together with the use of the page that asked
    /// for it. A refusal of the rule uses nothing.
    ///
    /// # Errors
    /// [`Failure::PageUsed`] when the page was used before; then nothing was changed. The rest as
    /// [`Context::apply`].
    pub async fn apply_once<T>(
        &self,
        called: &mut Called,
        once: Option<Once>,
        rule: impl Fn(&Caller, &Directory, &Moment<'_>) -> Result<Decided<T>, Refusal>,
    ) -> Result<T, Failure> {
        for _ in 0..TRIES {
            let at = Moment { now: self.now(), entropy: &*self.state.entropy };
            let decided = self.confirmed(called, |caller, directory| rule(caller, directory, &at)).await?;
            if let Some(value) = self.keep(called, decided, once).await? {
                return Ok(value);
            }
        }
        Err(Refusal::Busy { seconds: 1 }.into())
    }

    /// Asks a rule about one user, named by id or user principal name. Users are not in the directory's
    /// snapshot, so the account is read anew for every version that is decided on.
    ///
    /// # Errors
    /// The rule's [`Refusal`], or [`Failure`] when the store fails.
    pub async fn apply_to_user<T>(
        &self,
        called: &mut Called,
        name: &str,
        rule: impl Fn(&Caller, &Directory, Option<&User>, &Moment<'_>) -> Result<Decided<T>, Refusal>,
    ) -> Result<T, Failure> {
        self.apply_to_user_once(called, (name, None), rule).await
    }

    /// Asks a rule about one user, and keeps what it says together with the use of the page that asked for it. A
    /// refusal of the rule uses nothing.
    ///
    /// # Errors
    /// [`Failure::PageUsed`] when the page was used before; then nothing was changed. The rest as
    /// [`Context::apply_to_user`].
    pub async fn apply_to_user_once<T>(
        &self,
        called: &mut Called,
        (name, once): (&str, Option<Once>),
        rule: impl Fn(&Caller, &Directory, Option<&User>, &Moment<'_>) -> Result<Decided<T>, Refusal>,
    ) -> Result<T, Failure> {
        for _ in 0..TRIES {
            let seen = called.directory.version;
            let user = self.user_named(called.directory.tenant.id, name).await?;
            let at = Moment { now: self.now(), entropy: &*self.state.entropy };
            let decided = self
                .confirmed(called, |caller, directory| rule(caller, directory, user.as_deref(), &at))
                .await?;
            // Decided on a newer directory than the one before which the account was read.
            if called.directory.version != seen {
                continue;
            }
            if let Some(value) = self.keep(called, decided, once).await? {
                return Ok(value);
            }
        }
        Err(Refusal::Busy { seconds: 1 }.into())
    }

    /// The user with this id or user principal name.
    ///
    /// # Errors
    /// [`Failure`]
    pub async fn user_named(&self, tenant: TenantId, name: &str) -> Result<Option<Arc<User>>, Failure> {
        // Refused before it is folded: no account has such a name.
        if name.len() > LONGEST_NAME {
            return Ok(None);
        }
        Ok(match name.parse() {
            Ok(id) => self.state.store.user(tenant, id).await?,
            Err(_) => self.state.store.user_named(tenant, &fold(name)).await?,
        })
    }

    /// Keeps what was decided; `None` when another change was faster, and the newer directory is there now.
    async fn keep<T>(
        &self,
        called: &mut Called,
        decided: Decided<T>,
        once: Option<Once>,
    ) -> Result<Option<T>, Failure> {
        let (store, now) = (&self.state.store, self.now());
        if decided.changes.is_empty() {
            if let Some(once) = once {
                store.spend(once).await?;
            }
            return Ok(Some(decided.value));
        }
        let apps = copies::changed(&decided.changes);
        let changes = (decided.changes, decided.audit);
        let kept = match once {
            Some(once) => store.apply_once(&called.directory, changes, now, once).await,
            None => store.apply(&called.directory, changes, now, None).await,
        };
        match kept {
            Ok(directory) => {
                called.directory = directory;
                copies::publish(store, apps, now).await;
                Ok(Some(decided.value))
            }
            Err(StoreError::Conflict) => {
                let newer = self.state.store.directory(called.directory.tenant.id).await?;
                called.directory = newer.ok_or(Failure::Away)?;
                Ok(None)
            }
            Err(StoreError::Exists) => Err(Refusal::ObjectConflict { property: "a unique name" }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks a rule; a no that rests on absence is asked again when the directory has gone on.
    ///
    /// # Errors
    /// The rule's [`Refusal`], or [`Failure`] when the store fails.
    pub async fn confirmed<T>(
        &self,
        called: &mut Called,
        rule: impl Fn(&Caller, &Directory) -> Result<T, Refusal>,
    ) -> Result<T, Failure> {
        let refusal = match rule(&called.caller, &called.directory) {
            Ok(value) => return Ok(value),
            Err(refusal) => refusal,
        };
        if refusal.rests_on_absence()
            && let Some(newer) = self.state.store.confirm(&called.directory).await?
        {
            called.directory = newer;
            return Ok(rule(&called.caller, &called.directory)?);
        }
        Err(refusal.into())
    }
}
