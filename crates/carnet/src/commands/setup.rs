//! `carnet setup`: the five steps for one application. Shows the plan, then applies what is missing.

use super::{
    Print,
    place::{Signer, read},
};
use crate::{args::Setup, failure::Failure, output};
use anstyle::AnsiColor;
use carnet_client::setup::{
    Wanted,
    apply::apply,
    plan::{Action, look, plan},
};
use carnet_wire::{catalogue::POWER_PLATFORM, jose::Certificate, secret::ClientSecret};
use serde_json::json;

/// Sets an application up.
pub async fn run(print: &Print, setup: Setup) -> Result<(), Failure> {
    let wanted = wanted(&setup)?;
    let place = setup.place.place()?;
    let mut signer = Signer::new(place.clone(), &setup.administrator)?;
    let graph = signer.graph().await?;
    let bap = if setup.register_admin { Some(signer.bap().await?) } else { None };
    let seen = look(&graph, bap.as_ref(), &wanted).await?;
    let actions = plan(&seen, &wanted);
    show(&actions);
    let open = actions.iter().filter(|action| !action.done).count();
    if setup.dry_run {
        return Ok(());
    }
    if open > 0 && !setup.yes && !output::confirmed("apply this plan?") {
        return Err(Failure::asked("nothing was changed").hint("--yes applies the plan without asking"));
    }
    let outcome = apply(&graph, bap.as_ref(), &wanted, |action| say(action, "doing")).await?;
    output::say(&format!("{open} of {} done now; the rest was there", actions.len()));
    if wanted.secret.is_some() && outcome.secret.is_none() {
        output::say("the secret was there already; its value is shown only when it is made");
    }
    print.data(&json!({
        "clientId": outcome.app,
        "tenant": place.tenant,
        "clientSecret": outcome.secret.as_ref().map(ClientSecret::expose),
    }))
}

fn wanted(setup: &Setup) -> Result<Wanted, Failure> {
    let api = POWER_PLATFORM.parse().map_err(|_| Failure::bug("the API's id is no GUID"))?;
    let certificate = match &setup.certificate {
        Some(path) => {
            let read = Certificate::read(&read(path)?);
            Some(read.map_err(|error| Failure::asked(format!("{}: {error}", path.display())))?.base64())
        }
        None => None,
    };
    Ok(Wanted {
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

/// The plan, on standard error.
pub fn show(actions: &[Action]) {
    for action in actions {
        say(action, if action.done { "there" } else { "to do" });
    }
}

fn say(action: &Action, state: &str) {
    let colour = if action.done { AnsiColor::Green } else { AnsiColor::Yellow };
    let state = output::coloured(colour, &format!("{state:<5}"));
    output::say(&format!("step {}  {state}  {}", action.step, action.what));
}
