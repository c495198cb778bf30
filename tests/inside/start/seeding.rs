//! Nodes that start together on an empty database: one of them makes the tenant, the others find it.

use super::Site;
use carnet_client::clock::OsEntropy;
use carnet_http::work::hash::Hasher;
use carnet_server::{
    FirstAdmin,
    seed::{self, Seeding},
};
use carnet_store::{Options, Store};
use carnet_tests::NOW;
use carnet_wire::{
    catalogue::Catalogue,
    secret::{Password, SecretBytes},
};
use std::sync::Arc;

/// A node that has loaded the tenants: none yet.
async fn node(site: &Site) -> Store {
    let options = Options {
        data: site.folder.path().to_path_buf(),
        database: site.database.clone(),
        seal: SecretBytes::new(super::SEAL_KEY.to_vec()),
        catalogue: Arc::new(Catalogue::builtin()),
        entropy: Arc::new(OsEntropy),
    };
    Store::open(options).await.unwrap()
}

#[tokio::test]
async fn a_tenant_file_is_applied_by_one_node_and_found_applied_by_the_others() {
    let Some(site) = Site::postgres().await else { return };
    let (one, two) = (node(&site).await, node(&site).await);
    let hasher = Hasher::start(1).unwrap();
    let apply = async |store: &Store| {
        let seeding = Seeding { store, hasher: &hasher, entropy: &OsEntropy, now: NOW, show: false };
        seeding.apply(seed::read(&site.tenant_files, |_| None).unwrap()).await.unwrap().remove(0)
    };
    let (first, second) = (apply(&one).await, apply(&two).await);
    assert_eq!((first.report.is_empty(), second.report.is_empty()), (false, true));
    assert_eq!(first.tenant, second.tenant);
}

#[tokio::test]
async fn the_first_administrator_is_told_by_the_node_that_made_the_tenant_alone() {
    let Some(site) = Site::postgres().await else { return };
    let (one, two) = (node(&site).await, node(&site).await);
    let hasher = Hasher::start(1).unwrap();
    let path = site.folder.path().join("first-passwords.json");
    let first = async |store: &Store, admin: &FirstAdmin| {
        let seeding = Seeding { store, hasher: &hasher, entropy: &OsEntropy, now: NOW, show: false };
        seeding.first_tenant(admin).await.unwrap()
    };
    let password = FirstAdmin::Password(Password::new("Correct-horse-7".into()));
    assert!(first(&one, &password).await.is_some());
    assert!(first(&two, &FirstAdmin::Write(path.clone())).await.is_none());
    assert!(!path.exists());
}
