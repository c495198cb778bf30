//! Consent on a page: what exactly an application asks of somebody, and the grant that a yes makes. A person
//! consents for themselves; who may change grants may consent for everyone (`security.md`, S18).

use crate::{
    authorize::Admitted,
    change::{Audit, Change, Decided, Object},
    directory::Directory,
    operation::{self, Caller, Moment, Person},
    permission::{PermissionScope, RequiredAccess},
    permission_grant::{GrantKey, PermissionGrant},
    refusal::Refusal,
    role::held,
    service_principal::ServicePrincipal,
    token::{Denial, denial::PermissionNo, scope},
    user::User,
};
use carnet_wire::{authorize::Asked, catalogue, scope::Wanted};
use std::sync::Arc;

/// What somebody is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The API.
    pub resource: Arc<ServicePrincipal>,
    /// The delegated permissions that the application wants of it, in the API's own words.
    pub scopes: Vec<PermissionScope>,
    /// They may answer for everyone in the tenant.
    pub for_everyone: bool,
}

/// What the application asks of this user.
///
/// # Errors
/// [`Denial`] when there is nothing that this user may consent to.
pub fn question(
    directory: &Directory,
    (admitted, asked): (&Admitted, &Asked),
    user: &User,
    graphs: &[String],
) -> Result<Question, Denial> {
    let client = &admitted.client;
    let missing = || Denial::ConsentMissing { app: client.app, name: client.name.clone() };
    // Microsoft's own clients come with what they may do; nobody can give them more.
    let Some(application) = &client.application else { return Err(missing()) };
    let resolved = scope::resolve_usable(directory, graphs, &asked.target)?;
    let resource = resolved.resource.principal.clone();
    let scopes: Vec<PermissionScope> = match &resolved.wanted {
        Wanted::Named(values) => {
            let find = |value: &String| {
                let found =
                    resource.scopes.iter().find(|it| it.enabled && it.value.eq_ignore_ascii_case(value));
                found.cloned().ok_or_else(|| Denial::ScopeUnknown {
                    scope: value.chars().take(200).collect(),
                    resource: resource.display_name.clone(),
                })
            };
            values.iter().map(find).collect::<Result<_, _>>()?
        }
        Wanted::Default => {
            let listed =
                application.required_resource_access.iter().filter(|it| it.resource == resource.app_id);
            let ids = listed.flat_map(|it| &it.access).filter_map(|access| match access {
                RequiredAccess::Scope(id) => Some(*id),
                RequiredAccess::Role(_) => None,
            });
            let ids: Vec<_> = ids.collect();
            let found: Vec<_> = ids
                .iter()
                .filter_map(|id| resource.scopes.iter().find(|it| it.enabled && it.id == *id).cloned())
                .collect();
            if found.is_empty() && !ids.is_empty() {
                return Err(Denial::Permission(PermissionNo::NothingMatches(resource.app_id)));
            }
            found
        }
    };
    if scopes.is_empty() {
        return Err(missing());
    }
    let Person::Role(roles) = operation::CHANGE_GRANTS.person else { return Err(missing()) };
    let for_everyone = held(directory, user.id, roles);
    if !for_everyone && scopes.iter().any(|it| admin_only(&resource, it)) {
        return Err(Denial::AdminConsentNeeded(client.app, client.name.clone()));
    }
    Ok(Question { resource, scopes, for_everyone })
}

/// Only administrators may consent. Microsoft's APIs say so scope by scope, which is not known here; those that
/// reach beyond the signed-in user's own things end in `.All` (?).
fn admin_only(resource: &ServicePrincipal, scope: &PermissionScope) -> bool {
    let graph = resource.app_id.to_string() == catalogue::GRAPH;
    scope.admin_only || (graph && scope.value.ends_with(".All"))
}

/// The grant of a yes.
///
/// # Errors
/// [`Refusal::Forbidden`] for everyone's consent by somebody who may not give it.
pub fn consent(
    caller: &Caller,
    directory: &Directory,
    (admitted, question, everyone): (&Admitted, &Question, bool),
    at: &Moment<'_>,
) -> Result<Decided<()>, Refusal> {
    let Caller::User { user, .. } = caller else {
        return Err(Refusal::Forbidden { needs: "to consent on a page takes a person".into() });
    };
    if everyone && !question.for_everyone {
        return Err(Refusal::Forbidden { needs: "to consent for everyone takes an administrator".into() });
    }
    let Some(client) = &admitted.client.principal else {
        return Err(Refusal::NotFound { id: admitted.client.app.to_string() });
    };
    let principal = if everyone { None } else { Some(*user) };
    let key = GrantKey { client: client.id, resource: question.resource.id, principal };
    let old = directory.grant(&key);
    let before = old.map(|it| it.scopes.clone()).unwrap_or_default();
    let mut scopes = before.clone();
    for scope in &question.scopes {
        if !scopes.contains(&scope.value) {
            scopes.push(scope.value.clone());
        }
    }
    if scopes == before {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let audit = Audit {
        activity: "Consent to application".into(),
        actor: caller.actor(),
        target: ("oauth2PermissionGrant".into(), key.id(), admitted.client.name.clone()),
        modified: vec![("scope".into(), before.join(" "), scopes.join(" "))],
    };
    let created = old.map_or(at.now, |it| it.created);
    let grant = PermissionGrant { key, scopes, created };
    Ok(Decided {
        value: (),
        changes: vec![Change::Put(Object::PermissionGrant(grant.into()))],
        audit: vec![audit],
    })
}
