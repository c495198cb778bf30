//! `carnet plan` and `carnet apply`: compares a tenant file with a tenant through Microsoft Graph, and applies it.

use super::{
    Print,
    session::{AdminSession, read},
};
use crate::{args::TenantFileArguments, failure::Failure, output};
use carnet_client::{
    graph::Graph,
    power_platform::Bap,
    setup::tenant::{Line, State, TenantFileInput, apply as apply_file, needs_bap, plan as plan_file},
};
use carnet_wire::{jose::Certificate, tenant_file::TenantFile};
use serde_json::{Value, json};
use std::path::Path;

/// Shows what the file would change.
pub async fn plan(print: &Print, arguments: TenantFileArguments) -> Result<(), Failure> {
    let (file, certificates) = load(&arguments.file)?;
    let (graph, bap) = sign_in(&arguments, &file).await?;
    let input = TenantFileInput { file: &file, certificates: &certificates };
    let lines = plan_file(&graph, bap.as_ref(), &input).await?;
    print.data(&lines.iter().map(|line| row(line, false)).collect::<Vec<_>>().into())
}

/// Applies the file.
pub async fn apply(print: &Print, arguments: TenantFileArguments) -> Result<(), Failure> {
    let (file, certificates) = load(&arguments.file)?;
    let (graph, bap) = sign_in(&arguments, &file).await?;
    let input = TenantFileInput { file: &file, certificates: &certificates };
    let outcome = apply_file(&graph, bap.as_ref(), &input).await?;
    let mut rows: Vec<Value> = outcome.lines.iter().map(|line| row(line, true)).collect();
    for (application, name, value) in &outcome.secrets {
        rows.push(json!({ "kind": "secret", "name": name, "state": "created", "detail": application, "value": value.expose() }));
    }
    if !outcome.secrets.is_empty() {
        output::say("save the new secrets now: their values cannot be shown again");
    }
    print.data(&rows.into())
}

fn load(path: &Path) -> Result<(TenantFile, Vec<Vec<Certificate>>), Failure> {
    let wrong = |why: String| Failure::usage(format!("tenant file {}: {why}", path.display()));
    let text = String::from_utf8(read(path)?).map_err(|_| wrong("it is not UTF-8".into()))?;
    let file = TenantFile::parse(&text).map_err(|error| wrong(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let one = |name: &String| {
        let read = Certificate::read(&read(&folder.join(name))?);
        read.map_err(|error| wrong(format!("certificate {name}: {error}")))
    };
    let all = file.applications.iter().map(|it| it.certificates.iter().map(one).collect());
    let certificates = all.collect::<Result<Vec<Vec<Certificate>>, Failure>>()?;
    Ok((file, certificates))
}

async fn sign_in(
    arguments: &TenantFileArguments,
    file: &TenantFile,
) -> Result<(Graph, Option<Bap>), Failure> {
    let mut session = AdminSession::new(arguments.tenant.authority()?, &arguments.administrator)?;
    let graph = session.graph().await?;
    let bap = if needs_bap(file) { Some(session.bap().await?) } else { None };
    Ok((graph, bap))
}

/// One object for the output. `applied` is true after it was applied.
fn row(line: &Line, applied: bool) -> Value {
    let (state, detail) = match &line.state {
        State::Create(why) => (if applied { "created" } else { "to create" }, why.as_str()),
        State::Change(what) => (if applied { "changed" } else { "to change" }, what.as_str()),
        State::Unchanged => ("unchanged", ""),
        State::NotSettable(why) => ("not settable here", why.as_str()),
        State::NotChecked(why) => ("not checked", why.as_str()),
    };
    json!({ "kind": line.kind, "name": line.name, "state": state, "detail": detail })
}
