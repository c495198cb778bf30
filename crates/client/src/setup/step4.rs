//! Step 4: certificates and secrets.

use super::{
    DesiredState,
    plan::{Action, Change, CurrentState},
};
use crate::{
    failure::ClientError,
    graph::{Graph, text},
};
use carnet_wire::jose::Certificate;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn plan(current: &CurrentState, desired: &DesiredState) -> Vec<Action> {
    let application = current.application.as_ref();
    let listed =
        |list: &str| application.and_then(|it| it[list].as_array()).map(Vec::as_slice).unwrap_or_default();
    let mut actions = Vec::new();
    if let Some(name) = &desired.secret {
        actions.push(Action {
            step: 4,
            what: format!("add a client secret named `{name}`"),
            done: listed("passwordCredentials").iter().any(|it| text(it, "displayName") == name),
            change: Change::AddSecret(name.clone()),
        });
    }
    if let Some(certificate) = &desired.certificate {
        let thumbprint =
            Certificate::read(certificate.as_bytes()).map(|it| it.thumbprint_hex()).unwrap_or_default();
        actions.push(Action {
            step: 4,
            what: format!("register the certificate {thumbprint}"),
            done: listed("keyCredentials").iter().any(|it| text(it, "customKeyIdentifier") == thumbprint),
            change: Change::AddCertificate(certificate.clone()),
        });
    }
    actions
}

/// Registers a certificate (base64 of DER) in addition to existing ones.
///
/// # Errors
/// [`ClientError`]
pub async fn add_certificate(
    graph: &Graph,
    object: &str,
    certificate: &str,
    name: &str,
) -> Result<(), ClientError> {
    let path = format!("/applications/{object}");
    // This read returns the keys of existing entries, which have to be sent again.
    let now = graph.call(Method::GET, &format!("{path}?$select=keyCredentials"), None).await?;
    let mut list = now["keyCredentials"].as_array().cloned().unwrap_or_default();
    list.push(
        json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": certificate, "displayName": name }),
    );
    graph.call(Method::PATCH, &path, Some(&json!({ "keyCredentials": list }))).await.map(drop)
}

/// Removes the certificate with this `keyId` or thumbprint. Others stay.
///
/// # Errors
/// [`ClientError::Input`] if none matches.
pub async fn remove_certificate(graph: &Graph, object: &str, which: &str) -> Result<(), ClientError> {
    let path = format!("/applications/{object}");
    let now = graph.call(Method::GET, &format!("{path}?$select=keyCredentials"), None).await?;
    let list = now["keyCredentials"].as_array().cloned().unwrap_or_default();
    let matches = |it: &Value| {
        text(it, "keyId") == which || text(it, "customKeyIdentifier").eq_ignore_ascii_case(which)
    };
    let kept: Vec<&Value> = list.iter().filter(|it| !matches(it)).collect();
    if kept.len() == list.len() {
        return Err(ClientError::Input(format!("the application has no certificate `{which}`")));
    }
    graph.call(Method::PATCH, &path, Some(&json!({ "keyCredentials": kept }))).await.map(drop)
}
