//! Reads the facts that a decision about a token request needs. Client credentials need no read. A password needs one
//! batch, which also reserves the attempt. A refresh token or a code needs one read, one more if its user is not
//! cached, and one for the account's lock while any account of the tenant is locked.

use crate::{
    Store, StoreError,
    artifact::{CODE, DEVICE, code_digest, text_digest},
    attempt::{self, Account, Arrival, AttemptCounter},
    engine::{Batch, Expect, Row, values},
    object,
};
use carnet_tenant::{
    change::Object,
    directory::Directory,
    lockout::{Attempt, AttemptPurpose},
    tenant::Policy,
    token::{Facts, Instead},
    user::{self, User},
};
use carnet_wire::{
    authority::TenantName,
    ids::{ObjectId, TenantId},
    jose::Jws,
    secret::{Password, RefreshToken},
    time::Timestamp,
    token::request::{Grant, TokenRequest},
};
use std::{net::IpAddr, sync::Arc};

const USER_NAMED: &str = "select o.id, o.body from object_key k \
    join object o on o.tenant_id = k.tenant_id and o.kind = k.kind and o.id = k.id \
    where k.scope = $1 and k.space = 'user' and k.name = $2 and o.deleted = 0";
const USER: &str =
    "select id, body from object where tenant_id = $1 and kind = 'user' and id = $2 and deleted = 0";
const USERS: &str = "select id, body from object \
    where tenant_id = $1 and kind = 'user' and id > $2 and deleted = 0 order by id limit $3";
/// Up to ten users by id; unused parameters are empty.
const USERS_WITH: &str = "select id, body from object where tenant_id = $1 and kind = 'user' and deleted = 0 \
    and id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const USERS_AT_ONCE: usize = 10;
const INSTALLATION: &str =
    "select id, body from object where tenant_id = $1 and kind = 'installation' and id = $2 and deleted = 0";

/// The digest under which a refresh token is stored.
#[must_use]
pub fn refresh_digest(token: &RefreshToken) -> [u8; 32] {
    text_digest("refresh", token.expose())
}

/// The user of an artifact, and whether any account of the tenant is locked.
#[derive(Default)]
pub(crate) struct Owner {
    pub(crate) user: Option<Arc<User>>,
    pub(crate) some_locked: bool,
}

/// The user whom the claims of a token name, before verification.
fn named_user(jws: &Jws<'_>) -> Option<ObjectId> {
    jws.unverified_claims().get("oid")?.as_str()?.parse().ok()
}

impl Store {
    /// The facts for a token request. `None` if there is no such tenant.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn facts_for(
        &self,
        name: &TenantName,
        request: &TokenRequest,
        (address, now): (IpAddr, Timestamp),
    ) -> Result<Option<Facts>, StoreError> {
        let Some(directory) = self.directory_for(name, request).await? else { return Ok(None) };
        let mut facts = Facts {
            directory,
            user: None,
            elsewhere: false,
            attempt: Attempt::None,
            refresh: None,
            instead: Instead::Nothing,
            code: None,
            device: None,
        };
        let directory = facts.directory.clone();
        let tenant = directory.tenant.id;
        // Unless a read says that no account is locked, the account's lock is read.
        let mut owner = Owner { user: None, some_locked: true };
        match &request.grant {
            Grant::ClientCredentials => {}
            Grant::Password { username, password } => {
                let key = user::fold(username);
                facts.elsewhere = self.elsewhere(tenant, &key);
                let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key: &key };
                (facts.attempt, owner.user) = self.reserve(&counter, password, (address, now)).await?;
            }
            Grant::RefreshToken { token } => {
                (facts.refresh, owner) = self.refresh(&directory, token, now).await?;
                if facts.refresh.is_none() {
                    facts.instead = self.instead(token.expose(), "refresh").await?;
                }
            }
            Grant::AuthorizationCode { code, .. } => {
                (facts.code, owner) = self.code(&directory, code, now).await?;
                if facts.code.is_none() {
                    facts.instead = self.instead(code.expose(), CODE).await?;
                }
            }
            Grant::DeviceCode { code } => {
                (facts.device, owner) = self.device(&directory, code, now).await?;
            }
            Grant::OnBehalfOf { assertion } => {
                // The token is verified later; here it only says which user to read.
                if let Some(id) = Jws::parse(assertion.expose()).ok().and_then(|jws| named_user(&jws)) {
                    owner.user = self.cached_user(&directory, id).await?;
                }
            }
        }
        if let (Some(user), Attempt::None, true) = (&owner.user, facts.attempt, owner.some_locked) {
            facts.attempt = self.locked(tenant, &user.name_key, (address, now)).await?;
        }
        facts.user = owner.user;
        Ok(Some(facts))
    }

    /// The tenant in the path. For an alias, the tenant of the user's domain or of the artifact.
    async fn directory_for(
        &self,
        name: &TenantName,
        request: &TokenRequest,
    ) -> Result<Option<Arc<Directory>>, StoreError> {
        if !name.is_alias() {
            return self.directory_named(name).await;
        }
        let domain = match &request.grant {
            Grant::Password { username, .. } => {
                username.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
            }
            Grant::RefreshToken { token } => {
                return self.directory_of("refresh", &refresh_digest(token)).await;
            }
            Grant::AuthorizationCode { code, .. } => {
                return self.directory_of(CODE, &code_digest(code)).await;
            }
            Grant::DeviceCode { code } => {
                return self.directory_of(DEVICE, &text_digest(DEVICE, code.expose())).await;
            }
            Grant::ClientCredentials | Grant::OnBehalfOf { .. } => None,
        };
        match domain {
            Some(domain) => self.directory_named(&TenantName::Domain(domain)).await,
            None => Ok(None),
        }
    }

    /// Classifies a text that was sent as a code or refresh token but is none of the requested tenant.
    async fn instead(&self, text: &str, shown_as: &str) -> Result<Instead, StoreError> {
        const KIND: &str = "select kind from artifact where (digest = $1 and kind = 'code') or (digest = $2 and kind = 'refresh')";
        let code = text_digest(CODE, text);
        let refresh = text_digest("refresh", text);
        let rows = self.inner.engine.read(KIND, values![&code[..], &refresh[..]]).await?;
        Ok(match rows.first().map(|row| row.text(0)) {
            None => Instead::Nothing,
            Some(kind) if kind == shown_as => Instead::OtherTenant,
            Some(_) => Instead::OtherKind,
        })
    }

    /// The directory of the tenant in which an artifact is stored.
    async fn directory_of(
        &self,
        kind: &str,
        digest: &[u8; 32],
    ) -> Result<Option<Arc<Directory>>, StoreError> {
        const TENANT: &str = "select tenant_id from artifact where digest = $1 and kind = $2";
        let rows = self.inner.engine.read(TENANT, values![&digest[..], kind]).await?;
        match rows.first().and_then(|row| row.text(0).parse().ok()) {
            Some(id) => self.directory(id).await,
            None => Ok(None),
        }
    }

    /// Reserves an attempt before the guess is evaluated, and reads the account with this name in the same batch.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn reserve(
        &self,
        counter: &AttemptCounter<'_>,
        guess: &Password,
        from: (IpAddr, Timestamp),
    ) -> Result<(Attempt, Option<Arc<User>>), StoreError> {
        let account = Account::new(&self.inner.seal, counter);
        let mut batch = Batch::default();
        let reserved =
            attempt::reserve(&mut batch, &self.inner.seal, &account, guess, &self.arrival(counter, from));
        let read = batch.statements.len();
        batch.push(USER_NAMED, values![counter.tenant, counter.key], Expect::Any);
        let answers = self.inner.engine.write(batch).await?;
        let row = |at: usize| answers.get(at).and_then(|rows| rows.first());
        let user = row(read).map(|row| self.user_of(counter.tenant, row)).transpose()?;
        Ok((row(reserved).map_or(Attempt::SourceLimited, attempt::outcome), user))
    }

    /// Whether an account is locked for a source, without an attempt.
    async fn locked(
        &self,
        tenant: TenantId,
        key: &str,
        from: (IpAddr, Timestamp),
    ) -> Result<Attempt, StoreError> {
        let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key };
        let account = Account::new(&self.inner.seal, &counter);
        let (sql, values) = attempt::locked(&account, &self.arrival(&counter, from));
        let rows = self.inner.engine.read(sql, values).await?;
        Ok(rows.first().map_or(Attempt::None, |row| Attempt::Locked(Timestamp::from_millis(row.int(0)))))
    }

    /// Clears the failed attempts of a source at an account, after a successful one.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn forgive(
        &self,
        counter: &AttemptCounter<'_>,
        from: (IpAddr, Timestamp),
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let account = Account::new(&self.inner.seal, counter);
        attempt::clear(&mut batch, &account, &self.arrival(counter, from));
        self.inner.engine.write(batch).await.map(drop)
    }

    /// Clears all failed attempts at a user's password and second factor, because an administrator unlocks the
    /// account.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn unlock(&self, tenant: TenantId, key: &str) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for purpose in [AttemptPurpose::Password, AttemptPurpose::SecondFactor] {
            let counter = AttemptCounter { tenant, purpose, key };
            attempt::unlock(&mut batch, &Account::new(&self.inner.seal, &counter));
        }
        self.inner.engine.write(batch).await.map(drop)
    }

    /// The source and time of an attempt, with the tenant's policy for it.
    pub(crate) fn arrival(
        &self,
        counter: &AttemptCounter<'_>,
        (address, now): (IpAddr, Timestamp),
    ) -> Arrival {
        match self.slot(counter.tenant) {
            Some(slot) => Arrival::new(&slot.current.load().tenant.policy, address, now),
            None => Arrival::new(&Policy::default(), address, now),
        }
    }

    fn user_of(&self, tenant: TenantId, row: &Row) -> Result<Arc<User>, StoreError> {
        self.decode_user(tenant, row.text(0), row.bytes(1).unwrap_or_default())
    }

    fn decode_user(&self, tenant: TenantId, id: &str, body: &[u8]) -> Result<Arc<User>, StoreError> {
        match object::decode(&self.inner.seal, tenant, "user", id, body)? {
            Object::User(user) => Ok(user),
            _ => Err(StoreError::Damaged(format!("the row of user {id} has an object of another kind"))),
        }
    }

    /// Reads a user by id.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn user(&self, tenant: TenantId, id: ObjectId) -> Result<Option<Arc<User>>, StoreError> {
        let rows = self.inner.engine.read(USER, values![tenant, id]).await?;
        rows.first().map(|row| self.user_of(tenant, row)).transpose()
    }

    /// Reads a user by canonical name.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn user_named(&self, tenant: TenantId, key: &str) -> Result<Option<Arc<User>>, StoreError> {
        let rows = self.inner.engine.read(USER_NAMED, values![tenant, key]).await?;
        rows.first().map(|row| self.user_of(tenant, row)).transpose()
    }

    /// Reads at most `limit` users whose ids follow `after`, ordered by id.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn users(
        &self,
        tenant: TenantId,
        after: Option<ObjectId>,
        limit: i64,
    ) -> Result<Vec<Arc<User>>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.inner.engine.read(USERS, values![tenant, after, limit]).await?;
        rows.iter().map(|row| self.user_of(tenant, row)).collect()
    }

    /// Reads users by id, in no particular order, with one statement for every ten.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn users_with(&self, tenant: TenantId, ids: &[ObjectId]) -> Result<Vec<Arc<User>>, StoreError> {
        let mut list = Vec::new();
        for chunk in ids.chunks(USERS_AT_ONCE) {
            let mut values = values![tenant];
            values.extend(chunk.iter().map(|id| id.to_string().into()));
            values.resize(USERS_AT_ONCE + 1, String::new().into());
            let rows = self.inner.engine.read(USERS_WITH, values).await?;
            for row in &rows {
                list.push(self.user_of(tenant, row)?);
            }
        }
        Ok(list)
    }

    /// Reads an installation by id.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn installation(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<Arc<carnet_tenant::package::Installation>>, StoreError> {
        let rows = self.inner.engine.read(INSTALLATION, values![tenant, id]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let body = row.bytes(1).unwrap_or_default();
        match object::decode(&self.inner.seal, tenant, "installation", row.text(0), body)? {
            Object::Installation(it) => Ok(Some(it)),
            _ => Err(StoreError::Damaged(format!(
                "the row of installation {id} has an object of another kind"
            ))),
        }
    }
}
