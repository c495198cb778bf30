//! What may be used once: of fifty uses at the same time one counts, and a later use keeps nothing of its batch.

use super::{Kept, NOW, directory::put_user, law};
use carnet_store::{
    Once, StoreError,
    artifact::{Place, SESSION, text_digest},
};
use carnet_wire::ids::{ObjectId, TenantId};
use uuid::Uuid;

fn once(nonce: u128) -> Once {
    Once::new("page", Uuid::from_u128(nonce), NOW.plus_seconds(60))
}

fn place() -> Place {
    Place {
        tenant: TenantId::new(Uuid::from_u128(1)),
        family: Uuid::from_u128(7),
        user: ObjectId::new(Uuid::from_u128(5)),
        created: NOW,
        expires: NOW.plus_seconds(60),
    }
}

law! {
    async fn of_fifty_uses_one_counts_until_it_is_forgotten_row_151(kept) {
    let spend = || async { kept.store.spend(once(1)).await };
    assert!(!kept.store.is_spent(&once(1)).await.unwrap());
    let told = futures_util::future::join_all((0..50).map(|_| spend())).await;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(told.iter().all(|it| matches!(it, Ok(()) | Err(StoreError::Spent))), "{told:?}");
    assert!(kept.store.is_spent(&once(1)).await.unwrap());
    // Another nonce, and the same nonce of another kind, are used apart from it.
    assert!(!kept.store.is_spent(&once(2)).await.unwrap());
    kept.store.spend(Once::new("other", Uuid::from_u128(1), NOW.plus_seconds(60))).await.unwrap();
    kept.store.tidy(NOW.plus_seconds(59)).await.unwrap();
    assert_eq!(kept.store.spend(once(1)).await, Err(StoreError::Spent));
    kept.store.tidy(NOW.plus_seconds(60)).await.unwrap();
    assert!(!kept.store.is_spent(&once(1)).await.unwrap());
}
}

law! {
    async fn an_artifact_of_a_later_use_is_not_kept_row_151(kept) {
    let put = async |text: &str| {
        let digest = text_digest(SESSION, text);
        kept.store.put_artifact_once(SESSION, &digest, place(), &"body", Some(once(1))).await
    };
    let found = async |text: &str| {
        let digest = text_digest(SESSION, text);
        kept.store.artifact::<String>(place().tenant, SESSION, &digest).await.unwrap().is_some()
    };
    assert_eq!(put("first").await, Ok(()));
    assert_eq!(put("second").await, Err(StoreError::Spent));
    assert_eq!((found("first").await, found("second").await), (true, false));
    // A key that is taken is told apart from a use that came before; the use is not kept either.
    let digest = text_digest(SESSION, "first");
    let taken = kept.store.put_artifact_once(SESSION, &digest, place(), &"body", Some(once(2))).await;
    assert_eq!(taken, Err(StoreError::Exists));
    assert!(!kept.store.is_spent(&once(2)).await.unwrap());
}
}

law! {
    async fn a_change_of_a_later_use_is_not_applied_row_151(kept) {
    let seen = kept.contoso().await;
    let apply = async |seen, change, nonce| {
        kept.store.apply_once(seen, (vec![change], vec![]), NOW, once(nonce)).await.map(|it| it.version)
    };
    assert_eq!(apply(&seen, put_user(5, "ada@contoso.example"), 1).await, Ok(2));
    let seen = kept.store.directory(seen.tenant.id).await.unwrap().unwrap();
    assert_eq!(apply(&seen, put_user(6, "bob@contoso.example"), 1).await, Err(StoreError::Spent));
    let now = kept.store.directory(seen.tenant.id).await.unwrap().unwrap();
    assert_eq!(now.version, 2);
    assert!(kept.store.user(seen.tenant.id, ObjectId::new(Uuid::from_u128(6))).await.unwrap().is_none());
    // A name that is taken uses nothing.
    assert_eq!(apply(&seen, put_user(6, "ada@contoso.example"), 2).await, Err(StoreError::Exists));
    assert_eq!(apply(&seen, put_user(6, "bob@contoso.example"), 2).await, Ok(3));
}
}
