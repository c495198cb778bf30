//! What is spent is spent once; families advance by compare-and-set; records are there.

use super::{Kept, NOW, attempts::record, directory::put_user, law, tenant};
use carnet_store::{
    Settle, Store, StoreError,
    artifact::{CODE, Place, code_digest, text_digest},
    refresh_digest,
};
use carnet_tenant::{
    application::Platform,
    change::{Change, ObjectKey},
    token::{Effect, Facts, Instead, RefreshBody},
};
use carnet_wire::{
    authority::TenantName,
    ids::{ObjectId, TenantId},
    secret::{AuthorizationCode, RefreshToken},
    time::Timestamp,
    token::{
        form::Form,
        request::{TokenRequest, Version},
    },
};
use uuid::Uuid;

pub(super) const FAMILY: Uuid = Uuid::from_u128(77);

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

pub(super) async fn settle(
    store: &Store,
    effects: &[Effect],
    at: Timestamp,
    token: Option<&str>,
) -> Result<(), StoreError> {
    let refresh = token.map(|text| refresh_digest(&RefreshToken::new(text.into())));
    store.settle(Settle { effects, record: &record([127, 0, 0, 1], at), refresh }).await
}

pub(super) fn keep(generation: i64) -> Effect {
    keep_until(generation, NOW.plus_seconds(1000))
}

fn keep_until(generation: i64, expires: Timestamp) -> Effect {
    let body = RefreshBody {
        family: FAMILY,
        app: "a0000000-0000-4000-8000-000000000001".parse().unwrap(),
        user: ObjectId::new(Uuid::from_u128(5)),
        platform: Platform::Public,
        signed_in: NOW,
        scope: "openid".into(),
        methods: vec!["pwd".into()],
        session: None,
    };
    Effect::KeepRefresh { body: body.into(), generation, expires }
}

pub(super) async fn facts(store: &Store, token: &str) -> Facts {
    asked(store, &format!("grant_type=refresh_token&refresh_token={token}")).await
}

async fn redeemed(store: &Store, code: &str) -> Facts {
    asked(store, &format!("grant_type=authorization_code&redirect_uri=http://localhost&code={code}")).await
}

async fn asked(store: &Store, grant: &str) -> Facts {
    let body = format!("client_id=a0000000-0000-4000-8000-000000000001&{grant}");
    let request = TokenRequest::parse(Version::V2, &Form::parse(body.as_bytes()).unwrap(), None).unwrap();
    let name = TenantName::Id(TenantId::new(Uuid::from_u128(1)));
    store.facts_for(&name, &request, ([127, 0, 0, 1].into(), NOW)).await.unwrap().unwrap()
}

law! {
    async fn an_assertion_is_spent_once_by_fifty_at_once_and_after_a_restart_row_16(kept) {
    let kept = seeded(kept).await;
    let spend = Effect::SpendAssertion { digest: [9; 32], expires: NOW.plus_seconds(60) };
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (store, spend) = (kept.store.clone(), spend.clone());
            tokio::spawn(async move { settle(&store, &[spend], NOW, None).await })
        })
        .collect();
    let mut won = 0;
    for told in tries {
        match told.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(won, 1);
    let kept = kept.again().await;
    assert_eq!(settle(&kept.store, &[spend], NOW, None).await, Err(StoreError::Conflict));
}
}

law! {
    async fn a_refresh_token_comes_back_as_it_was_kept_and_no_other_does_row_21(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("token")).await.unwrap();
    let [lately, again] = [facts(&kept.store, "token").await.refresh, facts(&kept.store, "token").await.refresh];
    let kept = kept.again().await;
    let found = facts(&kept.store, "token").await;
    assert_eq!([lately, again], [found.refresh.clone(), facts(&kept.store, "token").await.refresh]);
    let held = found.refresh.unwrap();
    assert_eq!((held.generation, held.newest, held.revoked, held.issued), (0, 0, false, NOW));
    assert_eq!(found.user.map(|user| user.id), Some(held.body.user));
    for other in ["toke", "tokenx", "TOKEN"] {
        let told = facts(&kept.store, other).await;
        assert!(told.refresh.is_none() && told.instead == Instead::Nothing, "{other}");
    }
}
}

law! {
    async fn a_code_that_is_remembered_is_the_one_that_was_kept_and_is_remembered_once_row_47(kept) {
    let kept = seeded(kept).await;
    let code = AuthorizationCode::new("code".into());
    let one = TenantId::new(Uuid::from_u128(1));
    let place = Place {
        tenant: one,
        family: FAMILY,
        user: ObjectId::new(Uuid::from_u128(5)),
        created: NOW,
        expires: NOW.plus_seconds(60),
    };
    let json = serde_json::json!({
        "app": "a0000000-0000-4000-8000-000000000001", "user": place.user, "family": FAMILY, "platform": "public",
        "redirect_uri": "http://localhost", "explicit": true, "challenge": null, "scope": "openid", "v1": false,
        "nonce": null, "signed_in": NOW, "auth_time": false, "methods": ["pwd"], "session": null
    });
    kept.store.put_code(&code_digest(&code), place, serde_json::from_value(json.clone()).unwrap(), None).await.unwrap();
    let shown = async |store: &Store| {
        let found = redeemed(store, "code").await;
        (found.user.map(|user| user.id), found.code)
    };
    kept.store.end_artifact(CODE, &code_digest(&code)).await.unwrap();
    let gone = shown(&kept.store).await;
    assert!(gone.1.is_some() && shown(&kept.store).await.1.is_none(), "remembered, and once");
    kept.store.put_code(&code_digest(&code), place, serde_json::from_value(json).unwrap(), None).await.unwrap();
    let remembered = shown(&kept.store).await;
    assert!(remembered.1.as_ref().is_some_and(|code| !code.spent) && remembered.0 == Some(place.user));
    assert_eq!(shown(&kept.store).await, remembered);
    assert_eq!(redeemed(&kept.store, "other").await.code, None);
    let spend = [Effect::SpendCode { digest: code_digest(&code) }];
    settle(&kept.store, &spend, NOW, None).await.unwrap();
    assert!(shown(&kept.store).await.1.unwrap().spent);
    assert_eq!(settle(&kept.store, &spend, NOW, None).await, Err(StoreError::Conflict));
    let kept = kept.again().await;
    assert!(shown(&kept.store).await.1.unwrap().spent);
}
}

law! {
    async fn what_was_kept_lately_is_not_read_and_a_restart_remembers_nothing(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("token")).await.unwrap();
    // Nobody takes a refresh token away; here it shows who reads it.
    let digest = refresh_digest(&RefreshToken::new("token".into()));
    kept.store.end_artifact("refresh", &digest).await.unwrap();
    assert!(facts(&kept.store, "token").await.refresh.is_some());
    let kept = kept.again().await;
    assert!(facts(&kept.store, "token").await.refresh.is_none());
}
}

law! {
    async fn what_is_none_of_the_tenants_refresh_tokens_is_told_apart_from_nothing(kept) {
    let kept = seeded(kept).await;
    for (text, kind, tenant) in [("a-code", CODE, 1), ("theirs", "refresh", 2)] {
        let place = Place {
            tenant: TenantId::new(Uuid::from_u128(tenant)),
            family: FAMILY,
            user: ObjectId::new(Uuid::from_u128(5)),
            created: NOW,
            expires: NOW.plus_seconds(60),
        };
        kept.store.put_artifact(kind, &text_digest(kind, text), place, &()).await.unwrap();
    }
    assert_eq!(facts(&kept.store, "a-code").await.instead, Instead::OtherKind);
    assert_eq!(facts(&kept.store, "theirs").await.instead, Instead::OtherTenant);
    assert_eq!(facts(&kept.store, "nobodys").await.instead, Instead::Nothing);
}
}

law! {
    async fn a_family_advances_once_passes_in_the_grace_and_not_after_it(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    let advance = [Effect::AdvanceFamily { family: FAMILY, from: 0, grace_ms: 60_000, keep_until: None }];
    assert_eq!(settle(&kept.store, &advance, NOW, None).await, Ok(()));
    assert_eq!(settle(&kept.store, &advance, NOW.plus_seconds(60), None).await, Ok(()));
    assert_eq!(facts(&kept.store, "zero").await.refresh.unwrap().newest, 1);
    assert_eq!(settle(&kept.store, &advance, NOW.plus_seconds(61), None).await, Err(StoreError::Conflict));
    let second = [Effect::AdvanceFamily { family: FAMILY, from: 1, grace_ms: 60_000, keep_until: None }];
    assert_eq!(settle(&kept.store, &second, NOW, None).await, Ok(()));
    assert_eq!(settle(&kept.store, &advance, NOW, None).await, Err(StoreError::Conflict));
}
}

law! {
    async fn a_removed_user_is_nobody_and_their_families_alone_are_revoked(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    let seen = kept.store.directory(TenantId::new(Uuid::from_u128(1))).await.unwrap().unwrap();
    let seen = kept.store.apply(&seen, (vec![put_user(6, "eda@contoso.example")], vec![]), NOW, None).await.unwrap();
    let gone = |id| Change::Remove(ObjectKey::User(ObjectId::new(Uuid::from_u128(id))));
    let seen = kept.store.apply(&seen, (vec![gone(6)], vec![]), NOW, None).await.unwrap();
    let found = facts(&kept.store, "zero").await;
    assert!(found.user.is_some() && found.refresh.is_some_and(|held| !held.revoked));
    kept.store.apply(&seen, (vec![gone(5)], vec![]), NOW, None).await.unwrap();
    let found = facts(&kept.store, "zero").await;
    assert!(found.user.is_none() && found.refresh.is_some_and(|held| held.revoked));
}
}

law! {
    async fn a_revoked_family_does_not_advance(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    settle(&kept.store, &[Effect::RevokeFamily { family: FAMILY }], NOW, None).await.unwrap();
    let advance = [Effect::AdvanceFamily { family: FAMILY, from: 0, grace_ms: 60_000, keep_until: None }];
    assert_eq!(settle(&kept.store, &advance, NOW, None).await, Err(StoreError::Conflict));
}
}

law! {
    async fn a_changed_user_and_a_revoked_family_are_seen_at_the_next_showing_row_44(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    let shown = async || {
        let found = facts(&kept.store, "zero").await;
        (found.user.unwrap().name_key.clone(), found.refresh.unwrap().revoked)
    };
    assert_eq!([shown().await, shown().await], [(); 2].map(|()| ("ada@contoso.example".to_owned(), false)));
    let seen = kept.store.directory(TenantId::new(Uuid::from_u128(1))).await.unwrap().unwrap();
    kept.store.apply(&seen, (vec![put_user(5, "eda@contoso.example")], vec![]), NOW, None).await.unwrap();
    assert_eq!(shown().await, ("eda@contoso.example".to_owned(), false));
    settle(&kept.store, &[Effect::RevokeFamily { family: FAMILY }], NOW, None).await.unwrap();
    assert_eq!(shown().await, ("eda@contoso.example".to_owned(), true));
}
}

law! {
    async fn every_answer_has_its_record_and_a_lost_one_leaves_none(kept) {
    let kept = seeded(kept).await;
    let spend = [Effect::SpendAssertion { digest: [9; 32], expires: NOW.plus_seconds(60) }];
    settle(&kept.store, &[], NOW, None).await.unwrap();
    settle(&kept.store, &spend, NOW, None).await.unwrap();
    settle(&kept.store, &spend, NOW, None).await.unwrap_err();
    let records = kept.store.sign_ins(TenantId::new(Uuid::from_u128(1)), NOW, 10).await.unwrap();
    assert_eq!(records.len(), 2);
}
}

law! {
    async fn the_janitor_takes_what_ended_and_leaves_the_rest(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    kept.store.tidy(NOW.plus_seconds(999)).await.unwrap();
    assert!(facts(&kept.store, "zero").await.refresh.is_some());
    kept.store.tidy(NOW.plus_seconds(1000)).await.unwrap();
    assert!(facts(&kept.store, "zero").await.refresh.is_none());
}
}

law! {
    async fn a_family_lives_as_long_as_its_newest_token(kept) {
    let kept = seeded(kept).await;
    settle(&kept.store, &[keep(0)], NOW, Some("zero")).await.unwrap();
    let until = Some(NOW.plus_seconds(2000));
    let advance = Effect::AdvanceFamily { family: FAMILY, from: 0, grace_ms: 60_000, keep_until: until };
    let rotated = [advance, keep_until(1, NOW.plus_seconds(2000))];
    settle(&kept.store, &rotated, NOW, Some("one")).await.unwrap();
    kept.store.tidy(NOW.plus_seconds(1999)).await.unwrap();
    assert!(facts(&kept.store, "zero").await.refresh.is_none());
    assert_eq!(facts(&kept.store, "one").await.refresh.unwrap().newest, 1);
    kept.store.tidy(NOW.plus_seconds(2000)).await.unwrap();
    assert!(facts(&kept.store, "one").await.refresh.is_none());
}
}
