//! Signing keys: kept as they were made, one for each slot, and changed with a line in the audit.

use super::{Kept, NOW, law, tenant};
use carnet_http::keys::{Keys, rotate};
use carnet_store::Store;
use carnet_wire::{ids::TenantId, time::Timestamp};
use uuid::Uuid;

const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));
const DUE: Timestamp = NOW.plus_seconds(30 * 24 * 3600);

async fn kids(store: &Store) -> Vec<String> {
    store.signing_keys(TENANT).await.unwrap().into_iter().map(|key| key.kid).collect()
}

law! {
    async fn a_rotation_is_kept_whole_and_written_down(kept) {
    kept.contoso().await;
    let before = kept.store.directory(TENANT).await.unwrap().unwrap();
    let keys = Keys::default();
    keys.of(&kept.store, TENANT, NOW).await.unwrap();
    let first = kids(&kept.store).await;
    keys.tend(&kept.store, TENANT, DUE).await.unwrap();
    let both = kids(&kept.store).await;
    assert_eq!((both.len(), &both[..1]), (2, &first[..]));
    let after = kept.store.directory(TENANT).await.unwrap().unwrap();
    assert_eq!(after.version, before.version + 1);
    assert_ne!(after.audit_head, before.audit_head);
    let kept = kept.again().await;
    assert_eq!(kids(&kept.store).await, both);
    let (made, gone) = rotate(&kept.store, TENANT, true, DUE).await.unwrap();
    assert_eq!((gone, kids(&kept.store).await), (both, vec![made]));
}
}

#[tokio::test]
async fn two_nodes_that_rotate_at_once_make_one_key_row_f12() {
    let Some(kept) = Kept::postgres().await else { return };
    kept.store.create_tenant((tenant(1, "contoso.example"), None), vec![], vec![], NOW).await.unwrap();
    let other = kept.node(1).await.unwrap();
    let (ours, theirs) = (Keys::default(), Keys::default());
    let (one, two) = tokio::join!(ours.of(&kept.store, TENANT, NOW), theirs.of(&other, TENANT, NOW));
    assert_eq!(one.unwrap().current(NOW).kid(), two.unwrap().current(NOW).kid());
    let (one, two) = tokio::join!(ours.tend(&kept.store, TENANT, DUE), theirs.tend(&other, TENANT, DUE));
    one.unwrap();
    two.unwrap();
    let all = kids(&kept.store).await;
    assert_eq!(all.len(), 2);
    // What the one signs, the other verifies, before the new key signs and after.
    for at in [DUE, DUE.plus_seconds(24 * 3600)] {
        ours.tend(&kept.store, TENANT, at).await.unwrap();
        theirs.tend(&other, TENANT, at).await.unwrap();
        let signs = ours.of(&kept.store, TENANT, at).await.unwrap().current(at).kid().to_owned();
        let held = theirs.of(&other, TENANT, at).await.unwrap();
        assert!(held.public(&signs).is_some() && held.current(at).kid() == signs);
    }
}
