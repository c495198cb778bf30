//! `carnet setup`: the five setup steps for one application. Shows the plan, then applies what is missing.

use super::{
    Print,
    session::{AdminSession, read},
};
use crate::{args::Setup, failure::Failure, output};
use anstyle::AnsiColor;
use carnet_client::setup::{
    DesiredState,
    apply::apply,
    plan::{Action, plan, read_state},
};
use carnet_wire::{catalogue::POWER_PLATFORM, jose::Certificate, secret::ClientSecret};
use serde_json::json;

/// Sets up an application.
pub async fn run(print: &Print, setup: Setup) -> Result<(), Failure> {
    let desired = desired_state(&setup)?;
    let authority = setup.tenant.authority()?;
    let mut session = AdminSession::new(authority.clone(), &setup.administrator)?;
    let graph = session.graph().await?;
    let bap = if setup.register_admin { Some(session.bap().await?) } else { None };
    let current = read_state(&graph, bap.as_ref(), &desired).await?;
    let actions = plan(&current, &desired);
    show(&actions);
    let open = actions.iter().filter(|action| !action.done).count();
    if setup.dry_run {
        return Ok(());
    }
    if open > 0 && !setup.yes && !output::confirmed("Apply this plan?") {
        return Err(Failure::usage("the plan was not applied; nothing was changed")
            .hint("apply without confirmation: --yes"));
    }
    let outcome = apply(&graph, bap.as_ref(), &desired, |action| say(action, "apply")).await?;
    output::say(&format!("applied {open} of {} actions; the others were already done", actions.len()));
    if desired.secret.is_some() && outcome.secret.is_none() {
        output::say("the secret already exists; its value was shown only when it was created");
    }
    print.data(&json!({
        "clientId": outcome.app,
        "tenant": authority.tenant,
        "clientSecret": outcome.secret.as_ref().map(ClientSecret::expose),
    }))
}

fn desired_state(setup: &Setup) -> Result<DesiredState, Failure> {
    let api = POWER_PLATFORM.parse().map_err(|_| Failure::bug("the API's application ID is not a GUID"))?;
    let certificate = match &setup.certificate {
        Some(path) => {
            let read = Certificate::read(&read(path)?);
            Some(read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?.base64())
        }
        None => None,
    };
    Ok(DesiredState {
        name: setup.name.clone(),
        permissions: vec![(api, setup.permissions.clone())],
        roles: Vec::new(),
        admin_consent: !setup.no_consent,
        public_client: setup.public_client,
        secret: setup.secret.clone(),
        certificate,
        register_admin: setup.register_admin,
    })
}

/// Prints the plan on standard error.
pub fn show(actions: &[Action]) {
    for action in actions {
        say(action, if action.done { "done" } else { "to do" });
    }
}

fn say(action: &Action, state: &str) {
    let colour = if action.done { AnsiColor::Green } else { AnsiColor::Yellow };
    let state = output::coloured(colour, &format!("{state:<5}"));
    output::say(&format!("step {}  {state}  {}", action.step, action.what));
}
