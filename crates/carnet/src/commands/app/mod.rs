//! `carnet app`: steps 1 to 4 one by one, through Microsoft Graph.

mod certificate;
mod consent;
mod create;
mod permission;
mod secret;

use super::{Print, place::Signer};
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

/// Runs one verb.
pub async fn run(print: &Print, command: AppCommand) -> Result<(), Failure> {
    let place = command.place.place()?;
    let graph = Signer::new(place, &command.administrator)?.graph().await?;
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
                "`{}` is deleted, with its service principal and grants",
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

/// The application that a person named.
async fn find(graph: &Graph, name: &str) -> Result<Value, Failure> {
    let found = graph.find_application(name).await?;
    found.ok_or_else(|| {
        Failure::asked(format!("there is no application `{name}`"))
            .hint("`carnet app list` shows those that are there")
    })
}

/// What lists show of an application.
fn short(it: &Value) -> Value {
    json!({
        "displayName": it["displayName"],
        "appId": it["appId"],
        "id": it["id"],
        "isFallbackPublicClient": it["isFallbackPublicClient"].as_bool().unwrap_or(false),
    })
}
