//! `carnet app`: setup steps 1 to 4, one at a time, through Microsoft Graph.

mod certificate;
mod consent;
mod create;
mod permission;
mod secret;

use super::{Print, session::AdminSession};
use crate::{
    args::{AppCommand, AppVerb, Switch},
    failure::Failure,
    output,
};
use carnet_client::{
    graph::{Graph, text},
    setup::step3,
};
use serde_json::{Value, json};

/// Runs one subcommand.
pub async fn run(print: &Print, command: AppCommand) -> Result<(), Failure> {
    let authority = command.tenant.authority()?;
    let graph = AdminSession::new(authority, &command.administrator)?.graph().await?;
    match command.verb {
        AppVerb::Create { name } => create::run(print, &graph, &name).await,
        AppVerb::List => {
            let all = graph.list("/applications").await?;
            print.data(&all.iter().map(short).collect::<Vec<_>>().into())
        }
        AppVerb::Show { app } => print.data(&carnet_client::transport::redacted(&find(&graph, &app).await?)),
        AppVerb::Delete { app } => {
            let found = find(&graph, &app).await?;
            let path = format!("/applications/{}", text(&found, "id"));
            graph.delete(&path).await?;
            output::say(&format!(
                "deleted `{}`, its service principal and its permission grants",
                text(&found, "displayName")
            ));
            print.data(&short(&found))
        }
        AppVerb::Set { app, public_client } => {
            let found = find(&graph, &app).await?;
            let on = public_client == Some(Switch::On);
            step3::set(&graph, text(&found, "id"), on).await?;
            let mut shown = short(&found);
            shown["isFallbackPublicClient"] = on.into();
            print.data(&shown)
        }
        AppVerb::Permission { verb } => permission::run(print, &graph, verb).await,
        AppVerb::Consent { app } => consent::run(print, &graph, &app).await,
        AppVerb::Secret { verb } => secret::run(print, &graph, verb).await,
        AppVerb::Certificate { verb } => certificate::run(print, &graph, verb).await,
    }
}

/// Finds the application that the user named.
async fn find(graph: &Graph, name: &str) -> Result<Value, Failure> {
    let found = graph.find_application(name).await?;
    found.ok_or_else(|| {
        Failure::usage(format!("application `{name}` not found"))
            .hint("list the applications: carnet app list")
    })
}

/// The properties of an application that lists show.
fn short(it: &Value) -> Value {
    json!({
        "displayName": it["displayName"],
        "appId": it["appId"],
        "id": it["id"],
        "isFallbackPublicClient": it["isFallbackPublicClient"].as_bool().unwrap_or(false),
    })
}
