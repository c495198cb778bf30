//! A small tenant for the tests of the rules.

use super::{
    Asking, ClientProof, Decision, Facts, HeldCode, HeldDevice, HeldRefresh, Instead, PasswordProof, Proof,
    UserAssertion, claims::Issuing, client_auth, decide,
};
use crate::{
    application::{Application, ApplicationPolicy, RedirectUris, SignInAudience},
    change::{Change, Object, ObjectKey},
    credential::SecretCredential,
    directory::Directory,
    fixture::person,
    lockout::Attempt,
    offered::Offered,
    permission::RequiredResource,
    permission_grant::{GrantKey, PermissionGrant},
    service_principal::ServicePrincipal,
    tenant::{Policy, Tenant},
    user::User,
};
use carnet_wire::{
    authority::TenantName,
    catalogue::{Catalogue, FirstParty},
    digest::DigestKey,
    entropy::SeededEntropy,
    ids::{AppId, ObjectId, TenantId, TraceId},
    secret::ClientSecret,
    time::Timestamp,
    token::{
        form::Form,
        request::{TokenRequest, Version},
    },
};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const PUBLIC: &str = "a0000000-0000-4000-8000-000000000001";
pub(super) const SECRET: &str = "a0000000-0000-4000-8000-000000000003";
pub(super) const UNCONSENTED: &str = "a0000000-0000-4000-8000-000000000005";
pub(super) const NOBODY: &str = "a0000000-0000-4000-8000-00000000dead";
pub(super) const PLATFORM: &str = carnet_wire::catalogue::POWER_PLATFORM;
pub(super) const ADA: &str = "c0000000-0000-4000-8000-000000000001";
pub(super) const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";

pub(super) struct Contoso {
    pub directory: Directory,
    pub user: Option<User>,
    pub attempt: Attempt,
    pub password: PasswordProof,
    pub refresh: Option<HeldRefresh>,
    pub assertion: UserAssertion,
    pub code: Option<HeldCode>,
    pub device: Option<HeldDevice>,
    pub origin: Option<String>,
}

pub(super) fn number(decision: &Decision) -> u32 {
    decision.number()
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

static PAIRWISE: LazyLock<DigestKey> = LazyLock::new(|| DigestKey::new(&[7; 32]));

static DOMAINS: LazyLock<[String; 1]> = LazyLock::new(|| ["contoso.example".to_owned()]);

/// What tokens are issued with.
pub(super) fn issuing() -> Issuing<'static> {
    Issuing {
        tenant: TENANT.parse().expect("the fixture is sound"),
        tenant_created: Timestamp::from_seconds(NOW - 1000),
        tenant_country: Some("DE"),
        domains: &DOMAINS[..],
        graph: "https://graph.example",
        in_address: false,
        code_hash: None,
        access_hash: None,
        issuer_v1: "https://sts.windows.net/t/",
        issuer_v2: "https://login.microsoftonline.com/t/v2.0",
        trace: TraceId::new(Uuid::from_u128(1)),
        now: Timestamp::from_seconds(NOW),
        pairwise: &PAIRWISE,
        address: [127, 0, 0, 1].into(),
    }
}

/// Claims, read.
pub(super) fn told(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("claims are JSON")
}

/// The object id that goes with an application id.
pub(super) fn object(app: &str) -> ObjectId {
    app.replace("a0000000", "b0000000").parse().expect("the fixture is sound")
}

fn application(app: &str, public: bool, secrets: Vec<SecretCredential>) -> Application {
    Application {
        id: ObjectId::new(Uuid::from_u128(
            app.parse::<AppId>().expect("the fixture is sound").uuid().as_u128() + 1,
        )),
        app_id: app.parse().expect("the fixture is sound"),
        display_name: app.into(),
        description: None,
        notes: None,
        sign_in_audience: SignInAudience::AzureADMyOrg,
        is_fallback_public_client: Some(public),
        redirect_uris: RedirectUris::default(),
        identifier_uris: Vec::new(),
        required_resource_access: vec![RequiredResource {
            resource: PLATFORM.parse().expect("the fixture is sound"),
            access: Vec::new(),
        }],
        scopes: Vec::new(),
        app_roles: Vec::new(),
        requested_access_token_version: None,
        secrets,
        certificates: Vec::new(),
        federated: Vec::new(),
        owners: Vec::new(),
        tags: Vec::new(),
        optional_claims: Default::default(),
        group_claims: None,
        kept: Default::default(),
        policy: ApplicationPolicy::default(),
        created: now(),
    }
}

fn principal(
    app: AppId,
    id: ObjectId,
    names: Vec<String>,
    known: Option<&'static FirstParty>,
) -> ServicePrincipal {
    ServicePrincipal {
        id,
        app_id: app,
        display_name: app.to_string(),
        enabled: true,
        owner_tenant: TENANT.parse().expect("the fixture is sound"),
        assignment_required: false,
        names,
        scopes: known.map_or_else(|| Vec::new().into(), Offered::Microsoft),
        app_roles: known.map_or_else(|| Vec::new().into(), Offered::Microsoft),
        token_version: 1,
        owners: Vec::new(),
        tags: Vec::new(),
        kept: Default::default(),
        created: now(),
    }
}

fn names(known: &FirstParty) -> Vec<String> {
    known.names.iter().map(|name| (*name).to_owned()).collect()
}

impl Contoso {
    pub fn new() -> Self {
        let catalogue = Arc::new(Catalogue::builtin());
        let id: TenantId = TENANT.parse().expect("the fixture is sound");
        let tenant = Tenant {
            id,
            domains: vec!["contoso.example".into()],
            display_name: "Contoso".into(),
            created: now(),
            country: None,
            policy: Policy::default(),
        };
        let mut directory = Directory::empty(Arc::new(tenant), catalogue.clone());
        let entropy = SeededEntropy::new(5);
        let secret = |text: &str, end: i64| {
            SecretCredential::new(
                None,
                &ClientSecret::new(text.into()),
                (now().plus_seconds(-100), now().plus_seconds(end)),
                &entropy,
            )
        };
        let mut changes = Vec::new();
        for (app, public, secrets) in [
            (PUBLIC, true, vec![]),
            (SECRET, false, vec![secret("right", 100), secret("expired", -1)]),
            (UNCONSENTED, true, vec![]),
        ] {
            changes.push(Change::Put(Object::Application(application(app, public, secrets).into())));
            let made =
                principal(app.parse().expect("the fixture is sound"), object(app), vec![app.into()], None);
            changes.push(Change::Put(Object::ServicePrincipal(made.into())));
        }
        for (known, id) in [(PLATFORM, 1), (carnet_wire::catalogue::GRAPH, 2)] {
            let known = catalogue
                .application(known.parse().expect("the fixture is sound"))
                .expect("the fixture is sound");
            let id = ObjectId::new(Uuid::from_u128(id));
            let made = principal(known.app_id, id, names(known), Some(known));
            changes.push(Change::Put(Object::ServicePrincipal(made.into())));
            let scope = if known.app_id.to_string() == PLATFORM {
                "AppManagement.ApplicationPackages.Read"
            } else {
                "User.Read"
            };
            let key = GrantKey { client: object(PUBLIC), resource: id, principal: None };
            changes.push(Change::Put(Object::PermissionGrant(
                PermissionGrant { key, scopes: vec![scope.into()], created: now() }.into(),
            )));
        }
        directory.apply(changes);
        Self {
            directory,
            user: Some(person(ADA.parse().expect("the fixture is sound"), "Ada")),
            attempt: Attempt::Reserved(1),
            password: PasswordProof::Right,
            refresh: None,
            assertion: UserAssertion::None,
            code: None,
            device: None,
            origin: None,
        }
    }

    /// Consents for everyone to a delegated permission of the Power Platform API.
    pub fn consent(&mut self, app: &str, scope: &str) {
        let key =
            GrantKey { client: object(app), resource: ObjectId::new(Uuid::from_u128(1)), principal: None };
        let grant = PermissionGrant { key, scopes: vec![scope.into()], created: now() };
        self.directory.apply([Change::Put(Object::PermissionGrant(grant.into()))]);
    }

    pub fn tenant(&mut self, change: impl FnOnce(&mut Tenant)) {
        let mut tenant = (*self.directory.tenant).clone();
        change(&mut tenant);
        self.directory.tenant = tenant.into();
    }

    pub fn change_user(&mut self, change: impl FnOnce(&mut User)) {
        change(self.user.as_mut().expect("the fixture is sound"));
    }

    pub fn change_principal(&mut self, app: &str, change: impl FnOnce(&mut ServicePrincipal)) {
        let mut it = (**self
            .directory
            .principal_by_app(app.parse().expect("the fixture is sound"))
            .expect("the fixture is sound"))
        .clone();
        change(&mut it);
        self.directory.apply([Change::Put(Object::ServicePrincipal(it.into()))]);
    }

    pub fn change_application(&mut self, app: &str, change: impl FnOnce(&mut Application)) {
        let mut it = (**self
            .directory
            .application_by_app(app.parse().expect("the fixture is sound"))
            .expect("the fixture is sound"))
        .clone();
        change(&mut it);
        self.directory.apply([Change::Put(Object::Application(it.into()))]);
    }

    pub fn remove_principal(&mut self, app: &str) {
        let id = self
            .directory
            .principal_by_app(app.parse().expect("the fixture is sound"))
            .expect("the fixture is sound")
            .id;
        self.directory.apply([Change::Remove(ObjectKey::ServicePrincipal(id))]);
    }

    /// Gives the tenant the service principal of one of Microsoft's applications.
    pub fn first_party(&mut self, app: &str) {
        let app = app.parse().expect("the fixture is sound");
        let catalogue = self.directory.catalogue.clone();
        let known = catalogue.application(app).expect("the fixture is sound");
        let made = principal(app, ObjectId::new(app.uuid()), names(known), Some(known));
        self.directory.apply([Change::Put(Object::ServicePrincipal(made.into()))]);
    }

    /// Asks with a request that is changed after it was read.
    pub fn ask_changed(
        &self,
        version: Version,
        app: &str,
        body: &str,
        change: impl FnOnce(&mut TokenRequest),
    ) -> Decision {
        self.request(version, TENANT, (app, body), change)
    }

    pub fn ask(&self, app: &str, body: &str) -> Decision {
        self.request(Version::V2, TENANT, (app, body), |_| {})
    }

    pub fn ask_as(&self, version: Version, app: &str, body: &str) -> Decision {
        self.request(version, TENANT, (app, body), |_| {})
    }

    pub fn ask_at(&self, tenant: &str, app: &str, body: &str) -> Decision {
        self.request(Version::V2, tenant, (app, body), |_| {})
    }

    fn request(
        &self,
        version: Version,
        tenant: &str,
        (app, body): (&str, &str),
        change: impl FnOnce(&mut TokenRequest),
    ) -> Decision {
        let form = Form::parse(format!("client_id={app}&{body}").as_bytes()).expect("the fixture is sound");
        let mut request = TokenRequest::parse(version, &form, None).expect("the fixture is sound");
        change(&mut request);
        let facts = Facts {
            elsewhere: false,
            directory: Arc::new(self.directory.clone()),
            user: self.user.clone().map(Arc::new),
            attempt: self.attempt,
            refresh: self.refresh.clone(),
            instead: Instead::Nothing,
            code: self.code.clone(),
            device: self.device.clone(),
        };
        let client: ClientProof =
            client_auth::prove(&facts, &request, request.client_auth.assertion().as_ref());
        let proof = Proof { client, password: self.password, assertion: self.assertion.clone() };
        let asking = Asking {
            now: now(),
            tenant: &TenantName::parse(tenant).expect("the fixture is sound"),
            logins: &["https://localhost:8443".into()],
            graphs: &["https://localhost:8443".into()],
            address: [127, 0, 0, 1].into(),
            origin: self.origin.as_deref(),
            restrictions: &Default::default(),
            entropy: &SeededEntropy::new(3),
        };
        decide(&facts, &request, &proof, &asking)
    }
}
