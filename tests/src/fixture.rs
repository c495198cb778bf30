//! Stores that a previous release wrote (`tests/fixtures`), behind the present router.

use crate::{Contoso, database::restored, setup::Kept};
use carnet_http::clock::FixedClock;
use carnet_wire::{secret::DatabaseUrl, time::Timestamp};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// The first release: an ordinary store.
pub const USUAL: &str = "usual";
/// The first release: as [`USUAL`]; then an administrator deleted Microsoft Graph's service principal and disabled the
/// one of the Power Platform API.
pub const BUILT_IN: &str = "built_in";

/// A server over a store of a previous release. Its clock stands still at the moment at which the store was made.
pub struct Fixture {
    /// The server.
    pub server: Contoso,
    /// What is known of the store.
    pub facts: Facts,
}

/// What was written down of a store when it was made.
#[derive(Debug, Clone, Deserialize)]
pub struct Facts {
    /// When it was made, in seconds.
    pub at: i64,
    /// A refresh token of `ada` and `public`, for the Power Platform API.
    pub refresh_token: String,
    /// A refresh token of `ada` and `oidc`, for scopes of OpenID Connect alone.
    pub oidc_refresh_token: String,
    /// The cookies of the browser in which `ada` used `oidc`.
    pub cookies: BTreeMap<String, String>,
}

/// A copy of a SQLite store.
pub async fn sqlite(name: &str) -> Fixture {
    started(folder(name), None, facts(name, "sqlite")).await
}

/// A data folder with a copy of a SQLite store; its seal key is 32 bytes of 7.
#[must_use]
pub fn folder(name: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(path(&format!("{name}.db")), folder.path().join("carnet.db")).expect("a store of this name");
    folder
}

/// A copy of a PostgreSQL store; `None` where no cluster is prepared and none is demanded.
pub async fn postgres(name: &str) -> Option<Fixture> {
    let dump = fs::read_to_string(path(&format!("{name}.sql"))).expect("a store of this name");
    let database = restored(&dump).await?;
    let folder = tempfile::tempdir().expect("a folder");
    Some(started(folder, Some(database), facts(name, "postgres")).await)
}

async fn started(folder: TempDir, database: Option<DatabaseUrl>, facts: Facts) -> Fixture {
    let kept = Kept { database, ..Kept::new() };
    let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(facts.at)));
    let server = Contoso::of(folder, kept, clock, &[]).await;
    Fixture { server, facts }
}

fn facts(name: &str, engine: &str) -> Facts {
    let text = fs::read_to_string(path(&format!("{name}.{engine}.json"))).expect("facts of this store");
    serde_json::from_str(&text).expect("facts are JSON")
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}
