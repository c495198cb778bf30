//! Resource, scopes and consent: for which API a token is, and what it may hold
//! (`reference/token-endpoint.md`, 6).

use super::{Denial, Facts, Run, client_auth::Client, denial::PermissionNo};
use crate::{
    directory::Directory,
    optional_claims::{ClaimSet, GroupClaims},
    permission_grant::{GrantKey, PermissionGrant},
    registry::AtHome,
    service_principal::{self, ServicePrincipal},
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    catalogue,
    ids::{AppId, ObjectId},
    scope::{self, ScopeRequest, Wanted},
    token::request::Target,
};
use std::sync::Arc;

/// The API of a token.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its service principal in the tenant.
    pub principal: Arc<ServicePrincipal>,
    /// As the client named it; v1.0 tokens and answers repeat it.
    pub name: String,
    /// The audience of v1.0 tokens is `spn:` and the name, which is the API's id.
    pub spn: bool,
    /// It is Microsoft Graph.
    pub graph: bool,
    /// It is one of Microsoft's own APIs, whose tokens carry a few claims more.
    pub microsoft: bool,
    /// The tenant does not hold its service principal yet, which appears with the consent or the token.
    pub appears: bool,
    /// It evaluates tokens continuously.
    pub continuous: bool,
    /// Its registration takes no personal accounts, and its tokens are v1.0.
    pub work_only: bool,
    /// Optional claims of its tokens.
    pub claims: ClaimSet,
    /// The groups that its tokens name.
    pub groups: GroupClaims,
}

impl Resource {
    /// Where the request asked for it, the audience of an API that was named by its id is `spn:ID`.
    pub(super) fn ask_spn(&mut self, asked: bool) {
        self.spn |= asked && self.name.parse::<AppId>().is_ok();
    }
}

/// A target that was resolved.
pub(crate) struct Resolved {
    pub resource: Resource,
    pub wanted: Wanted,
    pub oidc: ScopeRequest,
    /// Something besides OIDC scopes was asked for.
    pub explicit: bool,
    /// It was asked for as v1.0 does, by the API's name alone.
    pub v1: bool,
}

/// Finds the API that is asked for, for the record too.
pub(super) fn resolve(run: &mut Run<'_>, target: &Target) -> Result<Resolved, Denial> {
    let mut resolved = resolve_in(&run.facts.directory, run.asking.graphs, target)?;
    resolved.resource.ask_spn(run.request.spn_audience);
    run.known.resource = Some(resolved.resource.principal.app_id);
    if resolved.resource.appears && !is_of_microsoft(run) {
        return Err(missing(&run.facts.directory, &resolved.resource.name));
    }
    usable(resolved)
}

/// The client is one of Microsoft's. An API of Microsoft's appears in the tenant for such a client, if it is
/// preauthorized, and where a person is asked for consent. An application of the tenant finds it or does not.
fn is_of_microsoft(run: &Run<'_>) -> bool {
    let (directory, client) = (&run.facts.directory, run.request.client_id);
    directory.application_by_app(client).is_none() && directory.catalogue.application(client).is_some()
}

fn missing(directory: &Directory, name: &str) -> Denial {
    Denial::ResourceMissing { name: shown(name), tenant: directory.tenant.display_name.clone() }
}

fn usable(resolved: Resolved) -> Result<Resolved, Denial> {
    match resolved.resource.principal.enabled {
        true => Ok(resolved),
        false => Err(Denial::ResourceDisabled(resolved.resource.principal.display_name.clone())),
    }
}

/// Finds the API that is asked for; `graphs` are names of Graph on this server.
pub(crate) fn resolve_usable(
    directory: &Directory,
    graphs: &[String],
    target: &Target,
) -> Result<Resolved, Denial> {
    usable(resolve_in(directory, graphs, target)?)
}

fn resolve_in(directory: &Directory, graphs: &[String], target: &Target) -> Result<Resolved, Denial> {
    let (name, wanted, oidc) = match target {
        Target::Resource { name, openid, implied } => {
            let oidc = ScopeRequest { openid: *openid, profile: *openid, ..ScopeRequest::default() };
            let wanted = if *implied { Wanted::Named(Vec::new()) } else { Wanted::Default };
            (name.clone(), wanted, oidc)
        }
        Target::Scope(request) => match &request.resource {
            Some(it) => (it.resource.clone(), it.wanted.clone(), request.clone()),
            None => (scope::GRAPH.to_owned(), Wanted::Named(Vec::new()), request.clone()),
        },
    };
    let explicit = match target {
        Target::Scope(request) => request.resource.is_some(),
        Target::Resource { implied, .. } => !implied,
    };
    let resource = find(directory, graphs, name)?;
    if let Some(parameter) = &oidc.resource_parameter {
        same_api(directory, graphs, (parameter, &resource))?;
    }
    Ok(Resolved { resource, wanted, oidc, explicit, v1: matches!(target, Target::Resource { .. }) })
}

/// Checks that the `resource` parameter of a v2.0 request names the API of its scope (RFC 8707, 2).
///
/// # Errors
/// [`PermissionNo::ResourceDiffers`]
fn same_api(
    directory: &Directory,
    graphs: &[String],
    (parameter, resource): (&str, &Resource),
) -> Result<(), Denial> {
    let named = find(directory, graphs, parameter.to_owned());
    match named.is_ok_and(|named| named.principal.id == resource.principal.id) {
        true => Ok(()),
        false => Err(Denial::Permission(PermissionNo::ResourceDiffers {
            parameter: shown(parameter),
            resource: resource.name.clone(),
        })),
    }
}

/// The name of an API in an audience or a resource parameter: `spn:{id}` is its id.
#[must_use]
pub fn audience_name(text: &str) -> &str {
    text.strip_prefix("spn:").filter(|id| id.parse::<AppId>().is_ok()).unwrap_or(text)
}

fn find(directory: &Directory, graphs: &[String], name: String) -> Result<Resource, Denial> {
    if name.parse().is_ok_and(|app: AppId| app.uuid().is_nil()) {
        return Err(Denial::Permission(PermissionNo::ResourceZero));
    }
    let (asked, name) = (name.len(), audience_name(&name).to_owned());
    let spn = asked != name.len();
    let plain = name.trim_end_matches('/');
    let own_graph = graphs.iter().any(|base| base.eq_ignore_ascii_case(plain));
    let known = if own_graph { catalogue::GRAPH } else { name.as_str() };
    let held = directory.api_by_name(known).cloned();
    let appears = held.is_none();
    let to_appear = || {
        let known = directory.catalogue.resource_by_name(known)?;
        service_principal::to_appear(directory, known).map(Arc::new)
    };
    let Some(principal) = held.or_else(to_appear) else { return Err(missing(directory, &name)) };
    match directory.at_home(&principal) {
        AtHome::Served => {}
        AtHome::Disabled => return Err(Denial::ResourceDisabled(principal.display_name.clone())),
        AtHome::Gone => return Err(missing(directory, &name)),
    }
    let graph = principal.app_id.to_string() == catalogue::GRAPH;
    let known = directory.catalogue.application(principal.app_id);
    let (microsoft, continuous) = (known.is_some(), known.is_some_and(|it| it.evaluates_continuously()));
    let name = if own_graph { scope::GRAPH.to_owned() } else { name };
    let registered = directory.registered(principal.app_id);
    let own = registered.as_ref().map(|it| &*it.application);
    Ok(Resource {
        principal,
        name,
        spn,
        graph,
        microsoft,
        appears,
        continuous,
        work_only: own.is_some_and(|it| {
            !it.sign_in_audience.has_personal() && it.requested_access_token_version != Some(2)
        }),
        claims: own.map(|it| it.optional_claims.access_token.set()).unwrap_or_default(),
        groups: own.and_then(|it| it.group_claims).unwrap_or_default(),
    })
}

/// Whoever signs in over `common` may have a personal account, where the client takes those; so the API has to
/// take them too.
///
/// # Errors
/// [`PermissionNo::NotOverCommon`]
pub(crate) fn over(tenant: &TenantName, client: &Client, resource: &Resource) -> Result<(), Denial> {
    let common = matches!(tenant, TenantName::Common | TenantName::Consumers);
    let personal = client.application.as_ref().is_some_and(|it| it.sign_in_audience.has_personal());
    if common && personal && resource.work_only {
        let (resource, name) = (resource.principal.app_id, resource.principal.display_name.clone());
        return Err(Denial::Permission(PermissionNo::NotOverCommon { resource, name }));
    }
    Ok(())
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The delegated permissions that a token for a user may hold, checked against what exists and what
/// was consented to.
pub(crate) fn delegated(
    directory: &Directory,
    client: &Client,
    user: &User,
    resolved: &Resolved,
) -> Result<Vec<String>, Denial> {
    let resource = &resolved.resource;
    let itself = client.application.is_some() && resource.principal.app_id == client.app;
    if itself && resolved.wanted == Wanted::Default {
        let by_id = resource.name.parse().is_ok_and(|app: AppId| app == client.app);
        if !by_id {
            return Err(Denial::Permission(PermissionNo::TokenForItself(client.app)));
        }
    }
    user_assigned_to(directory, user.id, &resource.principal)?;
    let held = consented(directory, client, user.id, resource);
    let missing = || unconsented(directory, client, resolved, held.is_empty());
    if !resolved.explicit && held.is_empty() && !consented_to_anything(directory, client, user.id) {
        return Err(missing());
    }
    match &resolved.wanted {
        Wanted::Default if held.is_empty() && !itself => return Err(missing()),
        Wanted::Default => {}
        Wanted::Named(values) => {
            all_held(values, client, resource, &held)?.then_some(()).ok_or_else(missing)?
        }
    }
    if client.is_new_here() {
        return Err(missing());
    }
    // A token holds everything that was consented to, not only what was asked for.
    let mut scopes = held;
    if resolved.resource.graph {
        let oidc = &resolved.oidc;
        for (asked, scope) in [(oidc.profile, "profile"), (oidc.openid, "openid"), (oidc.email, "email")] {
            let granted = scopes.iter().any(|have| have == scope);
            scopes.retain(|have| have != scope);
            // A sign-in brings all three: the recorded answer to MSAL's `openid profile` lists `email` too, and
            // oauth2-proxy, which asks for `openid` alone, reads the address of the mailbox from userinfo.
            if asked || granted || oidc.openid {
                scopes.push(scope.to_owned());
            }
        }
    }
    Ok(scopes)
}

/// What is said where consent is missing: nobody consented, or nobody could have.
fn unconsented(directory: &Directory, client: &Client, resolved: &Resolved, nothing_held: bool) -> Denial {
    let principal = &resolved.resource.principal;
    let (app, resource) = (client.app, principal.app_id);
    let Some(application) = &client.application else {
        let known = directory.catalogue.application(app);
        let by_consent = resolved.resource.graph && known.is_some_and(|it| it.by_consent);
        return match resolved.resource.microsoft && !by_consent {
            true if resource == app => Denial::Permission(PermissionNo::FirstPartyToItself),
            true => Denial::Permission(PermissionNo::FirstParty { app, resource }),
            false => Denial::ConsentMissing { app, name: client.name.clone() },
        };
    };
    let listed = application.required_resource_access.iter().any(|it| it.resource == resource);
    if nothing_held && resolved.explicit && !listed {
        if resolved.v1 {
            return Denial::Permission(PermissionNo::NotListed { app, resource });
        }
        if resolved.wanted == Wanted::Default {
            let resource = principal.display_name.clone();
            return Denial::Permission(PermissionNo::Misconfigured { resource });
        }
    }
    Denial::ConsentMissing { app, name: client.name.clone() }
}

/// Whether all of these named scopes were consented to.
///
/// # Errors
/// [`Denial::ScopeUnknown`] for one that the API does not publish.
fn all_held(
    values: &[String],
    client: &Client,
    resource: &Resource,
    held: &[String],
) -> Result<bool, Denial> {
    let mut all = true;
    for value in values {
        // Microsoft's own clients hold permissions that are not published.
        if held.iter().any(|it| it.eq_ignore_ascii_case(value)) {
            continue;
        }
        let published = resource.principal.scopes.by_value(value).filter(|it| it.enabled);
        let Some(published) = published else {
            return Err(Denial::ScopeUnknown {
                application: client.name.clone(),
                scope: shown(value),
                resource: resource.principal.app_id,
            });
        };
        all &= held.contains(&published.value);
    }
    Ok(all)
}

/// What was consented to for a client, a user and an API, as far as the API still publishes it, and what a client of
/// Microsoft's holds without consent.
fn consented(directory: &Directory, client: &Client, user: ObjectId, resource: &Resource) -> Vec<String> {
    let published = |value: &String| resource.principal.scopes.by_value(value).is_some_and(|it| it.enabled);
    let mut held: Vec<String> = Vec::new();
    if let Some(principal) = &client.principal {
        for whom in [None, Some(user)] {
            let key = GrantKey { client: principal.id, resource: resource.principal.id, principal: whom };
            let grant = directory.grant(&key).into_iter().flat_map(|grant| &grant.scopes);
            held.extend(grant.filter(|value| published(value)).cloned());
        }
    }
    // Nobody has to allow an application what it offers itself.
    if client.application.is_some() && resource.principal.app_id == client.app {
        held.extend(resource.principal.scopes.iter().filter(|it| it.enabled).map(|it| it.value.clone()));
    }
    // Applications of the tenant that stand in for Microsoft's hold nothing and publish what they say.
    let known = directory.catalogue.application(client.app).filter(|_| client.application.is_none());
    let stands_in = directory.application_by_app(resource.principal.app_id).is_some();
    let unasked = known.and_then(|it| it.preauthorized.get(&resource.principal.app_id)).into_iter().flatten();
    held.extend(unasked.filter(|value| !stands_in || published(value)).cloned());
    // It is spent on the refresh token and never listed.
    held.retain(|value| value != "offline_access");
    held.sort();
    held.dedup();
    held
}

/// Whether this user, or an administrator for everyone, consented to any permission of the client. Such a grant covers
/// the OpenID Connect scopes too, also where a former version did not record them.
fn consented_to_anything(directory: &Directory, client: &Client, user: ObjectId) -> bool {
    let counts = |it: &PermissionGrant| it.key.principal.is_none_or(|whose| whose == user);
    let granted =
        client.principal.as_ref().is_some_and(|it| directory.grants_of(it.id).any(|grant| counts(grant)));
    granted || directory.catalogue.application(client.app).is_some_and(|it| !it.preauthorized.is_empty())
}

/// The answer's `scope`: the API's permissions by their full names, the requested `.default` echoed, OIDC scopes only
/// beside Graph's, `offline_access` never. v1.0 uses short names, and so does v2.0 for Graph where the client did:
/// MSAL looks its cache up by the names that it asked for.
pub(super) fn text(target: &Target, resolved: &Resolved, scopes: &[String]) -> String {
    let short = match target {
        Target::Resource { .. } => true,
        Target::Scope(request) => request.resource.as_ref().is_none_or(|it| it.implied),
    };
    if short {
        return scopes.join(" ");
    }
    // As the client named the API: a name of this server's own for Graph, too.
    let name = match target {
        Target::Scope(ScopeRequest { resource: Some(asked), .. }) => &asked.resource,
        _ => &resolved.resource.name,
    };
    let oidc = |value: &str| matches!(value, "openid" | "profile" | "email");
    let whole = |value: &String| if oidc(value) { value.clone() } else { format!("{name}/{value}") };
    let mut words: Vec<String> = scopes.iter().map(whole).collect();
    if resolved.wanted == Wanted::Default {
        words.push(format!("{name}/.default"));
    }
    words.join(" ")
}

/// The roles that a service principal holds at an API. Groups give it none: Entra puts no roles into an
/// application's token that it has through a group (memory).
pub(super) fn roles(facts: &Facts, principal: ObjectId, resource: &Resource) -> Vec<String> {
    roles_of(&facts.directory, [principal], &resource.principal)
}

/// The roles that a user holds at an API, in person and through the groups that they are directly in: what is
/// given to a group does not reach the members of groups within it (memory).
pub(super) fn roles_of_user(
    directory: &Directory,
    user: ObjectId,
    resource: &ServicePrincipal,
) -> Vec<String> {
    match resource.app_roles.is_empty() {
        true => Vec::new(),
        false => roles_of(directory, holders(directory, user), resource),
    }
}

/// A user, and the groups that hold roles for them.
pub(super) fn holders(directory: &Directory, user: ObjectId) -> impl Iterator<Item = ObjectId> {
    std::iter::once(user).chain(directory.memberships_of(user).map(|it| it.key.group))
}

fn roles_of(
    directory: &Directory,
    holders: impl IntoIterator<Item = ObjectId>,
    resource: &ServicePrincipal,
) -> Vec<String> {
    let assignments = holders.into_iter().flat_map(|holder| directory.app_roles_of(holder));
    let here = assignments.filter(|it| it.key.resource == resource.id);
    let value = |role| resource.app_roles.by_id(role).filter(|it| it.enabled);
    let mut roles: Vec<String> = Vec::new();
    for role in here.filter_map(|it| value(it.key.role)) {
        if !roles.contains(&role.value) {
            roles.push(role.value.clone());
        }
    }
    roles
}

/// Whether a service principal is assigned to an application at all.
pub(super) fn assigned(facts: &Facts, principal: ObjectId, to: &ServicePrincipal) -> bool {
    facts.directory.app_roles_of(principal).any(|it| it.key.resource == to.id)
}

/// Checks that a user is assigned to the client, directly or through a group, where the client demands it
/// (`appRoleAssignmentRequired`).
///
/// # Errors
/// [`Denial::UserNotAssigned`]
pub(crate) fn user_assigned(directory: &Directory, user: ObjectId, client: &Client) -> Result<(), Denial> {
    client.principal.as_ref().map_or(Ok(()), |principal| user_assigned_to(directory, user, principal))
}

/// Checks that a user is assigned to an application, directly or through a group, where it demands that of its users.
fn user_assigned_to(
    directory: &Directory,
    user: ObjectId,
    principal: &ServicePrincipal,
) -> Result<(), Denial> {
    let here = |holder| directory.app_roles_of(holder).any(|it| it.key.resource == principal.id);
    match !principal.assignment_required || holders(directory, user).any(here) {
        true => Ok(()),
        false => Err(Denial::UserNotAssigned(principal.app_id, principal.display_name.clone())),
    }
}

#[cfg(test)]
mod tests;
