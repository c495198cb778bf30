//! `/appmanagement/environments/{id}/applicationPackages`: list and install, and the operation that an
//! installation is.

use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    change::Moment,
    package::{self, Installation, Package},
    refusal::Refusal,
};
use carnet_wire::{power_platform, time::Timestamp};
use http::{HeaderName, header};
use serde_json::{Value, json};

/// Largest body of an installation.
const LARGEST: usize = 1024 * 1024;

/// `GET /appmanagement/environments/{id}/applicationPackages`
pub(super) async fn list(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let environment = call.variable(0);
    let list = cx
        .confirmed(&mut called, |caller, directory| {
            let list = package::list(caller, directory, environment)?;
            Ok(list.into_iter().map(|it| body(it)).collect::<Vec<_>>())
        })
        .await?;
    Reply::json(&json!({ "value": list }))
}

/// `POST /appmanagement/environments/{id}/applicationPackages/{name}/install`. The body repeats the
/// package and is not needed.
pub(super) async fn install(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let taken = std::mem::take(&mut call.variables);
    let [environment, name] = taken.as_slice() else { return Err(Failure::NoRoute) };
    call.read(LARGEST).await?;
    let rule = |caller: &_, directory: &_, at: &Moment<'_>| {
        package::install(caller, directory, (environment, name), at)
    };
    let installation = cx.apply(&mut called, rule).await?;
    let package = called.directory.package(&installation.package).map(|it| body(it)).unwrap_or_default();
    let mut answer = package;
    answer["state"] = "Installing".into();
    answer["lastOperation"] = operation(&installation, cx.now());
    let base = cx.envelope.origin.power_platform();
    let location = format!(
        "{base}/appmanagement/environments/{}/operations/{}?api-version=1",
        installation.environment, installation.id
    );
    let reply = Reply::accepted(&answer)?.header(HeaderName::from_static("operation-location"), &location);
    Ok(reply.header(header::RETRY_AFTER, "1"))
}

/// `GET /appmanagement/environments/{id}/operations/{operation}`
pub(super) async fn follow(cx: Context, mut called: Called, call: Call) -> Result<Reply, Failure> {
    let (environment, id) = (call.variable(0), call.variable(1));
    let environment = cx
        .confirmed(&mut called, |caller, directory| package::may_follow(caller, directory, environment))
        .await?;
    let found = cx.state.store.installation(called.directory.tenant.id, id).await?;
    let found = found.filter(|it| it.environment == environment);
    let found = found.ok_or_else(|| Refusal::NotFound { id: id.to_owned() })?;
    Reply::json(&operation(&found, cx.now()))
}

fn body(it: &Package) -> Value {
    let package = power_platform::Package {
        unique_name: &it.unique_name,
        name: &it.name,
        version: &it.version,
        publisher: &it.publisher,
    };
    package.body()
}

fn operation(it: &Installation, now: Timestamp) -> Value {
    let state = it.state(now);
    let last = if state == "Succeeded" { it.completes } else { it.created };
    json!({
        "operationId": it.id,
        "createdDateTime": it.created.iso(),
        "lastActionDateTime": last.iso(),
        "status": state,
        "statusMessage": "",
        "error": null,
    })
}
