//! The chain of sign-in records: each start of a node numbers and links its records, and each minute the
//! head goes into the audit of every tenant that got one. So a record that is taken away later shows, and
//! so does a whole tail of them.

use crate::{Store, StoreError};
use carnet_tenant::change::{Actor, Audit};
use carnet_wire::{digest, ids::TenantId, time::Timestamp};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Numbers that were given out and whose records were not kept are told apart up to so many a minute.
const VOID: usize = 4096;
/// How often a head is written again when another change was faster.
const TRIES: usize = 5;

/// The place of a record in its node's chain: number and digest.
pub(crate) type Link = (i64, [u8; 32]);

/// The chain of one start of a node.
#[derive(Default)]
pub(crate) struct Chain(Mutex<State>);

#[derive(Default, Clone)]
struct State {
    head: Link,
    touched: BTreeSet<TenantId>,
    void: Vec<Link>,
}

impl Chain {
    /// The next link, over a record's text.
    pub(crate) fn link(&self, tenant: TenantId, body: &str) -> Link {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.head.0 + 1;
        state.head = (number, digest::sha256(&[&state.head.1, &number.to_be_bytes(), body.as_bytes()]));
        state.touched.insert(tenant);
        state.head
    }

    /// The record of this link was not kept: whoever checks the chain learns its digest from the audit.
    pub(crate) fn void(&self, link: Link) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.void.len() < VOID {
            state.void.push(link);
        }
    }

    /// What is to be written down, which begins anew.
    fn take(&self) -> State {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = State { head: state.head, ..State::default() };
        std::mem::replace(&mut *state, empty)
    }

    /// What could not be written down waits for the next time.
    fn give_back(&self, tenant: TenantId, void: &[Link]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.touched.insert(tenant);
        let missing: Vec<Link> = void.iter().filter(|link| !state.void.contains(link)).copied().collect();
        state.void.extend(missing);
        state.void.truncate(VOID);
    }
}

impl Store {
    /// Writes the head of this node's record chain into the audit of every tenant that got a record since
    /// the last time.
    ///
    /// # Errors
    /// The first [`StoreError`]; what is missing is written the next time.
    pub async fn attest_records(&self, now: Timestamp) -> Result<(), StoreError> {
        let taken = self.inner.chain.take();
        let mut told = Ok(());
        for tenant in taken.touched {
            if let Err(error) = self.attest(tenant, taken.head, &taken.void, now).await {
                self.inner.chain.give_back(tenant, &taken.void);
                told = told.and(Err(error));
            }
        }
        told
    }

    async fn attest(
        &self,
        tenant: TenantId,
        head: Link,
        void: &[Link],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let link = |link: &Link| format!("{}:{}", link.0, digest::hex(&link.1));
        let node = &self.inner.node;
        let audit = Audit {
            activity: "Attest sign-in records".into(),
            actor: Actor::Node { node: node.clone() },
            target: ("node".into(), node.clone(), String::new()),
            modified: vec![
                ("head".into(), String::new(), link(&head)),
                ("void".into(), String::new(), void.iter().map(link).collect::<Vec<_>>().join(" ")),
            ],
        };
        let mut last = Ok(());
        for _ in 0..TRIES {
            let Some(seen) = self.directory(tenant).await? else { return Ok(()) };
            last = self.apply(&seen, (Vec::new(), vec![audit.clone()]), now, None).await.map(drop);
            if last != Err(StoreError::Conflict) {
                break;
            }
        }
        last
    }
}
