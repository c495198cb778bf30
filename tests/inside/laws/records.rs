//! The chain of sign-in records: whoever holds the audit sees that a record is missing.

use super::{Kept, NOW, attempts::record};
use carnet_store::{Settle, Store, StoreError};
use carnet_tenant::token::Effect;
use carnet_wire::{digest, ids::TenantId};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

async fn settle(store: &Store, effects: &[Effect]) -> Result<(), StoreError> {
    store.settle(Settle { effects, record: &record([127, 0, 0, 1], NOW), refresh: None }).await
}

/// Whether the records of the file are all that its newest attestation speaks of.
fn whole(file: &Connection) -> bool {
    let newest =
        "select body from audit where body like '%Attest sign-in records%' order by version desc limit 1";
    let body: String = file.query_row(newest, [], |row| row.get(0)).unwrap();
    let told: Value = serde_json::from_str(&body).unwrap();
    let node = told[0]["target"][1].as_str().unwrap();
    let said = |name: &str| {
        let all = told[0]["modified"].as_array().unwrap().iter();
        all.filter(|it| it[0] == name).map(|it| it[2].as_str().unwrap().to_owned()).next().unwrap()
    };
    let link = |text: &str| {
        let (number, digest) = text.split_once(':').unwrap();
        (number.parse::<i64>().unwrap(), digest.to_owned())
    };
    let (last, head) = link(&said("head"));
    let void: HashMap<i64, String> = said("void").split_whitespace().map(link).collect();
    let mut read = file.prepare("select n, body, digest from sign_in where node = $1 order by n").unwrap();
    let rows = read.query_map([node], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap();
    let rows: HashMap<i64, (String, Vec<u8>)> = rows.map(Result::unwrap).collect();
    let mut previous = digest::hex(&[0; 32]);
    for number in 1..=last {
        previous = match rows.get(&number) {
            Some((body, kept)) => {
                let before: Vec<u8> = (0..32)
                    .map(|at| u8::from_str_radix(&previous[2 * at..2 * at + 2], 16).unwrap())
                    .collect();
                let made = digest::sha256(&[&before, &number.to_be_bytes(), body.as_bytes()]);
                if made[..] != kept[..] {
                    return false;
                }
                digest::hex(&made)
            }
            None => match void.get(&number) {
                Some(digest) => digest.clone(),
                None => return false,
            },
        };
    }
    previous == head
}

#[tokio::test]
async fn a_record_that_is_taken_away_or_altered_shows_and_one_that_never_was_does_not() {
    let kept = Kept::sqlite().await;
    kept.contoso().await;
    let lost = Effect::AdvanceFamily { family: Uuid::from_u128(9), from: 0, grace_ms: 0, keep_until: None };
    for _ in 0..3 {
        settle(&kept.store, &[]).await.unwrap();
    }
    assert_eq!(settle(&kept.store, &[lost]).await, Err(StoreError::Conflict));
    for _ in 0..2 {
        settle(&kept.store, &[]).await.unwrap();
    }
    kept.store.attest_records(NOW).await.unwrap();
    let version = kept.store.directory(TenantId::new(Uuid::from_u128(1))).await.unwrap().unwrap().version;
    // Nothing new is nothing to attest.
    kept.store.attest_records(NOW).await.unwrap();
    let after = kept.store.directory(TenantId::new(Uuid::from_u128(1))).await.unwrap().unwrap().version;
    assert_eq!(version, after);

    let file = Connection::open(kept.folder.path().join("carnet.db")).unwrap();
    assert!(whole(&file));
    for harm in [
        "delete from sign_in where n = 2",
        "delete from sign_in where n = 6",
        "update sign_in set body = replace(body, '\"error\":0', '\"error\":1') where n = 3",
    ] {
        file.execute_batch("begin").unwrap();
        assert_eq!(file.execute(harm, []).unwrap(), 1, "{harm}");
        assert!(!whole(&file), "{harm}");
        file.execute_batch("rollback").unwrap();
    }
    assert!(whole(&file));
}
