//! What a running server does by itself, every minute.

use crate::certificate::Renewal;
use carnet_http::{context::State, copies};
use carnet_store::Store;
use carnet_wire::time::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// A new leaf is made after so long, in seconds.
const LEAF: i64 = 30 * 24 * 3600;

/// The janitor, the signing keys' calendar and the public URL every minute; a new leaf every month.
pub(super) async fn run(state: Arc<State>, renewal: Option<Renewal>, mut stop: watch::Receiver<bool>) {
    let mut renewed = state.clock.now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let now = state.clock.now();
        tend(&state, now).await;
        if let Some(renewal) = &renewal
            && renewed.plus_seconds(LEAF) < now
        {
            match renewal.renew(now) {
                Ok(()) => renewed = now,
                Err(error) => tracing::error!(cause = %error, "the certificate could not be renewed"),
            }
        }
    }
}

/// What is done in the store.
async fn tend(state: &State, now: Timestamp) {
    if let Err(error) = state.store.attest_records(now).await {
        tracing::warn!(cause = %error, "the head of the sign-in records was not written; it is tried again in a minute");
    }
    if let Err(error) = state.store.tidy(now).await {
        tracing::warn!(cause = %error, "tidying failed; it is tried again in a minute");
    }
    copies::publish_all(&state.store, now).await;
    for tenant in state.store.tenants() {
        if let Err(error) = state.keys.tend(&state.store, tenant.id, now).await {
            tracing::warn!(tenant.id = %tenant.id, cause = ?error, "the signing keys were not looked after; it is tried again in a minute");
        }
    }
    if let Some(kept) = other_public_url(&state.store, &state.names.public_url).await {
        tracing::warn!(
            public_url.own = %state.names.public_url,
            public_url.kept = %kept,
            "the public URL of this store was changed: this node and those with the new URL refuse each other's tokens; restart this node with the new URL"
        );
    }
}

/// The public URL that other nodes of the same store have by now, if it is not this node's `own`. What this node issues
/// stays sound under its own URL, so it goes on serving.
async fn other_public_url(store: &Store, own: &str) -> Option<String> {
    let kept = store.public_url().await.ok().flatten();
    kept.filter(|kept| kept != own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_store::Options;
    use carnet_wire::{catalogue::Catalogue, entropy::SeededEntropy, secret::SecretBytes};

    #[tokio::test]
    async fn a_public_url_that_another_node_changed_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            data: folder.path().to_path_buf(),
            database: None,
            seal: SecretBytes::new(vec![7; 32]),
            catalogue: Arc::new(Catalogue::builtin()),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        let store = Store::open(options).await.unwrap();
        let (one, two) = ("https://one.example", "https://two.example");
        assert_eq!(other_public_url(&store, one).await, None);
        store.keep_public_url(one).await.unwrap();
        assert_eq!(other_public_url(&store, one).await, None);
        store.change_public_url(two).await.unwrap();
        assert_eq!(other_public_url(&store, one).await.as_deref(), Some(two));
    }
}
