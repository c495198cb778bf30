//! What failed requests leave: the first of a minute a record each, the others a count; and how many device codes may
//! wait (`docs/security.md`, row 148).

use super::{Kept, NOW, attempts::record, law, tenant, tokens};
use carnet_store::{
    Settle, Store, StoreError,
    artifact::{DEVICE, Place, USER_CODE, text_digest},
    device::NewDevice,
};
use carnet_tenant::{
    sign_in::SignIn,
    token::{DeviceBody, Effect},
};
use carnet_wire::{
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use uuid::Uuid;

const ONE: TenantId = TenantId::new(Uuid::from_u128(1));
const TWO: TenantId = TenantId::new(Uuid::from_u128(2));
const APP: AppId = AppId::new(Uuid::from_u128(7));
const WRONG_SECRET: u32 = 7_000_215;

fn failure(address: &str, error: u32) -> SignIn {
    SignIn { error, app: Some(APP), address: address.parse().unwrap(), ..record([127, 0, 0, 1], NOW) }
}

async fn settle(store: &Store, record: &SignIn, effects: &[Effect]) -> Result<(), StoreError> {
    store.settle(Settle { effects, record, refresh: None }).await
}

async fn fail(store: &Store, record: &SignIn, times: usize) {
    for _ in 0..times {
        settle(store, record, &[]).await.unwrap();
    }
}

async fn records(store: &Store) -> usize {
    store.sign_ins(ONE, NOW.plus_seconds(86_400), 1000).await.unwrap().len()
}

/// Code, source and number of what was counted.
async fn counts(store: &Store) -> Vec<(u32, String, i64)> {
    let span = (NOW, NOW.plus_seconds(86_400));
    let counts = store.denial_counts(ONE, span, 100).await.unwrap();
    let mut told: Vec<_> = counts.into_iter().map(|it| (it.code, it.source, it.count)).collect();
    told.sort();
    told
}

fn told(code: u32, source: &str, count: i64) -> (u32, String, i64) {
    (code, source.into(), count)
}

law! {
    async fn the_first_ten_failures_of_a_minute_are_recorded_and_the_others_counted_row_148(kept) {
    kept.contoso().await;
    fail(&kept.store, &failure("2001:db8::1", WRONG_SECRET), 8).await;
    // The same network, by another address.
    fail(&kept.store, &failure("2001:db8::2", WRONG_SECRET), 17).await;
    assert_eq!(records(&kept.store).await, 10);
    kept.store.flush_denials().await.unwrap();
    assert_eq!(counts(&kept.store).await, [told(WRONG_SECRET, "2001:db8::/64", 15)]);
    // Another network, another code, another minute.
    fail(&kept.store, &failure("2001:db8:0:1::1", WRONG_SECRET), 11).await;
    fail(&kept.store, &failure("2001:db8::1", 50_126), 12).await;
    let later = SignIn { at: NOW.plus_seconds(60), ..failure("2001:db8::1", WRONG_SECRET) };
    fail(&kept.store, &later, 13).await;
    assert_eq!(records(&kept.store).await, 40);
    // What succeeds is always recorded.
    let success = SignIn { error: 0, ..failure("2001:db8::1", 0) };
    fail(&kept.store, &success, 20).await;
    assert_eq!(records(&kept.store).await, 60);
    // A restart loses no count.
    let kept = kept.again().await;
    let all = [
        told(50_126, "2001:db8::/64", 2),
        told(WRONG_SECRET, "2001:db8:0:1::/64", 1),
        told(WRONG_SECRET, "2001:db8::/64", 3),
        told(WRONG_SECRET, "2001:db8::/64", 15),
    ];
    assert_eq!(counts(&kept.store).await, all);
    kept.store.tidy(NOW.plus_seconds(30 * 86_400)).await.unwrap();
    assert_eq!(counts(&kept.store).await, [told(WRONG_SECRET, "2001:db8::/64", 3)]);
    kept.store.tidy(NOW.plus_seconds(30 * 86_400 + 60)).await.unwrap();
    assert_eq!(counts(&kept.store).await, []);
}
}

law! {
    async fn a_failure_that_is_only_counted_has_its_effects_all_the_same_row_148(kept) {
    kept.contoso().await;
    tokens::settle(&kept.store, &[tokens::keep(0)], NOW, Some("token")).await.unwrap();
    let reuse = failure("192.0.2.1", 54_005);
    fail(&kept.store, &reuse, 12).await;
    assert!(!tokens::facts(&kept.store, "token").await.refresh.unwrap().revoked);
    let revoke = [Effect::RevokeFamily { family: tokens::FAMILY }];
    settle(&kept.store, &reuse, &revoke).await.unwrap();
    assert!(tokens::facts(&kept.store, "token").await.refresh.unwrap().revoked);
    // What is spent is spent, and a second time lost.
    let spend = [Effect::SpendAssertion { digest: [3; 32], expires: NOW.plus_seconds(60) }];
    settle(&kept.store, &reuse, &spend).await.unwrap();
    assert_eq!(settle(&kept.store, &reuse, &spend).await, Err(StoreError::Conflict));
    kept.store.flush_denials().await.unwrap();
    assert_eq!(counts(&kept.store).await, [told(54_005, "192.0.2.1", 4)]);
    assert_eq!(records(&kept.store).await, 11);
}
}

law! {
    async fn who_names_no_application_is_counted_however_many_names_there_are_row_148(kept) {
    kept.contoso().await;
    for number in 0..300 {
        let app = Some(AppId::new(Uuid::from_u128(number)));
        kept.store.count_denial(&SignIn { app, ..failure("192.0.2.1", 700_016) });
    }
    kept.store.flush_denials().await.unwrap();
    assert_eq!((records(&kept.store).await, counts(&kept.store).await), (0, vec![told(700_016, "192.0.2.1", 300)]));
}
}

#[tokio::test]
async fn two_nodes_add_to_one_count_row_148() {
    let Some(kept) = Kept::postgres().await else { return };
    kept.contoso().await;
    let other = kept.node(1).await.unwrap();
    for store in [&kept.store, &other] {
        for code in 0..300 {
            store.count_denial(&failure("192.0.2.1", 700_000 + code));
        }
    }
    let (one, two) = tokio::join!(kept.store.flush_denials(), other.flush_denials());
    assert_eq!((one, two), (Ok(()), Ok(())));
    let counts = kept.store.denial_counts(ONE, (NOW, NOW), 1000).await.unwrap();
    assert_eq!((counts.len(), counts.iter().all(|it| it.count == 2)), (300, true));
}

/// Asks for a device code.
async fn ask(store: &Store, tenant: TenantId, address: &str, (name, now): (&str, Timestamp)) -> bool {
    let body = DeviceBody {
        app: APP,
        v1: false,
        scope: "s".into(),
        address: address.parse().unwrap(),
        expires: now.plus_seconds(900),
        any_tenant: false,
    };
    let nobody = ObjectId::new(Uuid::nil());
    let place =
        Place { tenant, family: Uuid::nil(), user: nobody, created: now, expires: now.plus_seconds(900) };
    let (device, user_code) = (text_digest(DEVICE, name), text_digest(USER_CODE, name));
    let new = NewDevice { device: &device, user_code: &user_code, place, body: &body };
    let given = store.put_device_code(new).await.unwrap();
    let kept = store.artifact::<DeviceBody>(tenant, DEVICE, &device).await.unwrap();
    let typed = store.artifact::<String>(tenant, USER_CODE, &user_code).await.unwrap();
    assert_eq!((kept.is_some(), typed.is_some()), (given, given));
    given
}

law! {
    async fn a_source_has_a_hundred_device_codes_waiting_at_most_row_148(kept) {
    let (one, other) = ("2001:db8::1", "2001:db8:0:1::1");
    kept.contoso().await;
    kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await.unwrap();
    for number in 0..100 {
        assert!(ask(&kept.store, ONE, one, (&number.to_string(), NOW)).await, "{number}");
    }
    // The same network, by another address, again and again.
    for address in [one, "2001:db8::2", one] {
        assert!(!ask(&kept.store, ONE, address, ("x", NOW)).await);
    }
    // Another network, another tenant.
    assert!(ask(&kept.store, ONE, other, ("other", NOW)).await);
    assert!(ask(&kept.store, TWO, one, ("two", NOW)).await);
    // One that is redeemed waits no more.
    let redeemed = [Effect::SpendDevice { digest: text_digest(DEVICE, "7") }];
    settle(&kept.store, &record([127, 0, 0, 1], NOW), &redeemed).await.unwrap();
    assert_eq!(
        settle(&kept.store, &record([127, 0, 0, 1], NOW), &redeemed).await,
        Err(StoreError::Conflict)
    );
    let later = NOW.plus_seconds(2);
    assert!(ask(&kept.store, ONE, one, ("again", later)).await);
    assert!(!ask(&kept.store, ONE, one, ("more", later)).await);
    // So does one that has expired.
    let expired = NOW.plus_seconds(900);
    for number in 100..199 {
        assert!(ask(&kept.store, ONE, one, (&number.to_string(), expired)).await, "{number}");
    }
    assert!(!ask(&kept.store, ONE, one, ("most", expired)).await);
}
}

law! {
    async fn a_tenant_has_five_thousand_device_codes_waiting_at_most_row_148(kept) {
    kept.contoso().await;
    kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await.unwrap();
    let until = NOW.plus_seconds(1800).millis();
    let kept = kept
        .harmed(&format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 4999) \
            insert into artifact(digest, kind, tenant_id, family, user_id, generation, created_at, expires_at, consumed_at, body, source) \
            select cast(cast(i as text) as bytea), 'device', '{ONE}', '', '', 0, 0, {until}, 0, '', 'source ' || i % 500 from n"
        ))
        .await;
    assert!(ask(&kept.store, ONE, "192.0.2.1", ("last", NOW)).await);
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert!(!ask(&kept.store, ONE, address, ("more", NOW)).await, "{address}");
    }
    assert!(ask(&kept.store, TWO, "192.0.2.1", ("two", NOW)).await);
    let expired = NOW.plus_seconds(900);
    assert!(ask(&kept.store, ONE, "192.0.2.1", ("later", expired)).await);
    // The janitor takes them away once nobody can ask for them any more.
    kept.store.tidy(NOW.plus_seconds(1799)).await.unwrap();
    assert!(kept.store.artifact::<DeviceBody>(ONE, DEVICE, &text_digest(DEVICE, "last")).await.unwrap().is_some());
    kept.store.tidy(NOW.plus_seconds(1800)).await.unwrap();
    assert!(kept.store.artifact::<DeviceBody>(ONE, DEVICE, &text_digest(DEVICE, "last")).await.unwrap().is_none());
}
}

#[tokio::test]
async fn codes_that_two_nodes_give_are_counted_together_row_148() {
    let Some(kept) = Kept::postgres().await else { return };
    kept.contoso().await;
    let other = kept.node(1).await.unwrap();
    for number in 0..100 {
        let store = if number % 2 == 0 { &kept.store } else { &other };
        assert!(ask(store, ONE, "192.0.2.1", (&number.to_string(), NOW)).await, "{number}");
    }
    assert!(!ask(&kept.store, ONE, "192.0.2.1", ("x", NOW)).await);
    assert!(!ask(&other, ONE, "192.0.2.1", ("x", NOW)).await);
    assert!(ask(&other, ONE, "192.0.2.2", ("x", NOW)).await);
}
