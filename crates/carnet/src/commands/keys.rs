//! `carnet keys`: the server's signing keys.

use super::Print;
use crate::{args::KeysVerb, config, failure::Failure, output};
use carnet_server::{Rotating, rotate_keys};
use carnet_wire::secret::DatabaseUrl;
use serde_json::{Value, json};

/// Creates each tenant's next signing key.
pub async fn run(print: &Print, verb: KeysVerb) -> Result<(), Failure> {
    let KeysVerb::Rotate { data, database_url, seal_key, now } = verb;
    let data = data.or_else(config::data_folder).ok_or_else(|| {
        Failure::usage("there is no home folder: specify the server's data folder with --data DIR")
    })?;
    let database = database_url.or_else(|| config::variable("CARNET_DATABASE_URL")).map(DatabaseUrl::new);
    let shared = database.is_some();
    let rotating = Rotating { data, database, seal_key, emergency: now };
    let all = rotate_keys(rotating).await.map_err(|error| Failure::usage(error.to_string()))?;
    output::say(match (now, shared) {
        (false, false) => {
            "each new key is published when the server starts and used for signing 24 hours later; the old key stays published until its last token expires"
        }
        (false, true) => {
            "running nodes publish each new key within a minute and use it for signing 24 hours later; the old key stays published until its last token expires"
        }
        (true, false) => {
            "each new key is used for signing from now on, and all tokens signed with old keys are rejected"
        }
        (true, true) => {
            "each new key is used for signing from now on; within a minute, running nodes use it and reject all tokens signed with old keys"
        }
    });
    let rows: Vec<Value> = all
        .iter()
        .map(|it| json!({ "tenant": it.tenant, "keyId": it.made, "removedKeyIds": it.gone }))
        .collect();
    print.data(&rows.into())
}
