//! Step 3: the public client switch, without which a user name and password are not accepted.

use super::{
    Wanted,
    plan::{Action, Deed, Seen},
};
use crate::{failure::ClientError, graph::Graph};
use reqwest::Method;
use serde_json::json;

pub(super) fn plan(seen: &Seen, wanted: &Wanted) -> Option<Action> {
    let on = seen.application.as_ref().is_some_and(|it| it["isFallbackPublicClient"].as_bool() == Some(true));
    wanted.public_client.then(|| Action {
        step: 3,
        what: "set the public client switch to on".into(),
        done: on,
        deed: Deed::PublicClient,
    })
}

/// Sets the switch of the application with this object id.
///
/// # Errors
/// [`ClientError`]
pub async fn set(graph: &Graph, object: &str, on: bool) -> Result<(), ClientError> {
    let body = json!({ "isFallbackPublicClient": on });
    graph.call(Method::PATCH, &format!("/applications/{object}"), Some(&body)).await.map(drop)
}
