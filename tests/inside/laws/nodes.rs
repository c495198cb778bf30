//! Two nodes over one database: what one changes the other sees, and what is there once is had once.

use super::{Kept, NOW, attempts::record, directory::put_user, tenant, tokens};
use carnet_store::{AttemptCounter, Settle, Store, StoreError};
use carnet_tenant::{
    change::{Change, Object, ObjectKey},
    directory::Directory,
    environment::Environment,
    lockout::AttemptPurpose,
    token::Effect,
};
use carnet_wire::{ids::TenantId, secret::Password};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

const TENANT: TenantId = TenantId::new(Uuid::from_u128(1));

fn environment(id: &str) -> Change {
    let it = Environment {
        id: id.into(),
        display_name: id.into(),
        location: "europe".into(),
        sku: "Sandbox".into(),
        created: NOW,
    };
    Change::Put(Object::Environment(it.into()))
}

async fn apply(store: &Store, seen: &Directory, change: Change) -> Result<Arc<Directory>, StoreError> {
    store.apply(seen, (vec![change], vec![]), NOW, None).await
}

/// Two nodes that hold one tenant.
async fn two() -> Option<(Kept, Store, Arc<Directory>)> {
    let kept = Kept::postgres().await?;
    kept.store
        .create_tenant(
            (tenant(1, "contoso.example"), None),
            vec![put_user(5, "ada@contoso.example")],
            vec![],
            NOW,
        )
        .await
        .unwrap();
    let other = kept.node(1).await.unwrap();
    let seen = kept.store.directory(TENANT).await.unwrap().unwrap();
    Some((kept, other, seen))
}

/// Waits for a condition of the other node, bounded by the second that it may take.
async fn within_a_second(store: &Store, condition: impl Fn(&Directory) -> bool) -> bool {
    let begun = Instant::now();
    // The bound of the promise, and as much again for a machine that is busy with other tests.
    while begun.elapsed() < Duration::from_secs(4) {
        if store.directory(TENANT).await.is_ok_and(|found| found.is_some_and(|it| condition(&it))) {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn a_change_is_seen_by_the_feed_and_a_removal_too() {
    let Some((kept, other, seen)) = two().await else { return };
    let seen = apply(&kept.store, &seen, environment("e1")).await.unwrap();
    assert!(within_a_second(&other, |it| it.environment("e1").is_some()).await);
    apply(&kept.store, &seen, Change::Remove(ObjectKey::Environment("e1".into()))).await.unwrap();
    assert!(within_a_second(&other, |it| it.environment("e1").is_none()).await);
}

#[tokio::test]
async fn what_one_node_remembers_of_a_token_hides_no_change_of_another_node_row_44() {
    let Some((kept, other, seen)) = two().await else { return };
    tokens::settle(&other, &[tokens::keep(0)], NOW, Some("token")).await.unwrap();
    assert_eq!(tokens::facts(&other, "token").await.user.unwrap().name_key, "ada@contoso.example");
    tokens::settle(&kept.store, &[Effect::RevokeFamily { family: tokens::FAMILY }], NOW, None).await.unwrap();
    assert!(tokens::facts(&other, "token").await.refresh.unwrap().revoked);
    apply(&kept.store, &seen, put_user(5, "eda@contoso.example")).await.unwrap();
    assert_eq!(tokens::facts(&other, "token").await.user.unwrap().name_key, "eda@contoso.example");
}

#[tokio::test]
async fn a_no_that_rests_on_absence_is_confirmed_at_once() {
    let Some((kept, other, seen)) = two().await else { return };
    let old = other.directory(TENANT).await.unwrap().unwrap();
    assert!(other.confirm(&old).await.unwrap().is_none());
    apply(&kept.store, &seen, environment("e1")).await.unwrap();
    let newer = other.confirm(&old).await.unwrap().unwrap();
    assert!(newer.environment("e1").is_some() && newer.version > old.version);
}

#[tokio::test]
async fn a_tenant_that_one_node_makes_the_other_finds() {
    let Some((kept, other, _)) = two().await else { return };
    kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await.unwrap();
    let begun = Instant::now();
    while other.tenants().len() < 2 && begun.elapsed() < Duration::from_secs(4) {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.tenants().len(), 2);
}

#[tokio::test]
async fn of_two_decisions_on_one_version_one_loses_and_can_decide_again() {
    let Some((kept, other, seen)) = two().await else { return };
    let (one, two) =
        tokio::join!(apply(&kept.store, &seen, environment("e1")), apply(&other, &seen, environment("e2")));
    let lost = one.as_ref().err().or(two.as_ref().err()).cloned();
    assert_eq!(lost, Some(StoreError::Conflict));
    assert!(one.is_ok() || two.is_ok());
    let (loser, change) =
        if one.is_err() { (&kept.store, environment("e1")) } else { (&other, environment("e2")) };
    let newer = loser.directory(TENANT).await.unwrap().unwrap();
    assert!(newer.version > seen.version, "a conflict loads what the other node made");
    let both = apply(loser, &newer, change).await.unwrap();
    assert!(both.environment("e1").is_some() && both.environment("e2").is_some());
}

#[tokio::test]
async fn of_fifty_spendings_over_two_nodes_one_wins_rows_16_and_f13() {
    let Some((kept, other, _)) = two().await else { return };
    let effects = [Effect::SpendAssertion { digest: [7; 32], expires: NOW.plus_seconds(600) }];
    let record = record([127, 0, 0, 1], NOW);
    let each = (0..50).map(|number| {
        let store = if number % 2 == 0 { &kept.store } else { &other };
        store.settle(Settle { effects: &effects, record: &record, refresh: None })
    });
    let told = futures_util::future::join_all(each).await;
    assert_eq!(told.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(told.iter().all(|it| matches!(it, Ok(()) | Err(StoreError::Conflict))), "{told:?}");
}

#[tokio::test]
async fn records_of_one_moment_are_kept_together_and_all_of_them() {
    let Some((kept, other, _)) = two().await else { return };
    let record = record([127, 0, 0, 1], NOW);
    let each = (0..300).map(|number| {
        let store = if number % 2 == 0 { &kept.store } else { &other };
        store.settle(Settle { effects: &[], record: &record, refresh: None })
    });
    assert!(futures_util::future::join_all(each).await.iter().all(Result::is_ok));
    assert_eq!(kept.store.sign_ins(TENANT, NOW, 1000).await.unwrap().len(), 300);
}

#[tokio::test]
async fn another_seal_key_and_a_newer_schema_are_refused() {
    let Some((kept, other, _)) = two().await else { return };
    assert_eq!(kept.node(2).await.unwrap_err(), StoreError::WrongSeal);
    other.close().await;
    let url = kept.database.clone().unwrap();
    let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("update refinery_schema_history set version = 99 where version = (select max(version) from refinery_schema_history)").await.unwrap();
    assert!(matches!(kept.node(1).await.unwrap_err(), StoreError::Newer { found: 99, .. }));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = super::options(folder.path(), 1);
    options.database =
        Some(carnet_wire::secret::DatabaseUrl::new("postgresql://a:Canary-1@127.0.0.1:1/b".into()));
    let error = Store::open(options).await.unwrap_err();
    assert!(matches!(error, StoreError::Away(_)) && !error.to_string().contains("Canary-1"), "{error}");
}

#[tokio::test]
async fn a_node_that_cannot_read_the_feed_for_a_second_decides_on_nothing() {
    let Some((kept, other, _)) = two().await else { return };
    let url = kept.database.clone().unwrap();
    let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("alter table tenant rename to away").await.unwrap();
    let begun = Instant::now();
    while other.directory(TENANT).await.is_ok() && begun.elapsed() < Duration::from_secs(8) {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.directory(TENANT).await.unwrap_err(), StoreError::Stale);
    client.batch_execute("alter table away rename to tenant").await.unwrap();
    assert!(within_a_second(&other, |_| true).await, "it comes back by itself");
}

#[tokio::test]
async fn a_source_is_limited_on_all_nodes_together_row_147() {
    let Some((kept, other, _)) = two().await else { return };
    let from = ([192, 0, 2, 1].into(), NOW);
    let tries = (0..70).map(|n| {
        let store = if n % 2 == 0 { kept.store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let (name, purpose) = (format!("user{n}"), AttemptPurpose::Password);
            let counter = AttemptCounter { tenant: TENANT, purpose, key: &name };
            store.reserve(&counter, &Password::new("Spring-2027".into()), from).await.unwrap().0.evaluates()
        })
    });
    let mut evaluated = 0;
    for told in tries.collect::<Vec<_>>() {
        evaluated += usize::from(told.await.unwrap());
    }
    assert_eq!(evaluated, 50);
}
