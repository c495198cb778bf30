//! What was read or kept lately and is asked for again: users, codes, and what refresh tokens stand for. Nothing here
//! may be out of date, so a key names the very state of a thing that is meant, or a thing that never changes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Things by their keys.
pub(crate) struct Lately<K, T> {
    held: Mutex<HashMap<K, Arc<T>>>,
    most: usize,
}

impl<K: Eq + Hash, T> Lately<K, T> {
    /// Holds so many things at most; one more, and all others are let go of.
    pub(crate) fn holding(most: usize) -> Self {
        Self { held: Mutex::default(), most }
    }

    /// The thing, if it is held.
    pub(crate) fn get(&self, key: &K) -> Option<Arc<T>> {
        self.held().get(key).cloned()
    }

    /// The thing, if it is held, and not again.
    pub(crate) fn take(&self, key: &K) -> Option<Arc<T>> {
        self.held().remove(key)
    }

    /// Holds a thing.
    pub(crate) fn put(&self, key: K, thing: Arc<T>) {
        let mut held = self.held();
        if held.len() >= self.most && !held.contains_key(&key) {
            held.clear();
        }
        held.insert(key, thing);
    }

    /// Keeps what is wanted, and lets go of the rest.
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
        let lately = Lately::holding(2);
        lately.put(("ada", 7), Arc::new("ada"));
        assert_eq!(lately.get(&("ada", 7)).as_deref(), Some(&"ada"));
        for key in [("ada", 8), ("ada", 6), ("bob", 7)] {
            assert_eq!(lately.get(&key), None, "{key:?}");
        }
        lately.put(("ada", 8), Arc::new("ada, renamed"));
        assert_eq!(lately.get(&("ada", 7)).as_deref(), Some(&"ada"));
        assert_eq!(lately.get(&("ada", 8)).as_deref(), Some(&"ada, renamed"));
        assert_eq!([(); 2].map(|()| lately.take(&("ada", 8))), [Some(Arc::new("ada, renamed")), None]);
    }

    #[test]
    fn no_more_are_held_than_there_is_room_for() {
        let lately = Lately::holding(2);
        for key in [1, 2, 1] {
            lately.put(key, Arc::new(key));
        }
        assert_eq!(lately.held().len(), 2);
        lately.put(3, Arc::new(3));
        assert_eq!((lately.get(&1), lately.get(&2), lately.get(&3)), (None, None, Some(Arc::new(3))));
        lately.put(4, Arc::new(4));
        lately.retain(|thing| *thing > 3);
        assert_eq!((lately.get(&3), lately.get(&4)), (None, Some(Arc::new(4))));
    }
}
