//! The audit chain: verified from its anchor, and removed from its beginning only.

use super::{Kept, NOW, law, tenant};
use carnet_store::{AuditBreak, AuditChain, Store};
use carnet_tenant::{
    change::{Actor, Audit},
    directory::Directory,
    tenant::{Policy, Tenant},
};
use carnet_wire::{ids::TenantId, time::Timestamp};
use std::{num::NonZeroU32, sync::Arc};
use uuid::Uuid;

const ONE: TenantId = TenantId::new(Uuid::from_u128(1));

fn day(number: i64) -> Timestamp {
    NOW.plus_seconds(number * 86_400)
}

/// A tenant that keeps its audit for ten days.
async fn seeded(kept: &Kept) -> Arc<Directory> {
    let policy = Policy { audit_days: NonZeroU32::new(10).unwrap(), ..Policy::default() };
    let tenant = Tenant { policy, ..tenant(1, "contoso.example") };
    kept.store.create_tenant((tenant, None), vec![], vec![], NOW).await.unwrap()
}

async fn entries(store: &Store, count: usize, at: Timestamp) {
    for _ in 0..count {
        let seen = store.directory(ONE).await.unwrap().unwrap();
        let audit = Audit {
            activity: "Test".into(),
            actor: Actor::Operator { digest: String::new() },
            target: ("tenant".into(), ONE.to_string(), String::new()),
            modified: vec![],
        };
        store.apply(&seen, (vec![], vec![audit]), at, None).await.unwrap();
    }
}

async fn verified(kept: &Kept) -> Result<(i64, i64), AuditBreak> {
    let AuditChain { anchor, newest } = kept.store.verify_audit(ONE).await.unwrap()?;
    Ok((anchor, newest))
}

law! {
    async fn old_entries_are_removed_and_leave_an_anchor_row_148(kept) {
    seeded(&kept).await;
    entries(&kept.store, 699, day(0)).await;
    entries(&kept.store, 1, day(3)).await;
    // Put in later under an earlier time: it stays while an older one does.
    entries(&kept.store, 1, day(1)).await;
    assert_eq!(verified(&kept).await, Ok((0, 702)));
    kept.store.tidy(day(10).plus_seconds(-1)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((0, 702)));
    // More than one chunk.
    kept.store.tidy(day(10)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((700, 702)));
    kept.store.tidy(day(12)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((700, 702)));
    // The newest stays, so that the next one has something to link to.
    kept.store.tidy(day(100)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((701, 702)));
    let kept = kept.again().await;
    entries(&kept.store, 1, day(100)).await;
    assert_eq!(verified(&kept).await, Ok((701, 703)));
    kept.store.tidy(day(100)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((702, 703)));
}
}

law! {
    async fn another_tenants_audit_is_kept_for_its_own_time(kept) {
    seeded(&kept).await;
    entries(&kept.store, 2, day(0)).await;
    let other = kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await;
    let other = kept.store.apply(&other.unwrap(), (vec![], vec![]), NOW, None).await.unwrap();
    kept.store.tidy(day(399)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((2, 3)));
    let told = |told: Result<AuditChain, AuditBreak>| told.map(|it| (it.anchor, it.newest));
    assert_eq!(told(kept.store.verify_audit(other.tenant.id).await.unwrap()), Ok((0, 2)));
    kept.store.tidy(day(400)).await.unwrap();
    assert_eq!(told(kept.store.verify_audit(other.tenant.id).await.unwrap()), Ok((1, 2)));
}
}

law! {
    async fn whoever_changes_the_audit_or_its_anchor_breaks_the_chain_row_148(kept) {
    seeded(&kept).await;
    entries(&kept.store, 3, day(0)).await;
    entries(&kept.store, 300, day(5)).await;
    kept.store.tidy(day(10)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((4, 304)));
    let mut kept = kept
        .harmed("create table whole as select * from audit; create table fixed as select * from audit_anchor")
        .await;
    for (harm, broken) in [
        ("delete from audit where version = 100", AuditBreak::Missing(100)),
        ("delete from audit where version = 5", AuditBreak::Missing(5)),
        ("delete from audit where version = 304", AuditBreak::Missing(304)),
        ("update audit set body = replace(body, 'Test', 'Text') where version = 250", AuditBreak::Altered(250)),
        ("update audit set at = at, body = '[]' where version = 304", AuditBreak::Altered(304)),
        (
            "update audit set previous = (select digest from whole where version = 9) where version = 20",
            AuditBreak::Link(20),
        ),
        ("delete from audit_anchor", AuditBreak::Missing(1)),
        (
            "update audit_anchor set digest = (select digest from whole where version = 9)",
            AuditBreak::Link(5),
        ),
        ("update audit_anchor set version = 3", AuditBreak::Missing(4)),
        ("update audit_anchor set version = 5", AuditBreak::Removed(5)),
        // Everything that an anchor further on says is gone is taken away: only its digest tells.
        (
            "delete from audit where version < 50; update audit_anchor set version = 49",
            AuditBreak::Link(50),
        ),
        ("delete from audit; update audit_anchor set version = 304", AuditBreak::Newest(304)),
        ("delete from audit; update audit_anchor set version = 999", AuditBreak::Newest(999)),
    ] {
        kept = kept.harmed(harm).await;
        assert_eq!(verified(&kept).await, Err(broken), "{harm}");
        kept = kept
            .harmed(
                "delete from audit; insert into audit select * from whole; \
                delete from audit_anchor; insert into audit_anchor select * from fixed",
            )
            .await;
        assert_eq!(verified(&kept).await, Ok((4, 304)), "{harm}");
    }
}
}

#[tokio::test]
async fn two_nodes_that_remove_the_same_entries_leave_one_anchor() {
    let Some(kept) = Kept::postgres().await else { return };
    seeded(&kept).await;
    entries(&kept.store, 600, day(0)).await;
    let other = kept.node(1).await.unwrap();
    let verifying = kept.store.verify_audit(ONE);
    let (one, two, told) = tokio::join!(kept.store.tidy(day(20)), other.tidy(day(20)), verifying);
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert!(told.unwrap().is_ok());
    // What one left to the other, the next round takes.
    kept.store.tidy(day(20)).await.unwrap();
    assert_eq!(verified(&kept).await, Ok((600, 601)));
}
