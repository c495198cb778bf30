//! Step 1: a single-tenant application registration and its service principal.

use super::{
    DesiredState,
    plan::{Action, Change, CurrentState},
};
use crate::{failure::ClientError, graph::Graph};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn plan(current: &CurrentState, desired: &DesiredState) -> Vec<Action> {
    vec![
        Action {
            step: 1,
            what: format!("register the single-tenant application `{}`", desired.name),
            done: current.application.is_some(),
            change: Change::CreateApplication,
        },
        Action {
            step: 1,
            what: "create its service principal".into(),
            done: current.principal.is_some(),
            change: Change::CreatePrincipal,
        },
    ]
}

/// Registers a single-tenant application.
///
/// # Errors
/// [`ClientError`]
pub async fn create(graph: &Graph, name: &str) -> Result<Value, ClientError> {
    let body = json!({ "displayName": name, "signInAudience": "AzureADMyOrg" });
    graph.call(Method::POST, "/applications", Some(&body)).await
}
