//! Where requests go: the login, Graph, Power Platform and administration hosts of one cloud, or of a
//! server of our own, and the tenant there. Endpoints come from configuration, never from a reply.

use crate::failure::ClientError;
use carnet_wire::cloud::Cloud;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The hosts of one cloud or server, and a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Base URL of the token service, without tenant and trailing slash.
    pub login: String,
    /// Base URL of Microsoft Graph.
    pub graph: String,
    /// Base URL of the Power Platform API.
    pub power_platform: String,
    /// Base URL of the administration API (BAP).
    pub bap: String,
    /// The tenant: its id or a domain.
    pub tenant: String,
    /// The only CA to trust for these hosts; `None`: the machine's.
    pub ca_file: Option<PathBuf>,
    /// Whose audience names the resources have.
    pub cloud: Cloud,
}

/// The part of `carnet up`'s ready file that a client reads.
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

impl Place {
    /// Microsoft's hosts of a cloud.
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

    /// A server of our own: one origin for all hosts.
    ///
    /// # Errors
    /// [`ClientError::Input`] when `authority` is not an https URL of a host.
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

    /// The server that wrote this ready file; its first tenant when none is named.
    ///
    /// # Errors
    /// [`ClientError::Input`] when the file cannot be read, is no ready file, or does not list the tenant.
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

    /// The v2.0 token endpoint of the tenant; also the audience of client assertions.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.login, self.tenant)
    }

    /// `{resource}/.default` of the Power Platform API.
    #[must_use]
    pub fn power_platform_scope(&self) -> String {
        format!("https://{}/.default", self.cloud.power_platform_host())
    }

    /// `{resource}/.default` of Microsoft Graph.
    #[must_use]
    pub fn graph_scope(&self) -> String {
        format!("https://{}/.default", self.cloud.graph_host())
    }

    /// `{resource}/.default` of the administration API, with the double slash that its name's own
    /// trailing slash makes.
    #[must_use]
    pub fn bap_scope(&self) -> String {
        format!("{}/.default", self.cloud.powerapps_audience())
    }
}

/// The origin of an https URL.
fn origin(url: &str) -> Result<String, ClientError> {
    let wrong =
        || ClientError::Input(format!("`{url}` is not an https address such as https://localhost:8443"));
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
        let place = Place::of_authority("https://localhost:8443/", "contoso.example", None).unwrap();
        assert_eq!(place.token_endpoint(), "https://localhost:8443/contoso.example/oauth2/v2.0/token");
        for bad in ["http://localhost:8443", "localhost:8443", "https://a:b@localhost", "ftp://x", ""] {
            assert!(Place::of_authority(bad, "t", None).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_public_cloud_has_microsofts_names() {
        let place = Place::of_cloud(Cloud::Public, "t");
        assert_eq!(place.login, "https://login.microsoftonline.com");
        assert_eq!(place.power_platform_scope(), "https://api.powerplatform.com/.default");
        assert_eq!(place.bap_scope(), "https://service.powerapps.com//.default");
    }
}
