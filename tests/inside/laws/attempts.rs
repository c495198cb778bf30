//! Password attempts: reserved before the hash, counted once, stopped in time (`docs/security.md`, S26).

use super::{Kept, NOW, directory::put_user, law, tenant};
use carnet_store::{Settle, Store};
use carnet_tenant::{
    lockout::{Attempt, lock_seconds},
    sign_in::SignIn,
    token::Effect,
};
use carnet_wire::{
    authority::TenantName,
    ids::{CorrelationId, TenantId, TraceId},
    jose::encode_base64url,
    time::Timestamp,
    token::{
        form::Form,
        request::{TokenRequest, Version},
    },
};
use std::net::IpAddr;
use uuid::Uuid;

const STRANGER: [u8; 4] = [192, 0, 2, 1];
const OWNER: [u8; 4] = [192, 0, 2, 2];

async fn attempt(store: &Store, password: &str, address: [u8; 4], now: Timestamp) -> Attempt {
    let body = format!(
        "client_id=a0000000-0000-4000-8000-000000000001&grant_type=password&scope=s&username=ada%40contoso.example&password={password}"
    );
    let request = TokenRequest::parse(Version::V2, &Form::parse(body.as_bytes()).unwrap(), None).unwrap();
    let name = TenantName::Domain("contoso.example".into());
    store.facts_for(&name, &request, (IpAddr::from(address), now)).await.unwrap().unwrap().attempt
}

/// What a grant without a password learns of the account.
async fn looked_at(store: &Store, now: Timestamp) -> Attempt {
    let claims = encode_base64url(format!(r#"{{"oid":"{}"}}"#, Uuid::from_u128(5)).as_bytes());
    let header = encode_base64url(br#"{"alg":"RS256"}"#);
    let body = format!(
        "client_id=a0000000-0000-4000-8000-000000000001&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer\
         &requested_token_use=on_behalf_of&scope=s&assertion={header}.{claims}.AAAA"
    );
    let request = TokenRequest::parse(Version::V2, &Form::parse(body.as_bytes()).unwrap(), None).unwrap();
    let name = TenantName::Domain("contoso.example".into());
    let facts = store.facts_for(&name, &request, (IpAddr::from(STRANGER), now)).await.unwrap().unwrap();
    assert!(facts.user.is_some());
    facts.attempt
}

async fn seeded(kept: Kept) -> Kept {
    kept.store
        .create_tenant(
            (tenant(1, "contoso.example"), None),
            vec![put_user(5, "ada@contoso.example")],
            vec![],
            NOW,
        )
        .await
        .unwrap();
    kept
}

pub(crate) fn record(address: [u8; 4], at: Timestamp) -> SignIn {
    SignIn {
        at,
        tenant: TenantId::new(Uuid::from_u128(1)),
        trace: TraceId::new(Uuid::from_u128(1)),
        correlation: CorrelationId::new(Uuid::from_u128(1)),
        address: address.into(),
        user_agent: String::new(),
        grant: "password".into(),
        app: None,
        principal: None,
        user: None,
        user_name: "Ada@contoso.example".into(),
        resource: None,
        credential: None,
        error: 0,
    }
}

async fn success(store: &Store, address: [u8; 4]) {
    let settle = Settle { effects: &[Effect::ClearAttempts], record: &record(address, NOW), refresh: None };
    store.settle(settle).await.unwrap();
}

law! {
    async fn fifty_guesses_at_once_cost_ten_evaluations_row_83(kept) {
    let kept = seeded(kept).await;
    let tries = (0..50).map(|n| {
        let store = kept.store.clone();
        tokio::spawn(async move { attempt(&store, &format!("guess{n}"), STRANGER, NOW).await })
    });
    let mut evaluated = 0;
    for told in tries.collect::<Vec<_>>() {
        evaluated += usize::from(told.await.unwrap().evaluates());
    }
    assert_eq!(evaluated, 10);
}
}

law! {
    async fn the_lock_ends_and_each_further_attempt_doubles_it(kept) {
    let kept = seeded(kept).await;
    let mut now = NOW;
    for n in 1..=12 {
        let told = attempt(&kept.store, &format!("g{n}"), STRANGER, now).await;
        assert_eq!(told, Attempt::Reserved(n), "{n}");
        let seconds = lock_seconds(n);
        if seconds > 0 {
            let early = attempt(&kept.store, "other", STRANGER, now.plus_seconds(seconds - 1)).await;
            assert_eq!(early, Attempt::Locked(now.plus_seconds(seconds)), "{n}");
            now = now.plus_seconds(seconds);
        }
    }
}
}

law! {
    async fn the_same_wrong_password_counts_once_row_86(kept) {
    let kept = seeded(kept).await;
    assert_eq!(attempt(&kept.store, "same", STRANGER, NOW).await, Attempt::Reserved(1));
    for _ in 0..30 {
        assert_eq!(attempt(&kept.store, "same", STRANGER, NOW).await, Attempt::Repeated);
    }
    assert_eq!(attempt(&kept.store, "other", STRANGER, NOW).await, Attempt::Reserved(2));
}
}

law! {
    async fn a_stranger_cannot_lock_the_owner_out_row_85(kept) {
    let kept = seeded(kept).await;
    success(&kept.store, OWNER).await;
    for n in 0..12 {
        attempt(&kept.store, &format!("g{n}"), STRANGER, NOW).await;
    }
    assert!(!attempt(&kept.store, "right", STRANGER, NOW).await.evaluates());
    assert!(attempt(&kept.store, "right", OWNER, NOW).await.evaluates());
}
}

law! {
    async fn a_success_clears_the_count_of_its_source(kept) {
    let kept = seeded(kept).await;
    success(&kept.store, OWNER).await;
    for n in 0..5 {
        attempt(&kept.store, &format!("g{n}"), OWNER, NOW).await;
    }
    success(&kept.store, OWNER).await;
    assert_eq!(attempt(&kept.store, "g9", OWNER, NOW).await, Attempt::Reserved(1));
}
}

law! {
    async fn a_lock_is_seen_where_no_password_is_shown_until_it_ends_and_after_a_start_too(kept) {
    let mut kept = seeded(kept).await;
    assert_eq!(looked_at(&kept.store, NOW).await, Attempt::None);
    for n in 0..10 {
        attempt(&kept.store, &format!("g{n}"), STRANGER, NOW).await;
    }
    let end = NOW.plus_seconds(lock_seconds(10));
    assert_eq!(looked_at(&kept.store, NOW).await, Attempt::Locked(end));
    kept = kept.again().await;
    assert_eq!(looked_at(&kept.store, end.plus_seconds(-1)).await, Attempt::Locked(end));
    assert_eq!(looked_at(&kept.store, end).await, Attempt::None);
}
}
