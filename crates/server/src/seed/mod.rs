//! Seeding: applies tenant files through the same rules that requests go through, as the operator. A
//! file is applied only when it changed, so a start costs no password hashing.

mod assignments;
mod claims;
mod draft;
mod groups;
mod load;
mod objects;
mod people;

pub use load::{Loaded, read};

use crate::start::{AdminPassword, FirstAdmin, FirstAdministrator};
use carnet_http::{
    copies,
    work::hash::{Hasher, Whose},
};
use carnet_os::private::{self, Readers};
use carnet_store::{Store, StoreError};
use carnet_tenant::{
    change::Moment,
    credential::{Guarded, PasswordHash},
    directory::Directory,
    refusal::Refusal,
    service_principal::{self, Restoration, Restored},
    tenant::Tenant,
    user::{self, User, check_password},
};
use carnet_wire::{
    authority::TenantName,
    entropy::Entropy,
    ids::TenantId,
    secret::{ClientSecret, Password},
    tenant_file::{TenantFile, UserTable},
    time::Timestamp,
};
use draft::Draft;
use std::{net::IpAddr, path::PathBuf, sync::Arc};

/// What was done to one object of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It was not there.
    Created,
    /// It was there and is now as the file says.
    Changed,
    /// It was as the file says.
    Unchanged,
}

impl Did {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What applying a file did.
#[derive(Debug)]
pub struct Applied {
    /// The file.
    pub path: PathBuf,
    /// The tenant.
    pub tenant: TenantId,
    /// Its domain.
    pub domain: String,
    /// Kind, name and what was done; empty when the file had been applied before.
    pub report: Vec<(&'static str, String, Did)>,
    /// Secrets that were generated, with application and name: to be shown once.
    pub generated: Vec<(String, String, ClientSecret)>,
}

/// A built-in service principal that a start restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredIn {
    /// The tenant's domain.
    pub domain: String,
    /// Which, and what was done.
    pub what: Restored,
}

impl std::fmt::Display for RestoredIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Restored { display_name, app_id, how } = &self.what;
        write!(f, "{}: the built-in service principal {display_name} ({app_id}) ", self.domain)?;
        match how {
            Restoration::Created => f.write_str(
                "was missing and has been created; if it was deleted, grants that named it are not restored",
            ),
            Restoration::Reset => {
                f.write_str("had been disabled, restricted or given an owner, and is as built in again")
            }
            Restoration::Updated => f.write_str("now publishes what this version of Carnet knows"),
            Restoration::NameTaken { name, holder } => write!(
                f,
                "is missing and could not be created: its name {name} belongs to {holder}; remove that \
                 identifier URI and start again"
            ),
        }
    }
}

/// Why a file is not applied. Nothing of it is.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file, or one that it names, cannot be read.
    #[error("the tenant file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What is wrong and where.
        cause: String,
    },
    /// A rule refuses one of its objects.
    #[error("the tenant file {path}, {object}: {refusal}")]
    Refused {
        /// The file.
        path: String,
        /// Kind and name.
        object: String,
        /// Why.
        refusal: Refusal,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is neither a tenant nor a place to show a first password.
    #[error("there is no tenant yet, and no administrator's password may be made here: give a tenant file")]
    NoAdmin,
    /// The generated password could not be written.
    #[error("the first administrator's password cannot be written to {path}: {cause}")]
    PasswordFile {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
}

/// Applies files to a store.
pub struct Seeding<'a> {
    /// Where to.
    pub store: &'a Store,
    /// For passwords.
    pub hasher: &'a Hasher,
    /// For ids, salts and generated secrets.
    pub entropy: &'a dyn Entropy,
    /// Now.
    pub now: Timestamp,
    /// Somebody will see generated secrets.
    pub show: bool,
}

/// What the store knew of a user of the file, and the hash of a password that is new.
pub(super) struct Known {
    pub(super) user: Option<Arc<User>>,
    pub(super) hash: Option<PasswordHash>,
}

/// How often a file is decided on again when another node was faster.
const TRIES: usize = 5;
/// Hashes asked for at once; the queue takes no more from one place.
const AT_ONCE: usize = 8;

impl Seeding<'_> {
    /// Applies each file that changed since it was last applied.
    ///
    /// # Errors
    /// [`SeedError`]; files before the failing one stay applied.
    pub async fn apply(&self, files: Vec<Loaded>) -> Result<Vec<Applied>, SeedError> {
        let mut all = Vec::new();
        for file in files {
            all.push(self.apply_one(&file).await?);
        }
        Ok(all)
    }

    /// Makes the first tenant of a store that has none: a random id, the domain `contoso.example` and one
    /// Global Administrator. Gives their name and where their password is.
    ///
    /// # Errors
    /// [`SeedError`]
    pub async fn first_tenant(&self, admin: &FirstAdmin) -> Result<Option<FirstAdministrator>, SeedError> {
        if !self.store.tenants().is_empty() {
            return Ok(None);
        }
        let generate = || Password::new(self.entropy.client_secret().expose().chars().take(20).collect());
        let name = "admin@contoso.example".to_owned();
        let (password, kept) = match admin {
            FirstAdmin::Refuse => return Err(SeedError::NoAdmin),
            FirstAdmin::Password(password) => (password.clone(), AdminPassword::Given),
            FirstAdmin::Generate => {
                let password = generate();
                (password.clone(), AdminPassword::Generated(password))
            }
            FirstAdmin::Write(path) => (generate(), AdminPassword::Written(path.clone())),
        };
        // Written before the tenant is made, so that no tenant has a password that nobody knows.
        if let AdminPassword::Written(path) = &kept {
            let text = serde_json::json!({ &name: password.expose() }).to_string() + "\n";
            private::replace(path, text.as_bytes(), Readers::Owner).map_err(|error| {
                SeedError::PasswordFile { path: path.display().to_string(), cause: error.to_string() }
            })?;
        }
        let text = format!(
            "version = 1\n[tenant]\ndomain = \"contoso.example\"\nname = \"Contoso\"\n[[user]]\nname = \"{name}\"\n\
             display_name = \"Administrator\"\nroles = [\"Global Administrator\"]\n"
        );
        let mut file = TenantFile::parse(&text).map_err(|error| SeedError::File {
            path: "of the first tenant".into(),
            cause: error.to_string(),
        })?;
        if let Some(user) = file.users.first_mut() {
            user.password = Some(password.clone());
        }
        let loaded =
            Loaded { path: "(first start)".into(), file, digested: Vec::new(), certificates: Vec::new() };
        // Of nodes that start at once one makes the tenant, and its password is the administrator's.
        let applied = self.apply_one(&loaded).await;
        let made = applied.as_ref().is_ok_and(|applied| !applied.report.is_empty());
        if let (AdminPassword::Written(path), false) = (&kept, made) {
            let _ = std::fs::remove_file(path);
        }
        applied.map(|_| made.then_some(FirstAdministrator { name, password: kept }))
    }

    /// Brings the built-in service principals of every tenant back to what they are in every tenant.
    ///
    /// # Errors
    /// [`SeedError::Store`]
    pub async fn restore_built_in(&self) -> Result<Vec<RestoredIn>, SeedError> {
        let mut all = Vec::new();
        for tenant in self.store.tenants() {
            let domain = tenant.domains.first().cloned().unwrap_or_default();
            let restored = self.restore_built_in_of(tenant.id).await?;
            all.extend(restored.into_iter().map(|what| RestoredIn { domain: domain.clone(), what }));
        }
        Ok(all)
    }

    async fn restore_built_in_of(&self, tenant: TenantId) -> Result<Vec<Restored>, SeedError> {
        for _ in 0..TRIES {
            let Some(directory) = self.store.directory(tenant).await? else { return Ok(Vec::new()) };
            let at = Moment { now: self.now, entropy: self.entropy };
            let decided = service_principal::restore_built_in(&directory, &at);
            if decided.changes.is_empty() {
                return Ok(decided.value);
            }
            match self.store.apply(&directory, (decided.changes, decided.audit), self.now, None).await {
                Ok(_) => return Ok(decided.value),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn apply_one(&self, loaded: &Loaded) -> Result<Applied, SeedError> {
        let digest = self.store.file_digest(&loaded.digested);
        for _ in 0..TRIES {
            let directory = self.tenant_of(loaded).await?;
            if let Some(directory) = &directory
                && self.store.applied_file(directory.tenant.id).await? == digest
            {
                return Ok(done(loaded, &directory.tenant, Draft::nothing()));
            }
            let known = self.gather(loaded, directory.as_deref()).await?;
            let at = Moment { now: self.now, entropy: self.entropy };
            let draft =
                draft::decide(loaded, (directory.as_deref(), self.store), known, (&digest, &at, self.show))
                    .map_err(|(object, refusal)| SeedError::Refused { path: text(loaded), object, refusal })?;
            let tenant = draft.directory.tenant.clone();
            let kept = match &directory {
                Some(seen) => {
                    let decided = (draft.changes.clone(), draft.audit.clone());
                    self.store.apply(seen, decided, self.now, Some(&digest)).await
                }
                None => {
                    let changes = draft.changes.clone();
                    let begun = (Tenant::clone(&tenant), Some(digest.as_str()));
                    self.store.create_tenant(begun, changes, draft.audit.clone(), self.now).await
                }
            };
            match kept {
                Ok(_) => {
                    copies::publish(self.store, copies::changed(&draft.changes), self.now).await;
                    return Ok(done(loaded, &tenant, draft));
                }
                Err(StoreError::Conflict) => {}
                Err(StoreError::Exists) if directory.is_none() && self.made_elsewhere(loaded).await? => {}
                Err(StoreError::Exists) => {
                    let cause =
                        "an id, a domain, a user name or an identifier URI in it belongs to another object"
                            .into();
                    return Err(SeedError::File { path: text(loaded), cause });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Whether another node made the tenant of the file meanwhile.
    async fn made_elsewhere(&self, loaded: &Loaded) -> Result<bool, SeedError> {
        self.store.read_feed().await?;
        Ok(self.tenant_of(loaded).await?.is_some())
    }

    /// The tenant that the file speaks of, by id or else by domain.
    async fn tenant_of(&self, loaded: &Loaded) -> Result<Option<Arc<Directory>>, SeedError> {
        let table = &loaded.file.tenant;
        let named = TenantName::Domain(table.domain.to_lowercase());
        let by_domain = self.store.directory_named(&named).await?;
        let Some(id) = table.id else { return Ok(by_domain) };
        if by_domain.is_some_and(|found| found.tenant.id != id) {
            let cause = format!("tenant.domain `{}` belongs to another tenant of this store", table.domain);
            return Err(SeedError::File { path: text(loaded), cause });
        }
        Ok(self.store.directory(id).await?)
    }

    /// Looks the file's users up and hashes the passwords that are new.
    async fn gather(&self, loaded: &Loaded, directory: Option<&Directory>) -> Result<Vec<Known>, SeedError> {
        let mut known = Vec::new();
        for chunk in loaded.file.users.chunks(AT_ONCE) {
            let each = chunk.iter().map(|table| self.know(table, directory.map(|it| it.tenant.id)));
            for (table, result) in chunk.iter().zip(futures_util::future::join_all(each).await) {
                known.push(result.map_err(|error| match error {
                    Unknown::Store(error) => error.into(),
                    Unknown::Refused(refusal) => SeedError::Refused {
                        path: text(loaded),
                        object: format!("user `{}`", table.name),
                        refusal,
                    },
                })?);
            }
        }
        Ok(known)
    }

    async fn know(&self, table: &UserTable, tenant: Option<TenantId>) -> Result<Known, Unknown> {
        let user = match tenant {
            Some(tenant) => self.store.user_named(tenant, &user::fold(&table.name)).await?,
            None => None,
        };
        let Some(password) = &table.password else { return Ok(Known { user, hash: None }) };
        check_password(password, &table.name).map_err(Unknown::Refused)?;
        let key = user::fold(&table.name);
        let whose = Whose { account: (b"seed", &key), address: IpAddr::from([127, 0, 0, 1]) };
        let busy = |_| Unknown::Refused(Refusal::Busy { seconds: 1 });
        if let Some(stored) = user.as_ref().and_then(|it| it.password.as_ref()) {
            let stored = Some(stored.0.expose().to_owned());
            if self.hasher.verify(password, stored, self.salt(), whose).await.map_err(busy)?.right {
                return Ok(Known { user, hash: None });
            }
        }
        let hash = self.hasher.hash(password, self.salt(), whose).await.map_err(busy)?;
        Ok(Known { user, hash: Some(PasswordHash(Guarded::new(hash))) })
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        salt
    }
}

enum Unknown {
    Store(StoreError),
    Refused(Refusal),
}

impl From<StoreError> for Unknown {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn text(loaded: &Loaded) -> String {
    loaded.path.display().to_string()
}

fn done(loaded: &Loaded, tenant: &Tenant, draft: impl Into<draft::Outcome>) -> Applied {
    let outcome = draft.into();
    Applied {
        path: loaded.path.clone(),
        tenant: tenant.id,
        domain: tenant.domains.first().cloned().unwrap_or_default(),
        report: outcome.report,
        generated: outcome.generated,
    }
}
