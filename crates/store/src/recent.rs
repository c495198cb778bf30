//! A small cache for users, codes and refresh tokens that were read or written recently. Entries must not become
//! outdated, so a key names one version of an object, or an object that never changes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A cache with a maximum size. When it is full, it is emptied.
pub(crate) struct RecentCache<K, T> {
    held: Mutex<HashMap<K, Arc<T>>>,
    most: usize,
}

impl<K: Eq + Hash, T> RecentCache<K, T> {
    /// An empty cache for at most `most` entries.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Mutex::default(), most }
    }

    /// The entry, if it is cached.
    pub(crate) fn get(&self, key: &K) -> Option<Arc<T>> {
        self.held().get(key).cloned()
    }

    /// Removes and returns the entry, if it is cached.
    pub(crate) fn take(&self, key: &K) -> Option<Arc<T>> {
        self.held().remove(key)
    }

    /// Adds an entry.
    pub(crate) fn put(&self, key: K, thing: Arc<T>) {
        let mut held = self.held();
        if held.len() >= self.most && !held.contains_key(&key) {
            held.clear();
        }
        held.insert(key, thing);
    }

    /// Removes the entries that do not satisfy `wanted`.
    pub(crate) fn retain(&self, wanted: impl Fn(&T) -> bool) {
        self.held().retain(|_, thing| wanted(thing));
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, Arc<T>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_held_under_its_key_and_no_other() {
        let cache = RecentCache::new(2);
        cache.put(("ada", 7), Arc::new("ada"));
        assert_eq!(cache.get(&("ada", 7)).as_deref(), Some(&"ada"));
        for key in [("ada", 8), ("ada", 6), ("bob", 7)] {
            assert_eq!(cache.get(&key), None, "{key:?}");
        }
        cache.put(("ada", 8), Arc::new("ada, renamed"));
        assert_eq!(cache.get(&("ada", 7)).as_deref(), Some(&"ada"));
        assert_eq!(cache.get(&("ada", 8)).as_deref(), Some(&"ada, renamed"));
        assert_eq!([(); 2].map(|()| cache.take(&("ada", 8))), [Some(Arc::new("ada, renamed")), None]);
    }

    #[test]
    fn no_more_are_held_than_there_is_room_for() {
        let cache = RecentCache::new(2);
        for key in [1, 2, 1] {
            cache.put(key, Arc::new(key));
        }
        assert_eq!(cache.held().len(), 2);
        cache.put(3, Arc::new(3));
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (None, None, Some(Arc::new(3))));
        cache.put(4, Arc::new(4));
        cache.retain(|thing| *thing > 3);
        assert_eq!((cache.get(&3), cache.get(&4)), (None, Some(Arc::new(4))));
    }
}
