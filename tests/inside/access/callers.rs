//! Who calls: a real token of the token endpoint for each kind of caller.

use carnet_http::route::Surface;
use carnet_tenant::access::{OPERATIONS, Operation};
use carnet_tests::{
    AZURE_CLI, CONFIDENTIAL, Contoso, OTHER_CONFIDENTIAL, OTHER_PUBLIC, OTHER_TENANT, PASSWORD, PLATFORM,
    POWER_PLATFORM_CLI, PUBLIC, SECRET, UNREGISTERED, part,
};
use carnet_wire::{
    catalogue::{Catalogue, FirstParty, GRAPH, POWER_PLATFORM, POWERAPPS_SERVICE},
    ids::{AppId, ObjectId, TenantId},
};
use std::fmt::Write;

/// Name of Microsoft Graph in token requests.
const GRAPH_NAME: &str = "https://graph.microsoft.com";
/// Name of BAP in token requests. The second slash is Microsoft's.
const BAP_NAME: &str = "https://service.powerapps.com/";
/// An API of the tenant's own, whose app role the requests give away.
pub const OWN_API: &str = "a6000000-0000-4000-8000-000000000001";
/// Through it an administrator calls BAP about it.
const BAP_CLIENT: &str = "a6000000-0000-4000-8000-000000000002";
/// Holds every delegated permission that the operations of the Power Platform API ask for.
const PLATFORM_CLIENT: &str = "a6000000-0000-4000-8000-000000000003";
/// Holds the published application role of the Power Platform API, and is not registered.
const PUBLISHED_ROLE: &str = "a6000000-0000-4000-8000-000000000004";
/// Has no permission at Graph, and owns what it acts on.
const POWERLESS_OWNER: &str = "a6000000-0000-4000-8000-000000000005";

/// Between the two names of a pair.
pub const PAIR: &str = " + ";
/// Permissions that Microsoft's tables ask for together.
pub const PAIRS: [[&str; 2]; 2] = [
    ["AppRoleAssignment.ReadWrite.All", "Application.Read.All"],
    ["AppRoleAssignment.ReadWrite.All", "Directory.Read.All"],
];
/// Delegated permissions of the Power Platform API: those of the operations that are served, and their neighbours.
const PLATFORM_SCOPES: [&str; 9] = [
    "AppManagement.ApplicationPackages.Install",
    "AppManagement.ApplicationPackages.Read",
    "EnvironmentManagement.Environments.Read",
    "EnvironmentManagement.Groups.ReadWrite",
    "EnvironmentManagement.Settings.ReadWrite",
    "Authorization.RoleAssignments.Write",
    "Dors.Environments.Read",
    "Licensing.Allocations.ReadWrite",
    "ManagedApps.ReadWrite.All",
];

/// Along which line callers are compared; each line varies one thing and holds the others at their strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// A Global Administrator through applications with exactly one delegated permission.
    Scope,
    /// People with one directory role each, through a client with every permission.
    Role,
    /// Applications with exactly one application permission.
    Application,
    /// Everybody else: no good token, another tenant, owners.
    Other,
}

impl Dimension {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Scope, Self::Role, Self::Application, Self::Other];

    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Role => "role",
            Self::Application => "application",
            Self::Other => "other",
        }
    }
}

/// A caller.
#[derive(Clone)]
pub struct Caller {
    /// Along which line.
    pub dimension: Dimension,
    /// Its name in the table.
    pub name: String,
    /// The bearer token; empty: none is sent.
    pub token: String,
    /// The tenant, where the token is good.
    pub tenant: Option<TenantId>,
    /// The user or service principal, where the token is good.
    pub id: Option<ObjectId>,
    /// The application, where the token is good.
    pub client: Option<AppId>,
    /// What it acts on belongs to it.
    pub owns: bool,
}

impl Caller {
    fn new(dimension: Dimension, name: &str, token: String) -> Self {
        let claims = token.contains('.').then(|| part(&token, 1));
        let claim = |name: &str| claims.as_ref().and_then(|it| it[name].as_str().map(str::to_owned));
        let id = claim("oid").map(|it| it.parse().expect("an object id"));
        let client = claim("appid").map(|it| it.parse().expect("an application id"));
        let tenant = claim("tid").map(|it| it.parse().expect("a tenant id"));
        Self { dimension, name: name.to_owned(), token, tenant, id, client, owns: false }
    }

    /// It has two permissions at once.
    pub fn is_pair(&self) -> bool {
        self.name.contains(PAIR)
    }

    fn owning(mut self) -> Self {
        self.owns = true;
        self
    }
}

fn api(id: &str) -> &'static FirstParty {
    let app = id.parse().expect("the constant is a GUID");
    FirstParty::builtin(app).expect("the catalogue has it")
}

/// Permissions of Graph that callers have, of those that are published as delegated or application permissions: all that
/// some operation names, those of sign-in, some of the directory, and two of other services. Hundreds of others are like
/// those two.
const SWEPT: &[&str] = &[
    "User.Read",
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "DelegatedPermissionGrant.Read.All",
    "AuditLog.Read.All",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Domain.Read.All",
    "Organization.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "Policy.Read.All",
    "Policy.ReadWrite.Authorization",
    "User-PasswordProfile.ReadWrite.All",
    "User.RevokeSessions.All",
    "openid",
    "profile",
    "email",
    "Mail.Read",
    "Sites.Read.All",
];

fn swept(
    is_published: impl Fn(&str) -> bool,
    names: fn(&Operation) -> &'static [&'static str],
) -> Vec<String> {
    for name in OPERATIONS.iter().flat_map(|it| names(it)) {
        assert!(SWEPT.contains(name) || !is_published(name), "{name} opens an operation and is not swept");
    }
    SWEPT.iter().filter(|name| is_published(name)).map(|name| (*name).to_owned()).collect()
}

/// The delegated permissions of Graph that a token can name. `offline_access` is spent on the refresh token.
pub fn graph_scopes() -> Vec<String> {
    swept(|name| api(GRAPH).scope(name).is_some(), |it| it.scopes)
}

/// The application permissions of Graph.
pub fn graph_roles() -> Vec<String> {
    swept(|name| api(GRAPH).role(name).is_some(), |it| it.roles)
}

fn directory_roles() -> Vec<String> {
    Catalogue::builtin().role_templates.iter().map(|it| it.display_name.clone()).collect()
}

/// Sets of permissions to have an application each: every single one, and the pairs.
fn sets(single: Vec<String>) -> Vec<Vec<String>> {
    let pairs = PAIRS.iter().map(|pair| pair.iter().map(|it| (*it).to_owned()).collect());
    single.into_iter().map(|it| vec![it]).chain(pairs).collect()
}

/// Ids of the applications with one delegated permission of Graph, one application permission of Graph, one delegated
/// permission of the Power Platform API.
fn numbered(kind: u8, number: usize) -> String {
    format!("a5{kind:06}-0000-4000-8000-{number:012}")
}

/// Name of the user with the directory role that has this number.
fn holder(number: usize) -> String {
    format!("role{number}")
}

/// What the tenant file holds besides the usual tenant.
pub fn tables() -> String {
    let mut text = String::new();
    let mut user = |name: &str, roles: &str| {
        write!(
            text,
            "[[user]]\nname = \"{name}@contoso.example\"\npassword = \"{PASSWORD}\"\nroles = [{roles}]\n"
        )
        .expect("a string takes text");
    };
    user("owner", "");
    for (number, role) in directory_roles().iter().enumerate() {
        user(&holder(number), &format!("\"{role}\""));
    }
    let mut application = |id: &str, api: &str, permissions: &str| {
        let name = format!("caller {id}");
        write!(
            text,
            "[[application]]\nname = \"{name}\"\nclient_id = \"{id}\"\npublic_client = true\nadmin_consent = true\n\
             secrets = [{{ name = \"good\", value = \"{SECRET}\", expires = 2099-01-01 }}]\n\
             permissions = [{{ api = \"{api}\", {permissions} }}]\n"
        )
        .expect("a string takes text");
    };
    let list = |values: &[String]| format!("{values:?}");
    for (number, set) in sets(graph_scopes()).iter().enumerate() {
        application(&numbered(1, number), GRAPH, &format!("delegated = {}", list(set)));
    }
    for (number, set) in sets(graph_roles()).iter().enumerate() {
        application(&numbered(2, number), GRAPH, &format!("application = {}", list(set)));
    }
    for (number, scope) in PLATFORM_SCOPES.iter().enumerate() {
        application(&numbered(3, number), POWER_PLATFORM, &format!("delegated = [\"{scope}\"]"));
    }
    application(BAP_CLIENT, POWERAPPS_SERVICE, "delegated = [\"User\"]");
    let [install, read, environments, ..] = PLATFORM_SCOPES;
    let operations = format!("delegated = [\"{install}\", \"{read}\", \"{environments}\"]");
    application(PLATFORM_CLIENT, POWER_PLATFORM, &operations);
    let published = &api(POWER_PLATFORM).roles()[0].value;
    application(PUBLISHED_ROLE, POWER_PLATFORM, &format!("application = [\"{published}\"]"));
    let powerless = format!(
        "[[application]]\nname = \"powerless\"\nclient_id = \"{POWERLESS_OWNER}\"\n\
         secrets = [{{ name = \"good\", value = \"{SECRET}\", expires = 2099-01-01 }}]\n"
    );
    let own_api = format!(
        "[[application]]\nname = \"own API\"\nclient_id = \"{OWN_API}\"\n\
         exposes = {{ app_roles = [{{ name = \"Things.Do\", id = \"{}\", type = \"Both\" }}] }}\n",
        super::objects::OWN_ROLE
    );
    text + &powerless + &own_api
}

/// Gets the tokens.
pub struct Tokens<'a>(pub &'a Contoso);

impl Tokens<'_> {
    /// Every caller of the API that this surface serves.
    pub async fn for_surface(&self, surface: Surface) -> Vec<Caller> {
        match surface {
            Surface::Graph | Surface::Login => self.of_graph().await,
            Surface::PowerPlatform => self.of_power_platform().await,
            Surface::Bap => self.of_bap().await,
            Surface::Health => Vec::new(),
        }
    }

    async fn by_password(&self, client: &str, user: &str, resource: &str) -> String {
        self.0.by_password(client, user, &format!("{resource}/.default")).await.access_token()
    }

    async fn by_secret(&self, client: &str, resource: &str) -> String {
        self.0.by_secret(client, SECRET, resource).await.access_token()
    }

    /// A user's token of the other tenant.
    async fn elsewhere(&self, client: &str, resource: &str) -> String {
        let scope = format!("{resource}/.default");
        let fields = [
            ("grant_type", "password"),
            ("username", "admin@fabrikam.example"),
            ("password", PASSWORD),
            ("client_id", client),
            ("scope", &scope),
        ];
        self.0.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields).await.access_token()
    }

    /// An application's token of the other tenant.
    async fn application_elsewhere(&self, resource: &str) -> String {
        let scope = format!("{resource}/.default");
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", OTHER_CONFIDENTIAL),
            ("client_secret", SECRET),
            ("scope", &scope),
        ];
        self.0.form(&format!("/{OTHER_TENANT}/oauth2/v2.0/token"), &fields).await.access_token()
    }

    /// People with each directory role, and one with none.
    async fn roles(&self, client: &str, resource: &str) -> Vec<Caller> {
        let mut list =
            vec![Caller::new(Dimension::Role, "no role", self.by_password(client, "ada", resource).await)];
        for (number, role) in directory_roles().iter().enumerate() {
            let token = self.by_password(client, &holder(number), resource).await;
            list.push(Caller::new(Dimension::Role, role, token));
        }
        list
    }

    fn without(&self) -> Vec<Caller> {
        let other = |name, token: &str| Caller::new(Dimension::Other, name, token.to_owned());
        vec![other("no token", ""), other("garbage", "nonsense")]
    }

    async fn of_graph(&self) -> Vec<Caller> {
        let mut list = Vec::new();
        for (number, set) in sets(graph_scopes()).iter().enumerate() {
            let token = self.by_password(&numbered(1, number), "admin", GRAPH_NAME).await;
            let mut held: Vec<String> = texts(&part(&token, 1)["scp"]);
            let mut wanted = set.clone();
            held.sort();
            wanted.sort();
            assert_eq!(held, wanted, "the token names exactly what its client was granted");
            list.push(Caller::new(Dimension::Scope, &set.join(PAIR), token));
        }
        list.extend(self.roles(AZURE_CLI, GRAPH_NAME).await);
        let none = self.by_secret(CONFIDENTIAL, GRAPH_NAME).await;
        list.push(Caller::new(Dimension::Application, "no permission", none));
        for (number, set) in sets(graph_roles()).iter().enumerate() {
            let token = self.by_secret(&numbered(2, number), GRAPH_NAME).await;
            let claims = part(&token, 1);
            let held: Vec<&str> =
                claims["roles"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
            assert!(held.len() == set.len() && set.iter().all(|it| held.contains(&it.as_str())), "{held:?}");
            list.push(Caller::new(Dimension::Application, &set.join(PAIR), token.clone()));
            if set[..] == ["Application.ReadWrite.OwnedBy"] {
                let name = "owning application with Application.ReadWrite.OwnedBy";
                list.push(Caller::new(Dimension::Other, name, token).owning());
            }
        }
        let powerless = self.by_secret(POWERLESS_OWNER, GRAPH_NAME).await;
        list.push(Caller::new(Dimension::Other, "owning application with no permission", powerless).owning());
        // The first of the delegated permissions is User.Read.
        for (name, client) in [("owner", AZURE_CLI), ("owner through User.Read alone", &numbered(1, 0))] {
            let token = self.by_password(client, "owner", GRAPH_NAME).await;
            list.push(Caller::new(Dimension::Other, name, token).owning());
        }
        list.extend(self.without());
        let others = [
            ("token for the Power Platform API", self.by_password(PUBLIC, "admin", PLATFORM).await),
            ("administrator of another tenant", self.elsewhere(AZURE_CLI, GRAPH_NAME).await),
        ];
        list.extend(others.map(|(name, token)| Caller::new(Dimension::Other, name, token)));
        list
    }

    async fn of_power_platform(&self) -> Vec<Caller> {
        let mut list = Vec::new();
        for (number, scope) in PLATFORM_SCOPES.iter().enumerate() {
            let token = self.by_password(&numbered(3, number), "admin", PLATFORM).await;
            list.push(Caller::new(Dimension::Scope, scope, token));
        }
        list.extend(self.roles(PLATFORM_CLIENT, PLATFORM).await);
        for (name, app) in [
            ("registered", CONFIDENTIAL),
            ("not registered", UNREGISTERED),
            ("not registered, with the published application role", PUBLISHED_ROLE),
        ] {
            let token = self.by_secret(app, PLATFORM).await;
            list.push(Caller::new(Dimension::Application, name, token));
        }
        list.extend(self.without());
        let others = [
            ("token for Graph", self.by_password(AZURE_CLI, "admin", GRAPH_NAME).await),
            ("token for BAP", self.by_password(POWER_PLATFORM_CLI, "admin", BAP_NAME).await),
            ("administrator of another tenant", self.elsewhere(OTHER_PUBLIC, PLATFORM).await),
            ("registered application of another tenant", self.application_elsewhere(PLATFORM).await),
        ];
        list.extend(others.map(|(name, token)| Caller::new(Dimension::Other, name, token)));
        list
    }

    async fn of_bap(&self) -> Vec<Caller> {
        let own = self.by_password(BAP_CLIENT, "admin", BAP_NAME).await;
        let mut list = vec![Caller::new(Dimension::Scope, "User", own)];
        list.extend(self.roles(POWER_PLATFORM_CLI, BAP_NAME).await);
        for (name, app) in [("registered", CONFIDENTIAL), ("not registered", UNREGISTERED)] {
            let token = self.by_secret(app, BAP_NAME).await;
            list.push(Caller::new(Dimension::Application, name, token));
        }
        list.extend(self.without());
        let others = [
            ("token for Graph", self.by_password(AZURE_CLI, "admin", GRAPH_NAME).await),
            ("token for the Power Platform API", self.by_password(PUBLIC, "admin", PLATFORM).await),
            ("administrator of another tenant", self.elsewhere(POWER_PLATFORM_CLI, BAP_NAME).await),
            ("registered application of another tenant", self.application_elsewhere(BAP_NAME).await),
        ];
        list.extend(others.map(|(name, token)| Caller::new(Dimension::Other, name, token)));
        list
    }
}

/// The words of a claim that is a text with spaces.
fn texts(claim: &serde_json::Value) -> Vec<String> {
    claim.as_str().unwrap_or_default().split(' ').map(str::to_owned).collect()
}
