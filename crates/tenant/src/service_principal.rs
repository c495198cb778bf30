//! Service principals: an application's presence in a tenant, with an object id of its own. Tokens of
//! client credentials carry that id. A tenant does not hold the principal of every first-party API:
//! step 2 of the article makes the one of Power Platform appear.

mod copy;

pub use copy::refresh;
pub(crate) use copy::{foreseen, install};

use crate::{
    access::{self, Caller, authorize},
    application::Application,
    change::{Audit, Change, Decided, Moment, Object, ObjectKey, fold_name},
    directory::Directory,
    group,
    offered::Offered,
    permission::{AppRole, PermissionScope},
    refusal::Refusal,
};
use carnet_wire::{
    catalogue::{FirstParty, MICROSOFT_TENANT},
    digest,
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An application in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// The object's id: `oid` and `sub` of the application's own tokens.
    pub id: ObjectId,
    /// The application it stands for.
    pub app_id: AppId,
    /// The name people see.
    pub display_name: String,
    /// Tokens may be issued to it and for it.
    pub enabled: bool,
    /// The tenant that owns the application (Microsoft's own for first-party ones).
    pub owner_tenant: TenantId,
    /// Only assigned users and applications get tokens for it.
    pub assignment_required: bool,
    /// Names under which it is asked for: application id and identifier URIs.
    pub names: Vec<String>,
    /// Delegated permissions it offers, as the application has them.
    pub scopes: Offered<PermissionScope>,
    /// Roles it offers, as the application has them.
    pub app_roles: Offered<AppRole>,
    /// Version of access tokens for it: 1 or 2.
    pub token_version: u8,
    /// Users and service principals that own it.
    pub owners: Vec<ObjectId>,
    /// Labels.
    pub tags: Vec<String>,
    /// Further Graph properties, kept as given and read by no rule.
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// When it was made.
    pub created: Timestamp,
}

/// Makes the service principal of an application of this tenant, of one of another tenant that takes this tenant's
/// users, or of one of Microsoft's: what `New-AzureADServicePrincipal` does in step 2 of the article.
///
/// # Errors
/// [`Refusal`]
pub fn create(
    caller: &Caller,
    directory: &Directory,
    (app, id): (AppId, Option<ObjectId>),
    at: &Moment<'_>,
) -> Result<Decided<ServicePrincipal>, Refusal> {
    let own = directory.application_by_app(app);
    let owners = own.map(|it| it.owners.clone()).unwrap_or_default();
    authorize(caller, directory, &access::CHANGE_PRINCIPAL, &owners)?;
    if directory.principal_by_app(app).is_some() {
        let message = format!(
            "The service principal cannot be created, updated, or restored because the service principal name {app} is already in use."
        );
        return Err(Refusal::Conflict { message });
    }
    let id = id.unwrap_or_else(|| ObjectId::new(at.entropy.uuid()));
    let principal = match (own, directory.catalogue.application(app)) {
        (Some(application), _) => of_application(application, (id, directory.tenant.id), at.now),
        (None, Some(known)) => without_taken_names(directory, of_microsoft(known, id, at.now)),
        (None, None) => {
            if let Some(registered) = copy::elsewhere(directory, app) {
                let principal = copy::of_registered(directory, &registered, id, at.now);
                return Ok(added(caller, principal));
            }
            let message =
                format!("The appId '{app}' does not reference a valid application object of this tenant.");
            return Err(Refusal::BadRequest { message, target: Some("appId".into()) });
        }
    };
    Ok(added(caller, principal))
}

fn added(caller: &Caller, principal: ServicePrincipal) -> Decided<ServicePrincipal> {
    let audit = audit(caller, "Add service principal", &principal);
    let change = Change::Put(Object::ServicePrincipal(principal.clone().into()));
    Decided { value: principal, changes: vec![change], audit: vec![audit] }
}

/// The service principal of one of Microsoft's APIs that a tenant does not hold yet, as it will be once somebody consents
/// to the API or a client of Microsoft's gets a token for it. Its id follows from tenant and API: what is decided before
/// it is kept names the object that is kept. `None`: the tenant holds it, or it is a client of Microsoft's, or an
/// application of the tenant stands in for it.
pub(crate) fn to_appear(directory: &Directory, known: &'static FirstParty) -> Option<ServicePrincipal> {
    let app = known.app_id;
    let held = directory.principal_by_app(app).is_some() || directory.application_by_app(app).is_some();
    if held || known.public_client {
        return None;
    }
    let tenant = directory.tenant.id.uuid();
    let digest = digest::sha256(&[b"service principal", tenant.as_bytes(), app.uuid().as_bytes()]);
    let bits = digest.first_chunk().expect("a digest has 32 bytes");
    let id = ObjectId::new(uuid::Builder::from_random_bytes(*bits).into_uuid());
    Some(without_taken_names(directory, of_microsoft(known, id, directory.tenant.created)))
}

/// Makes a service principal of [`to_appear`] appear; nothing, where the tenant holds it by now.
pub(crate) fn appear(
    caller: &Caller,
    directory: &Directory,
    resource: &ServicePrincipal,
    at: &Moment<'_>,
) -> Option<(Change, Audit)> {
    if directory.principal_by_app(resource.app_id).is_some() {
        return None;
    }
    let principal = ServicePrincipal { created: at.now, ..resource.clone() };
    let audit = audit(caller, "Add service principal", &principal);
    Some((Change::Put(Object::ServicePrincipal(principal.into())), audit))
}

/// Makes the service principal of an API appear for which a client of Microsoft's gets a token.
#[must_use]
pub fn appear_for_token(
    caller: &Caller,
    directory: &Directory,
    resource: &ServicePrincipal,
    at: &Moment<'_>,
) -> Decided<()> {
    let (changes, audit) = appear(caller, directory, resource, at).into_iter().unzip();
    Decided { value: (), changes, audit }
}

/// A name that another service principal holds stays there.
fn without_taken_names(directory: &Directory, mut principal: ServicePrincipal) -> ServicePrincipal {
    principal.names.retain(|name| directory.principal_by_name(name).is_none());
    principal
}

/// Switches a service principal on or off, or changes who may use it.
///
/// # Errors
/// [`Refusal`]
pub fn change(
    caller: &Caller,
    directory: &Directory,
    id: ObjectId,
    (enabled, assignment_required): (Option<bool>, Option<bool>),
) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_PRINCIPAL, &old.owners)?;
    not_built_in(caller, directory, old)?;
    let mut new = (**old).clone();
    new.enabled = enabled.unwrap_or(old.enabled);
    new.assignment_required = assignment_required.unwrap_or(old.assignment_required);
    if new == **old {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let audit = audit(caller, "Update service principal", &new);
    Ok(Decided {
        value: (),
        changes: vec![Change::Put(Object::ServicePrincipal(new.into()))],
        audit: vec![audit],
    })
}

/// Deletes a service principal with its grants, roles and registration.
///
/// # Errors
/// [`Refusal`]. Those that every tenant has are never deleted; the one of another API of Microsoft's, such as the
/// Power Platform API, may be deleted by whoever may create it.
pub fn delete(caller: &Caller, directory: &Directory, id: ObjectId) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_PRINCIPAL, &old.owners)?;
    if built_in(directory, old).is_some_and(|known| known.in_every_tenant) {
        let needs = format!("{} is built in and every tenant has it", old.display_name);
        return Err(Refusal::Forbidden { needs });
    }
    let audit = audit(caller, "Remove service principal", old);
    Ok(Decided { value: (), changes: removal(directory, old), audit: vec![audit] })
}

/// The catalogue's entry of a service principal that stands for one of Microsoft's own applications. An application
/// of the tenant may stand in for one of these; its service principal is the tenant's own.
fn built_in(directory: &Directory, principal: &ServicePrincipal) -> Option<&'static FirstParty> {
    let own = directory.application_by_app(principal.app_id).is_some();
    directory.catalogue.application(principal.app_id).filter(|_| !own)
}

/// Checks that a service principal may be changed: built-in ones may not, except by the operator.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub(crate) fn not_built_in(
    caller: &Caller,
    directory: &Directory,
    principal: &ServicePrincipal,
) -> Result<(), Refusal> {
    if matches!(caller, Caller::Operator { .. }) || built_in(directory, principal).is_none() {
        return Ok(());
    }
    let needs = format!("{} is built in and cannot be changed", principal.display_name);
    Err(Refusal::Forbidden { needs })
}

/// What was done about a built-in service principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The application.
    pub app_id: AppId,
    /// Its name.
    pub display_name: String,
    /// What was done.
    pub how: Restoration,
}

/// See [`Restored`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restoration {
    /// It was deleted, or no former version had it. It was created, with a new object id and without grants.
    Created,
    /// It had been disabled, restricted to assigned users, or given an owner; it is as built in again.
    Reset,
    /// What it publishes was brought up to date with this version's catalogue.
    Updated,
    /// It is missing, and one of its names belongs to another service principal, so that it was not created.
    NameTaken {
        /// The name.
        name: String,
        /// Who has it.
        holder: String,
    },
}

/// Brings the built-in service principals back to what they are in every tenant: those that every tenant has are
/// created where they are missing, and what was changed in one is undone. Only a start of the server does this.
#[must_use]
pub fn restore_built_in(directory: &Directory, at: &Moment<'_>) -> Decided<Vec<Restored>> {
    let start = Caller::Operator { digest: String::new() };
    let mut all = Decided { value: Vec::new(), changes: Vec::new(), audit: Vec::new() };
    for known in directory.catalogue.applications {
        let Some((wanted, how)) = restoration(directory, known, at) else { continue };
        let restored = Restored { app_id: known.app_id, display_name: known.display_name.clone(), how };
        if let Some(wanted) = wanted {
            all.audit.push(audit(&start, "Restore built-in service principal", &wanted));
            all.changes.push(Change::Put(Object::ServicePrincipal(wanted.into())));
        }
        all.value.push(restored);
    }
    all
}

/// What has to become of one of Microsoft's applications in a tenant; `None`: nothing.
fn restoration(
    directory: &Directory,
    known: &'static FirstParty,
    at: &Moment<'_>,
) -> Option<(Option<ServicePrincipal>, Restoration)> {
    if directory.application_by_app(known.app_id).is_some() {
        return None;
    }
    let Some(held) = directory.principal_by_app(known.app_id) else {
        if !known.in_every_tenant {
            return None;
        }
        let wanted = of_microsoft(known, ObjectId::new(at.entropy.uuid()), at.now);
        let taken = |name: &String| Some((name.clone(), directory.principal_by_name(name)?));
        return Some(match wanted.names.iter().find_map(taken) {
            Some((name, other)) => {
                (None, Restoration::NameTaken { name, holder: other.display_name.clone() })
            }
            None => (Some(wanted), Restoration::Created),
        });
    };
    let wanted = of_microsoft(known, held.id, held.created);
    if wanted == **held {
        return None;
    }
    let changed = !held.enabled || held.assignment_required || !held.owners.is_empty();
    let names = |it: &ServicePrincipal| it.names.iter().map(|name| fold_name(name)).collect::<BTreeSet<_>>();
    let new_names = names(&wanted)
        .difference(&names(held))
        .any(|name| directory.principal_by_name(name).is_some_and(|other| other.id != held.id));
    // A name that another service principal holds stays there; the rest is brought up to date.
    let wanted = if new_names { ServicePrincipal { names: held.names.clone(), ..wanted } } else { wanted };
    if wanted == **held {
        return None;
    }
    Some((Some(wanted), if changed { Restoration::Reset } else { Restoration::Updated }))
}

fn found(directory: &Directory, id: ObjectId) -> Result<&std::sync::Arc<ServicePrincipal>, Refusal> {
    directory.principal(id).ok_or_else(|| Refusal::NotFound { id: id.to_string() })
}

fn audit(caller: &Caller, activity: &str, it: &ServicePrincipal) -> Audit {
    let target = ("servicePrincipal".to_owned(), it.id.to_string(), it.display_name.clone());
    Audit { activity: activity.to_owned(), actor: caller.actor(), target, modified: Vec::new() }
}

/// Everything that goes with a service principal.
pub(crate) fn removal(directory: &Directory, principal: &ServicePrincipal) -> Vec<Change> {
    let id = principal.id;
    let mut keys = vec![ObjectKey::ServicePrincipal(id)];
    keys.extend(directory.grants_of(id).map(|it| ObjectKey::PermissionGrant(it.key)));
    keys.extend(directory.app_roles_of(id).map(|it| ObjectKey::AppRoleAssignment(it.key)));
    keys.extend(directory.roles_of(id).map(|it| ObjectKey::RoleAssignment(it.key)));
    // As a resource it is named by others; deleting one is rare, so these two lists are looked through.
    keys.extend(
        directory
            .grants(None)
            .filter(|it| it.key.resource == id)
            .map(|it| ObjectKey::PermissionGrant(it.key)),
    );
    let assigned =
        directory.app_role_assignments().filter(|it| it.key.resource == id && it.key.principal != id);
    keys.extend(assigned.map(|it| ObjectKey::AppRoleAssignment(it.key)));
    if directory.registration(principal.app_id).is_some() {
        keys.push(ObjectKey::AdminRegistration(principal.app_id));
    }
    let mut changes: Vec<Change> = keys.into_iter().map(Change::Remove).collect();
    changes.extend(group::leave_all(directory, id));
    changes
}

/// The service principal of a registration that changed.
pub(crate) fn follow(directory: &Directory, application: &Application) -> Option<Change> {
    let old = directory.principal_by_app(application.app_id)?;
    let mut new = of_application(application, (old.id, directory.tenant.id), old.created);
    (new.enabled, new.assignment_required) = (old.enabled, old.assignment_required);
    (new.owners, new.tags) = (old.owners.clone(), old.tags.clone());
    (new != **old).then(|| Change::Put(Object::ServicePrincipal(new.into())))
}

fn of_application(
    it: &Application,
    (id, owner_tenant): (ObjectId, TenantId),
    now: Timestamp,
) -> ServicePrincipal {
    ServicePrincipal {
        id,
        app_id: it.app_id,
        display_name: it.display_name.clone(),
        enabled: true,
        owner_tenant,
        assignment_required: false,
        names: std::iter::once(it.app_id.to_string()).chain(it.identifier_uris.iter().cloned()).collect(),
        scopes: it.scopes.clone().into(),
        app_roles: it.app_roles.clone().into(),
        token_version: it.requested_access_token_version.unwrap_or(1),
        owners: it.owners.clone(),
        tags: it.tags.clone(),
        kept: Default::default(),
        created: now,
    }
}

/// The service principal of one of Microsoft's applications.
#[must_use]
pub fn of_microsoft(known: &'static FirstParty, id: ObjectId, now: Timestamp) -> ServicePrincipal {
    ServicePrincipal {
        id,
        app_id: known.app_id,
        display_name: known.display_name.clone(),
        enabled: true,
        owner_tenant: MICROSOFT_TENANT.parse().expect("the constant is a GUID"),
        assignment_required: false,
        names: std::iter::once(known.app_id.to_string())
            .chain(known.names.iter().map(|name| (*name).to_owned()))
            .collect(),
        scopes: Offered::Microsoft(known),
        app_roles: Offered::Microsoft(known),
        token_version: 1,
        owners: Vec::new(),
        tags: Vec::new(),
        kept: Default::default(),
        created: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        application::{self, New},
        fixture::{self, admin, directory, everyone, moment, operator},
    };
    use carnet_wire::catalogue::{Catalogue, GRAPH, POWER_PLATFORM};
    use uuid::Uuid;

    #[test]
    fn an_administrator_makes_the_power_platform_apis_principal_appear_once() {
        let mut directory = directory();
        let app: AppId = POWER_PLATFORM.parse().unwrap();
        assert!(directory.principal_by_name("https://api.powerplatform.com").is_none());
        assert!(matches!(
            create(&everyone(), &directory, (app, None), &moment()),
            Err(Refusal::Forbidden { .. })
        ));
        let made = create(&admin(), &directory, (app, None), &moment()).unwrap();
        directory.apply(made.changes);
        assert_eq!(
            directory.principal_by_name("https://api.powerplatform.com/").map(|it| it.scopes.len()),
            Some(72)
        );
        assert!(matches!(
            create(&admin(), &directory, (app, None), &moment()),
            Err(Refusal::Conflict { .. })
        ));
    }

    #[test]
    fn a_name_stays_with_its_principal_and_goes_on_in_any_order() {
        let mut directory = directory();
        let graph = directory.principal_by_name(GRAPH).unwrap().clone();
        let of = |number: u128, names: &[&str]| {
            let (id, app_id) = (Uuid::from_u128(number), Uuid::from_u128(1000 + number));
            let names = names.iter().map(|it| (*it).to_owned()).collect();
            let (id, app_id) = (ObjectId::new(id), AppId::new(app_id));
            let it = ServicePrincipal { id, app_id, names, ..(*graph).clone() };
            Change::Put(Object::ServicePrincipal(it.into()))
        };
        let remove =
            |number| Change::Remove(ObjectKey::ServicePrincipal(ObjectId::new(Uuid::from_u128(number))));
        let name = "https://graph.microsoft.com/";
        let at = |directory: &Directory, name: &str| directory.principal_by_name(name).map(|it| it.id);
        // Kept by an older version: it gets no name that is another's, and takes none away when it goes.
        directory.apply([of(1, &[name, "https://graph.microsoft.com//", "api://own"])]);
        assert_eq!(at(&directory, name), Some(graph.id));
        assert_eq!(at(&directory, "API://own/"), Some(ObjectId::new(Uuid::from_u128(1))));
        directory.apply([remove(1)]);
        assert_eq!((at(&directory, name), at(&directory, "api://own")), (Some(graph.id), None));
        // Nor does it keep one of Microsoft's that it had first.
        directory.apply([remove(100), of(1, &[name])]);
        assert_eq!(at(&directory, name), Some(ObjectId::new(Uuid::from_u128(1))));
        directory.apply([Change::Put(Object::ServicePrincipal(graph.clone()))]);
        assert_eq!(at(&directory, name), Some(graph.id));
        // Two changes of another node, read together: the name went on before its old holder changed last.
        directory.apply([of(2, &["api://two"])]);
        directory.apply([of(3, &["api://two"]), of(2, &[])]);
        assert_eq!(at(&directory, "api://two"), Some(ObjectId::new(Uuid::from_u128(3))));
    }

    #[test]
    fn an_application_of_nobody_has_no_principal() {
        let app = "a0000000-0000-4000-8000-00000000dead".parse().unwrap();
        assert!(matches!(
            create(&admin(), &directory(), (app, None), &moment()),
            Err(Refusal::BadRequest { .. })
        ));
    }

    fn graph(directory: &Directory) -> ServicePrincipal {
        (**directory.principal_by_app(GRAPH.parse().unwrap()).unwrap()).clone()
    }

    /// Registers an application with its service principal.
    fn register(directory: &mut Directory, app: Option<&str>) -> ObjectId {
        let new =
            New { app_id: app.map(|app| app.parse().unwrap()), display_name: "a".into(), ..New::default() };
        let made = application::create(&operator(), directory, new, &moment()).unwrap();
        directory.apply(made.changes);
        let principal = create(&operator(), directory, (made.value.app_id, None), &moment()).unwrap();
        directory.apply(principal.changes);
        principal.value.id
    }

    #[test]
    fn a_principal_is_switched_off_once_and_a_built_in_one_by_nobody_but_the_operator() {
        let mut directory = directory();
        let own = register(&mut directory, None);
        let off = (Some(false), None);
        assert!(matches!(change(&everyone(), &directory, own, off), Err(Refusal::Forbidden { .. })));
        let done = change(&admin(), &directory, own, off).unwrap();
        directory.apply(done.changes);
        assert!(!directory.principal(own).unwrap().enabled);
        assert!(change(&admin(), &directory, own, off).unwrap().changes.is_empty());
        let built_in = graph(&directory).id;
        assert!(matches!(change(&admin(), &directory, built_in, off), Err(Refusal::Forbidden { .. })));
        assert!(change(&operator(), &directory, built_in, off).is_ok());
    }

    #[test]
    fn an_application_that_stands_in_for_microsofts_is_the_tenants_own() {
        let mut directory = directory();
        let own = register(&mut directory, Some(POWER_PLATFORM));
        assert!(change(&admin(), &directory, own, (Some(false), None)).is_ok());
        assert!(delete(&admin(), &directory, own).is_ok());
        assert!(matches!(delete(&admin(), &directory, graph(&directory).id), Err(Refusal::Forbidden { .. })));
    }

    /// A tenant whose built-in principals are as they should be, and what a start does about a change of Graph's.
    fn restored(change: impl FnOnce(&mut ServicePrincipal)) -> (ServicePrincipal, Vec<Restoration>) {
        let mut directory = directory();
        directory.apply(restore_built_in(&directory, &moment()).changes);
        assert!(restore_built_in(&directory, &moment()).value.is_empty(), "nothing is left to do");
        let mut it = graph(&directory);
        change(&mut it);
        directory.apply([Change::Put(Object::ServicePrincipal(it.into()))]);
        let done = restore_built_in(&directory, &moment());
        assert_eq!(done.audit.len(), done.changes.len());
        directory.apply(done.changes);
        (graph(&directory), done.value.into_iter().map(|it| it.how).collect())
    }

    #[test]
    fn a_start_undoes_what_was_changed_in_a_built_in_principal_row_140() {
        let (sound, nothing) = restored(|_| {});
        assert!(nothing.is_empty());
        let owner = ObjectId::new(Uuid::from_u128(7));
        let reset: [fn(&mut ServicePrincipal, ObjectId); 3] = [
            |it, _| it.enabled = false,
            |it, _| it.assignment_required = true,
            |it, owner| it.owners.push(owner),
        ];
        for change in reset {
            let (after, how) = restored(|it| change(it, owner));
            assert_eq!((after.names.clone(), how), (sound.names.clone(), vec![Restoration::Reset]));
            assert_eq!((after.enabled, after.assignment_required, after.owners.len()), (true, false, 0));
        }
        let (after, how) = restored(|it| it.scopes = Vec::new().into());
        assert_eq!((after.scopes, how), (sound.scopes.clone(), vec![Restoration::Updated]));
        let (after, how) = restored(|it| it.names.truncate(1));
        assert_eq!((after.names, how), (sound.names, vec![Restoration::Updated]));
    }

    #[test]
    fn a_start_creates_the_principals_that_every_tenant_has_row_140() {
        let mut directory = directory();
        let done = restore_built_in(&directory, &moment());
        assert!(done.value.iter().all(|it| it.how == Restoration::Created));
        let created: BTreeSet<AppId> = done.value.iter().map(|it| it.app_id).collect();
        let catalogue = Catalogue::builtin();
        let graph: AppId = GRAPH.parse().unwrap();
        let wanted: BTreeSet<AppId> = catalogue
            .applications
            .iter()
            .filter(|it| it.in_every_tenant && it.app_id != graph)
            .map(|it| it.app_id)
            .collect();
        assert_eq!(created, wanted);
        directory.apply(done.changes);
        assert!(directory.principal_by_app(POWER_PLATFORM.parse().unwrap()).is_none());
        // One for which an application of the tenant stands in is left alone.
        let one = catalogue.applications.iter().find(|it| wanted.contains(&it.app_id)).unwrap();
        let gone = directory.principal_by_app(one.app_id).unwrap().id;
        directory.apply([Change::Remove(ObjectKey::ServicePrincipal(gone))]);
        register(&mut directory, Some(&one.app_id.to_string()));
        assert!(restore_built_in(&directory, &moment()).value.is_empty());
    }

    #[test]
    fn a_name_that_another_principal_took_stays_there_row_140() {
        let mut directory = directory();
        directory.apply(restore_built_in(&directory, &moment()).changes);
        let sound = graph(&directory);
        let name = "https://graph.microsoft.com";
        // Graph lost a name, and another principal has it.
        let own = register(&mut directory, None);
        let short = ServicePrincipal { names: vec![GRAPH.into()], ..sound.clone() };
        let mut holder = (**directory.principal(own).unwrap()).clone();
        holder.names.push(name.into());
        directory.apply([
            Change::Put(Object::ServicePrincipal(short.clone().into())),
            Change::Put(Object::ServicePrincipal(holder.into())),
        ]);
        assert!(restore_built_in(&directory, &moment()).value.is_empty(), "nothing else differs");
        let off = ServicePrincipal { enabled: false, ..short.clone() };
        directory.apply([Change::Put(Object::ServicePrincipal(off.into()))]);
        let done = restore_built_in(&directory, &moment());
        assert_eq!(done.value.len(), 1);
        assert_eq!(done.value[0].how, Restoration::Reset);
        directory.apply(done.changes);
        assert_eq!(graph(&directory), short);
        // Missing altogether, it is not created, and the start says why.
        directory.apply([Change::Remove(ObjectKey::ServicePrincipal(sound.id))]);
        let done = restore_built_in(&directory, &moment());
        assert!(done.changes.is_empty());
        let taken = Restoration::NameTaken { name: name.into(), holder: "a".into() };
        assert_eq!(done.value.into_iter().map(|it| it.how).collect::<Vec<_>>(), [taken]);
    }

    #[test]
    fn an_api_of_microsofts_appears_once_with_an_id_that_is_known_before() {
        let mut directory = directory();
        let catalogue = directory.catalogue.clone();
        let known = |app: &str| catalogue.application(app.parse().unwrap()).unwrap();
        let platform = known(POWER_PLATFORM);
        let foreseen = to_appear(&directory, platform).unwrap();
        assert_eq!(to_appear(&directory, platform).map(|it| it.id), Some(foreseen.id));
        assert!(to_appear(&directory, known(GRAPH)).is_none(), "the tenant holds it");
        assert!(to_appear(&directory, known(carnet_wire::catalogue::AZURE_POWERSHELL)).is_none(), "a client");
        let later = Moment { now: moment().now.plus_seconds(60), ..moment() };
        let (change, audit) = appear(&everyone(), &directory, &foreseen, &later).unwrap();
        assert_eq!(audit.activity, "Add service principal");
        directory.apply([change]);
        let held = directory.principal_by_app(platform.app_id).unwrap();
        assert_eq!((held.id, held.created), (foreseen.id, later.now));
        assert!(appear(&everyone(), &directory, &foreseen, &later).is_none());
        assert!(to_appear(&directory, platform).is_none());
        // An application of the tenant with the API's id is the tenant's own.
        let mut directory = fixture::directory();
        let new = New { app_id: Some(platform.app_id), display_name: "a".into(), ..New::default() };
        let made = application::create(&operator(), &directory, new, &moment()).unwrap();
        directory.apply(made.changes);
        assert!(to_appear(&directory, platform).is_none());
    }

    #[test]
    fn a_principal_follows_its_registration_and_keeps_what_is_its_own() {
        let mut directory = directory();
        let id = register(&mut directory, None);
        let off = change(&admin(), &directory, id, (Some(false), None)).unwrap();
        directory.apply(off.changes);
        let app = directory.principal(id).unwrap().app_id;
        let mut registration = (**directory.application_by_app(app).unwrap()).clone();
        assert_eq!(follow(&directory, &registration), None, "nothing that it publishes is new");
        registration.display_name = "new".into();
        directory.apply(follow(&directory, &registration));
        let after = directory.principal(id).unwrap();
        assert_eq!((after.display_name.as_str(), after.enabled), ("new", false));
    }

    #[test]
    fn with_a_principal_goes_everything_that_names_it_and_nothing_else() {
        use crate::permission_grant::{AppRoleAssignment, AssignmentKey, GrantKey, PermissionGrant};
        use carnet_wire::ids::KeyId;
        let mut directory = directory();
        let (gone, client, other) =
            (register(&mut directory, None), register(&mut directory, None), graph(&directory).id);
        let grant = |client, resource| {
            let key = GrantKey { client, resource, principal: None };
            PermissionGrant { key, scopes: vec!["a".into()], created: moment().now }
        };
        let given = |principal, resource| AppRoleAssignment {
            key: AssignmentKey { principal, resource, role: KeyId::new(Uuid::nil()) },
            id: format!("{principal}{resource}"),
            user: false,
            created: moment().now,
        };
        let grants = [grant(gone, other), grant(client, gone), grant(client, other)];
        let roles = [given(gone, other), given(client, gone), given(client, other), given(gone, gone)];
        directory.apply(grants.map(|it| Change::Put(Object::PermissionGrant(it.into()))));
        directory.apply(roles.map(|it| Change::Put(Object::AppRoleAssignment(it.into()))));
        let done = delete(&admin(), &directory, gone).unwrap();
        let count = done.changes.len();
        directory.apply(done.changes);
        assert_eq!(count, 1 + 2 + 3, "each is removed once");
        assert!(directory.principal(gone).is_none());
        let left: Vec<_> = directory.grants(None).map(|it| it.key).collect();
        assert_eq!(left, [grant(client, other).key]);
        let left: Vec<_> = directory.app_role_assignments().map(|it| it.key).collect();
        assert_eq!(left, [given(client, other).key]);
    }
}
