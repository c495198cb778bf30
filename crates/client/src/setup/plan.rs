//! Looking at what is there and listing what is missing.

use super::{Wanted, step1, step2, step3, step4};
use crate::{failure::ClientError, graph::Graph, power_platform::Bap};
use carnet_wire::ids::AppId;
use serde_json::Value;

/// One thing to do, or one that is done already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The article's step, 1 to 5; 5 stands for the registration that step 5 needs.
    pub step: u8,
    /// What it makes true.
    pub what: String,
    /// It is true already.
    pub done: bool,
    /// How to do it.
    pub deed: Deed,
}

/// How an [`Action`] is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Step 1: create the registration.
    CreateApplication,
    /// Create the application's service principal.
    CreatePrincipal,
    /// Step 2: make an API's service principal appear.
    CreateResource(AppId),
    /// Step 2: list permissions in the registration.
    Require(AppId, Vec<String>),
    /// Step 2: consent for everyone.
    Consent(AppId, Vec<String>),
    /// Step 2: list application permissions in the registration.
    RequireRoles(AppId, Vec<String>),
    /// Step 2: give the application permissions.
    Assign(AppId, Vec<String>),
    /// Step 3: set the switch.
    PublicClient,
    /// Step 4: add a secret.
    AddSecret(String),
    /// Step 4: add a certificate.
    AddCertificate(String),
    /// Register with Power Platform.
    Register,
}

/// What is there, as far as the plan needs it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The registration.
    pub application: Option<Value>,
    /// Its service principal.
    pub principal: Option<Value>,
    /// The APIs' service principals.
    pub resources: Vec<(AppId, Option<Value>)>,
    /// The principal's permission grants.
    pub grants: Vec<Value>,
    /// Application permissions that the principal holds.
    pub assignments: Vec<Value>,
    /// It is registered with Power Platform.
    pub registered: bool,
}

/// Looks at what is there.
///
/// # Errors
/// [`ClientError`]
pub async fn look(graph: &Graph, bap: Option<&Bap>, wanted: &Wanted) -> Result<Seen, ClientError> {
    let mut seen = Seen { application: graph.find_application(&wanted.name).await?, ..Seen::default() };
    for (api, _) in wanted.permissions.iter().chain(&wanted.roles) {
        if seen.resource(*api).is_none() {
            seen.resources.push((*api, graph.find_principal(*api).await?));
        }
    }
    let Some(app) = seen.app_id() else { return Ok(seen) };
    seen.principal = graph.find_principal(app).await?;
    if let Some(principal) = seen.principal.as_ref().and_then(|it| it["id"].as_str()) {
        seen.grants = graph.grants_of(principal).await?;
        if !wanted.roles.is_empty() {
            seen.assignments =
                graph.list(&format!("/servicePrincipals/{principal}/appRoleAssignments")).await?;
        }
    }
    if let Some(bap) = bap {
        let text = app.to_string();
        seen.registered =
            bap.registered().await?.iter().any(|it| it["applicationId"].as_str() == Some(&text));
    }
    Ok(seen)
}

impl Seen {
    /// The application's client id, once it exists.
    #[must_use]
    pub fn app_id(&self) -> Option<AppId> {
        self.application.as_ref()?["appId"].as_str()?.parse().ok()
    }

    /// The service principal of an API.
    #[must_use]
    pub fn resource(&self, api: AppId) -> Option<&Value> {
        self.resources.iter().find(|(id, _)| *id == api)?.1.as_ref()
    }
}

/// Everything that is wanted, each with whether it is done: pure, so that it can be shown and tested.
#[must_use]
pub fn plan(seen: &Seen, wanted: &Wanted) -> Vec<Action> {
    let mut actions = step1::plan(seen, wanted);
    actions.extend(step2::plan(seen, wanted));
    actions.extend(step3::plan(seen, wanted));
    actions.extend(step4::plan(seen, wanted));
    if wanted.register_admin {
        actions.push(Action {
            step: 5,
            what: format!("register `{}` with Power Platform as an administrator", wanted.name),
            done: seen.registered,
            deed: Deed::Register,
        });
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted() -> Wanted {
        Wanted {
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

    fn complete() -> Seen {
        let api = json!({"id": "r", "oauth2PermissionScopes": [{"id": "s1", "value": "A.B.Read"}]});
        Seen {
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
        let actions = plan(&Seen::default(), &wanted());
        assert!(actions.iter().all(|action| !action.done));
        let steps: Vec<u8> = actions.iter().map(|action| action.step).collect();
        assert_eq!(steps, [1, 1, 2, 2, 2, 3, 4, 5]);
    }

    #[test]
    fn where_everything_is_there_nothing_is_to_be_done() {
        let open: Vec<Action> =
            plan(&complete(), &wanted()).into_iter().filter(|action| !action.done).collect();
        assert_eq!(open, []);
    }

    #[test]
    fn a_missing_scope_in_the_consent_is_seen_though_the_grant_is_there() {
        let mut seen = complete();
        seen.grants[0]["scope"] = "Other.Read".into();
        let open: Vec<Deed> =
            plan(&seen, &wanted()).into_iter().filter(|a| !a.done).map(|a| a.deed).collect();
        assert_eq!(open, [Deed::Consent(wanted().permissions[0].0, vec!["A.B.Read".into()])]);
    }
}
