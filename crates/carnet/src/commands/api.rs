//! `carnet api`: one call of an API with a fresh token.

use super::{Print, place::read, token};
use crate::{
    args::{Api, Host},
    failure::Failure,
};
use carnet_client::{Transport, transport::Payload};
use serde_json::{Value, json};
use std::io::Read;

/// Makes the call and prints the answer.
pub async fn run(print: &Print, api: Api) -> Result<(), Failure> {
    let place = api.place.place()?;
    let transport = Transport::new(&place)?;
    let (base, scope) = match api.to {
        Host::PowerPlatform => (place.power_platform.clone(), place.power_platform_scope()),
        Host::Bap => (place.bap.clone(), place.bap_scope()),
        Host::Graph => (place.graph.clone(), place.graph_scope()),
    };
    if !api.path.starts_with('/') || api.path.starts_with("//") {
        return Err(Failure::asked(format!("the path `{}` does not begin with one slash", api.path))
            .hint("carnet api GET /environmentmanagement/environments"));
    }
    let method = api.method.to_uppercase().parse();
    let method = method.map_err(|_| Failure::asked(format!("`{}` is no HTTP method", api.method)))?;
    let body = body(&api)?;
    let got = token::acquire(&transport, &place, &api.who, &scope).await?;
    let payload = body.as_ref().map_or(Payload::None, Payload::Json);
    let answer = transport.call(method, &format!("{base}{}", api.path), Some(&got.access), payload).await?;
    let mut shown = answer.body;
    if let Some(location) = answer.location {
        crate::output::say(&format!("follow it at {location}"));
    }
    if shown.is_null() {
        shown = json!({ "status": answer.status });
    }
    print.data(&shown)
}

fn body(api: &Api) -> Result<Option<Value>, Failure> {
    let Some(path) = &api.body else { return Ok(None) };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(4 * 1024 * 1024).read_to_end(&mut bytes);
        read.map_err(|error| Failure::asked(format!("standard input: {error}")))?;
        bytes
    } else {
        read(path)?
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Failure::asked(format!("--body {}: {error}", path.display())))
}
