//! Where the tenant is and who the administrator is: flags, then the environment.

use crate::{
    args::{Administrator, Where},
    config,
    failure::Failure,
    output::{self, SecretSource},
};
use carnet_client::{
    Place, Transport,
    acquire::password::{self, User},
    graph::Graph,
    power_platform::Bap,
};
use carnet_wire::{
    catalogue::AZURE_POWERSHELL,
    cloud::Cloud,
    secret::{AccessToken, Password},
};
use std::path::{Path, PathBuf};

impl Where {
    /// The hosts and the tenant.
    pub fn place(&self) -> Result<Place, Failure> {
        let tenant = self.tenant.clone().or_else(|| config::first(&["CARNET_TENANT", "AZURE_TENANT_ID"]));
        let path = |name: &str| config::variable(name).map(PathBuf::from);
        let explicit = self.authority.is_some() || self.cloud.is_some();
        let ready = self.ready_file.clone().or_else(|| path("CARNET_READY_FILE").filter(|_| !explicit));
        if let Some(ready) = ready {
            return Ok(Place::of_ready_file(&ready, tenant.as_deref())?);
        }
        let tenant = tenant.ok_or_else(|| {
            Failure::asked("no tenant is named").hint(
                "--tenant TENANT with --cloud CLOUD or --authority URL, or --ready-file FILE of `carnet up`",
            )
        })?;
        let own = ["CARNET_AUTHORITY", "AZURE_AUTHORITY_HOST"];
        let authority =
            self.authority.clone().or_else(|| config::first(&own).filter(|_| self.cloud.is_none()));
        if let Some(cloud) = authority.as_deref().and_then(of_microsoft) {
            return Ok(Place::of_cloud(cloud, &tenant));
        }
        if let Some(authority) = authority {
            let ca_file = self.ca_file.clone().or_else(|| path("CARNET_CA_FILE"));
            return Ok(Place::of_authority(&authority, &tenant, ca_file)?);
        }
        let named = config::variable("CARNET_CLOUD").map(|name| {
            name.parse().map_err(|_| Failure::asked(format!("CARNET_CLOUD `{name}` is no cloud's name")))
        });
        let cloud = self.cloud.map(Ok).or(named).transpose()?.unwrap_or(Cloud::Public);
        Ok(Place::of_cloud(cloud, &tenant))
    }
}

/// The cloud whose login host an authority is, so that the other hosts are Microsoft's too.
fn of_microsoft(authority: &str) -> Option<Cloud> {
    let host = authority.trim_start_matches("https://").trim_end_matches('/');
    Cloud::all().find(|cloud| cloud.login_host().eq_ignore_ascii_case(host))
}

/// The administrator's calls: tokens are got when the first call of an API needs one.
pub struct Signer {
    transport: Transport,
    place: Place,
    given: Administrator,
    known: Option<(String, Password)>,
}

impl Signer {
    /// The administrator at a place.
    pub fn new(place: Place, given: &Administrator) -> Result<Self, Failure> {
        Ok(Self { transport: Transport::new(&place)?, place, given: given.clone(), known: None })
    }

    /// Microsoft Graph as the administrator.
    pub async fn graph(&mut self) -> Result<Graph, Failure> {
        let given = (self.given.graph_token_file.clone(), self.given.graph_token_env.clone());
        let scope = self.place.graph_scope();
        let token = self.token(given, (AZURE_POWERSHELL, &scope)).await?;
        Ok(Graph::new(self.transport.clone(), &self.place, token))
    }

    /// The Power Platform administration API as the administrator.
    pub async fn bap(&mut self) -> Result<Bap, Failure> {
        let given = (self.given.bap_token_file.clone(), self.given.bap_token_env.clone());
        let scope = self.place.bap_scope();
        let token = self.token(given, (AZURE_POWERSHELL, &scope)).await?;
        Ok(Bap::new(self.transport.clone(), &self.place, token))
    }

    async fn token(
        &mut self,
        (file, env): (Option<PathBuf>, Option<String>),
        (client, scope): (&str, &str),
    ) -> Result<AccessToken, Failure> {
        if file.is_some() || env.is_some() {
            let source = SecretSource {
                file: file.as_deref(),
                env: env.as_deref(),
                what: "access token",
                ..SecretSource::default()
            };
            let text = output::secret(&source)?.unwrap_or_default();
            return Ok(AccessToken::new(text.trim().to_owned()));
        }
        let (name, password) = self.administrator(scope)?;
        let client = client.parse().map_err(|_| Failure::bug("a built-in client id is no GUID"))?;
        let user = User { client, secret: None, name, password };
        Ok(password::acquire(&self.transport, &self.place, &user, scope).await?.access)
    }

    /// User name and password, asked for once.
    fn administrator(&mut self, scope: &str) -> Result<(String, Password), Failure> {
        if let Some((name, password)) = &self.known {
            return Ok((name.clone(), password.clone()));
        }
        let name =
            self.given.username.clone().or_else(|| config::first(&["CARNET_USERNAME", "AZURE_USERNAME"]));
        let resource = scope.trim_end_matches("/.default");
        let none = || {
            Failure::asked("this needs an administrator, and none is named").hint(format!(
                "--username NAME, or a token file: az account get-access-token --resource {resource} --query accessToken -o tsv > FILE"
            ))
        };
        let name = name.ok_or_else(none)?;
        let source = SecretSource {
            file: self.given.password_file.as_deref(),
            env: self.given.password_env.as_deref(),
            stdin: self.given.password_stdin,
            usual: &["CARNET_PASSWORD", "AZURE_PASSWORD"],
            what: "password",
        };
        let password = output::secret(&source)?.ok_or_else(|| {
            Failure::asked(format!("the password of {name} is not given"))
                .hint("--password-file FILE, --password-env VARIABLE or --password-stdin")
        })?;
        let password = Password::new(password);
        self.known = Some((name.clone(), password.clone()));
        Ok((name, password))
    }
}

/// Reads a file that a person named.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::asked(format!("{}: {error}", path.display())))
}
