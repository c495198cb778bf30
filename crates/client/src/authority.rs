//! The hosts to which requests are sent: token service, Microsoft Graph, Power Platform API and administration API of
//! one cloud, or of a Carnet server. They come from the configuration, never from a response.

use crate::failure::ClientError;
use carnet_wire::cloud::Cloud;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The hosts of one cloud or server, and a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Base URL of the token service, without tenant and trailing slash.
    pub login: String,
    /// Base URL of Microsoft Graph.
    pub graph: String,
    /// Base URL of the Power Platform API.
    pub power_platform: String,
    /// Base URL of the administration API (BAP).
    pub bap: String,
    /// The tenant: id or domain.
    pub tenant: String,
    /// The only certificate authorities to trust for these hosts. `None` means those of the system.
    pub ca_file: Option<PathBuf>,
    /// The cloud whose audiences the resources have.
    pub cloud: Cloud,
}

/// The part of the ready file of `carnet up` that a client reads.
#[derive(Debug, Deserialize)]
struct ReadyFile {
    ca_file: PathBuf,
    tenants: Vec<ReadyTenant>,
    endpoints: ReadyEndpoints,
}

#[derive(Debug, Deserialize)]
struct ReadyTenant {
    id: String,
    domain: String,
}

#[derive(Debug, Deserialize)]
struct ReadyEndpoints {
    login: String,
    graph: String,
    power_platform: String,
    bap: String,
}

impl Authority {
    /// Microsoft's hosts in a cloud.
    #[must_use]
    pub fn of_cloud(cloud: Cloud, tenant: &str) -> Self {
        let https = |host: &str| format!("https://{host}");
        Self {
            login: https(cloud.login_host()),
            graph: https(cloud.graph_host()),
            power_platform: https(cloud.power_platform_host()),
            bap: https(cloud.bap_host()),
            tenant: tenant.to_owned(),
            ca_file: None,
            cloud,
        }
    }

    /// A Carnet server, which has one origin for all hosts.
    ///
    /// # Errors
    /// [`ClientError::Input`] if `authority` is not an https URL with a host.
    pub fn of_authority(
        authority: &str,
        tenant: &str,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, ClientError> {
        let base = origin(authority)?;
        Ok(Self {
            login: base.clone(),
            graph: base.clone(),
            power_platform: base.clone(),
            bap: base,
            tenant: tenant.to_owned(),
            ca_file,
            cloud: Cloud::Public,
        })
    }

    /// The server that wrote a ready file. Without `tenant`, the first tenant in the file is used.
    ///
    /// # Errors
    /// [`ClientError::Input`] if the file cannot be read, is not a ready file, or does not list the tenant.
    pub fn of_ready_file(path: &Path, tenant: Option<&str>) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Input(format!("ready file {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let ready: ReadyFile = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let listed = |it: &&ReadyTenant| tenant.is_none_or(|name| it.id == name || it.domain == name);
        let found =
            ready.tenants.iter().find(listed).ok_or_else(|| wrong("it does not list that tenant".into()))?;
        Ok(Self {
            login: origin(&ready.endpoints.login)?,
            graph: origin(&ready.endpoints.graph)?,
            power_platform: origin(&ready.endpoints.power_platform)?,
            bap: origin(&ready.endpoints.bap)?,
            tenant: found.id.clone(),
            ca_file: Some(ready.ca_file),
            cloud: Cloud::Public,
        })
    }

    /// The v2.0 token endpoint of the tenant, which is also the audience of client assertions.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.login, self.tenant)
    }

    /// The `.default` scope of the Power Platform API.
    #[must_use]
    pub fn power_platform_scope(&self) -> String {
        format!("https://{}/.default", self.cloud.power_platform_host())
    }

    /// The `.default` scope of Microsoft Graph.
    #[must_use]
    pub fn graph_scope(&self) -> String {
        format!("https://{}/.default", self.cloud.graph_host())
    }

    /// The `.default` scope of the administration API. It has a double slash, because the API's identifier ends with
    /// a slash.
    #[must_use]
    pub fn bap_scope(&self) -> String {
        format!("{}/.default", self.cloud.powerapps_audience())
    }
}

/// The origin of an https URL.
fn origin(url: &str) -> Result<String, ClientError> {
    let wrong = || ClientError::Input(format!("`{url}` is not an https URL such as https://localhost:8443"));
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let plain = parsed.username().is_empty() && parsed.password().is_none() && parsed.query().is_none();
    if parsed.scheme() != "https" || parsed.host_str().is_none() || !plain {
        return Err(wrong());
    }
    Ok(parsed.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_an_https_origin_and_nothing_else() {
        let authority = Authority::of_authority("https://localhost:8443/", "contoso.example", None).unwrap();
        assert_eq!(authority.token_endpoint(), "https://localhost:8443/contoso.example/oauth2/v2.0/token");
        for bad in ["http://localhost:8443", "localhost:8443", "https://a:b@localhost", "ftp://x", ""] {
            assert!(Authority::of_authority(bad, "t", None).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_public_cloud_has_microsofts_names() {
        let authority = Authority::of_cloud(Cloud::Public, "t");
        assert_eq!(authority.login, "https://login.microsoftonline.com");
        assert_eq!(authority.power_platform_scope(), "https://api.powerplatform.com/.default");
        assert_eq!(authority.bap_scope(), "https://service.powerapps.com//.default");
    }
}
