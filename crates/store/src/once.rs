//! Single-use items, such as the form of a sign-in page. The first use stores a row in `spent`, in the same batch as
//! its other changes; a later use finds the row and changes nothing.

use crate::{
    Store, StoreError,
    engine::{Batch, Expect, values},
    record::SPEND,
};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use uuid::Uuid;

const SPENT: &str = "select expires_at from spent where tenant_id = $1 and digest = $2";

/// A single-use item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    digest: [u8; 32],
    expires: Timestamp,
}

impl Once {
    /// The item with this nonce among others of its kind. Its use is stored until `expires`, so the item must not be
    /// accepted after that time.
    #[must_use]
    pub fn new(kind: &str, nonce: Uuid, expires: Timestamp) -> Self {
        Self { digest: digest::sha256(&[b"once ", kind.as_bytes(), b" ", nonce.as_bytes()]), expires }
    }

    /// The tenant id under which uses are stored: nil, because a page that is shown before the account is known may
    /// be used for any tenant, but only once.
    const fn tenant() -> TenantId {
        TenantId::new(Uuid::nil())
    }

    /// Adds the use to a batch, which then fails as a whole if there was an earlier use.
    pub(crate) fn push(&self, batch: &mut Batch) {
        batch.push(SPEND, values![Self::tenant(), &self.digest[..], self.expires], Expect::Rows(1));
    }
}

impl Store {
    /// Spends a single-use item on its own.
    ///
    /// # Errors
    /// [`StoreError::Spent`] if there was an earlier use.
    pub async fn spend(&self, once: Once) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        once.push(&mut batch);
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Exists) => Err(StoreError::Spent),
            Err(error) => Err(error),
        }
    }

    /// Whether the item was used. If it was not, a concurrent use may still be faster; only the write decides.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn is_spent(&self, once: &Once) -> Result<bool, StoreError> {
        let rows = self.inner.engine.read(SPENT, values![Once::tenant(), &once.digest[..]]).await?;
        Ok(!rows.is_empty())
    }

    /// The error of a batch that spends an item: [`StoreError::Exists`] may come from the item or from another
    /// statement.
    pub(crate) async fn distinguish_spent(&self, error: StoreError, once: Option<&Once>) -> StoreError {
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
