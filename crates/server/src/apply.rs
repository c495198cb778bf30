//! Deciding and applying: a rule is asked with the newest directory, its changes are kept in one batch,
//! and when another change was faster, or a no rests on something that may just have come, it is asked
//! again.

use crate::{caller::Called, context::Context, reply::Failure};
use carnet_store::StoreError;
use carnet_tenant::{
    change::Decided,
    directory::Directory,
    operation::{Caller, Moment},
    refusal::Refusal,
};

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
        for _ in 0..TRIES {
            let at = Moment { now: self.now(), entropy: &*self.state.entropy };
            let decided = self.confirmed(called, |caller, directory| rule(caller, directory, &at)).await?;
            if decided.changes.is_empty() {
                return Ok(decided.value);
            }
            let changes = (decided.changes, decided.audit);
            match self.state.store.apply(&called.directory, changes, self.now(), None).await {
                Ok(directory) => {
                    called.directory = directory;
                    return Ok(decided.value);
                }
                Err(StoreError::Conflict) => {
                    let tenant = called.directory.tenant.id;
                    let newer = self.state.store.directory(tenant).await?;
                    called.directory = newer.ok_or(Failure::Away)?;
                }
                Err(StoreError::Exists) => {
                    return Err(Refusal::ObjectConflict { property: "a unique name" }.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::Busy { seconds: 1 }.into())
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
