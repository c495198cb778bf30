//! Seeing changes that other nodes made: a reading every quarter of a second, over a connection of its
//! own, of every tenant's version; what changed since is loaded into the snapshot. A node whose last
//! reading was sent more than a second ago gives no directory out.

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

/// Between readings.
const EVERY: Duration = Duration::from_millis(250);
/// A reading older than this is too old to decide on.
const OLDEST: Duration = Duration::from_secs(1);

const VERSIONS: &str = "select id, version from tenant";
const CHANGED: &str = "select t.version, t.audit_head, o.kind, o.id, o.deleted, o.body from tenant t \
    left join object o on o.tenant_id = t.id and o.version > $2 and o.kind <> 'user' and o.kind <> 'installation' \
    where t.id = $1";

/// When the last successful reading was sent. A store of one process needs none.
#[derive(Debug)]
pub(crate) struct Freshness(Mutex<Option<Instant>>);

impl Freshness {
    /// For an engine: shared ones have to be read.
    pub(crate) fn of(engine: &Engine) -> Self {
        Self(Mutex::new(engine.shared().then(Instant::now)))
    }

    fn read_at(&self, sent: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
    }

    /// What is in memory may be decided on.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(sent) if sent.elapsed() > OLDEST => Err(StoreError::Stale),
            _ => Ok(()),
        }
    }
}

/// Reads until the store is gone.
pub(crate) async fn follow(store: Weak) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(store) = store.upgrade() else { return };
        if store.is_closed() {
            return;
        }
        if let Err(error) = store.read_feed().await {
            crate::log::away("the change feed could not be read; nothing is issued until it can", &error);
        }
    }
}

impl Store {
    /// Reads at once what other nodes changed, and which tenants they made.
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
            let place = (row.text(2), row.text(3));
            match object::decode(&self.inner.seal, id, place, row.bytes(5).unwrap_or_default())? {
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

    /// Loads what changed in a tenant since the version that is held.
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
            let place = (row.text(2), row.text(3));
            changes.push(match row.int(4) {
                0 => Change::Put(object::decode(
                    &self.inner.seal,
                    id,
                    place,
                    row.bytes(5).unwrap_or_default(),
                )?),
                _ => Change::Remove(object::key(place)?),
            });
        }
        // The tenant's own body first: the rest hangs on it.
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
