//! `carnet keys`: the server's signing keys.

use super::Print;
use crate::{args::KeysVerb, config, failure::Failure, output};
use carnet_server::{Rotating, rotate_keys};
use carnet_wire::secret::DatabaseUrl;
use serde_json::{Value, json};

/// Makes each tenant's next signing key.
pub async fn run(print: &Print, verb: KeysVerb) -> Result<(), Failure> {
    let KeysVerb::Rotate { data, database_url, seal_key, now } = verb;
    let data = data.or_else(config::data_folder).ok_or_else(|| {
        Failure::asked("there is no home folder; say where the server keeps its data with --data DIR")
    })?;
    let database = database_url.or_else(|| config::variable("CARNET_DATABASE_URL")).map(DatabaseUrl::new);
    let shared = database.is_some();
    let rotating = Rotating { data, database, seal_key, emergency: now };
    let all = rotate_keys(rotating).await.map_err(|error| Failure::asked(error.to_string()))?;
    output::say(match (now, shared) {
        (false, false) => {
            "each new key is published from the next start on and signs in 24 hours; the old one stays until its last token is dead"
        }
        (false, true) => {
            "running nodes publish each new key within a minute, and it signs in 24 hours; the old one stays until its last token is dead"
        }
        (true, false) => "each new key signs from now on, and every token that an old one signed is refused",
        (true, true) => {
            "each new key signs from now on; running nodes take it up, and refuse what an old one signed, within a minute"
        }
    });
    let rows: Vec<Value> = all
        .iter()
        .map(|it| json!({ "tenant": it.tenant, "keyId": it.made, "removedKeyIds": it.gone }))
        .collect();
    print.data(&rows.into())
}
