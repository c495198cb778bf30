//! Directory changes as one batch: the tenant's number goes up by one, objects and their unique names
//! follow, the audit row links to the one before. Whoever decided on an older number loses.

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
const BURY: &str =
    "update object set version = $4, deleted = $5, body = $6 where tenant_id = $1 and kind = $2 and id = $3";
const FORGET: &str = "delete from object_key where tenant_id = $1 and kind = $2 and id = $3";
const NAME: &str =
    "insert into object_key(scope, space, name, tenant_id, kind, id) values ($1, $2, $3, $4, $5, $6)";
const AUDIT: &str =
    "insert into audit(tenant_id, version, at, body, previous, digest) values ($1, $2, $3, $4, $5, $6)";
/// Reads every family once: accounts are seldom removed, and an index by user would cost each new family a page. With
/// the tenant as it stands SQLite would go through the index by application, six times as slowly.
const REVOKE_USER: &str =
    "update family set revoked_at = $3 where user_id = $2 and tenant_id || '' = $1 and revoked_at = 0";
const REVOKE_APP: &str =
    "update family set revoked_at = $3 where tenant_id = $1 and app_id = $2 and revoked_at = 0";
const FILE: &str = "update tenant set file_digest = $2 where id = $1";

impl Store {
    /// Makes a tenant with its first objects. `file` marks the tenant file they came from.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when its id or a domain is taken.
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
        self.push_changes(&mut batch, &directory, 1, (&all, now))?;
        batch.statements.push(row);
        self.inner.engine.write(batch).await?;
        let apps = touched(&directory, &all);
        directory.apply(all);
        (directory.version, directory.audit_head) = (1, head);
        Ok(self.hold(directory, &apps))
    }

    /// Applies changes that were decided on `seen`. `file` marks the tenant file they came from.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the directory went on meanwhile: gather and decide again.
    /// [`StoreError::Exists`] when a unique name is taken.
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

    /// Applies changes that were decided on `seen`, together with the use of what may be used once.
    ///
    /// # Errors
    /// [`StoreError::Spent`] when there was an earlier use; the rest as [`Store::apply`].
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
            Err(error) => Err(self.told_apart(error, Some(&once)).await),
        }
    }

    /// The same, with further statements in the batch.
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
        self.push_changes(&mut batch, seen, next, (&changes, now))?;
        batch.statements.push(row);
        batch.statements.extend(more.statements);
        if let Err(error) = self.inner.engine.write(batch).await {
            if error == StoreError::Conflict && self.inner.engine.shared() {
                // Whoever decides again decides on what the other node made.
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
        (changes, now): (&[Change], Timestamp),
    ) -> Result<(), StoreError> {
        let tenant = directory.tenant.id;
        for change in changes {
            match change {
                Change::Put(it) => self.push_put(batch, tenant, version, it)?,
                Change::Remove(key) => {
                    let (kind, id) = object::columns(key);
                    let none: &[u8] = &[];
                    batch.push(BURY, values![tenant, kind, id.clone(), version, now, none], Expect::Rows(1));
                    batch.push(FORGET, values![tenant, kind, id], Expect::Any);
                    match key {
                        ObjectKey::User(user) => {
                            batch.push(REVOKE_USER, values![tenant, *user, now], Expect::Any);
                        }
                        ObjectKey::Application(id) => {
                            if let Some(application) = directory.application(*id) {
                                let app = application.app_id;
                                // What it got in other tenants goes with it.
                                for tenant in self.inner.registry.copies(app).into_iter().chain([tenant]) {
                                    batch.push(REVOKE_APP, values![tenant, app, now], Expect::Any);
                                }
                            }
                        }
                        // A client of Microsoft's own has no registration; its tokens hang on this alone.
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
            batch.push(FORGET, values![tenant, kind, id.clone()], Expect::Any);
        }
        for (space, name) in names {
            let (space, everywhere) = object::space(space);
            let scope = if everywhere { String::new() } else { tenant.to_string() };
            batch.push(NAME, values![scope, space, name, tenant, kind, id.clone()], Expect::Rows(1));
        }
        Ok(())
    }
}

/// The audit row of a version, and the digest that the next one links to.
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
