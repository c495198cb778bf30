//! Directory changes: numbered, unique, isolated, sealed, and there again after a restart.

use super::{Kept, NOW, law, options, tenant};
use carnet_store::{Store, StoreError};
use carnet_tenant::{
    change::{Change, Object, ObjectKey},
    environment::Environment,
    group::{Group, MemberKind, Membership, MembershipKey},
    user::{User, fold},
};
use carnet_wire::{authority::TenantName, ids::ObjectId, time::Timestamp};
use uuid::Uuid;

pub(crate) fn user(number: u128, name: &str) -> User {
    User {
        id: ObjectId::new(Uuid::from_u128(number)),
        name: name.to_owned(),
        name_key: fold(name),
        display_name: name.to_owned(),
        given_name: None,
        surname: None,
        mail: None,
        mail_nickname: None,
        enabled: true,
        guest: false,
        password: None,
        password_expired: false,
        totp: None,
        recovery_codes: Vec::new(),
        sessions_valid_from: Timestamp::from_seconds(0),
        tokens_from: 0,
        password_changed: NOW,
        kept: Default::default(),
        created: NOW,
    }
}

pub(crate) fn put_user(number: u128, name: &str) -> Change {
    Change::Put(Object::User(user(number, name).into()))
}

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

law! {
    async fn groups_and_memberships_are_there_after_a_restart_and_gone_when_removed(kept) {
    let one = kept.contoso().await;
    let [member, group] = [7, 8].map(|number| ObjectId::new(Uuid::from_u128(number)));
    let key = MembershipKey { member, group };
    let it = Group {
        id: group,
        display_name: "Readers".into(),
        mail_nickname: "readers".into(),
        mail_enabled: false,
        security_enabled: true,
        description: None,
        owners: vec![member],
        created: NOW,
    };
    let made = vec![
        Change::Put(Object::Group(it.into())),
        Change::Put(Object::Membership(Membership { key, kind: MemberKind::User }.into())),
    ];
    kept.store.apply(&one, (made, vec![]), NOW, None).await.unwrap();
    let kept = kept.again().await;
    let name = TenantName::Domain("contoso.example".into());
    let two = kept.store.directory_named(&name).await.unwrap().unwrap();
    assert!(two.is_member(&key) && two.group(group).is_some());
    let gone = vec![Change::Remove(ObjectKey::Membership(key)), Change::Remove(ObjectKey::Group(group))];
    kept.store.apply(&two, (gone, vec![]), NOW, None).await.unwrap();
    let kept = kept.again().await;
    let three = kept.store.directory_named(&name).await.unwrap().unwrap();
    assert!(!three.is_member(&key) && three.group(group).is_none());
    assert!(three.members_of(group, None).next().is_none());
    }
}

law! {
    async fn changes_are_numbered_and_there_after_a_restart(kept) {
    let one = kept.contoso().await;
    let two = kept
        .store
        .apply(&one, (vec![environment("e1"), put_user(5, "ada@contoso.example")], vec![]), NOW, None)
        .await
        .unwrap();
    assert_eq!((one.version, two.version), (1, 2));
    let kept = kept.again().await;
    let name = TenantName::Domain("contoso.example".into());
    let found = kept.store.directory_named(&name).await.unwrap().unwrap();
    assert_eq!((found.version, found.audit_head), (2, two.audit_head));
    assert!(found.environment("e1").is_some());
    assert!(kept.store.user_named(found.tenant.id, "ada@contoso.example").await.unwrap().is_some());
}
}

law! {
    async fn who_decided_on_an_older_number_loses_and_leaves_nothing(kept) {
    let seen = kept.contoso().await;
    kept.store.apply(&seen, (vec![environment("e1")], vec![]), NOW, None).await.unwrap();
    let late = kept.store.apply(&seen, (vec![environment("e2")], vec![]), NOW, None).await;
    assert_eq!(late.unwrap_err(), StoreError::Conflict);
    let now = kept.store.directory(seen.tenant.id).await.unwrap().unwrap();
    assert!(now.environment("e2").is_none());
}
}

law! {
    async fn a_unique_name_is_taken_once_in_a_tenant_and_free_again_after_removal(kept) {
    let seen = kept.contoso().await;
    let seen =
        kept.store.apply(&seen, (vec![put_user(5, "ada@contoso.example")], vec![]), NOW, None).await.unwrap();
    let again = kept.store.apply(&seen, (vec![put_user(6, "ADA@contoso.example")], vec![]), NOW, None).await;
    assert_eq!(again.unwrap_err(), StoreError::Exists);
    let other = kept
        .store
        .create_tenant(
            (tenant(2, "fabrikam.example"), None),
            vec![put_user(6, "ada@contoso.example")],
            vec![],
            NOW,
        )
        .await;
    assert!(other.is_ok(), "another tenant's names are its own");
    let gone = Change::Remove(ObjectKey::User(user(5, "x").id));
    let seen = kept.store.apply(&seen, (vec![gone], vec![]), NOW, None).await.unwrap();
    assert!(kept.store.user(seen.tenant.id, user(5, "x").id).await.unwrap().is_none());
    kept.store.apply(&seen, (vec![put_user(7, "ada@contoso.example")], vec![]), NOW, None).await.unwrap();
}
}

law! {
    async fn a_domain_belongs_to_one_tenant(kept) {
    kept.contoso().await;
    let again = kept.store.create_tenant((tenant(2, "contoso.example"), None), vec![], vec![], NOW).await;
    assert_eq!(again.unwrap_err(), StoreError::Exists);
    assert_eq!(kept.store.tenants().len(), 1);
}
}

law! {
    async fn users_of_another_tenant_are_not_found_by_id_or_name_row_33(kept) {
    let one = kept
        .store
        .create_tenant(
            (tenant(1, "contoso.example"), None),
            vec![put_user(5, "ada@contoso.example")],
            vec![],
            NOW,
        )
        .await
        .unwrap();
    let two =
        kept.store.create_tenant((tenant(2, "fabrikam.example"), None), vec![], vec![], NOW).await.unwrap();
    let id = user(5, "x").id;
    assert!(kept.store.user(one.tenant.id, id).await.unwrap().is_some());
    assert!(kept.store.user(two.tenant.id, id).await.unwrap().is_none());
    assert!(kept.store.user_named(two.tenant.id, "ada@contoso.example").await.unwrap().is_none());
}
}

#[tokio::test]
async fn bodies_are_sealed_and_another_key_opens_nothing() {
    let kept = Kept::sqlite().await;
    kept.store
        .create_tenant(
            (tenant(1, "contoso.example"), None),
            vec![put_user(5, "canary@contoso.example")],
            vec![],
            NOW,
        )
        .await
        .unwrap();
    kept.store.close().await;
    let folder = kept.folder;
    drop(kept.store);
    let wrong = Store::open(options(folder.path(), 2)).await;
    assert_eq!(wrong.unwrap_err(), StoreError::WrongSeal);
    let database = rusqlite::Connection::open(folder.path().join("carnet.db")).unwrap();
    let body: Vec<u8> =
        database.query_row("select body from object where kind = 'user'", [], |row| row.get(0)).unwrap();
    assert!(!body.windows(6).any(|part| part == b"canary"));
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date_and_keeps_what_it_has() {
    // The store of a release that knew three schemas, with what the later two did undone.
    let folder = carnet_tests::fixture::folder(carnet_tests::fixture::USUAL);
    let file = folder.path().join("carnet.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch(
            "drop index attempt_locked; create index family_by_user on family(tenant_id, user_id); \
            insert into unknown_client values ('b7a1c0de-0000-4000-8000-000000000001', 700016, '192.0.2.1', 30000000, 7); \
            delete from refinery_schema_history where version > 1",
        )
        .unwrap();
    drop(database);
    let again = Store::open(options(folder.path(), 7)).await.unwrap();
    let tenant = carnet_tests::TENANT.parse().unwrap();
    // What was counted of requests that named no application stays counted.
    let counts = again.denial_counts(tenant, (NOW, NOW), 10).await.unwrap();
    let told: Vec<_> = counts.iter().map(|it| (it.code, it.app, it.source.as_str(), it.count)).collect();
    assert_eq!(told, [(700_016, None, "192.0.2.1", 7)]);
    assert!(again.directory(tenant).await.unwrap().is_some());
    again.close().await;
    let index =
        "select group_concat(name) from sqlite_master where name in ('attempt_locked', 'family_by_user')";
    let found: String =
        rusqlite::Connection::open(&file).unwrap().query_row(index, [], |row| row.get(0)).unwrap();
    assert_eq!(found, "attempt_locked");
}

#[tokio::test]
async fn a_newer_schema_and_a_folder_in_use_are_refused() {
    let kept = Kept::sqlite().await;
    let second = Store::open(options(kept.folder.path(), 1)).await;
    assert!(matches!(second.unwrap_err(), StoreError::InUse(_)));
    kept.store.close().await;
    let folder = kept.folder;
    drop(kept.store);
    let database = rusqlite::Connection::open(folder.path().join("carnet.db")).unwrap();
    let newest = "update refinery_schema_history set version = 99 where version = (select max(version) from refinery_schema_history)";
    assert_eq!(database.execute(newest, []).unwrap(), 1);
    drop(database);
    let newer = Store::open(options(folder.path(), 1)).await;
    assert!(matches!(newer.unwrap_err(), StoreError::Newer { found: 99, .. }));
}
