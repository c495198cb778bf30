//! What a start does in the store: built-in objects, tenant files, the first tenant.

use super::{FirstAdmin, FirstAdministrator, StartError};
use crate::{
    notice::{self, Notice},
    seed,
};
use carnet_http::copies;
use carnet_store::{Store, StoreError};

/// What the start did in the store.
pub(super) struct Seeded {
    pub(super) applied: Vec<seed::Applied>,
    pub(super) first_admin: Option<FirstAdministrator>,
    pub(super) notices: Vec<Notice>,
}

/// Restores what is built in, applies the tenant files, makes the first tenant where there is none, and tells what
/// the operator has to know of the store.
pub(super) async fn seeded(
    seeding: &seed::Seeding<'_>,
    files: Vec<seed::Loaded>,
    first_admin: &FirstAdmin,
) -> Result<Seeded, StartError> {
    let restored = seeding.restore_built_in().await?;
    let declared: Vec<Vec<String>> = files.iter().map(seed::Loaded::identifier_uris).collect();
    let applied = seeding.apply(files).await?;
    copies::publish_all(seeding.store, seeding.now).await;
    let made = seeding.first_tenant(first_admin).await?;
    let mut notices = notices(seeding.store, restored, &applied, declared).await?;
    if matches!(first_admin, FirstAdmin::Password(_)) && made.is_none() {
        notices.push(Notice::PasswordUnused);
    }
    Ok(Seeded { applied, first_admin: made, notices })
}

/// What the operator has to know of the store. `declared` are the identifier URIs of each
/// file that was applied.
async fn notices(
    store: &Store,
    restored: Vec<seed::RestoredIn>,
    applied: &[seed::Applied],
    declared: Vec<Vec<String>>,
) -> Result<Vec<Notice>, StoreError> {
    let of_file = |(file, uris): (&seed::Applied, Vec<String>)| {
        let tenant = file.tenant;
        uris.into_iter().map(move |uri| (tenant, uri))
    };
    let declared = applied.iter().zip(declared).flat_map(of_file).collect();
    let mut notices: Vec<Notice> = restored.into_iter().map(Notice::BuiltIn).collect();
    notices.extend(notice::foreign_identifier_uris(store, &declared).await?);
    Ok(notices)
}
