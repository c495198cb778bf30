//! Users that were read lately, opened: whoever redeems a token comes again. What is in the row decides, by the
//! seal it carries; so nothing here can be out of date, on any node.

use carnet_wire::ids::TenantId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Users that are held; one more, and all are let go of.
const HELD: usize = 1024;

/// By tenant and id, each with the body that it was opened from.
type Held<T> = HashMap<(TenantId, String), (Vec<u8>, Arc<T>)>;

/// The users.
pub(crate) struct Lately<T>(Mutex<Held<T>>);

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Lately<T> {
    /// The user of a row, opened by `open` unless this very body was opened before.
    pub(crate) fn user<E>(
        &self,
        (tenant, id): (TenantId, &str),
        body: &[u8],
        open: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        let key = (tenant, id.to_owned());
        if let Some((from, user)) = self.held().get(&key)
            && from == body
        {
            return Ok(user.clone());
        }
        let user = open()?;
        let mut held = self.held();
        if held.len() >= HELD {
            held.clear();
        }
        held.insert(key, (body.to_vec(), user.clone()));
        Ok(user)
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: TenantId = TenantId::new(Uuid::from_u128(1));
    const TWO: TenantId = TenantId::new(Uuid::from_u128(2));

    fn open(lately: &Lately<String>, row: (TenantId, &str), body: &[u8], opened: &str) -> String {
        lately.user(row, body, || Ok::<_, ()>(Arc::new(opened.to_owned()))).unwrap().to_string()
    }

    #[test]
    fn the_same_body_of_the_same_row_is_opened_once_and_any_other_anew() {
        let lately = Lately::default();
        assert_eq!(open(&lately, (ONE, "ada"), b"body", "first"), "first");
        assert_eq!(open(&lately, (ONE, "ada"), b"body", "again"), "first");
        for (row, body) in [((ONE, "bob"), b"body"), ((TWO, "ada"), b"body"), ((ONE, "ada"), b"next")] {
            assert_eq!(open(&lately, row, body, "other"), "other");
        }
        assert_eq!(open(&lately, (ONE, "ada"), b"body", "back"), "back");
    }

    #[test]
    fn what_does_not_open_is_not_held_and_no_more_are_held_than_there_is_room_for() {
        let lately = Lately::<String>::default();
        assert_eq!(
            lately.user((ONE, "ada"), b"body", || Err("sealed for another row")).unwrap_err(),
            "sealed for another row"
        );
        assert_eq!(open(&lately, (ONE, "ada"), b"body", "first"), "first");
        for number in 1..HELD {
            open(&lately, (ONE, &number.to_string()), b"body", "x");
        }
        assert_eq!(open(&lately, (ONE, "ada"), b"body", "again"), "first");
        open(&lately, (ONE, "one more"), b"body", "x");
        assert_eq!(lately.held().len(), 1);
    }
}
