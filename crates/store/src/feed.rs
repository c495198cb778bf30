//! The change feed: changes of other nodes are read every 250 ms and applied to the directories in memory. A node
//! whose last successful read began more than a second ago returns no directory.

use crate::{
    Store, StoreError, Weak,
    engine::{Engine, values},
    object,
};
use carnet_tenant::{
    change::{Change, Object},
    directory::Directory,
    registry::touched,
};
use carnet_wire::ids::TenantId;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time between two reads.
const EVERY: Duration = Duration::from_millis(250);
/// Maximum age of the last read for decisions.
const OLDEST: Duration = Duration::from_secs(1);

const VERSIONS: &str = "select id, version from tenant";
const CHANGED: &str = "select t.version, t.audit_head, o.kind, o.id, o.deleted, o.body from tenant t \
    left join object o on o.tenant_id = t.id and o.version > $2 and o.kind <> 'user' and o.kind <> 'installation' \
    where t.id = $1";

/// The time at which the last successful read was sent. `None` if no other process can change the store.
#[derive(Debug)]
pub(crate) struct Freshness(Mutex<Option<Instant>>);

impl Freshness {
    /// The freshness for an engine. Only an engine that other processes can change has to be read.
    pub(crate) fn of(engine: &Engine) -> Self {
        Self(Mutex::new(engine.shared().then(Instant::now)))
    }

    fn read_at(&self, sent: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    }

    /// Checks that the directories in memory are recent enough for decisions.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(sent) if sent.elapsed() > OLDEST => Err(StoreError::Stale),
            _ => Ok(()),
        }
    }
}

/// Reads until the store is closed.
pub(crate) async fn follow(store: Weak) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(store) = store.upgrade() else { return };
        if store.is_closed() {
            return;
        }
        if let Err(error) = store.read_feed().await {
            crate::log::away(
                "could not read the change feed; no tokens are issued until it can be read",
                &error,
            );
        }
    }
}

impl Store {
    /// Reads the changes of other nodes and the tenants that they created.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn read_feed(&self) -> Result<(), StoreError> {
        let sent = Instant::now();
        for row in self.inner.engine.read(VERSIONS, values![]).await? {
            let id = row.text(0).parse().map_err(|_| StoreError::Damaged("a tenant without an id".into()))?;
            match self.slot(id).map(|slot| slot.current.load().version) {
                Some(held) if held >= row.int(1) => {}
                Some(_) => drop(self.catch_up(id).await?),
                None => self.load(id).await?,
            }
        }
        self.inner.fresh.read_at(sent);
        Ok(())
    }

    /// Loads a whole tenant.
    pub(crate) async fn load(&self, id: TenantId) -> Result<(), StoreError> {
        let rows = self.inner.engine.read(CHANGED, values![id, 0]).await?;
        let mut tenant = None;
        let mut changes = Vec::new();
        for row in rows.iter().filter(|row| !row.text(2).is_empty() && row.int(4) == 0) {
            match object::decode(
                &self.inner.seal,
                id,
                row.text(2),
                row.text(3),
                row.bytes(5).unwrap_or_default(),
            )? {
                Object::Tenant(it) => tenant = Some(it),
                other => changes.push(Change::Put(other)),
            }
        }
        let tenant = tenant.ok_or_else(|| StoreError::Damaged(format!("tenant {id} has no body")))?;
        let mut directory = self.blank(tenant);
        let apps = touched(&directory, &changes);
        directory.apply(changes);
        let first = rows.first().ok_or_else(|| StoreError::Damaged(format!("tenant {id} is gone")))?;
        directory.version = first.int(0);
        directory.audit_head = head(id, first.bytes(1))?;
        self.hold(directory, &apps);
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner.closed.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Loads the changes in a tenant since the version in memory.
    pub(crate) async fn catch_up(&self, id: TenantId) -> Result<Option<Arc<Directory>>, StoreError> {
        let Some(slot) = self.slot(id) else { return Ok(None) };
        let held = slot.current.load_full();
        let rows = self.inner.engine.read(CHANGED, values![id, held.version]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let version = first.int(0);
        if version <= held.version {
            return Ok(Some(held));
        }
        let mut changes = Vec::new();
        for row in rows.iter().filter(|row| !row.text(2).is_empty()) {
            changes.push(match row.int(4) {
                0 => Change::Put(object::decode(
                    &self.inner.seal,
                    id,
                    row.text(2),
                    row.text(3),
                    row.bytes(5).unwrap_or_default(),
                )?),
                _ => Change::Remove(object::key(row.text(2), row.text(3))?),
            });
        }
        // The tenant object first, because the others refer to it.
        changes.sort_by_key(|change| !matches!(change, Change::Put(Object::Tenant(_))));
        let mut directory = (*held).clone();
        let apps = touched(&directory, &changes);
        directory.apply(changes);
        directory.version = version;
        directory.audit_head = head(id, first.bytes(1))?;
        Ok(Some(self.hold(directory, &apps)))
    }
}

fn head(id: TenantId, bytes: Option<&[u8]>) -> Result<[u8; 32], StoreError> {
    let bytes = bytes.unwrap_or_default();
    bytes.try_into().map_err(|_| StoreError::Damaged(format!("the audit of tenant {id} has no head")))
}
