//! `carnet app certificate` (step 4). Private keys are never sent.

use super::{Print, find};
use crate::{args::CertificateVerb, commands::session::read, failure::Failure};
use carnet_client::{
    graph::{Graph, text},
    setup::step4,
};
use carnet_wire::jose::Certificate;
use serde_json::{Value, json};

/// Adds, lists or removes certificates.
pub async fn run(print: &Print, graph: &Graph, verb: CertificateVerb) -> Result<(), Failure> {
    match verb {
        CertificateVerb::Add { app, file } => {
            let certificate = Certificate::read(&read(&file)?);
            let certificate =
                certificate.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            let found = find(graph, &app).await?;
            let thumbprint = certificate.thumbprint_hex();
            let mut held = found["keyCredentials"].as_array().into_iter().flatten();
            if held.any(|it| text(it, "customKeyIdentifier").eq_ignore_ascii_case(&thumbprint)) {
                return Err(Failure::usage(format!("the certificate {thumbprint} is already registered")));
            }
            step4::add_certificate(graph, text(&found, "id"), &certificate.base64(), &certificate.subject)
                .await?;
            print.data(&json!({ "clientId": found["appId"], "thumbprint": thumbprint, "expires": certificate.not_after.iso() }))
        }
        CertificateVerb::List { app } => {
            let found = find(graph, &app).await?;
            let all = found["keyCredentials"].as_array().into_iter().flatten();
            print.data(&all.map(row).collect::<Vec<_>>().into())
        }
        CertificateVerb::Remove { app, which } => {
            let found = find(graph, &app).await?;
            step4::remove_certificate(graph, text(&found, "id"), &which).await?;
            print.data(&json!({ "removed": which }))
        }
    }
}

fn row(it: &Value) -> Value {
    json!({
        "name": it["displayName"],
        "keyId": it["keyId"],
        "thumbprint": it["customKeyIdentifier"],
        "expires": it["endDateTime"],
    })
}
