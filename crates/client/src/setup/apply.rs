//! Doing what a plan lists, in its order. What was done stays done when a later action fails, and the
//! next run goes on from there.

use super::{
    Wanted,
    plan::{Action, Deed, Seen, look, plan},
    step1, step2, step3, step4,
};
use crate::{
    failure::ClientError,
    graph::{Graph, text},
    power_platform::Bap,
};
use carnet_wire::{ids::AppId, secret::ClientSecret};
use serde_json::Value;

/// What applying a plan gave.
#[derive(Debug)]
pub struct Outcome {
    /// The application's client id.
    pub app: AppId,
    /// The secret that was made, shown once.
    pub secret: Option<ClientSecret>,
}

/// Applies what is not done yet; `each` is told of every action before it is done.
///
/// # Errors
/// [`ClientError`] of the first action that fails.
pub async fn apply(
    graph: &Graph,
    bap: Option<&Bap>,
    wanted: &Wanted,
    mut each: impl FnMut(&Action),
) -> Result<Outcome, ClientError> {
    let mut seen = look(graph, bap, wanted).await?;
    let mut secret = None;
    for action in plan(&seen, wanted).into_iter().filter(|action| !action.done) {
        each(&action);
        match &action.deed {
            Deed::CreateApplication => seen.application = Some(step1::create(graph, &wanted.name).await?),
            Deed::CreatePrincipal => seen.principal = Some(graph.create_principal(seen.app()?).await?),
            Deed::CreateResource(api) => {
                let made = graph.create_principal(*api).await?;
                seen.put_resource(*api, made);
            }
            Deed::Require(api, scopes) => {
                seen.refresh(graph).await?;
                step2::require(graph, seen.object()?, seen.api(*api)?, scopes).await?;
            }
            Deed::Consent(api, scopes) => {
                step2::consent(graph, seen.service()?, seen.api(*api)?, scopes).await?;
            }
            Deed::RequireRoles(api, roles) => {
                seen.refresh(graph).await?;
                step2::require_roles(graph, seen.object()?, seen.api(*api)?, roles).await?;
            }
            Deed::Assign(api, roles) => {
                step2::assign(graph, seen.service()?, seen.api(*api)?, (roles, &seen.assignments)).await?;
            }
            Deed::PublicClient => step3::set(graph, text(seen.object()?, "id"), true).await?,
            Deed::AddSecret(name) => {
                secret = Some(graph.add_password(text(seen.object()?, "id"), name, None).await?.1);
            }
            Deed::AddCertificate(certificate) => {
                step4::add_certificate(graph, text(seen.object()?, "id"), certificate, &wanted.name).await?;
            }
            Deed::Register => {
                let bap = bap
                    .ok_or_else(|| ClientError::Input("registering needs an administrator's token".into()))?;
                bap.register(seen.app()?).await?;
            }
        }
    }
    Ok(Outcome { app: seen.app()?, secret })
}

impl Seen {
    fn app(&self) -> Result<AppId, ClientError> {
        self.app_id().ok_or_else(|| absent("the application"))
    }

    fn object(&self) -> Result<&Value, ClientError> {
        self.application.as_ref().ok_or_else(|| absent("the application"))
    }

    fn service(&self) -> Result<&Value, ClientError> {
        self.principal.as_ref().ok_or_else(|| absent("its service principal"))
    }

    fn api(&self, api: AppId) -> Result<&Value, ClientError> {
        self.resource(api).ok_or_else(|| absent("the API's service principal"))
    }

    /// Reads the registration again: an earlier action may have changed its lists.
    async fn refresh(&mut self, graph: &Graph) -> Result<(), ClientError> {
        let path = format!("/applications/{}", text(self.object()?, "id"));
        self.application = Some(graph.call(reqwest::Method::GET, &path, None).await?);
        Ok(())
    }

    fn put_resource(&mut self, api: AppId, principal: Value) {
        for entry in self.resources.iter_mut().filter(|(id, _)| *id == api) {
            entry.1 = Some(principal.clone());
        }
    }
}

fn absent(what: &str) -> ClientError {
    ClientError::Input(format!("{what} is not there and was not made"))
}
