//! Directory changes as one batch: the tenant's version is compared and raised by one, objects and their unique names
//! are written, and an audit entry is linked to the previous one. A change that was decided on an older version
//! fails.

use crate::{
    Once, Store, StoreError,
    audit::entry_digest,
    engine::{Batch, Expect, values},
    object,
};
use carnet_tenant::{
    change::{Audit, Change, Object, ObjectKey},
    directory::Directory,
    registry::touched,
    tenant::Tenant,
};
use carnet_wire::{ids::TenantId, time::Timestamp};
use std::sync::Arc;

const NEXT: &str =
    "update tenant set version = $2, audit_head = $3 where id = $1 and version = $4 and audit_head = $5";
const BEGIN: &str = "insert into tenant(id, version, audit_head, file_digest) values ($1, $2, $3, $4)";
const PUT: &str = "insert into object(tenant_id, kind, id, version, deleted, body) values ($1, $2, $3, $4, 0, $5) \
    on conflict (tenant_id, kind, id) do update set version = excluded.version, deleted = 0, body = excluded.body";
const DELETE: &str =
    "update object set version = $4, deleted = $5, body = $6 where tenant_id = $1 and kind = $2 and id = $3";
const DELETE_NAMES: &str = "delete from object_key where tenant_id = $1 and kind = $2 and id = $3";
const PUT_NAME: &str =
    "insert into object_key(scope, space, name, tenant_id, kind, id) values ($1, $2, $3, $4, $5, $6)";
const AUDIT: &str =
    "insert into audit(tenant_id, version, at, body, previous, digest) values ($1, $2, $3, $4, $5, $6)";
/// Scans all families once: users are seldom deleted, and an index by user would cost a page for each new family. The
/// expression on `tenant_id` keeps SQLite from using the index by application, which is six times slower here
/// (measured).
const REVOKE_USER: &str =
    "update family set revoked_at = $3 where user_id = $2 and tenant_id || '' = $1 and revoked_at = 0";
const REVOKE_APP: &str =
    "update family set revoked_at = $3 where tenant_id = $1 and app_id = $2 and revoked_at = 0";
const FILE: &str = "update tenant set file_digest = $2 where id = $1";

impl Store {
    /// Creates a tenant with its first objects. `file` is the digest of the tenant file they came from.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if its id or a domain is taken.
    pub async fn create_tenant(
        &self,
        (tenant, file): (Tenant, Option<&str>),
        changes: Vec<Change>,
        audit: Vec<Audit>,
        now: Timestamp,
    ) -> Result<Arc<Directory>, StoreError> {
        let tenant = Arc::new(tenant);
        let mut directory = self.blank(tenant.clone());
        let mut all = vec![Change::Put(Object::Tenant(tenant.clone()))];
        all.extend(changes.into_iter().filter(|it| !matches!(it, Change::Put(Object::Tenant(_)))));
        let (row, head) = audit_row(&directory, 1, &audit, now)?;
        let mut batch = Batch::default();
        batch.push(BEGIN, values![tenant.id, 1, &head[..], file.unwrap_or_default()], Expect::Rows(1));
        self.push_changes(&mut batch, &directory, 1, &all, now)?;
        batch.statements.push(row);
        self.inner.engine.write(batch).await?;
        let apps = touched(&directory, &all);
        directory.apply(all);
        (directory.version, directory.audit_head) = (1, head);
        Ok(self.hold(directory, &apps))
    }

    /// Applies changes that were decided on `seen`. `file` is the digest of the tenant file they came from.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the directory has changed since: read it and decide again. [`StoreError::Exists`]
    /// if a unique name is taken.
    pub async fn apply(
        &self,
        seen: &Directory,
        (changes, audit): (Vec<Change>, Vec<Audit>),
        now: Timestamp,
        file: Option<&str>,
    ) -> Result<Arc<Directory>, StoreError> {
        let mut more = Batch::default();
        if let Some(file) = file {
            more.push(FILE, values![seen.tenant.id, file], Expect::Rows(1));
        }
        self.apply_with(seen, (changes, audit), now, more).await
    }

    /// Applies changes that were decided on `seen`, and spends a single-use item in the same batch.
    ///
    /// # Errors
    /// [`StoreError::Spent`] if the item was used before; otherwise as [`Store::apply`].
    pub async fn apply_once(
        &self,
        seen: &Directory,
        (changes, audit): (Vec<Change>, Vec<Audit>),
        now: Timestamp,
        once: Once,
    ) -> Result<Arc<Directory>, StoreError> {
        let mut more = Batch::default();
        once.push(&mut more);
        match self.apply_with(seen, (changes, audit), now, more).await {
            Ok(directory) => Ok(directory),
            Err(error) => Err(self.distinguish_spent(error, Some(&once)).await),
        }
    }

    /// Applies changes that were decided on `seen`, with further statements in the same batch.
    pub(crate) async fn apply_with(
        &self,
        seen: &Directory,
        (changes, audit): (Vec<Change>, Vec<Audit>),
        now: Timestamp,
        more: Batch,
    ) -> Result<Arc<Directory>, StoreError> {
        let tenant = seen.tenant.id;
        let slot = self.slot(tenant).ok_or(StoreError::Conflict)?;
        let _turn = slot.turn.lock().await;
        let (version, next) = (seen.version, seen.version + 1);
        let (row, head) = audit_row(seen, next, &audit, now)?;
        let mut batch = Batch::default();
        let compare = values![tenant, next, &head[..], version, &seen.audit_head[..]];
        batch.push(NEXT, compare, Expect::Rows(1));
        self.push_changes(&mut batch, seen, next, &changes, now)?;
        batch.statements.push(row);
        batch.statements.extend(more.statements);
        if let Err(error) = self.inner.engine.write(batch).await {
            if error == StoreError::Conflict && self.inner.engine.shared() {
                // The caller will decide again, so the other node's change has to be in memory.
                self.catch_up(tenant).await?;
            }
            return Err(error);
        }
        let mut directory = seen.clone();
        let apps = touched(&directory, &changes);
        directory.apply(changes);
        (directory.version, directory.audit_head) = (next, head);
        Ok(self.hold(directory, &apps))
    }

    fn push_changes(
        &self,
        batch: &mut Batch,
        directory: &Directory,
        version: i64,
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = directory.tenant.id;
        for change in changes {
            match change {
                Change::Put(it) => self.push_put(batch, tenant, version, it)?,
                Change::Remove(key) => {
                    let (kind, id) = object::columns(key);
                    let none: &[u8] = &[];
                    batch.push(
                        DELETE,
                        values![tenant, kind, id.clone(), version, now, none],
                        Expect::Rows(1),
                    );
                    batch.push(DELETE_NAMES, values![tenant, kind, id], Expect::Any);
                    match key {
                        ObjectKey::User(user) => {
                            batch.push(REVOKE_USER, values![tenant, *user, now], Expect::Any);
                        }
                        ObjectKey::Application(id) => {
                            if let Some(application) = directory.application(*id) {
                                let app = application.app_id;
                                // Its tokens in other tenants are revoked too.
                                for tenant in self.inner.registry.copies(app).into_iter().chain([tenant]) {
                                    batch.push(REVOKE_APP, values![tenant, app, now], Expect::Any);
                                }
                            }
                        }
                        // Microsoft's own clients have no registration, so their tokens are revoked with the service
                        // principal.
                        ObjectKey::ServicePrincipal(id) => {
                            if let Some(principal) = directory.principal(*id) {
                                batch.push(REVOKE_APP, values![tenant, principal.app_id, now], Expect::Any);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn push_put(
        &self,
        batch: &mut Batch,
        tenant: TenantId,
        version: i64,
        it: &Object,
    ) -> Result<(), StoreError> {
        let (kind, id) = object::columns(&it.key());
        let body = object::encode(&self.inner.seal, tenant, it)?;
        batch.push(PUT, values![tenant, kind, id.clone(), version, body], Expect::Rows(1));
        let names = it.unique_names();
        if !names.is_empty() {
            batch.push(DELETE_NAMES, values![tenant, kind, id.clone()], Expect::Any);
        }
        for (space, name) in names {
            let (space, everywhere) = object::space(space);
            let scope = if everywhere { String::new() } else { tenant.to_string() };
            batch.push(PUT_NAME, values![scope, space, name, tenant, kind, id.clone()], Expect::Rows(1));
        }
        Ok(())
    }
}

/// The audit row of a version, and the digest to which the next row links.
fn audit_row(
    seen: &Directory,
    version: i64,
    audit: &[Audit],
    now: Timestamp,
) -> Result<(crate::engine::Statement, [u8; 32]), StoreError> {
    let body = serde_json::to_string(audit).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let head = entry_digest(seen.tenant.id, &seen.audit_head, version, &body);
    let values = values![seen.tenant.id, version, now, body, &seen.audit_head[..], &head[..]];
    Ok((crate::engine::Statement { sql: AUDIT, values, expect: Expect::Rows(1) }, head))
}
