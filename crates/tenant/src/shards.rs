//! An ordered map that is cheap to copy: 256 shared shards, of which a change copies one.
//!
//! The in-memory snapshot of a tenant is made of these: readers hold an old one as long as they like,
//! and a change among 100,000 entries copies some 400 (`style.md`, section 3).

use crate::{
    directory::MemberKey,
    group::MembershipKey,
    permission_grant::{AssignmentKey, GrantKey},
    role::RoleKey,
};
use carnet_wire::ids::{AppId, ObjectId};
use std::{collections::BTreeMap, fmt, ops::Bound, sync::Arc};

/// A key that knows its shard. Keys that must be listed in order say their leading byte.
pub trait ShardKey: Ord + Clone {
    /// The shard of this key.
    fn shard(&self) -> u8;
}

/// One of the parts; `None` is empty.
type Shard<K, V> = Option<Arc<BTreeMap<K, V>>>;

/// The map.
#[derive(Clone)]
pub struct Shards<K, V> {
    shards: Arc<Vec<Shard<K, V>>>,
    len: usize,
}

impl<K: ShardKey, V: Clone> Shards<K, V> {
    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.shard(key.shard())?.get(key)
    }

    /// Puts an entry in and gives back the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = self.shard_mut(key.shard()).insert(key, value);
        self.len += usize::from(old.is_none());
        old
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.get(key)?;
        let old = self.shard_mut(key.shard()).remove(key);
        self.len -= usize::from(old.is_some());
        old
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, by shard and then by key: for ids that is the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flatten().flat_map(|shard| shard.iter())
    }

    /// The entries after `key`, in the order of [`Shards::iter`]; all of them without a key.
    pub fn after(&self, key: Option<K>) -> impl Iterator<Item = (&K, &V)> {
        let first = key.as_ref().map_or(0, |key| usize::from(key.shard()));
        let start = key.map_or(Bound::Unbounded, Bound::Excluded);
        let head = self.shards.get(first).and_then(Option::as_ref);
        let head = head.into_iter().flat_map(move |shard| shard.range((start.clone(), Bound::Unbounded)));
        head.chain(self.shards.iter().skip(first + 1).flatten().flat_map(|shard| shard.iter()))
    }

    /// The entries from `from` on, within its shard, while `take` holds.
    pub fn range<'a>(
        &'a self,
        from: K,
        take: impl Fn(&K) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a K, &'a V)> {
        let shard = self.shard(from.shard());
        shard
            .into_iter()
            .flat_map(move |shard| shard.range(from.clone()..))
            .take_while(move |(key, _)| take(key))
    }

    fn shard(&self, number: u8) -> Option<&Arc<BTreeMap<K, V>>> {
        self.shards.get(usize::from(number)).and_then(Option::as_ref)
    }

    fn shard_mut(&mut self, number: u8) -> &mut BTreeMap<K, V> {
        let shards = Arc::make_mut(&mut self.shards);
        if shards.is_empty() {
            shards.resize(256, None);
        }
        Arc::make_mut(shards[usize::from(number)].get_or_insert_with(Default::default))
    }
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { shards: Arc::default(), len: 0 }
    }
}

impl<K, V> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.len)
    }
}

impl ShardKey for ObjectId {
    fn shard(&self) -> u8 {
        self.uuid().as_bytes()[0]
    }
}

impl ShardKey for AppId {
    fn shard(&self) -> u8 {
        self.uuid().as_bytes()[0]
    }
}

impl ShardKey for GrantKey {
    fn shard(&self) -> u8 {
        self.client.shard()
    }
}

impl ShardKey for AssignmentKey {
    fn shard(&self) -> u8 {
        self.principal.shard()
    }
}

impl ShardKey for RoleKey {
    fn shard(&self) -> u8 {
        self.principal.shard()
    }
}

impl ShardKey for MembershipKey {
    fn shard(&self) -> u8 {
        self.member.shard()
    }
}

impl ShardKey for MemberKey {
    fn shard(&self) -> u8 {
        self.group.shard()
    }
}

impl ShardKey for String {
    /// FNV-1a, folded: spreads well and needs no order.
    fn shard(&self) -> u8 {
        let hash = self
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash.to_le_bytes().iter().fold(0, |a, b| a ^ b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(number: u128) -> ObjectId {
        ObjectId::new(Uuid::from_u128(number))
    }

    proptest! {
        #[test]
        fn entries_come_in_the_order_of_their_ids_and_resume_after_any(numbers in proptest::collection::btree_set(any::<u128>(), 0..60)) {
            let mut map = Shards::default();
            for number in &numbers {
                map.insert(id(*number), *number);
            }
            let all: Vec<u128> = map.iter().map(|(_, n)| *n).collect();
            prop_assert_eq!(&all, &numbers.iter().copied().collect::<Vec<_>>());
            for (i, number) in all.iter().enumerate() {
                let rest: Vec<u128> = map.after(Some(id(*number))).map(|(_, n)| *n).collect();
                prop_assert_eq!(&rest[..], &all[i + 1..]);
            }
        }
    }

    #[test]
    fn a_copy_does_not_see_later_changes() {
        let mut map = Shards::default();
        map.insert(id(1), 1);
        let old = map.clone();
        map.insert(id(1), 2);
        map.remove(&id(7));
        assert_eq!((old.get(&id(1)), map.get(&id(1)), map.len()), (Some(&1), Some(&2), 1));
    }
}
