//! The public URL, which all nodes of one database share. Issuers contain it, so nodes with different URLs would
//! refuse each other's tokens. The first URL that an operator sets is stored. With a SQLite file there is one server,
//! whose URL follows its listener, so the server does not store one.

use crate::{
    KEEP_META, META, Store, StoreError,
    engine::{Batch, Engine, Expect, values},
    seal::Seal,
};

const NAME: &str = "public_url";
const REPLACE: &str = "update meta set value = $2 where name = $1 and value = $3";
/// Maximum number of times that a change is tried when other nodes change it too.
const TRIES: usize = 5;

/// The stored public URL.
pub(crate) struct StoredUrl {
    pub(crate) url: String,
    /// The value of the row. It is sealed so that an attacker with access to the database cannot redirect sign-ins.
    sealed: Vec<u8>,
}

/// The stored public URL, if any.
pub(crate) async fn read(engine: &Engine, seal: &Seal) -> Result<Option<StoredUrl>, StoreError> {
    let rows = engine.read(META, values![NAME]).await?;
    let Some(sealed) = rows.first().and_then(|row| row.bytes(0)).map(<[u8]>::to_vec) else { return Ok(None) };
    let url = String::from_utf8(seal.open(&["meta", NAME], &sealed)?)
        .map_err(|_| StoreError::Damaged("the public URL is not text".into()))?;
    Ok(Some(StoredUrl { url, sealed }))
}

impl Store {
    /// Whether other nodes may use the same database.
    #[must_use]
    pub fn shared(&self) -> bool {
        self.inner.engine.shared()
    }

    /// The stored public URL, if any.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn public_url(&self) -> Result<Option<String>, StoreError> {
        Ok(self.stored_public_url().await?.map(|stored| stored.url))
    }

    async fn stored_public_url(&self) -> Result<Option<StoredUrl>, StoreError> {
        read(&self.inner.engine, &self.inner.seal).await
    }

    /// Stores the public URL, unless one is stored already. Returns the stored one.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn keep_public_url(&self, url: &str) -> Result<String, StoreError> {
        let mut batch = Batch::default();
        batch.push(KEEP_META, values![NAME, self.sealed_url(url)?], Expect::Rows(1));
        match self.inner.engine.write(batch).await {
            Ok(_) => Ok(url.to_owned()),
            Err(StoreError::Exists) => Ok(self.public_url().await?.unwrap_or_else(|| url.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Replaces the public URL.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if other nodes keep changing it.
    pub async fn change_public_url(&self, url: &str) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let mut batch = Batch::default();
            let sealed = self.sealed_url(url)?;
            match self.stored_public_url().await? {
                Some(stored) if stored.url == url => return Ok(()),
                Some(stored) => batch.push(REPLACE, values![NAME, sealed, stored.sealed], Expect::Rows(1)),
                None => batch.push(KEEP_META, values![NAME, sealed], Expect::Rows(1)),
            }
            match self.inner.engine.write(batch).await {
                Err(StoreError::Conflict | StoreError::Exists) => {}
                done => return done.map(drop),
            }
        }
        Err(StoreError::Conflict)
    }

    fn sealed_url(&self, url: &str) -> Result<Vec<u8>, StoreError> {
        self.inner.seal.seal(&["meta", NAME], url.as_bytes())
    }
}
