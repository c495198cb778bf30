//! Applies a plan in order. If an action fails, earlier ones stay, and the next run continues from there.

use super::{
    DesiredState,
    plan::{Action, Change, CurrentState, plan, read_state},
    step1, step2, step3, step4,
};
use crate::{
    failure::ClientError,
    graph::{Graph, text},
    power_platform::Bap,
};
use carnet_wire::{ids::AppId, secret::ClientSecret};
use serde_json::Value;

/// The result of applying a plan.
#[derive(Debug)]
pub struct Outcome {
    /// The application's client id.
    pub app: AppId,
    /// The new secret, which cannot be read again.
    pub secret: Option<ClientSecret>,
}

/// Applies the actions that are not done. `each` is called before every action.
///
/// # Errors
/// [`ClientError`] of the first action that fails.
pub async fn apply(
    graph: &Graph,
    bap: Option<&Bap>,
    desired: &DesiredState,
    mut each: impl FnMut(&Action),
) -> Result<Outcome, ClientError> {
    let mut current = read_state(graph, bap, desired).await?;
    let mut secret = None;
    for action in plan(&current, desired).into_iter().filter(|action| !action.done) {
        each(&action);
        match &action.change {
            Change::CreateApplication => {
                current.application = Some(step1::create(graph, &desired.name).await?)
            }
            Change::CreatePrincipal => {
                current.principal = Some(graph.create_principal(current.app()?).await?)
            }
            Change::CreateResource(api) => {
                let made = graph.create_principal(*api).await?;
                current.put_resource(*api, made);
            }
            Change::Require(api, scopes) => {
                current.refresh(graph).await?;
                step2::require(graph, current.object()?, current.api(*api)?, scopes).await?;
            }
            Change::Consent(api, scopes) => {
                step2::consent(graph, current.service()?, current.api(*api)?, scopes).await?;
            }
            Change::RequireRoles(api, roles) => {
                current.refresh(graph).await?;
                step2::require_roles(graph, current.object()?, current.api(*api)?, roles).await?;
            }
            Change::Assign(api, roles) => {
                step2::assign(graph, current.service()?, current.api(*api)?, roles, &current.assignments)
                    .await?;
            }
            Change::PublicClient => step3::set(graph, text(current.object()?, "id"), true).await?,
            Change::AddSecret(name) => {
                secret = Some(graph.add_password(text(current.object()?, "id"), name, None).await?.1);
            }
            Change::AddCertificate(certificate) => {
                step4::add_certificate(graph, text(current.object()?, "id"), certificate, &desired.name)
                    .await?;
            }
            Change::Register => {
                let bap = bap.ok_or_else(|| {
                    ClientError::Input("the registration requires an administrator's token".into())
                })?;
                bap.register(current.app()?).await?;
            }
        }
    }
    Ok(Outcome { app: current.app()?, secret })
}

impl CurrentState {
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

    /// Reads the registration again, because an earlier action may have changed its lists.
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
    ClientError::Input(format!("{what} does not exist and was not created"))
}
