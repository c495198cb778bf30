//! What may be used once, such as a page of a sign-in. The first use keeps one row in `spent`, in the same batch
//! as what the use does; a later use finds the row and does nothing.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
    record::SPEND,
};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use uuid::Uuid;

const SPENT: &str = "select expires_at from spent where tenant_id = $1 and digest = $2";

/// Something that may be used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    digest: [u8; 32],
    expires: Timestamp,
}

impl Once {
    /// What has this nonce among others of its kind. The use is remembered until `expires`, so it has to be worth
    /// nothing by then.
    #[must_use]
    pub fn new(kind: &str, nonce: Uuid, expires: Timestamp) -> Self {
        Self { digest: digest::sha256(&[b"once ", kind.as_bytes(), b" ", nonce.as_bytes()]), expires }
    }

    /// Under which tenant a use is kept: the nil id, because a page that is shown before somebody types an account
    /// may be used for any tenant, but still only once.
    const fn tenant() -> TenantId {
        TenantId::new(Uuid::nil())
    }

    /// Adds the use to a batch, which then fails as a whole when there was an earlier use.
    pub(crate) fn push(&self, batch: &mut Batch) {
        batch.push(SPEND, values![Self::tenant(), &self.digest[..], self.expires], Expect::Rows(1));
    }
}

impl Store {
    /// Keeps a use that nothing else is kept with.
    ///
    /// # Errors
    /// [`StoreError::Spent`] when there was an earlier use.
    pub async fn spend(&self, once: Once) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        once.push(&mut batch);
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Exists) => Err(StoreError::Spent),
            Err(error) => Err(error),
        }
    }

    /// Whether there was a use. That there was none is no promise: only the write of a use decides.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn is_spent(&self, once: &Once) -> Result<bool, StoreError> {
        let rows = self.inner.engine.read(SPENT, values![Once::tenant(), &once.digest[..]]).await?;
        Ok(!rows.is_empty())
    }

    /// The error of a batch that held a use: a key that is taken may be the use's or another statement's.
    pub(crate) async fn told_apart(&self, error: StoreError, once: Option<&Once>) -> StoreError {
        match once {
            Some(once) if error == StoreError::Exists => match self.is_spent(once).await {
                Ok(true) => StoreError::Spent,
                Ok(false) => error,
                Err(other) => other,
            },
            _ => error,
        }
    }
}
