//! Step 3: the public client switch. Without it, a user name and password are accepted only with the client's
//! credential.

use super::{
    DesiredState,
    plan::{Action, Change, CurrentState},
};
use crate::{failure::ClientError, graph::Graph};
use reqwest::Method;
use serde_json::json;

pub(super) fn plan(current: &CurrentState, desired: &DesiredState) -> Option<Action> {
    let on =
        current.application.as_ref().is_some_and(|it| it["isFallbackPublicClient"].as_bool() == Some(true));
    desired.public_client.then(|| Action {
        step: 3,
        what: "enable the public client switch".into(),
        done: on,
        change: Change::PublicClient,
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
