//! Short-lived things: there for their tenant and kind alone, and spent once.

use super::{Kept, NOW, attempts::record, law};
use carnet_store::{
    Settle, StoreError,
    artifact::{CODE, DEVICE, DEVICE_ANSWER, Place, answer_digest, new_text, text_digest},
};
use carnet_tenant::token::Effect;
use carnet_wire::{
    entropy::SeededEntropy,
    ids::{ObjectId, TenantId},
};
use uuid::Uuid;

fn place(tenant: u128) -> Place {
    Place {
        tenant: TenantId::new(Uuid::from_u128(tenant)),
        family: Uuid::from_u128(7),
        user: ObjectId::new(Uuid::from_u128(5)),
        created: NOW,
        expires: NOW.plus_seconds(60),
    }
}

law! {
    async fn an_artifact_is_found_by_its_text_in_its_tenant_and_survives_a_restart(kept) {
    kept.contoso().await;
    let digest = text_digest(CODE, "text");
    kept.store.put_artifact(CODE, &digest, place(1), &"body").await.unwrap();
    let kept = kept.again().await;
    let one = place(1).tenant;
    let found = kept.store.artifact::<String>(one, CODE, &digest).await.unwrap().unwrap();
    assert_eq!((found.body.as_str(), found.expires, found.spent), ("body", NOW.plus_seconds(60), false));
    assert!(kept.store.artifact::<String>(place(2).tenant, CODE, &digest).await.unwrap().is_none());
    assert!(kept.store.artifact::<String>(one, DEVICE, &digest).await.unwrap().is_none());
    assert!(kept.store.artifact::<String>(one, CODE, &text_digest(CODE, "texts")).await.unwrap().is_none());
    let anywhere = kept.store.artifact_anywhere::<String>(CODE, &digest).await.unwrap();
    assert_eq!(anywhere.map(|(tenant, _)| tenant), Some(one));
    kept.store.end_artifact(CODE, &digest).await.unwrap();
    assert!(kept.store.artifact::<String>(one, CODE, &digest).await.unwrap().is_none());
}
}

law! {
    async fn one_of_fifty_spends_a_code_and_nobody_an_old_one(kept) {
    kept.contoso().await;
    let (digest, old) = (text_digest(CODE, "code"), text_digest(CODE, "old"));
    kept.store.put_artifact(CODE, &digest, place(1), &()).await.unwrap();
    kept.store.put_artifact(CODE, &old, Place { expires: NOW, ..place(1) }, &()).await.unwrap();
    let spend = |digest| {
        let store = kept.store.clone();
        async move {
            let record = record([127, 0, 0, 1], NOW);
            store.settle(Settle { effects: &[Effect::SpendCode { digest }], record: &record, refresh: None }).await
        }
    };
    let told = futures_util::future::join_all((0..50).map(|_| spend(digest))).await;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(told.iter().all(|it| matches!(it, Ok(()) | Err(StoreError::Conflict))));
    assert_eq!(spend(old).await, Err(StoreError::Conflict));
    let one = place(1).tenant;
    assert!(kept.store.artifact::<()>(one, CODE, &digest).await.unwrap().is_some_and(|it| it.spent));
}
}

law! {
    async fn a_device_code_is_answered_once(kept) {
    kept.contoso().await;
    let digest = answer_digest(&text_digest(DEVICE, "device"));
    kept.store.put_artifact(DEVICE_ANSWER, &digest, place(1), &"yes").await.unwrap();
    let second = kept.store.put_artifact(DEVICE_ANSWER, &digest, place(1), &"no").await;
    assert_eq!(second, Err(StoreError::Exists));
    let found = kept.store.artifact::<String>(place(1).tenant, DEVICE_ANSWER, &digest).await.unwrap();
    assert_eq!(found.map(|it| it.body).as_deref(), Some("yes"));
}
}

#[test]
fn digests_of_new_texts_sort_by_their_time_and_no_other_text_has_one() {
    let entropy = SeededEntropy::new(1);
    let at = |seconds: i64| new_text(NOW.plus_seconds(seconds), &entropy);
    let (one, two, later) = (at(0), at(0), at(1));
    let kept = |text: &str| text_digest(CODE, text);
    assert!(kept(&one) < kept(&later) && kept(&two) < kept(&later));
    assert_eq!(kept(&one)[..6], NOW.millis().to_be_bytes()[2..]);
    assert_ne!(kept(&one)[6..], kept(&two)[6..]);
    assert_ne!(kept(&one)[6..], text_digest(DEVICE, &one)[6..]);
    assert_ne!(kept(&one[..52])[..6], kept(&one)[..6]);
}
