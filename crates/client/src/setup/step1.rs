//! Step 1: the application registration, single tenant, and its service principal.

use super::{
    Wanted,
    plan::{Action, Deed, Seen},
};
use crate::{failure::ClientError, graph::Graph};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn plan(seen: &Seen, wanted: &Wanted) -> Vec<Action> {
    vec![
        Action {
            step: 1,
            what: format!("register the application `{}`, single tenant", wanted.name),
            done: seen.application.is_some(),
            deed: Deed::CreateApplication,
        },
        Action {
            step: 1,
            what: "give it a service principal in this tenant".into(),
            done: seen.principal.is_some(),
            deed: Deed::CreatePrincipal,
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
