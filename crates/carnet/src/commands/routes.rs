//! `carnet routes`: the server's route table.

use super::Print;
use crate::failure::Failure;
use serde_json::{Value, json};

/// Prints the table.
pub fn run(print: &Print) -> Result<(), Failure> {
    let rows: Vec<Value> = carnet_server::routes()
        .iter()
        .map(|route| {
            json!({
                "host": route.surface.name(),
                "method": route.method.map_or("any", |method| method.as_str()),
                "path": route.path,
                "access": route.access().map_or_else(|| "everyone".to_owned(), ToString::to_string),
                "module": route.module,
            })
        })
        .collect();
    print.data(&rows.into())
}
