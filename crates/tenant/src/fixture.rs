//! A small tenant for the tests of the directory rules.

use crate::{
    access::Caller,
    application::{self, New},
    change::{Change, Moment, Object},
    directory::Directory,
    environment::Environment,
    package::Package,
    role, service_principal,
    tenant::{Policy, Tenant},
    user::User,
};
use carnet_wire::{
    catalogue::{Catalogue, GRAPH, POWER_PLATFORM},
    entropy::SeededEntropy,
    ids::{AppId, ObjectId},
    time::Timestamp,
};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

pub(crate) const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";
const APP: &str = carnet_wire::catalogue::AZURE_POWERSHELL;
static ENTROPY: LazyLock<SeededEntropy> = LazyLock::new(|| SeededEntropy::new(11));

pub(crate) fn moment() -> Moment<'static> {
    Moment { now: Timestamp::from_seconds(1_800_000_000), entropy: &*ENTROPY }
}

fn id(number: u128) -> ObjectId {
    ObjectId::new(Uuid::from_u128(number))
}

fn caller(user: u128, scopes: &[&str]) -> Caller {
    let scopes = scopes.iter().map(|it| (*it).to_owned()).collect();
    Caller::User {
        user: id(user),
        app: APP.parse().expect("the fixture is sound"),
        tenant: TENANT.parse().expect("the fixture is sound"),
        scopes,
    }
}

/// A member with nothing but a name.
pub(crate) fn person(id: ObjectId, name: &str) -> User {
    User {
        id,
        name: name.into(),
        name_key: name.to_lowercase(),
        display_name: name.into(),
        given_name: None,
        surname: None,
        mail: None,
        mail_nickname: None,
        enabled: true,
        guest: false,
        password: None,
        password_expired: false,
        totp: None,
        recovery_codes: Vec::new(),
        sessions_valid_from: Timestamp::from_seconds(0),
        tokens_from: 0,
        password_changed: moment().now,
        kept: Default::default(),
        created: moment().now,
    }
}

/// A Global Administrator with the scopes of Microsoft's own Graph client.
pub(crate) fn admin() -> Caller {
    caller(1, &["Directory.AccessAsUser.All"])
}

/// A member with the same scopes and no role.
pub(crate) fn everyone() -> Caller {
    caller(2, &["Directory.AccessAsUser.All"])
}

/// The operator of the server.
pub(crate) fn operator() -> Caller {
    Caller::Operator { digest: String::new() }
}

/// An application by itself, whose token has these roles.
pub(crate) fn application(principal: u128, roles: &[&str]) -> Caller {
    Caller::Application {
        principal: id(principal),
        app: APP.parse().expect("the fixture is sound"),
        tenant: TENANT.parse().expect("the fixture is sound"),
        roles: roles.iter().map(|it| (*it).to_owned()).collect(),
    }
}

/// A Global Administrator whose token has no scope that opens anything.
pub(crate) fn nobody() -> Caller {
    caller(1, &["openid"])
}

pub(crate) fn bap_admin() -> Caller {
    caller(1, &["User"])
}

pub(crate) fn bap_member() -> Caller {
    caller(2, &["User"])
}

pub(crate) fn platform_user(administrator: bool, scope: &str) -> Caller {
    caller(if administrator { 1 } else { 2 }, &[scope])
}

/// A tenant that holds Graph, and whose user 1 is a Global Administrator.
pub(crate) fn directory() -> Directory {
    let catalogue = Arc::new(Catalogue::builtin());
    let tenant = Tenant {
        id: TENANT.parse().expect("the fixture is sound"),
        domains: vec!["contoso.example".into()],
        display_name: "Contoso".into(),
        created: moment().now,
        country: None,
        policy: Policy::default(),
    };
    let mut directory = Directory::empty(tenant.into(), catalogue.clone());
    let graph =
        catalogue.application(GRAPH.parse().expect("the fixture is sound")).expect("the fixture is sound");
    let graph = service_principal::of_microsoft(graph, id(100), moment().now);
    directory.apply([Change::Put(Object::ServicePrincipal(graph.into()))]);
    let operator = Caller::Operator { digest: String::new() };
    let role =
        role::assign(&operator, &directory, id(1), role::GLOBAL_ADMINISTRATOR).expect("the fixture is sound");
    directory.apply(role.changes);
    directory
}

/// The same with a client, the Power Platform API, two environments and a package.
pub(crate) fn with_power_platform() -> (Directory, ObjectId, ObjectId) {
    let mut directory = directory();
    let made = application::create(
        &admin(),
        &directory,
        New { display_name: "reader".into(), ..New::default() },
        &moment(),
    )
    .expect("the fixture is sound");
    let app: AppId = made.value.app_id;
    directory.apply(made.changes);
    let client = service_principal::create(&admin(), &directory, (app, None), &moment())
        .expect("the fixture is sound");
    directory.apply(client.changes);
    let resource = service_principal::create(
        &admin(),
        &directory,
        (POWER_PLATFORM.parse().expect("the fixture is sound"), None),
        &moment(),
    )
    .expect("the fixture is sound");
    directory.apply(resource.changes);
    for (id, sku) in [("e1", "Default"), ("e2", "Sandbox")] {
        let it = Environment {
            id: id.into(),
            display_name: id.into(),
            location: "europe".into(),
            sku: sku.into(),
            created: moment().now,
        };
        directory.apply([Change::Put(Object::Environment(it.into()))]);
    }
    let package =
        Package { unique_name: "p1".into(), name: "P".into(), version: "1".into(), publisher: "C".into() };
    directory.apply([Change::Put(Object::Package(package.into()))]);
    (directory, client.value.id, resource.value.id)
}
