//! `carnet app create`: step 1.

use super::{Print, short};
use crate::{failure::Failure, output};
use carnet_client::{
    graph::{Graph, text},
    setup::step1,
};

/// Registers an application with its service principal. One of that name is not made twice.
pub async fn run(print: &Print, graph: &Graph, name: &str) -> Result<(), Failure> {
    if let Some(found) = graph.find_application(name).await? {
        return Err(Failure::asked(format!(
            "an application `{name}` is there already: {}",
            text(&found, "appId")
        )));
    }
    let made = step1::create(graph, name).await?;
    let app = text(&made, "appId")
        .parse()
        .map_err(|_| Failure::refused("the new application came without its id"))?;
    graph.create_principal(app).await?;
    output::say(&format!("`{name}` is registered, single tenant"));
    print.data(&short(&made))
}
