//! `carnet app create` (step 1).

use super::{Print, short};
use crate::{failure::Failure, output};
use carnet_client::{
    graph::{Graph, text},
    setup::step1,
};

/// Registers an application and its service principal, unless an application with this name exists.
pub async fn run(print: &Print, graph: &Graph, name: &str) -> Result<(), Failure> {
    if let Some(found) = graph.find_application(name).await? {
        return Err(Failure::usage(format!(
            "an application named `{name}` already exists: {}",
            text(&found, "appId")
        )));
    }
    let made = step1::create(graph, name).await?;
    let app = text(&made, "appId")
        .parse()
        .map_err(|_| Failure::refused("the response has no client ID for the new application"))?;
    graph.create_principal(app).await?;
    output::say(&format!("registered the single-tenant application `{name}`"));
    print.data(&short(&made))
}
