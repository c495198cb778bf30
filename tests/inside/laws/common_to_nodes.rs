//! What all nodes of a store have in common: certificate authorities and the public URL. The first writer wins, and
//! what was not seen is not replaced.

use super::{Kept, NOW, law};
use carnet_store::{KeptAuthority, StoreError, engine::Sql};
use carnet_wire::secret::SecretBytes;

fn authority(name: &str) -> KeptAuthority {
    KeptAuthority {
        hosts: vec![name.to_owned()],
        made: NOW,
        certificate: format!("certificate of {name}"),
        key: SecretBytes::new(format!("key of {name}").into_bytes()),
    }
}

/// The names and keys of a store's authorities.
async fn held(kept: &Kept) -> Vec<String> {
    let list = kept.store.certificate_authorities().await.unwrap().list;
    let text = |it: &KeptAuthority| format!("{} {}", it.hosts[0], String::from_utf8_lossy(it.key.expose()));
    list.iter().map(text).collect()
}

law! {
    async fn authorities_are_kept_sealed_and_replaced_only_by_who_saw_them(kept) {
    let none = kept.store.certificate_authorities().await.unwrap();
    assert!(none.list.is_empty());
    kept.store.keep_certificate_authorities(&none, &[authority("a")]).await.unwrap();
    let again = kept.store.keep_certificate_authorities(&none, &[authority("b")]).await;
    assert_eq!(again, Err(StoreError::Exists));
    let seen = kept.store.certificate_authorities().await.unwrap();
    kept.store.keep_certificate_authorities(&seen, &[authority("a"), authority("c")]).await.unwrap();
    let again = kept.store.keep_certificate_authorities(&seen, &[authority("d")]).await;
    assert_eq!(again, Err(StoreError::Conflict));
    let kept = kept.again().await;
    assert_eq!(held(&kept).await, ["a key of a", "c key of c"]);
    const ROWS: Sql = "select value from meta";
    for row in kept.engine().await.read(ROWS, vec![]).await.unwrap() {
        let bytes = row.bytes(0).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"key of a" || part == b"certific"));
    }
}
}

law! {
    async fn the_first_public_url_stays_until_it_is_changed(kept) {
    let store = &kept.store;
    assert_eq!(store.public_url().await.unwrap(), None);
    assert_eq!(store.keep_public_url("https://a").await.unwrap(), "https://a");
    assert_eq!(store.keep_public_url("https://b").await.unwrap(), "https://a");
    store.change_public_url("https://b").await.unwrap();
    store.change_public_url("https://b").await.unwrap();
    assert_eq!(store.keep_public_url("https://a").await.unwrap(), "https://b");
    let kept = kept.again().await;
    assert_eq!(kept.store.public_url().await.unwrap().as_deref(), Some("https://b"));
}
}

law! {
    async fn what_somebody_else_puts_into_the_database_is_not_taken(kept) {
    let none = kept.store.certificate_authorities().await.unwrap();
    kept.store.keep_certificate_authorities(&none, &[authority("a")]).await.unwrap();
    kept.store.keep_public_url("https://a").await.unwrap();
    // A value that was sealed for another row.
    let kept = kept.harmed("update meta set value = (select value from meta where name = 'seal')").await;
    assert_eq!(kept.store.certificate_authorities().await.map(drop), Err(StoreError::WrongSeal));
    assert_eq!(kept.store.public_url().await, Err(StoreError::WrongSeal));
    assert_eq!(kept.store.change_public_url("https://b").await, Err(StoreError::WrongSeal));
}
}
