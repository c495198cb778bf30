//! `carnet app secret` (step 4).

use super::{Print, find};
use crate::{args::SecretVerb, failure::Failure, output};
use carnet_client::graph::{Graph, text};
use carnet_wire::time::Timestamp;
use serde_json::{Value, json};

/// Adds, lists or removes client secrets.
pub async fn run(print: &Print, graph: &Graph, verb: SecretVerb) -> Result<(), Failure> {
    match verb {
        SecretVerb::Add { app, name, expires } => {
            let until = expires.as_deref().map(end_of).transpose()?;
            let found = find(graph, &app).await?;
            let (shown, value) = graph.add_password(text(&found, "id"), &name, until.as_deref()).await?;
            output::say("save the secret now: its value cannot be shown again");
            let mut shown = row(&shown);
            shown["clientId"] = found["appId"].clone();
            shown["clientSecret"] = value.expose().into();
            print.data(&shown)
        }
        SecretVerb::List { app } => {
            let found = find(graph, &app).await?;
            let all = found["passwordCredentials"].as_array().into_iter().flatten();
            print.data(&all.map(row).collect::<Vec<_>>().into())
        }
        SecretVerb::Remove { app, key_id } => {
            let found = find(graph, &app).await?;
            graph.remove_password(text(&found, "id"), &key_id).await?;
            print.data(&json!({ "keyId": key_id, "removed": true }))
        }
    }
}

/// The end of a day, which is the start of the next one.
fn end_of(day: &str) -> Result<String, Failure> {
    let start = Timestamp::parse_iso(&format!("{day}T00:00:00Z"));
    let start =
        start.ok_or_else(|| Failure::usage(format!("--expires `{day}` is not a date such as 2027-11-22")))?;
    Ok(start.plus_seconds(24 * 3600).iso())
}

fn row(it: &Value) -> Value {
    json!({ "name": it["displayName"], "keyId": it["keyId"], "hint": it["hint"], "expires": it["endDateTime"] })
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn the_last_day_is_included() {
        assert!(end_of("2027-11-22").is_ok_and(|text| text.starts_with("2027-11-23T00:00:00")));
        assert!(end_of("tomorrow").is_err());
    }
}
