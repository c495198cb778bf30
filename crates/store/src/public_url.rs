//! The public URL that all nodes of one database have in common: issuers are made of it, so nodes with different ones
//! would refuse each other's tokens. The first one that an operator gives is kept. A SQLite file has one server, whose
//! URL follows its listener, so the server keeps none there.

use crate::{
    KEEP_META, META, Store, StoreError,
    engine::{Batch, Engine, Expect, values},
    seal::Seal,
};

const NAME: &str = "public_url";
const REPLACE: &str = "update meta set value = $2 where name = $1 and value = $3";
/// How often a change is tried again when another node was faster.
const TRIES: usize = 5;

/// The public URL as it was read.
pub(crate) struct Kept {
    pub(crate) url: String,
    /// The row's value. It is sealed, because what it says is where nodes send people to sign in.
    sealed: Vec<u8>,
}

/// The public URL that is kept, if any.
pub(crate) async fn read(engine: &Engine, seal: &Seal) -> Result<Option<Kept>, StoreError> {
    let rows = engine.read(META, values![NAME]).await?;
    let Some(sealed) = rows.first().and_then(|row| row.bytes(0)).map(<[u8]>::to_vec) else { return Ok(None) };
    let url = String::from_utf8(seal.open(&["meta", NAME], &sealed)?)
        .map_err(|_| StoreError::Damaged("the public URL is not text".into()))?;
    Ok(Some(Kept { url, sealed }))
}

impl Store {
    /// Whether other nodes may use the same database.
    #[must_use]
    pub fn shared(&self) -> bool {
        self.inner.engine.shared()
    }

    /// The public URL that is kept, if any.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn public_url(&self) -> Result<Option<String>, StoreError> {
        Ok(self.kept_public_url().await?.map(|kept| kept.url))
    }

    async fn kept_public_url(&self) -> Result<Option<Kept>, StoreError> {
        read(&self.inner.engine, &self.inner.seal).await
    }

    /// Keeps the first public URL. The answer is the one that is kept: another one, if one was kept before.
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

    /// Keeps this public URL in the place of another one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when other nodes changed it again and again meanwhile.
    pub async fn change_public_url(&self, url: &str) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let mut batch = Batch::default();
            let sealed = self.sealed_url(url)?;
            match self.kept_public_url().await? {
                Some(kept) if kept.url == url => return Ok(()),
                Some(kept) => batch.push(REPLACE, values![NAME, sealed, kept.sealed], Expect::Rows(1)),
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
