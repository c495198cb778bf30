//! What the requests act on, made and put back by the operator's rules.

use super::callers::{Caller, OWN_API};
use carnet_tenant::{
    access, admin_registration,
    application::{self, NewSecret},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    directory::Directory,
    group::{self, MemberKind, MembershipKey},
    package,
    permission_grant::{self, AssignmentKey, GrantKey},
    role, service_principal,
    user::{self, Labels, User},
};
use carnet_tests::{Contoso, ENVIRONMENT, NOW, TENANT};
use carnet_wire::{
    catalogue::GRAPH,
    entropy::SeededEntropy,
    ids::{AppId, ObjectId, TenantId},
};
use std::{collections::HashMap, sync::Arc};

/// The app role that the tenant's own API offers to people and applications.
pub const OWN_ROLE: &str = "0e000000-0000-4000-8000-000000000001";
/// `RoleManagement.ReadWrite.Directory` as an application permission of Graph.
const PRIVILEGED: &str = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8";
/// An API of Microsoft's that every tenant has, and that nothing here uses: Azure's management API.
const BUILT_IN: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
/// An API of Microsoft's that a tenant may be without: Dataverse.
const DATAVERSE: &str = "00000007-0000-0000-c000-000000000000";
/// A person without a role.
const PERSON: &str = "c0000000-0000-4000-8000-000000000002";

/// An id that nobody has.
const ABSENT: &str = "0d000000-0000-4000-8000-00000000dead";

/// What a request acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that has to be made.
    Nothing,
    /// A registration with a secret, and its service principal.
    Application,
    /// One whose service principal holds a directory role.
    ApplicationWithDirectoryRole,
    /// One whose service principal holds an application permission of Graph.
    ApplicationWithGraphRole,
    /// One whose service principal holds an app role of the tenant's own API.
    ApplicationWithOwnRole,
    /// One that is registered with Power Platform.
    Registration,
    /// A registration without a service principal.
    ApplicationAlone,
    /// The service principal of an API of Microsoft's that every tenant has.
    BuiltIn,
    /// An API of Microsoft's that the tenant has and may be without.
    MicrosoftsPresent,
    /// An API of Microsoft's that the tenant does not have.
    MicrosoftsAbsent,
    /// Consent for everyone.
    Grant,
    /// A group.
    Group,
    /// A group with a person in it.
    GroupWithMember,
    /// A group that holds an app role.
    GroupWithOwnRole,
    /// A person without a role.
    User,
    /// A person who holds an app role.
    UserWithOwnRole,
    /// A Global Administrator.
    Administrator,
    /// Nothing: an id that no object has.
    Absent,
    /// The caller: the user, or the application's service principal.
    Caller,
    /// The application through which a user calls, or that calls.
    CallersClient,
    /// An installation of a package.
    Installation,
}

/// What was made, as paths and bodies name it.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The object's id. Of an application: the registration's, or the service principal's on such a path.
    pub id: String,
    /// The application's id.
    pub app: String,
    /// What is in it: a secret's id, a member's.
    pub inner: String,
    /// The app role assignment that it holds.
    pub assignment: String,
    /// Another person's id.
    pub person: String,
    /// The caller's id.
    pub caller: String,
    /// Graph's service principal.
    pub graph: String,
    /// The own API's service principal.
    pub own_api: String,
    /// A number that no other target has.
    pub fresh: u64,
}

/// Several rules over one directory, kept as one change.
struct Draft {
    seen: Arc<Directory>,
    directory: Directory,
    changes: Vec<Change>,
    audit: Vec<Audit>,
}

impl Draft {
    fn take<T>(&mut self, decided: Decided<T>) -> T {
        self.put(decided.changes);
        self.audit.extend(decided.audit);
        decided.value
    }

    fn put(&mut self, changes: Vec<Change>) {
        self.directory.apply(changes.clone());
        self.changes.extend(changes);
    }

    fn principal(&self, app: AppId) -> Option<ObjectId> {
        self.directory.principal_by_app(app).map(|it| it.id)
    }
}

/// Makes what the requests act on.
pub struct Workshop<'a> {
    t: &'a Contoso,
    tenant: TenantId,
    entropy: SeededEntropy,
    operator: access::Caller,
    made: u64,
    /// Callers as they were at first.
    people: HashMap<(TenantId, ObjectId), Arc<User>>,
}

impl<'a> Workshop<'a> {
    /// A workshop over the tenant as it is now.
    pub fn new(t: &'a Contoso) -> Self {
        let operator = access::Caller::Operator { digest: String::new() };
        let tenant = TENANT.parse().expect("the constant is a GUID");
        Self { t, tenant, entropy: SeededEntropy::new(28), operator, made: 0, people: HashMap::new() }
    }

    async fn draft(&self, tenant: TenantId) -> Draft {
        let seen = self.t.store.directory(tenant).await.expect("the store answers").expect("the tenant");
        let directory = (*seen).clone();
        Draft { seen, directory, changes: Vec::new(), audit: Vec::new() }
    }

    async fn keep(&self, draft: Draft) {
        if !draft.changes.is_empty() {
            let kept = self.t.store.apply(&draft.seen, (draft.changes, draft.audit), NOW, None).await;
            kept.expect("nobody else changes the directory");
        }
    }

    /// Remembers the caller's account.
    pub async fn remember(&mut self, caller: &Caller) {
        if let (Some(tenant), Some(id)) = (caller.tenant, caller.id)
            && let Some(user) = self.t.store.user(tenant, id).await.expect("the store answers")
        {
            self.people.entry((tenant, id)).or_insert(user);
        }
    }

    /// Gives the caller's account back what a request changed of it: password, switch, end of sessions.
    pub async fn restore(&self, caller: &Caller) {
        if let (Some(tenant), Some(id)) = (caller.tenant, caller.id)
            && let Some(user) = self.people.get(&(tenant, id))
        {
            let mut draft = self.draft(tenant).await;
            draft.put(vec![Change::Put(Object::User(user.clone()))]);
            self.keep(draft).await;
        }
    }

    /// Makes what this caller is to act on. `path` tells whether an application means its registration or its
    /// service principal.
    pub async fn make(&mut self, kind: Kind, caller: &Caller, path: &str) -> Target {
        self.made += 1;
        let mut draft = self.draft(self.tenant).await;
        let owners: Vec<ObjectId> = caller.id.filter(|_| caller.owns).into_iter().collect();
        let principal = path.contains("/servicePrincipals") || path.ends_with("/oauth2PermissionGrants");
        let mut target = Target { fresh: self.made, person: PERSON.into(), ..Target::default() };
        match kind {
            Kind::Nothing => {}
            Kind::Application
            | Kind::ApplicationAlone
            | Kind::ApplicationWithDirectoryRole
            | Kind::ApplicationWithGraphRole
            | Kind::ApplicationWithOwnRole
            | Kind::Registration
            | Kind::Grant => self.application(&mut draft, kind, owners, &mut target, principal),
            Kind::BuiltIn | Kind::MicrosoftsPresent | Kind::MicrosoftsAbsent => {
                self.microsofts(&mut draft, kind, &mut target);
            }
            Kind::Group | Kind::GroupWithMember | Kind::GroupWithOwnRole => {
                self.group(&mut draft, kind, owners, &mut target);
            }
            Kind::User | Kind::UserWithOwnRole | Kind::Administrator => {
                self.user(&mut draft, kind, &mut target)
            }
            Kind::Caller => {}
            Kind::Absent => (target.id, target.app) = (ABSENT.into(), ABSENT.into()),
            Kind::CallersClient => {
                target.app = caller.client.map_or_else(|| OWN_API.to_owned(), |it| it.to_string());
            }
            Kind::Installation => {
                let at = Moment { now: NOW, entropy: &self.entropy };
                let package = (ENVIRONMENT, "contoso_base");
                let made = package::install(&self.operator, &draft.directory, package, &at).unwrap();
                target.id = draft.take(made).id;
            }
        }
        target.caller = caller.id.map_or_else(|| PERSON.to_owned(), |it| it.to_string());
        if kind == Kind::Caller {
            target.id.clone_from(&target.caller);
        }
        let of = |app: &str| draft.principal(app.parse().unwrap()).map(|it| it.to_string());
        target.graph = of(GRAPH).expect("Graph is there");
        target.own_api = of(OWN_API).expect("the own API is there");
        self.keep(draft).await;
        target
    }

    fn application(
        &self,
        draft: &mut Draft,
        kind: Kind,
        owners: Vec<ObjectId>,
        target: &mut Target,
        principal: bool,
    ) {
        let at = Moment { now: NOW, entropy: &self.entropy };
        let new = application::New { display_name: "Target".into(), ..application::New::default() };
        let mut made = application::create(&self.operator, &draft.directory, new, &at).unwrap();
        made.value.owners = owners;
        made.changes = vec![Change::Put(Object::Application(made.value.clone().into()))];
        let made = draft.take(made);
        (target.id, target.app) = (made.id.to_string(), made.app_id.to_string());
        if kind == Kind::ApplicationAlone {
            return;
        }
        let secret =
            application::add_secret(&self.operator, &draft.directory, made.id, NewSecret::default(), &at);
        target.inner = draft.take(secret.unwrap()).0.key_id.to_string();
        let own = service_principal::create(&self.operator, &draft.directory, (made.app_id, None), &at);
        let id = draft.take(own.unwrap()).id;
        if principal {
            target.id = id.to_string();
        }
        match kind {
            Kind::ApplicationWithDirectoryRole => {
                let given = role::assign(&self.operator, &draft.directory, id, role::USER_ADMINISTRATOR);
                draft.take(given.unwrap());
            }
            Kind::ApplicationWithGraphRole => {
                target.assignment =
                    self.assign(draft, (id, MemberKind::ServicePrincipal), (GRAPH, PRIVILEGED));
            }
            Kind::ApplicationWithOwnRole => {
                target.assignment =
                    self.assign(draft, (id, MemberKind::ServicePrincipal), (OWN_API, OWN_ROLE));
            }
            Kind::Registration => {
                let made =
                    admin_registration::register(&self.operator, &draft.directory, made.app_id, &at).unwrap();
                draft.take(made);
            }
            Kind::Grant => {
                let resource = draft.principal(GRAPH.parse().unwrap()).expect("Graph is there");
                let key = GrantKey { client: id, resource, principal: None };
                let scopes = vec!["User.Read".to_owned()];
                let made = permission_grant::create(&self.operator, &draft.directory, (key, scopes), &at);
                target.id = draft.take(made.unwrap()).key.id();
            }
            _ => {}
        }
    }

    /// Gives a principal an app role of the API with this application id; the id of the assignment.
    fn assign(
        &self,
        draft: &mut Draft,
        (principal, kind): (ObjectId, MemberKind),
        (api, role): (&str, &str),
    ) -> String {
        let at = Moment { now: NOW, entropy: &self.entropy };
        let resource = draft.principal(api.parse().unwrap()).expect("the API is there");
        let key = AssignmentKey { principal, resource, role: role.parse().unwrap() };
        let made = permission_grant::assign(&self.operator, &draft.directory, (key, kind), &at);
        draft.take(made.unwrap()).id
    }

    fn microsofts(&self, draft: &mut Draft, kind: Kind, target: &mut Target) {
        let at = Moment { now: NOW, entropy: &self.entropy };
        let app: AppId = if kind == Kind::BuiltIn { BUILT_IN } else { DATAVERSE }.parse().unwrap();
        match draft.principal(app) {
            Some(id) if kind == Kind::MicrosoftsAbsent => {
                let gone = service_principal::delete(&self.operator, &draft.directory, id).unwrap();
                draft.take(gone);
            }
            None if kind != Kind::MicrosoftsAbsent => {
                let made =
                    service_principal::create(&self.operator, &draft.directory, (app, None), &at).unwrap();
                draft.take(made);
            }
            _ => {}
        }
        if kind == Kind::BuiltIn
            && let Some(id) = draft.principal(app)
        {
            // It stays from request to request: what one of them gave it is taken away.
            let held = draft.directory.app_roles_of(id).map(|it| ObjectKey::AppRoleAssignment(it.key));
            let changes: Vec<Change> = held.map(Change::Remove).collect();
            draft.put(changes);
        }
        target.app = app.to_string();
        target.id = draft.principal(app).map(|it| it.to_string()).unwrap_or_default();
    }

    fn group(&self, draft: &mut Draft, kind: Kind, owners: Vec<ObjectId>, target: &mut Target) {
        let at = Moment { now: NOW, entropy: &self.entropy };
        let new = group::New {
            id: None,
            display_name: "Target".into(),
            mail_nickname: "target".into(),
            security_enabled: true,
            description: None,
        };
        let mut made = group::create(&self.operator, &draft.directory, new, &at).unwrap();
        made.value.owners = owners;
        made.changes = vec![Change::Put(Object::Group(made.value.clone().into()))];
        let group = draft.take(made).id;
        (target.id, target.inner) = (group.to_string(), PERSON.into());
        match kind {
            Kind::GroupWithMember => {
                let key = MembershipKey { member: PERSON.parse().unwrap(), group };
                let made =
                    group::add_member(&self.operator, &draft.directory, (key, MemberKind::User)).unwrap();
                draft.take(made);
            }
            Kind::GroupWithOwnRole => {
                target.assignment = self.assign(draft, (group, MemberKind::Group), (OWN_API, OWN_ROLE));
            }
            _ => {}
        }
    }

    fn user(&self, draft: &mut Draft, kind: Kind, target: &mut Target) {
        let at = Moment { now: NOW, entropy: &self.entropy };
        let new = user::New {
            id: None,
            name: format!("target{}@contoso.example", self.made),
            display_name: "Target".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels: Labels::default(),
        };
        let made = user::create(&self.operator, &draft.directory, new, &at).unwrap();
        let id = draft.take(made).id;
        target.id = id.to_string();
        if kind == Kind::Administrator {
            let given = role::assign(&self.operator, &draft.directory, id, role::GLOBAL_ADMINISTRATOR);
            draft.take(given.unwrap());
        }
        if kind == Kind::UserWithOwnRole {
            target.assignment = self.assign(draft, (id, MemberKind::User), (OWN_API, OWN_ROLE));
        }
    }
}
