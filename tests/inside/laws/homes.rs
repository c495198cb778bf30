//! Where an application is registered: known in every tenant, after a restart, and at other nodes.

use super::{Kept, NOW, law, tenant};
use carnet_store::Store;
use carnet_tenant::{
    access::Caller,
    application::{self, Changes, New, SignInAudience},
    change::{Change, Moment},
    directory::Directory,
    registry::AtHome,
    service_principal,
};
use carnet_wire::{
    entropy::SeededEntropy,
    ids::{AppId, TenantId},
};
use std::sync::Arc;
use uuid::Uuid;

const HOME: TenantId = TenantId::new(Uuid::from_u128(1));
const OTHER: TenantId = TenantId::new(Uuid::from_u128(2));
const APP: AppId = AppId::new(Uuid::from_u128(77));

fn operator() -> Caller {
    Caller::Operator { digest: String::new() }
}

async fn directory(store: &Store, tenant: TenantId) -> Arc<Directory> {
    store.directory(tenant).await.unwrap().unwrap()
}

async fn apply(store: &Store, tenant: TenantId, changes: Vec<Change>) {
    let seen = directory(store, tenant).await;
    store.apply(&seen, (changes, vec![]), NOW, None).await.unwrap();
}

async fn change(store: &Store, changes: Changes) {
    let home = directory(store, HOME).await;
    let id = home.application_by_app(APP).unwrap().id;
    apply(store, HOME, application::change(&operator(), &home, id, changes).unwrap().changes).await;
}

/// Two tenants, of which one registered an application for all organisations.
async fn two(store: &Store) {
    for (number, domain) in [(1, "contoso.example"), (2, "fabrikam.example")] {
        store.create_tenant((tenant(number, domain), None), vec![], vec![], NOW).await.unwrap();
    }
    let entropy = SeededEntropy::new(3);
    let at = Moment { now: NOW, entropy: &entropy };
    let changes =
        Changes { sign_in_audience: Some(SignInAudience::AzureADMultipleOrgs), ..Changes::default() };
    let new = New { app_id: Some(APP), display_name: "api".into(), changes, ..New::default() };
    let made = application::create(&operator(), &*directory(store, HOME).await, new, &at).unwrap();
    apply(store, HOME, made.changes).await;
}

/// Makes its service principal in the other tenant, by a store that knows the application.
async fn install(store: &Store) {
    let entropy = SeededEntropy::new(4);
    let at = Moment { now: NOW, entropy: &entropy };
    let other = directory(store, OTHER).await;
    let made = service_principal::create(&operator(), &other, (APP, None), &at).unwrap();
    apply(store, OTHER, made.changes).await;
}

async fn at_home(store: &Store) -> AtHome {
    let other = directory(store, OTHER).await;
    other.at_home(other.principal_by_app(APP).unwrap())
}

law! {
    async fn an_application_is_found_at_home_by_every_tenant_and_after_a_restart(kept) {
    two(&kept.store).await;
    install(&kept.store).await;
    let kept = kept.again().await;
    let store = &kept.store;
    assert_eq!(store.home_directory(APP).await.unwrap().unwrap().tenant.id, HOME);
    assert!(store.home_directory(AppId::new(Uuid::from_u128(78))).await.unwrap().is_none());
    assert_eq!(store.any_directory().await.unwrap().unwrap().tenant.id, HOME);
    assert_eq!(store.registry().copies(APP), [OTHER]);
    assert_eq!(at_home(store).await, AtHome::Served);
    let narrow = Changes { sign_in_audience: Some(SignInAudience::AzureADMyOrg), ..Changes::default() };
    change(store, narrow).await;
    assert_eq!(at_home(store).await, AtHome::Gone);
    let home = directory(store, HOME).await;
    let id = home.application_by_app(APP).unwrap().id;
    apply(store, HOME, application::delete(&operator(), &home, id).unwrap().changes).await;
    assert!(store.home_directory(APP).await.unwrap().is_none());
    let kept = kept.again().await;
    assert_eq!(at_home(&kept.store).await, AtHome::Gone);
    }
}

#[tokio::test]
async fn another_node_finds_an_application_at_once_and_its_changes_before_a_denial() {
    let Some(kept) = Kept::postgres().await else { return };
    two(&kept.store).await;
    let other = kept.node(1).await.unwrap();
    let seen = directory(&other, OTHER).await;
    let known = AppId::new(Uuid::from_u128(79));
    let entropy = SeededEntropy::new(5);
    let at = Moment { now: NOW, entropy: &entropy };
    let changes =
        Changes { sign_in_audience: Some(SignInAudience::AzureADMultipleOrgs), ..Changes::default() };
    let new = New { app_id: Some(known), display_name: "new".into(), changes, ..New::default() };
    let made = application::create(&operator(), &*directory(&kept.store, HOME).await, new, &at).unwrap();
    apply(&kept.store, HOME, made.changes).await;
    // Asked again before it is refused, and looked up where somebody names it.
    let again = other.confirm_client(&seen, known).await.unwrap().unwrap();
    assert_eq!(again.registered(known).map(|it| it.home), Some(HOME));
    assert_eq!(other.home_directory(known).await.unwrap().unwrap().tenant.id, HOME);
    // What is nowhere registered is not asked for again.
    assert!(other.confirm_client(&seen, AppId::new(Uuid::from_u128(80))).await.unwrap().is_none());
    let renamed = Changes { display_name: Some("renamed".into()), ..Changes::default() };
    change(&kept.store, renamed).await;
    let again = other.confirm_client(&seen, APP).await.unwrap().unwrap();
    assert_eq!(again.registered(APP).unwrap().application.display_name, "renamed");
}
