//! Selection of the tenant and the administrator's sign-in: options first, then environment variables.

use crate::{
    args::{Administrator, TenantOptions},
    config,
    failure::Failure,
    output::{self, SecretSource},
};
use carnet_client::{
    Authority, Transport,
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

impl TenantOptions {
    /// The authority that the options select.
    pub fn authority(&self) -> Result<Authority, Failure> {
        let tenant = self.tenant.clone().or_else(|| config::first(&["CARNET_TENANT", "AZURE_TENANT_ID"]));
        let path = |name: &str| config::variable(name).map(PathBuf::from);
        let explicit = self.authority.is_some() || self.cloud.is_some();
        let ready = self.ready_file.clone().or_else(|| path("CARNET_READY_FILE").filter(|_| !explicit));
        if let Some(ready) = ready {
            return Ok(Authority::of_ready_file(&ready, tenant.as_deref())?);
        }
        let tenant = tenant.ok_or_else(|| {
            Failure::usage("no tenant specified").hint(
                "use --tenant TENANT with --cloud CLOUD or --authority URL, or --ready-file FILE of `carnet up`",
            )
        })?;
        let own = ["CARNET_AUTHORITY", "AZURE_AUTHORITY_HOST"];
        let authority =
            self.authority.clone().or_else(|| config::first(&own).filter(|_| self.cloud.is_none()));
        if let Some(cloud) = authority.as_deref().and_then(of_microsoft) {
            return Ok(Authority::of_cloud(cloud, &tenant));
        }
        if let Some(authority) = authority {
            let ca_file = self.ca_file.clone().or_else(|| path("CARNET_CA_FILE"));
            return Ok(Authority::of_authority(&authority, &tenant, ca_file)?);
        }
        let named = config::variable("CARNET_CLOUD").map(|name| {
            name.parse().map_err(|_| Failure::usage(format!("CARNET_CLOUD `{name}` is not a cloud")))
        });
        let cloud = self.cloud.map(Ok).or(named).transpose()?.unwrap_or(Cloud::Public);
        Ok(Authority::of_cloud(cloud, &tenant))
    }
}

/// The cloud to which an authority's host belongs. The other hosts are then Microsoft's too.
fn of_microsoft(authority: &str) -> Option<Cloud> {
    let host = authority.trim_start_matches("https://").trim_end_matches('/');
    Cloud::all().find(|cloud| cloud.login_host().eq_ignore_ascii_case(host))
}

/// An administrator's session, which requests a token when an API is first used.
pub struct AdminSession {
    transport: Transport,
    authority: Authority,
    options: Administrator,
    sign_in: Option<(String, Password)>,
}

impl AdminSession {
    /// A session for this authority and these options.
    pub fn new(authority: Authority, options: &Administrator) -> Result<Self, Failure> {
        Ok(Self {
            transport: Transport::new(&authority)?,
            authority,
            options: options.clone(),
            sign_in: None,
        })
    }

    /// A Microsoft Graph client for the administrator.
    pub async fn graph(&mut self) -> Result<Graph, Failure> {
        let (file, env) = (self.options.graph_token_file.clone(), self.options.graph_token_env.clone());
        let scope = self.authority.graph_scope();
        let token = self.token(file, env, &scope).await?;
        Ok(Graph::new(self.transport.clone(), &self.authority, token))
    }

    /// A client of the Power Platform administration API for the administrator.
    pub async fn bap(&mut self) -> Result<Bap, Failure> {
        let (file, env) = (self.options.bap_token_file.clone(), self.options.bap_token_env.clone());
        let scope = self.authority.bap_scope();
        let token = self.token(file, env, &scope).await?;
        Ok(Bap::new(self.transport.clone(), &self.authority, token))
    }

    async fn token(
        &mut self,
        file: Option<PathBuf>,
        env: Option<String>,
        scope: &str,
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
        let client =
            AZURE_POWERSHELL.parse().map_err(|_| Failure::bug("a built-in client ID is not a GUID"))?;
        let user = User { client, secret: None, name, password };
        Ok(password::acquire(&self.transport, &self.authority, &user, scope).await?.access)
    }

    /// The administrator's user name and password. The password is read once.
    fn administrator(&mut self, scope: &str) -> Result<(String, Password), Failure> {
        if let Some((name, password)) = &self.sign_in {
            return Ok((name.clone(), password.clone()));
        }
        let name =
            self.options.username.clone().or_else(|| config::first(&["CARNET_USERNAME", "AZURE_USERNAME"]));
        let resource = scope.trim_end_matches("/.default");
        let none = || {
            Failure::usage("this command requires an administrator").hint(format!(
                "use --username NAME, or a token file: az account get-access-token --resource {resource} --query accessToken -o tsv > FILE"
            ))
        };
        let name = name.ok_or_else(none)?;
        let source = SecretSource {
            file: self.options.password_file.as_deref(),
            env: self.options.password_env.as_deref(),
            stdin: self.options.password_stdin,
            usual: &["CARNET_PASSWORD", "AZURE_PASSWORD"],
            what: "password",
        };
        let password = output::secret(&source)?.ok_or_else(|| {
            Failure::usage(format!("no password specified for {name}"))
                .hint("use --password-file FILE, --password-env VARIABLE or --password-stdin")
        })?;
        let password = Password::new(password);
        self.sign_in = Some((name.clone(), password.clone()));
        Ok((name, password))
    }
}

/// Reads a file that the user named.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
