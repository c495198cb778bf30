//! The chain of sign-in records: whoever holds the audit sees that a record is missing.

use super::{Kept, NOW, attempts::record, law, tenant};
use carnet_store::{RecordBreak, RecordChain, Settle, Store, StoreError};
use carnet_tenant::{sign_in::SignIn, token::Effect};
use carnet_wire::ids::TenantId;
use uuid::Uuid;

const ONE: TenantId = TenantId::new(Uuid::from_u128(1));
const TWO: TenantId = TenantId::new(Uuid::from_u128(2));
/// Nothing that was kept is older.
const SINCE: carnet_wire::time::Timestamp = NOW.plus_seconds(-60);
/// Another request was faster with this.
const LOST: Effect =
    Effect::AdvanceFamily { family: Uuid::from_u128(9), from: 0, grace_ms: 0, keep_until: None };

async fn settle(store: &Store, tenant: TenantId, effects: &[Effect]) -> Result<(), StoreError> {
    let record = SignIn { tenant, ..record([127, 0, 0, 1], NOW) };
    store.settle(Settle { effects, record: &record, refresh: None }).await
}

async fn settle_some(store: &Store, tenant: TenantId, count: usize) {
    for _ in 0..count {
        settle(store, tenant, &[]).await.unwrap();
    }
}

async fn version(store: &Store, tenant: TenantId) -> i64 {
    store.directory(tenant).await.unwrap().unwrap().version
}

async fn verified(kept: &Kept, tenant: TenantId) -> Result<i64, RecordBreak> {
    let told = kept.store.verify_records(tenant, SINCE).await.unwrap()?;
    assert_eq!((told.unconfirmed, told.skipped), (0, 0));
    Ok(told.verified)
}

async fn two_tenants(kept: &Kept) {
    kept.contoso().await;
    kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await.unwrap();
}

law! {
    async fn a_record_that_is_taken_away_or_altered_shows_and_one_that_never_was_does_not(kept) {
    two_tenants(&kept).await;
    settle_some(&kept.store, ONE, 3).await;
    settle_some(&kept.store, TWO, 2).await;
    assert_eq!(settle(&kept.store, ONE, &[LOST]).await, Err(StoreError::Conflict));
    settle_some(&kept.store, ONE, 2).await;
    kept.store.attest_records(NOW).await.unwrap();
    let before = version(&kept.store, ONE).await;
    // Nothing new is nothing to attest.
    kept.store.attest_records(NOW).await.unwrap();
    assert_eq!(version(&kept.store, ONE).await, before);
    // A second attestation, and one of another start.
    settle_some(&kept.store, ONE, 600).await;
    kept.store.attest_records(NOW).await.unwrap();
    let kept = kept.again().await;
    settle_some(&kept.store, ONE, 1).await;
    kept.store.attest_records(NOW).await.unwrap();
    assert_eq!((verified(&kept, ONE).await, verified(&kept, TWO).await), (Ok(606), Ok(2)));

    let mut kept = kept.harmed("create table whole as select * from sign_in").await;
    for (harm, other) in [
        ("delete from sign_in where n = 2 and tenant_id like '%1'", Ok(2)),
        ("delete from sign_in where n = 6 and tenant_id like '%1'", Ok(2)),
        ("delete from sign_in where n = 606", Ok(2)),
        ("update sign_in set body = replace(body, '\"error\":0', '\"error\":1') where n = 3", Ok(2)),
        ("update sign_in set digest = (select digest from whole where n = 399) where n = 400", Ok(2)),
        // The number that was never kept.
        ("insert into sign_in select tenant_id, node, 4, at, body, digest from whole where n = 3", Ok(2)),
    ] {
        kept = kept.harmed(harm).await;
        let told = verified(&kept, ONE).await;
        assert!(matches!(told, Err(RecordBreak::Records { .. })), "{harm}: {told:?}");
        // Another tenant's records do not hang on these.
        assert_eq!(verified(&kept, TWO).await, other, "{harm}");
        kept = kept.harmed("delete from sign_in; insert into sign_in select * from whole").await;
        assert_eq!(verified(&kept, ONE).await, Ok(606), "{harm}");
    }
    // Whoever takes an attestation away breaks the audit.
    let kept = kept.harmed("delete from audit where tenant_id like '%1' and version = 2").await;
    assert!(matches!(verified(&kept, ONE).await, Err(RecordBreak::Audit(_))));
}
}

law! {
    async fn what_was_not_kept_is_in_no_audit_row_154(kept) {
    two_tenants(&kept).await;
    let before = version(&kept.store, ONE).await;
    for _ in 0..50 {
        assert_eq!(settle(&kept.store, ONE, &[LOST]).await, Err(StoreError::Conflict));
    }
    settle_some(&kept.store, TWO, 1).await;
    kept.store.attest_records(NOW).await.unwrap();
    assert_eq!(version(&kept.store, ONE).await, before);
    assert_eq!(version(&kept.store, TWO).await, 2);
    settle_some(&kept.store, ONE, 1).await;
    kept.store.attest_records(NOW).await.unwrap();
    assert_eq!((verified(&kept, ONE).await, verified(&kept, TWO).await), (Ok(1), Ok(1)));
}
}

#[tokio::test]
async fn what_the_store_did_not_confirm_is_one_range_in_its_own_tenants_audit_row_154() {
    let Some(kept) = Kept::postgres().await else { return };
    let url = kept.database.clone().unwrap();
    let sql = async |sql: &str| carnet_tests::database::run(&url, sql).await;
    two_tenants(&kept).await;
    settle_some(&kept.store, ONE, 3).await;
    settle_some(&kept.store, TWO, 3).await;
    for _ in 0..2 {
        sql("alter table sign_in rename to away").await;
        let failing = (0..200).map(|_| settle(&kept.store, ONE, &[]));
        let told = futures_util::future::join_all(failing).await;
        assert!(told.iter().all(|it| matches!(it, Err(StoreError::Away(_)))), "{told:?}");
        sql("alter table away rename to sign_in").await;
        settle_some(&kept.store, ONE, 3).await;
    }
    kept.store.attest_records(NOW).await.unwrap();
    assert_eq!((verified(&kept, ONE).await, verified(&kept, TWO).await), (Ok(9), Ok(3)));
    // One range, whatever their number; nothing of it in the other tenant's audit.
    let kept = kept
        .harmed(
            "do $$ begin if exists (select 1 from audit where length(body) > 1000) \
            or 1 <> (select count(*) from audit where body like '%\"unconfirmed\",\"\",\"4:% 406:%') \
            or 1 <> (select count(*) from audit where tenant_id like '%2' and body like '%\"unconfirmed\",\"\",\"\"%') \
            then raise exception 'the audit'; end if; end $$",
        )
        .await;
    // Before and after the range a missing record is a break; within it the audit cannot vouch for the rest.
    let kept = kept.harmed("create table whole as select * from sign_in").await;
    let kept = kept.harmed("delete from sign_in where n = 204").await;
    let told = kept.store.verify_records(ONE, SINCE).await.unwrap();
    assert_eq!(told, Ok(RecordChain { verified: 6, unconfirmed: 2, skipped: 0 }));
    let kept = kept.harmed("insert into sign_in select * from whole where n = 204").await;
    for harm in ["delete from sign_in where n = 3", "delete from sign_in where n = 407"] {
        let kept = kept.node(1).await.unwrap();
        sql(harm).await;
        let told = kept.verify_records(ONE, SINCE).await.unwrap();
        assert!(matches!(told, Err(RecordBreak::Records { .. })), "{harm}: {told:?}");
        sql("delete from sign_in; insert into sign_in select * from whole").await;
        kept.close().await;
    }
    assert_eq!(verified(&kept, ONE).await, Ok(9));
}

law! {
    async fn attestations_of_records_that_may_be_gone_and_of_earlier_releases_are_skipped(kept) {
    kept.contoso().await;
    settle_some(&kept.store, ONE, 3).await;
    kept.store.attest_records(NOW).await.unwrap();
    let month = NOW.plus_seconds(30 * 86_400);
    kept.store.tidy(month).await.unwrap();
    let told = kept.store.verify_records(ONE, NOW.plus_seconds(1)).await.unwrap();
    assert_eq!(told, Ok(RecordChain { verified: 0, unconfirmed: 0, skipped: 1 }));
    assert!(kept.store.verify_records(ONE, NOW).await.unwrap().is_err());
}
}
