//! Consent on a page: what exactly an application asks of somebody, and the grants that a yes makes. A person
//! consents for themselves; who may change grants may consent for everyone, and then to application permissions
//! too (`security.md`, S18).

use crate::{
    access::{self, Caller, Person},
    application::Application,
    change::{Audit, Change, Decided, Moment, Object},
    directory::Directory,
    group::MemberKind,
    permission::{AppRole, PermissionScope, RequiredAccess, RequiredResource},
    permission_grant::{self, AssignmentKey, GrantKey, PermissionGrant},
    refusal::Refusal,
    role::held,
    service_principal::{self, ServicePrincipal},
    token::{Denial, client_auth::Client, denial::PermissionNo, scope},
    user::User,
};
use carnet_wire::{
    catalogue, digest,
    ids::{AppId, ObjectId},
    scope::{ScopeRequest, Wanted},
    token::request::Target,
};
use std::{fmt::Write, sync::Arc};

/// What somebody is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The APIs, the one that the application asked for first.
    pub apis: Vec<Api>,
    /// They may answer for everyone in the tenant.
    pub for_everyone: bool,
    /// They can answer for nobody but everyone.
    pub admin: bool,
}

impl Question {
    /// What tells this question from any other: what is granted is what was shown.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut text = self.admin.to_string();
        for api in &self.apis {
            let _ = write!(text, "\napi {}", api.resource.id);
            for scope in &api.scopes {
                let _ = write!(text, "\nscope {} {}", scope.id, scope.value);
            }
            for role in &api.roles {
                let _ = write!(text, "\nrole {} {}", role.id, role.value);
            }
        }
        digest::sha256(&[b"consent", text.as_bytes()])
    }
}

/// What is asked of one API.
#[derive(Debug, Clone)]
pub struct Api {
    /// The API.
    pub resource: Arc<ServicePrincipal>,
    /// The delegated permissions that the application wants of it, in the API's own words.
    pub scopes: Vec<PermissionScope>,
    /// The application permissions, where an administrator is asked.
    pub roles: Vec<AppRole>,
}

/// What a client wants, as far as consent is concerned.
#[derive(Debug, Clone, Copy)]
pub struct ConsentRequest<'a> {
    /// The client.
    pub client: &'a Client,
    /// What the token will be for.
    pub target: &'a Target,
    /// An administrator is asked for the whole tenant.
    pub admin: bool,
}

/// What the application asks of this user.
///
/// # Errors
/// [`Denial`] when there is nothing that this user may consent to.
pub fn question(
    directory: &Directory,
    request: ConsentRequest<'_>,
    user: &User,
    graphs: &[String],
) -> Result<Question, Denial> {
    let ConsentRequest { client, target, admin } = request;
    let missing = || Denial::ConsentMissing { app: client.app, name: client.name.clone() };
    let registered = client.application.as_ref().and_then(|it| directory.registered(it.app_id));
    let application = registered.as_ref().map(|it| &*it.application);
    let directory = &*service_principal::foreseen(directory, client);
    let resolved = scope::resolve_usable(directory, graphs, target)?;
    // Where no API is named, a sign-in asks for the OpenID Connect scopes, which Microsoft Graph publishes.
    let graph = directory.principal_by_name(catalogue::GRAPH).filter(|_| !resolved.explicit);
    let first = graph.cloned().unwrap_or_else(|| resolved.resource.principal.clone());
    // Clients of Microsoft's come with what they may do and get no more. One of them asks for permissions of Graph by
    // name, like an application of the tenant.
    let by_consent = || {
        let known = directory.catalogue.application(client.app).filter(|_| client.application.is_none());
        resolved.resource.graph && known.is_some_and(|it| it.by_consent)
    };
    let mut apis = match (&resolved.wanted, application) {
        (Wanted::Named(values), Some(_)) => vec![named(&client.name, first, values)?],
        (Wanted::Named(values), None) if by_consent() => vec![named(&client.name, first, values)?],
        (Wanted::Default, Some(application)) => everything(directory, application, (&first, admin))?,
        (_, None) => return Err(missing()),
    };
    // The OpenID Connect scopes are permissions of Microsoft Graph, recorded like any other.
    if let Some(graph) = apis.iter_mut().find(|api| api.resource.app_id.to_string() == catalogue::GRAPH) {
        for scope in oidc_scopes(&graph.resource, &resolved.oidc) {
            if !graph.scopes.contains(&scope) {
                graph.scopes.push(scope);
            }
        }
    }
    if apis.iter().all(|api| api.scopes.is_empty() && api.roles.is_empty()) {
        return Err(missing());
    }
    let Person::Role(roles) = access::CHANGE_GRANTS.person else { return Err(missing()) };
    let for_everyone = held(directory, user.id, roles);
    let beyond = apis.iter().any(|api| api.scopes.iter().any(|it| it.admin_only));
    if !for_everyone && (admin || beyond) {
        return Err(Denial::AdminConsentNeeded(client.app, client.name.clone()));
    }
    Ok(Question { apis, for_everyone, admin })
}

/// The OpenID Connect scopes that were asked for, as Microsoft Graph publishes them.
fn oidc_scopes(graph: &ServicePrincipal, asked: &ScopeRequest) -> Vec<PermissionScope> {
    let words = [
        (asked.openid, "openid"),
        (asked.profile, "profile"),
        (asked.email, "email"),
        (asked.offline_access, "offline_access"),
    ];
    let asked = words.iter().filter(|(asked, _)| *asked);
    asked.filter_map(|(_, word)| graph.scopes.by_value(word).filter(|it| it.enabled).cloned()).collect()
}

/// The permissions with these values.
fn named(client: &str, resource: Arc<ServicePrincipal>, values: &[String]) -> Result<Api, Denial> {
    let find = |value: &String| {
        let found = resource.scopes.by_value(value).filter(|it| it.enabled);
        found.cloned().ok_or_else(|| Denial::ScopeUnknown {
            application: client.to_owned(),
            scope: value.chars().take(200).collect(),
            resource: resource.app_id,
        })
    };
    let scopes = values.iter().map(find).collect::<Result<_, _>>()?;
    Ok(Api { resource, scopes, roles: Vec::new() })
}

/// What the registration lists, of every API that the tenant has: consent to `.default` is to all of it.
fn everything(
    directory: &Directory,
    application: &Application,
    (first, admin): (&Arc<ServicePrincipal>, bool),
) -> Result<Vec<Api>, Denial> {
    let mut apis = Vec::new();
    for listed in &application.required_resource_access {
        let asked = listed.resource == first.app_id;
        let to_appear = || {
            let known = directory.catalogue.application(listed.resource)?;
            service_principal::to_appear(directory, known).map(Arc::new)
        };
        let held = directory.principal_by_app(listed.resource).cloned();
        let Some(resource) = &held.or_else(to_appear) else {
            if admin {
                let (name, tenant) = (listed.resource.to_string(), directory.tenant.display_name.clone());
                return Err(Denial::Permission(PermissionNo::ServiceMissing { name, tenant }));
            }
            continue;
        };
        let api = of(listed, resource, (application, admin))?;
        if api.scopes.is_empty() && api.roles.is_empty() {
            if asked && listed.access.iter().any(|it| matches!(it, RequiredAccess::Scope(_))) {
                return Err(Denial::Permission(PermissionNo::NothingMatches(resource.app_id)));
            }
            continue;
        }
        apis.insert(if asked { 0 } else { apis.len() }, api);
    }
    // Nobody is asked for what is beside the point.
    let asked = apis.first().is_some_and(|api| api.resource.id == first.id);
    Ok(if asked || admin { apis } else { Vec::new() })
}

fn of(
    listed: &RequiredResource,
    resource: &Arc<ServicePrincipal>,
    (application, admin): (&Application, bool),
) -> Result<Api, Denial> {
    let mut api = Api { resource: resource.clone(), scopes: Vec::new(), roles: Vec::new() };
    for access in &listed.access {
        match access {
            RequiredAccess::Scope(id) => {
                api.scopes.extend(resource.scopes.by_id(*id).filter(|it| it.enabled).cloned());
            }
            RequiredAccess::Role(id) if admin => {
                let role = resource.app_roles.by_id(*id).filter(|it| it.enabled);
                if let Some(role) = role.filter(|it| !it.for_applications) {
                    return Err(Denial::Permission(PermissionNo::RoleForUsers {
                        app: application.app_id,
                        name: application.display_name.clone(),
                        role: role.value.clone(),
                        resource: resource.display_name.clone(),
                    }));
                }
                api.roles.extend(role.cloned());
            }
            RequiredAccess::Role(_) => {}
        }
    }
    Ok(api)
}

/// The grants of a yes.
///
/// # Errors
/// [`Refusal::Forbidden`] for everyone's consent by somebody who may not give it.
pub fn consent(
    caller: &Caller,
    directory: &Directory,
    (app, question, everyone): (AppId, &Question, bool),
    at: &Moment<'_>,
) -> Result<Decided<()>, Refusal> {
    let Caller::User { user, .. } = caller else {
        return Err(Refusal::Forbidden { needs: "to consent on a page takes a person".into() });
    };
    let everyone = everyone || question.admin;
    if everyone && !question.for_everyone {
        return Err(Refusal::Forbidden { needs: "to consent for everyone takes an administrator".into() });
    }
    let mut all = Decided { value: (), changes: Vec::new(), audit: Vec::new() };
    let installed;
    let (directory, client) = match directory.principal_by_app(app) {
        Some(client) => (directory, client.clone()),
        // The first consent to an application makes its service principal.
        None => {
            let made = service_principal::install(caller, directory, app, at)?;
            let mut with = directory.clone();
            with.apply(made.changes.iter().cloned());
            (all.changes, all.audit) = (made.changes, made.audit);
            installed = with;
            (&installed, Arc::new(made.value))
        }
    };
    if everyone {
        permission_grant::require_authority_over_client(caller, directory, client.id)?;
    }
    let principal = if everyone { None } else { Some(*user) };
    for api in &question.apis {
        if let Some((change, audit)) = service_principal::appear(caller, directory, &api.resource, at) {
            all.changes.push(change);
            all.audit.push(audit);
        }
    }
    // What is granted is decided on with the APIs that appear.
    let with_apis = (!all.changes.is_empty()).then(|| {
        let mut with_apis = directory.clone();
        with_apis.apply(all.changes.iter().cloned());
        with_apis
    });
    let directory = with_apis.as_ref().unwrap_or(directory);
    for api in &question.apis {
        // The question knew no object id of a service principal that is made now.
        let resource = if api.resource.app_id == app { client.id } else { api.resource.id };
        let key = GrantKey { client: client.id, resource, principal };
        if let Some((change, audit)) = granted(caller, directory, (key, &client.display_name, api), at) {
            all.changes.push(change);
            all.audit.push(audit);
        }
        for role in &api.roles {
            let key = AssignmentKey { principal: client.id, resource, role: role.id };
            if !holds(directory, client.id, &key) {
                let one =
                    permission_grant::assign(caller, directory, (key, MemberKind::ServicePrincipal), at)?;
                all.changes.extend(one.changes);
                all.audit.extend(one.audit);
            }
        }
    }
    Ok(all)
}

fn holds(directory: &Directory, client: ObjectId, key: &AssignmentKey) -> bool {
    directory.app_roles_of(client).any(|it| it.key == *key)
}

/// The grant with the API's permissions added; `None`: it has them.
fn granted(
    caller: &Caller,
    directory: &Directory,
    (key, name, api): (GrantKey, &str, &Api),
    at: &Moment<'_>,
) -> Option<(Change, Audit)> {
    let old = directory.grant(&key);
    let before = old.map(|it| it.scopes.clone()).unwrap_or_default();
    let mut scopes = before.clone();
    for scope in &api.scopes {
        if !scopes.contains(&scope.value) {
            scopes.push(scope.value.clone());
        }
    }
    if scopes == before {
        return None;
    }
    let audit = Audit {
        activity: "Consent to application".into(),
        actor: caller.actor(),
        target: ("oauth2PermissionGrant".into(), key.id(), name.to_owned()),
        modified: vec![("scope".into(), before.join(" "), scopes.join(" "))],
    };
    let created = old.map_or(at.now, |it| it.created);
    Some((Change::Put(Object::PermissionGrant(PermissionGrant { key, scopes, created }.into())), audit))
}

#[cfg(test)]
mod tests;
