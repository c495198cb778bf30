//! Reads the current state and lists the actions that lead to the desired state.

use super::{DesiredState, step1, step2, step3, step4};
use crate::{failure::ClientError, graph::Graph, power_platform::Bap};
use carnet_wire::ids::AppId;
use serde_json::Value;

/// One action of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The setup step, 1 to 5. The registration with Power Platform belongs to step 5.
    pub step: u8,
    /// The description for the user.
    pub what: String,
    /// Whether it is already done.
    pub done: bool,
    /// The change that performs it.
    pub change: Change,
}

/// A change of an [`Action`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Step 1: create the application registration.
    CreateApplication,
    /// Step 1: create the application's service principal.
    CreatePrincipal,
    /// Step 2: create an API's service principal.
    CreateResource(AppId),
    /// Step 2: add delegated permissions to the registration.
    Require(AppId, Vec<String>),
    /// Step 2: consent to delegated permissions for all users.
    Consent(AppId, Vec<String>),
    /// Step 2: add application permissions to the registration.
    RequireRoles(AppId, Vec<String>),
    /// Step 2: assign application permissions.
    Assign(AppId, Vec<String>),
    /// Step 3: enable the public client switch.
    PublicClient,
    /// Step 4: add a secret with this name.
    AddSecret(String),
    /// Step 4: add a certificate (base64 of DER).
    AddCertificate(String),
    /// Step 5: register with Power Platform.
    Register,
}

/// The current state, as far as a plan needs it.
#[derive(Debug, Clone, Default)]
pub struct CurrentState {
    /// The application registration.
    pub application: Option<Value>,
    /// The application's service principal.
    pub principal: Option<Value>,
    /// The service principals of the APIs.
    pub resources: Vec<(AppId, Option<Value>)>,
    /// The delegated permission grants of the service principal.
    pub grants: Vec<Value>,
    /// The application permissions of the service principal.
    pub assignments: Vec<Value>,
    /// Whether it is registered with Power Platform.
    pub registered: bool,
}

/// Reads the current state.
///
/// # Errors
/// [`ClientError`]
pub async fn read_state(
    graph: &Graph,
    bap: Option<&Bap>,
    desired: &DesiredState,
) -> Result<CurrentState, ClientError> {
    let mut current =
        CurrentState { application: graph.find_application(&desired.name).await?, ..CurrentState::default() };
    for (api, _) in desired.permissions.iter().chain(&desired.roles) {
        if current.resource(*api).is_none() {
            current.resources.push((*api, graph.find_principal(*api).await?));
        }
    }
    let Some(app) = current.app_id() else { return Ok(current) };
    current.principal = graph.find_principal(app).await?;
    if let Some(principal) = current.principal.as_ref().and_then(|it| it["id"].as_str()) {
        current.grants = graph.grants_of(principal).await?;
        if !desired.roles.is_empty() {
            current.assignments =
                graph.list(&format!("/servicePrincipals/{principal}/appRoleAssignments")).await?;
        }
    }
    if let Some(bap) = bap {
        let text = app.to_string();
        current.registered =
            bap.registered().await?.iter().any(|it| it["applicationId"].as_str() == Some(&text));
    }
    Ok(current)
}

impl CurrentState {
    /// The client id, if the application exists.
    #[must_use]
    pub fn app_id(&self) -> Option<AppId> {
        self.application.as_ref()?["appId"].as_str()?.parse().ok()
    }

    /// The service principal of an API, if it exists.
    #[must_use]
    pub fn resource(&self, api: AppId) -> Option<&Value> {
        self.resources.iter().find(|(id, _)| *id == api)?.1.as_ref()
    }
}

/// All actions that lead to the desired state, including those that are done.
#[must_use]
pub fn plan(current: &CurrentState, desired: &DesiredState) -> Vec<Action> {
    let mut actions = step1::plan(current, desired);
    actions.extend(step2::plan(current, desired));
    actions.extend(step3::plan(current, desired));
    actions.extend(step4::plan(current, desired));
    if desired.register_admin {
        actions.push(Action {
            step: 5,
            what: format!("register `{}` with Power Platform as an administrator", desired.name),
            done: current.registered,
            change: Change::Register,
        });
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn desired() -> DesiredState {
        DesiredState {
            name: "reader".into(),
            permissions: vec![(
                "8578e004-a5c6-46e7-913e-12f58912df43".parse().unwrap(),
                vec!["A.B.Read".into()],
            )],
            roles: Vec::new(),
            admin_consent: true,
            public_client: true,
            secret: Some("ci".into()),
            certificate: None,
            register_admin: true,
        }
    }

    fn complete() -> CurrentState {
        let api = json!({"id": "r", "oauth2PermissionScopes": [{"id": "s1", "value": "A.B.Read"}]});
        CurrentState {
            application: Some(json!({
                "id": "o", "appId": "a0000000-0000-4000-8000-000000000001", "isFallbackPublicClient": true,
                "requiredResourceAccess": [{"resourceAppId": "8578e004-a5c6-46e7-913e-12f58912df43", "resourceAccess": [{"id": "s1", "type": "Scope"}]}],
                "passwordCredentials": [{"displayName": "ci"}],
            })),
            principal: Some(json!({"id": "p"})),
            resources: vec![("8578e004-a5c6-46e7-913e-12f58912df43".parse().unwrap(), Some(api))],
            grants: vec![
                json!({"clientId": "p", "resourceId": "r", "consentType": "AllPrincipals", "scope": " A.B.Read"}),
            ],
            assignments: Vec::new(),
            registered: true,
        }
    }

    #[test]
    fn in_an_empty_tenant_everything_is_to_be_done() {
        let actions = plan(&CurrentState::default(), &desired());
        assert!(actions.iter().all(|action| !action.done));
        let steps: Vec<u8> = actions.iter().map(|action| action.step).collect();
        assert_eq!(steps, [1, 1, 2, 2, 2, 3, 4, 5]);
    }

    #[test]
    fn where_everything_is_there_nothing_is_to_be_done() {
        let open: Vec<Action> =
            plan(&complete(), &desired()).into_iter().filter(|action| !action.done).collect();
        assert_eq!(open, []);
    }

    #[test]
    fn a_missing_scope_in_the_consent_is_seen_though_the_grant_is_there() {
        let mut current = complete();
        current.grants[0]["scope"] = "Other.Read".into();
        let open: Vec<Change> =
            plan(&current, &desired()).into_iter().filter(|a| !a.done).map(|a| a.change).collect();
        assert_eq!(open, [Change::Consent(desired().permissions[0].0, vec!["A.B.Read".into()])]);
    }
}
