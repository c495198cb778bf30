//! Service principals of applications that are registered in another tenant of this server. Each is a copy of what the
//! registration publishes; whether it is enabled, who is assigned to it and what it holds are the tenant's own.

use super::{ServicePrincipal, added, audit, of_application};
use crate::{
    access::Caller,
    application::is_free,
    change::{Change, Decided, Moment, Object},
    directory::Directory,
    refusal::Refusal,
    registry::Registered,
    token::client_auth::Client,
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use std::borrow::Cow;
use uuid::Uuid;

/// The service principal of an application, which may be registered in another tenant.
pub(super) fn of_registered(
    directory: &Directory,
    registered: &Registered,
    id: ObjectId,
    created: Timestamp,
) -> ServicePrincipal {
    let application = &registered.application;
    let mut copy = of_application(application, (id, registered.home), created);
    if registered.home == directory.tenant.id {
        return copy;
    }
    copy.names.retain(|name| {
        *name == application.app_id.to_string() || is_free(directory, application.app_id, name)
    });
    // These are people and applications of the other tenant, and nobody here.
    copy.owners = Vec::new();
    copy
}

/// The registration of an application of another tenant that takes this tenant's users.
pub(super) fn elsewhere(directory: &Directory, app: AppId) -> Option<Registered> {
    directory.registered(app).filter(|it| it.home != directory.tenant.id)
}

/// Makes the service principal of an application, of this tenant or of another one, to which the caller consents.
///
/// # Errors
/// [`Refusal::NotFound`] when there is no such application.
pub(crate) fn install(
    caller: &Caller,
    directory: &Directory,
    app: AppId,
    at: &Moment<'_>,
) -> Result<Decided<ServicePrincipal>, Refusal> {
    let Some(registered) = directory.registered(app) else {
        return Err(Refusal::NotFound { id: app.to_string() });
    };
    let made = of_registered(directory, &registered, ObjectId::new(at.entropy.uuid()), at.now);
    Ok(added(caller, made))
}

/// The directory as it will be once somebody consented to the client: the client may be an API itself, for which it
/// asks. The service principal that is not there yet has an object id of zeros.
pub(crate) fn foreseen<'a>(directory: &'a Directory, client: &Client) -> Cow<'a, Directory> {
    let missing = client.is_new_here() && directory.principal_by_app(client.app).is_none();
    match directory.registered(client.app).filter(|_| missing) {
        Some(registered) => {
            let nil = ObjectId::new(Uuid::nil());
            let copy = of_registered(directory, &registered, nil, registered.application.created);
            let mut with = directory.clone();
            with.apply([Change::Put(Object::ServicePrincipal(copy.into()))]);
            Cow::Owned(with)
        }
        None => Cow::Borrowed(directory),
    }
}

/// Brings the service principal of an application of another tenant up to date with its registration; `None`: it is,
/// or there is none. One whose application is deleted at home stays as it was.
#[must_use]
pub fn refresh(directory: &Directory, app: AppId) -> Option<Decided<()>> {
    let old = directory.principal_by_app(app).filter(|it| directory.is_copy(it))?;
    let registered = elsewhere(directory, app).filter(|it| it.home == old.owner_tenant)?;
    let mut new = of_registered(directory, &registered, old.id, old.created);
    (new.enabled, new.assignment_required) = (old.enabled, old.assignment_required);
    (new.owners, new.kept) = (old.owners.clone(), old.kept.clone());
    if new == **old {
        return None;
    }
    let server = Caller::Operator { digest: String::new() };
    let audit = audit(&server, "Update service principal", &new);
    Some(Decided {
        value: (),
        changes: vec![Change::Put(Object::ServicePrincipal(new.into()))],
        audit: vec![audit],
    })
}
