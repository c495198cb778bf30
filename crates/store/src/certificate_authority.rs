//! The server's certificate authorities: one sealed list for the whole store, so that all nodes use the same ones.
//! The list is replaced as a whole, and only by a node that has read the newest one.

use crate::{
    KEEP_META, META, Store, StoreError,
    engine::{Batch, Expect, values},
};
use carnet_wire::{secret::SecretBytes, time::Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const NAME: &str = "certificate_authorities";
const REPLACE: &str = "update meta set value = $2 where name = $1 and value = $3";

/// A stored certificate authority.
#[derive(Debug, Clone)]
pub struct KeptAuthority {
    /// Names and addresses that its name constraints permit, besides the loopback addresses.
    pub hosts: Vec<String>,
    /// Creation time.
    pub made: Timestamp,
    /// The certificate in PEM.
    pub certificate: String,
    /// The private key in PKCS#8 DER.
    pub key: SecretBytes,
}

/// The list as it was read.
#[derive(Debug, Clone)]
pub struct KeptAuthorities {
    /// The authorities, oldest first.
    pub list: Vec<KeptAuthority>,
    /// The value of the row. `None` if there is no row.
    sealed: Option<Vec<u8>>,
}

/// A certificate authority in the sealed JSON.
#[derive(Serialize, Deserialize)]
struct AuthorityJson {
    hosts: Vec<String>,
    made: Timestamp,
    certificate: String,
    key: Vec<u8>,
}

impl Drop for AuthorityJson {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

impl Store {
    /// Reads the server's certificate authorities.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn certificate_authorities(&self) -> Result<KeptAuthorities, StoreError> {
        let rows = self.inner.engine.read(META, values![NAME]).await?;
        let Some(sealed) = rows.first().and_then(|row| row.bytes(0)).map(<[u8]>::to_vec) else {
            return Ok(KeptAuthorities { list: Vec::new(), sealed: None });
        };
        let text = Zeroizing::new(self.inner.seal.open(&["meta", NAME], &sealed)?);
        let written: Vec<AuthorityJson> =
            serde_json::from_slice(&text).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let list = written.into_iter().map(|mut it| KeptAuthority {
            hosts: std::mem::take(&mut it.hosts),
            made: it.made,
            certificate: std::mem::take(&mut it.certificate),
            key: SecretBytes::new(std::mem::take(&mut it.key)),
        });
        Ok(KeptAuthorities { list: list.collect(), sealed: Some(sealed) })
    }

    /// Replaces the list that was read as `seen`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] or [`StoreError::Exists`] if another node changed the list: read it again.
    pub async fn keep_certificate_authorities(
        &self,
        seen: &KeptAuthorities,
        list: &[KeptAuthority],
    ) -> Result<(), StoreError> {
        let written: Vec<AuthorityJson> = list
            .iter()
            .map(|it| AuthorityJson {
                hosts: it.hosts.clone(),
                made: it.made,
                certificate: it.certificate.clone(),
                key: it.key.expose().to_vec(),
            })
            .collect();
        let text = serde_json::to_vec(&written).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let sealed = self.inner.seal.seal(&["meta", NAME], &Zeroizing::new(text))?;
        let mut batch = Batch::default();
        match &seen.sealed {
            None => batch.push(KEEP_META, values![NAME, sealed], Expect::Rows(1)),
            Some(former) => batch.push(REPLACE, values![NAME, sealed, former.clone()], Expect::Rows(1)),
        }
        self.inner.engine.write(batch).await.map(drop)
    }
}
