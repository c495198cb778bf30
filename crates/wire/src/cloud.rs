//! Microsoft's national clouds: the hosts and the resource names in each (Microsoft Entra, "National clouds"; Power
//! Platform, "US Government" and "China"; observed).

use std::str::FromStr;

/// A national cloud of Microsoft's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// The public cloud.
    Public,
    /// US Government Community Cloud. Users sign in at the public cloud.
    Gcc,
    /// US Government Community Cloud High.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, operated by 21Vianet.
    China,
    /// Air-gapped US Government cloud, `eaglex`.
    Ex,
    /// Air-gapped US Government cloud, `scloud`.
    Rx,
}

struct Hosts {
    names: &'static [&'static str],
    login: &'static str,
    graph: &'static str,
    power_platform: &'static str,
    bap: &'static str,
    powerapps_audience: &'static str,
    federation_audience: &'static str,
    /// Number of characters of an environment's GUID that form the second label of its host.
    cut: usize,
}

const CLOUDS: [(Cloud, Hosts); 7] = [
    (
        Cloud::Public,
        Hosts {
            names: &["public", "commercial", "azurecloud"],
            login: "login.microsoftonline.com",
            graph: "graph.microsoft.com",
            power_platform: "api.powerplatform.com",
            bap: "api.bap.microsoft.com",
            powerapps_audience: "https://service.powerapps.com/",
            federation_audience: "api://AzureADTokenExchange",
            cut: 2,
        },
    ),
    (
        Cloud::Gcc,
        Hosts {
            names: &["gcc"],
            login: "login.microsoftonline.com",
            graph: "graph.microsoft.com",
            power_platform: "api.gov.powerplatform.microsoft.us",
            bap: "gov.api.bap.microsoft.us",
            powerapps_audience: "https://service.powerapps.us/",
            federation_audience: "api://AzureADTokenExchange",
            cut: 2,
        },
    ),
    (
        // Two sources of Microsoft's disagree about this cloud's Power Platform host: the other says
        // api.appsplatform.us.
        Cloud::GccHigh,
        Hosts {
            names: &["gcchigh", "usgov", "azureusgovernment"],
            login: "login.microsoftonline.us",
            graph: "graph.microsoft.us",
            power_platform: "api.high.powerplatform.microsoft.us",
            bap: "high.api.bap.microsoft.us",
            powerapps_audience: "https://high.service.powerapps.us/",
            federation_audience: "api://AzureADTokenExchangeUSGov",
            cut: 1,
        },
    ),
    (
        Cloud::Dod,
        Hosts {
            names: &["dod"],
            login: "login.microsoftonline.us",
            graph: "dod-graph.microsoft.us",
            power_platform: "api.appsplatform.us",
            bap: "api.bap.appsplatform.us",
            powerapps_audience: "https://service.apps.appsplatform.us/",
            federation_audience: "api://AzureADTokenExchangeUSGov",
            cut: 1,
        },
    ),
    (
        Cloud::China,
        Hosts {
            names: &["china", "azurechinacloud"],
            login: "login.partner.microsoftonline.cn",
            graph: "microsoftgraph.chinacloudapi.cn",
            power_platform: "api.powerplatform.partner.microsoftonline.cn",
            bap: "api.bap.partner.microsoftonline.cn",
            powerapps_audience: "https://service.powerapps.cn/",
            federation_audience: "api://AzureADTokenExchangeChina",
            cut: 2,
        },
    ),
    (
        // No source names the Graph host and the federation audience of the air-gapped clouds; these are inferred.
        Cloud::Ex,
        Hosts {
            names: &["ex"],
            login: "login.microsoftonline.eaglex.ic.gov",
            graph: "graph.eaglex.ic.gov",
            power_platform: "api.powerplatform.eaglex.ic.gov",
            bap: "api.bap.eaglex.ic.gov",
            powerapps_audience: "https://service.powerapps.eaglex.ic.gov/",
            federation_audience: "api://AzureADTokenExchange",
            cut: 2,
        },
    ),
    (
        Cloud::Rx,
        Hosts {
            names: &["rx"],
            login: "login.microsoftonline.microsoft.scloud",
            graph: "graph.microsoft.scloud",
            power_platform: "api.powerplatform.microsoft.scloud",
            bap: "api.bap.microsoft.scloud",
            powerapps_audience: "https://service.powerapps.microsoft.scloud/",
            federation_audience: "api://AzureADTokenExchange",
            cut: 2,
        },
    ),
];

/// Further hosts of Microsoft's token services and APIs.
const OTHER_HOSTS: [&str; 9] = [
    "login-us.microsoftonline.com",
    "login.usgovcloudapi.net",
    "login.microsoftonline.de",
    "login.windows.net",
    "login.microsoft.com",
    "login.chinacloudapi.cn",
    "sts.windows.net",
    "graph.windows.net",
    "management.azure.com",
];

/// Whether a host name (in lower case, without a port) belongs to a token service or an API of Microsoft's in any
/// cloud.
#[must_use]
pub fn is_microsoft_host(host: &str) -> bool {
    let of_cloud = |hosts: &Hosts| {
        [hosts.login, hosts.graph, hosts.power_platform, hosts.bap].contains(&host)
            || [hosts.bap, hosts.power_platform]
                .iter()
                .any(|api| host.strip_suffix(api).is_some_and(|below| below.ends_with('.')))
    };
    OTHER_HOSTS.contains(&host)
        || is_regional(host, REGIONAL_LOGINS)
        || CLOUDS.iter().any(|(_, hosts)| of_cloud(hosts))
}

/// The domain that has a token service host for each region of the public cloud, such as
/// `westus2.login.microsoft.com`.
pub const REGIONAL_LOGINS: &str = "login.microsoft.com";

/// Whether a host name (in lower case, without a port) is a regional host of this domain: exactly one more label.
#[must_use]
pub fn is_regional(host: &str, domain: &str) -> bool {
    let region = host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).unwrap_or_default();
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&region.len())
        && region.bytes().all(label)
        && !region.starts_with('-')
        && !region.ends_with('-')
}

impl Cloud {
    fn hosts(self) -> &'static Hosts {
        // Every cloud has a row, so the default (the public cloud) is never used.
        CLOUDS.iter().find(|(cloud, _)| *cloud == self).map_or(&CLOUDS[0].1, |(_, hosts)| hosts)
    }

    /// The short name that `--cloud` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.hosts().names[0]
    }

    /// Host of the token service.
    #[must_use]
    pub fn login_host(self) -> &'static str {
        self.hosts().login
    }

    /// Host of Microsoft Graph.
    #[must_use]
    pub fn graph_host(self) -> &'static str {
        self.hosts().graph
    }

    /// Host of the Power Platform API. With `https://` before it, it is also the API's audience.
    #[must_use]
    pub fn power_platform_host(self) -> &'static str {
        self.hosts().power_platform
    }

    /// Host of the administration API.
    #[must_use]
    pub fn bap_host(self) -> &'static str {
        self.hosts().bap
    }

    /// Audience of the administration API, with its trailing slash.
    #[must_use]
    pub fn powerapps_audience(self) -> &'static str {
        self.hosts().powerapps_audience
    }

    /// The default audience of federated credentials.
    #[must_use]
    pub fn federation_audience(self) -> &'static str {
        self.hosts().federation_audience
    }

    /// The host of one environment: its GUID without dashes, cut into two labels. `None` if the id does not end with
    /// a GUID.
    #[must_use]
    pub fn environment_host(self, environment: &str) -> Option<String> {
        let guid = environment.get(environment.len().checked_sub(36)?..)?;
        guid.parse::<crate::ids::ObjectId>().ok()?;
        let digits: String = guid.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
        let (head, tail) = digits.split_at_checked(digits.len() - self.hosts().cut)?;
        Some(format!("{head}.{tail}.environment.{}", self.power_platform_host()))
    }

    /// All clouds.
    pub fn all() -> impl Iterator<Item = Self> {
        CLOUDS.iter().map(|(cloud, _)| *cloud)
    }
}

/// Error: the name is not that of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown cloud; use one of public, gcc, gcchigh, dod, china, ex, rx")]
pub struct NotACloud;

/// Suffixes of the initial domain of tenants in other clouds, and those clouds.
const FOREIGN: [(&str, Cloud); 2] = [(".onmicrosoft.us", Cloud::GccHigh), (".onmschina.cn", Cloud::China)];

impl Cloud {
    /// The cloud of a tenant, as far as the domain (in lower case) shows it. `None` if it may be the public cloud.
    #[must_use]
    pub fn of_domain(domain: &str) -> Option<Self> {
        FOREIGN.iter().find(|(end, _)| domain.ends_with(end)).map(|(_, cloud)| *cloud)
    }
}

impl FromStr for Cloud {
    type Err = NotACloud;

    fn from_str(text: &str) -> Result<Self, NotACloud> {
        let named = |hosts: &Hosts| hosts.names.iter().any(|name| name.eq_ignore_ascii_case(text));
        CLOUDS.iter().find(|(_, hosts)| named(hosts)).map(|(cloud, _)| *cloud).ok_or(NotACloud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_is_found_by_its_name_and_has_its_row() {
        for cloud in Cloud::all() {
            assert_eq!(cloud.name().to_uppercase().parse(), Ok(cloud));
            assert!(cloud.powerapps_audience().ends_with('/'));
        }
        assert_eq!("moon".parse::<Cloud>(), Err(NotACloud));
        assert_eq!(Cloud::all().count(), 7);
    }

    #[test]
    fn a_region_is_one_label_below_its_domain() {
        for host in ["westus2.login.microsoft.com", "a-b.login.microsoft.com"] {
            assert!(is_regional(host, REGIONAL_LOGINS) && is_microsoft_host(host), "{host}");
        }
        for host in [
            "login.microsoft.com",
            ".login.microsoft.com",
            "a.b.login.microsoft.com",
            "-a.login.microsoft.com",
            "a_b.login.microsoft.com",
            "westus2login.microsoft.com",
            "westus2.login.microsoft.com.evil.example",
        ] {
            assert!(!is_regional(host, REGIONAL_LOGINS), "{host}");
        }
    }

    #[test]
    fn a_domain_of_another_cloud_says_so() {
        assert_eq!(Cloud::of_domain("woodgrove.onmicrosoft.us"), Some(Cloud::GccHigh));
        assert_eq!(Cloud::of_domain("woodgrove.partner.onmschina.cn"), Some(Cloud::China));
        for domain in ["woodgrove.onmicrosoft.com", "onmicrosoft.us", "woodgrove.us"] {
            assert_eq!(Cloud::of_domain(domain), None, "{domain}");
        }
    }

    #[test]
    fn an_environments_host_is_its_guid_cut_in_two() {
        let host = Cloud::Public.environment_host("11a02d3a-172c-ef48-8b74-8e2975c2fb05");
        assert_eq!(
            host.as_deref(),
            Some("11a02d3a172cef488b748e2975c2fb.05.environment.api.powerplatform.com")
        );
        let high = Cloud::Dod.environment_host("Default-11a02d3a-172c-ef48-8b74-8e2975c2fb05").unwrap();
        assert!(high.starts_with("11a02d3a172cef488b748e2975c2fb0.5.environment."), "{high}");
        assert_eq!(Cloud::Public.environment_host("é"), None);
    }
}
