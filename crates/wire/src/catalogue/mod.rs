//! Microsoft's own applications as data: the APIs with every published permission, the command-line clients that
//! exist in every tenant, and the directory roles. The facts are in `data`, whose README names their sources. They
//! are the same for every tenant, so a process holds them once: names and clients are read at start, the permissions
//! of an API when they are first used.

mod published;

pub use published::{AppRole, PermissionScope};

use crate::{
    cloud::is_microsoft_host,
    ids::{AppId, KeyId, ObjectId},
};
use published::Published;
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::{LazyLock, OnceLock},
};

/// Microsoft Graph.
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// Azure AD Graph, named "Windows Azure Active Directory".
pub const AZURE_AD: &str = "00000002-0000-0000-c000-000000000000";
/// The Power Platform API.
pub const POWER_PLATFORM: &str = "8578e004-a5c6-46e7-913e-12f58912df43";
/// The PowerApps Service, which is the audience of tokens for the administration API.
pub const POWERAPPS_SERVICE: &str = "475226c6-020e-4fb2-8a90-7a972cbfc1d4";
/// Microsoft Graph Command Line Tools: a public client for Graph that needs consent like any application.
pub const GRAPH_COMMAND_LINE: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Azure PowerShell: a public client for Graph, the PowerApps Service and others. Carnet's own commands use it.
pub const AZURE_POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";
/// Power Platform CLI: a public client that exists in every tenant.
pub const POWER_PLATFORM_CLI: &str = "9cee029c-6210-4654-90bb-17e6e9d36617";
/// Exchange Online.
pub const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
/// SharePoint Online.
pub const SHAREPOINT: &str = "00000003-0000-0ff1-ce00-000000000000";
/// Azure Resource Manager, whose service principal is called Windows Azure Service Management API.
pub const AZURE_RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
/// The service behind Power Automate.
pub const FLOW: &str = "7df0a125-d3be-4c96-aa54-591f83ff541c";
/// The tenant that owns Microsoft's applications.
pub const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// An application that Microsoft owns.
#[derive(Debug)]
pub struct FirstParty {
    /// The client id, the same in every tenant.
    pub app_id: AppId,
    /// The display name.
    pub display_name: String,
    /// The identifier URIs under which clients request tokens for it, without trailing slash.
    pub names: Vec<&'static str>,
    /// Whether every tenant has its service principal from the start.
    pub in_every_tenant: bool,
    /// Whether it is a public client and not an API.
    pub public_client: bool,
    /// Redirect URIs, in addition to `http://localhost` and the page for native clients.
    pub redirect_uris: Vec<String>,
    /// The scopes it holds without consent, by API. Some are not published to tenants.
    pub preauthorized: BTreeMap<AppId, Vec<String>>,
    /// Whether it may get further Microsoft Graph scopes by consent, like an application of the tenant.
    pub by_consent: bool,
    published: OnceLock<Published>,
}

/// Compared by id, because there is one entry for each application.
impl PartialEq for FirstParty {
    fn eq(&self, other: &Self) -> bool {
        self.app_id == other.app_id
    }
}

impl Eq for FirstParty {}

impl FirstParty {
    /// The entry for an application in the built-in catalogue.
    #[must_use]
    pub fn builtin(app: AppId) -> Option<&'static Self> {
        let builtin = &*BUILTIN;
        let place = builtin.by_id.binary_search_by_key(&app, |it| builtin.applications[*it].app_id).ok()?;
        Some(&builtin.applications[builtin.by_id[place]])
    }

    /// Whether the API checks on every call that the token is still valid (continuous access evaluation). Its tokens
    /// may then live for a day.
    #[must_use]
    pub fn evaluates_continuously(&self) -> bool {
        let id = self.app_id.to_string();
        [GRAPH, POWER_PLATFORM, POWERAPPS_SERVICE].contains(&id.as_str())
    }

    /// The published delegated permissions, sorted by value in lower case.
    #[must_use]
    pub fn scopes(&self) -> &[PermissionScope] {
        &self.published().scopes.list
    }

    /// The published application permissions, sorted by value in lower case.
    #[must_use]
    pub fn roles(&self) -> &[AppRole] {
        &self.published().roles.list
    }

    /// Finds a delegated permission by value; letter case is ignored.
    #[must_use]
    pub fn scope(&self, value: &str) -> Option<&PermissionScope> {
        self.published().scopes.by_value(value)
    }

    /// Finds an application permission by value; letter case is ignored.
    #[must_use]
    pub fn role(&self, value: &str) -> Option<&AppRole> {
        self.published().roles.by_value(value)
    }

    /// Finds a delegated permission by id.
    #[must_use]
    pub fn scope_by_id(&self, id: KeyId) -> Option<&PermissionScope> {
        self.published().scopes.by_id(id)
    }

    /// Finds an application permission by id.
    #[must_use]
    pub fn role_by_id(&self, id: KeyId) -> Option<&AppRole> {
        self.published().roles.by_id(id)
    }

    fn published(&self) -> &Published {
        self.published.get_or_init(|| Published::of(self.app_id))
    }

    /// Parses a line of `data/apis.tsv`.
    fn read(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            app_id: fields.next()?.parse().ok()?,
            display_name: fields.next()?.to_owned(),
            in_every_tenant: match fields.next()? {
                "every" => true,
                "on-demand" => false,
                _ => return None,
            },
            names: fields.next()?.split_terminator(' ').collect(),
            public_client: false,
            redirect_uris: Vec::new(),
            preauthorized: BTreeMap::new(),
            by_consent: false,
            published: OnceLock::new(),
        })
    }
}

impl From<Client> for FirstParty {
    fn from(client: Client) -> Self {
        Self {
            app_id: client.app_id,
            display_name: client.display_name,
            names: Vec::new(),
            in_every_tenant: client.in_every_tenant,
            public_client: true,
            redirect_uris: client.redirect_uris,
            preauthorized: client.preauthorized,
            by_consent: client.by_consent,
            published: OnceLock::from(Published::default()),
        }
    }
}

/// An entry of `clients` in `data/clients.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    app_id: AppId,
    display_name: String,
    in_every_tenant: bool,
    #[serde(default)]
    redirect_uris: Vec<String>,
    preauthorized: BTreeMap<AppId, Vec<String>>,
    #[serde(default)]
    by_consent: bool,
}

/// The content of `data/clients.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Clients {
    clients: Vec<Client>,
    role_templates: Vec<RoleTemplate>,
}

/// The template of a directory role.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "(ObjectId, String)")]
pub struct RoleTemplate {
    /// The template id, the same in every tenant.
    pub id: ObjectId,
    /// The display name.
    pub display_name: String,
}

impl From<(ObjectId, String)> for RoleTemplate {
    fn from((id, display_name): (ObjectId, String)) -> Self {
        Self { id, display_name }
    }
}

/// The built-in catalogue, read once.
struct Builtin {
    applications: Vec<FirstParty>,
    /// Indexes into `applications`, sorted by application id.
    by_id: Vec<usize>,
    role_templates: Vec<RoleTemplate>,
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(Builtin::read);

impl Builtin {
    fn read() -> Self {
        let clients: Clients = serde_json::from_str(include_str!("../../data/clients.json"))
            .expect("a test reads the same file");
        let lines = include_str!("../../data/apis.tsv").lines().filter(|line| !line.starts_with('#'));
        let apis = lines.map(|line| FirstParty::read(line).expect("a test reads the same file"));
        let applications: Vec<FirstParty> =
            apis.chain(clients.clients.into_iter().map(FirstParty::from)).collect();
        let mut by_id: Vec<usize> = (0..applications.len()).collect();
        by_id.sort_by_key(|place| applications[*place].app_id);
        Self { applications, by_id, role_templates: clients.role_templates }
    }
}

/// All names of Microsoft's APIs. Built on first use, because most names are those of service principals in the
/// tenant.
struct Names {
    /// Indexes into `Builtin::applications`, by name in lower case.
    places: HashMap<Cow<'static, str>, usize>,
    /// Host names that occur in the names.
    hosts: HashSet<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names::of(&BUILTIN.applications));

impl Names {
    fn of(applications: &'static [FirstParty]) -> Self {
        let (mut places, mut hosts) = (HashMap::new(), HashSet::new());
        for (place, app) in applications.iter().enumerate() {
            for name in &app.names {
                hosts.extend(host(name));
                places.insert(lower(name), place);
            }
        }
        Self { places, hosts }
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// Microsoft's applications and directory roles, and the server's own host names.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Microsoft's applications.
    pub applications: &'static [FirstParty],
    /// Directory roles.
    pub role_templates: &'static [RoleTemplate],
    /// This server's host names, in lower case and without a port. No application may have an identifier URI on them.
    pub own_hosts: Vec<String>,
}

impl Catalogue {
    /// The built-in catalogue, without host names.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            applications: &BUILTIN.applications,
            role_templates: &BUILTIN.role_templates,
            own_hosts: Vec::new(),
        }
    }

    /// Finds an application by id.
    #[must_use]
    pub fn application(&self, app: AppId) -> Option<&'static FirstParty> {
        FirstParty::builtin(app)
    }

    /// Finds an API by an identifier URI (with or without trailing slash) or by its id.
    #[must_use]
    pub fn resource_by_name(&self, name: &str) -> Option<&'static FirstParty> {
        if let Ok(app) = name.parse() {
            return self.application(app);
        }
        let plain = lower(name.trim_end_matches('/'));
        NAMES.places.get(&*plain).map(|place| &BUILTIN.applications[*place])
    }

    /// Sets the host names of this server.
    #[must_use]
    pub fn for_hosts(mut self, hosts: &[String]) -> Self {
        self.own_hosts = hosts.to_vec();
        self
    }

    /// Whether the URI names one of Microsoft's APIs, or is on a host of Microsoft's or of this server.
    #[must_use]
    pub fn claims_uri(&self, uri: &str) -> bool {
        let at_host = host(uri).is_some_and(|host| {
            is_microsoft_host(&host) || self.own_hosts.contains(&host) || NAMES.hosts.contains(&host)
        });
        at_host || self.resource_by_name(uri).is_some()
    }

    /// Finds a directory role by name; letter case is ignored.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&'static RoleTemplate> {
        self.role_templates.iter().find(|role| role.display_name.eq_ignore_ascii_case(name))
    }
}

/// The host of a URI, in lower case, without user, port and final dot. It is parsed as the most lenient client would.
fn host(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.trim_start_matches(['/', '\\']).split(['/', '\\', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_and_holds_every_published_permission() {
        let catalogue = Catalogue::builtin();
        let platform = catalogue.application(POWER_PLATFORM.parse().unwrap()).unwrap();
        assert_eq!(
            (platform.scopes().len(), platform.roles().len(), platform.in_every_tenant),
            (72, 1, false)
        );
        let read = platform.scope("AppManagement.ApplicationPackages.Read");
        assert!(read.is_some_and(|it| !it.description.is_empty() && !it.admin_only));
        let every = [
            GRAPH,
            AZURE_AD,
            AZURE_RESOURCE_MANAGER,
            POWERAPPS_SERVICE,
            FLOW,
            EXCHANGE,
            SHAREPOINT,
            GRAPH_COMMAND_LINE,
            AZURE_POWERSHELL,
        ];
        for id in every {
            assert!(catalogue.application(id.parse().unwrap()).unwrap().in_every_tenant, "{id}");
        }
    }

    #[test]
    fn clients_hold_what_microsofts_own_hold_and_only_the_graph_command_line_asks_for_consent() {
        let catalogue = Catalogue::builtin();
        let client = |id: &str| catalogue.application(id.parse().unwrap()).unwrap();
        let held =
            |id: &str, api: &str| client(id).preauthorized.get(&api.parse().unwrap()).map_or(0, Vec::len);
        let azure_cli = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
        let code = "aebc6443-996d-45c2-90f0-388ff96faa56";
        let power_apps = "689e5960-2e49-4505-98d8-369236220fc6";
        for (id, scopes) in
            [(azure_cli, 4), (AZURE_POWERSHELL, 26), (POWER_PLATFORM_CLI, 15), (code, 3), (power_apps, 0)]
        {
            assert_eq!(held(id, POWER_PLATFORM), scopes, "{id}");
            assert_eq!(held(id, POWERAPPS_SERVICE), 1, "{id}");
        }
        let by_consent: Vec<_> = catalogue.applications.iter().filter(|it| it.by_consent).collect();
        assert_eq!(by_consent.len(), 1);
        assert_eq!(by_consent[0].app_id.to_string(), GRAPH_COMMAND_LINE);
        // It may only sign in without consent.
        assert_eq!(held(GRAPH_COMMAND_LINE, GRAPH), 4);
    }

    #[test]
    fn names_take_a_trailing_slash_and_look_alikes_do_not() {
        let catalogue = Catalogue::builtin();
        let find = |name: &str| catalogue.resource_by_name(name).map(|it| it.app_id.to_string());
        assert_eq!(find("https://service.powerapps.com/").as_deref(), Some(POWERAPPS_SERVICE));
        assert_eq!(find("HTTPS://API.powerplatform.com").as_deref(), Some(POWER_PLATFORM));
        assert_eq!(find(POWER_PLATFORM).as_deref(), Some(POWER_PLATFORM));
        assert_eq!(find("https://graph.windows.net/").as_deref(), Some(AZURE_AD));
        for name in ["https://api.powerplatform.com.evil.example", "api.powerplatform.com", ""] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn uris_at_microsofts_hosts_and_at_our_own_are_nobodys_and_look_alikes_are_free() {
        let catalogue = Catalogue::builtin().for_hosts(&["login.contoso.example".into()]);
        for uri in [
            "https://graph.microsoft.com",
            "https://graph.microsoft.com//",
            "https://GRAPH.microsoft.com:443/x?y#z",
            "https://me@graph.microsoft.com./",
            "https:///graph.microsoft.com",
            "https://graph.microsoft.com\\x",
            "api://graph.microsoft.com/x",
            "https://service.flow.microsoft.com",
            GRAPH,
            // Token services, which are not applications.
            "https://login.microsoftonline.com/x",
            "https://LOGIN.windows.net",
            "https://login.microsoftonline.us",
            "https://europe.api.bap.microsoft.com/",
            "https://login.contoso.example:8443/x",
        ] {
            assert!(catalogue.claims_uri(uri), "{uri}");
        }
        for uri in [
            "https://graph.microsoft.com.evil.example",
            "https://x.example/graph.microsoft.com",
            "https://microsoft.com",
            "https://contoso.example/login.contoso.example",
            "https://xlogin.contoso.example",
            "https://xapi.bap.microsoft.com",
            "api://a0000000-0000-4000-8000-000000000001",
            "urn:x",
        ] {
            assert!(!catalogue.claims_uri(uri), "{uri}");
        }
    }

    #[test]
    fn roles_are_found_by_name() {
        let catalogue = Catalogue::builtin();
        assert!(catalogue.role("power platform administrator").is_some());
        assert!(catalogue.role("Emperor").is_none());
    }
}
