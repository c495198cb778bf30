//! Discovery documents: OpenID configuration of v1.0 and v2.0, instance discovery, user realm (OpenID Connect
//! Discovery, 4). The members are in the order of Entra's documents (observed).

use crate::token::request::Version;
use serde_json::{Value, json};

/// The facts in an OpenID configuration document.
#[derive(Debug)]
pub struct Provider<'a> {
    /// Base URL of the token service.
    pub login: &'a str,
    /// Base URL of Microsoft Graph.
    pub graph: &'a str,
    /// The tenant segment of the URLs: a GUID, `common` or `organizations`.
    pub segment: &'a str,
    /// The `iss` claim of tokens of this version.
    pub issuer: &'a str,
}

/// The name of the public cloud. Token validators compare it with the name in a key.
pub const CLOUD_INSTANCE: &str = "microsoftonline.com";

/// Whether the segment is an alias that stands for no single tenant.
fn is_alias(segment: &str) -> bool {
    matches!(segment, "common" | "organizations" | "consumers")
}

/// The OpenID configuration document of one version.
#[must_use]
pub fn configuration(version: Version, it: &Provider<'_>) -> Value {
    let base = format!("{}/{}", it.login, it.segment);
    let v2 = version == Version::V2;
    let oauth = if v2 { format!("{base}/oauth2/v2.0") } else { format!("{base}/oauth2") };
    let keys = if v2 { "discovery/v2.0/keys" } else { "discovery/keys" };
    let mut body = json!({
        "token_endpoint": format!("{oauth}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/{keys}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": it.issuer,
        "request_uri_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "userinfo_endpoint": if v2 { format!("{}/oidc/userinfo", it.graph) } else { format!("{base}/openid/userinfo") },
        "authorization_endpoint": format!("{oauth}/authorize"),
        "device_authorization_endpoint": format!("{oauth}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{oauth}/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email"
        ],
        "kerberos_endpoint": format!("{base}/kerberos"),
        "tenant_region_scope": if is_alias(it.segment) { Value::Null } else { "WW".into() },
        "cloud_instance_name": CLOUD_INSTANCE,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": host_of(it.graph),
        "rbac_url": "https://pas.windows.net",
    });
    if !v2 {
        if let Value::Object(members) = &mut body {
            members.shift_remove("request_uri_parameter_supported");
        }
        body["response_types_supported"] =
            json!(["code", "id_token", "code id_token", "token id_token", "token"]);
        body["scopes_supported"] = json!(["openid"]);
        body["microsoft_multi_refresh_token"] = true.into();
        body["check_session_iframe"] = format!("{oauth}/checksession").into();
        body["claims_supported"] = json!([
            "sub",
            "iss",
            "cloud_instance_name",
            "cloud_instance_host_name",
            "cloud_graph_host_name",
            "msgraph_host",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "nonce",
            "email",
            "given_name",
            "family_name",
            "nickname"
        ]);
    }
    body
}

/// The host and port of a base URL.
#[must_use]
pub fn host_of(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, host)| host)
}

/// Microsoft's clouds for token caches: network name, cache name, aliases (observed).
const NETWORKS: [(&str, &str, &[&str]); 5] = [
    (
        "login.microsoftonline.com",
        "login.windows.net",
        &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    ),
    (
        "login.partner.microsoftonline.cn",
        "login.partner.microsoftonline.cn",
        &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    ),
    ("login.microsoftonline.de", "login.microsoftonline.de", &["login.microsoftonline.de"]),
    (
        "login.microsoftonline.us",
        "login.microsoftonline.us",
        &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    ),
    ("login-us.microsoftonline.com", "login-us.microsoftonline.com", &["login-us.microsoftonline.com"]),
];

/// The response of instance discovery, with this server and Microsoft's clouds.
#[must_use]
pub fn instance(login: &str, tenant: &str, v2: bool) -> Value {
    let own = host_of(login);
    let version = if v2 { "v2.0/" } else { "" };
    let mut networks: Vec<Value> = NETWORKS
        .iter()
        .map(|(network, cache, aliases)| json!({"preferred_network": network, "preferred_cache": cache, "aliases": aliases}))
        .collect();
    if !NETWORKS.iter().any(|(_, _, aliases)| aliases.contains(&own)) {
        networks.insert(0, json!({"preferred_network": own, "preferred_cache": own, "aliases": [own]}));
    }
    json!({
        "tenant_discovery_endpoint": format!("{login}/{tenant}/{version}.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": networks,
    })
}

/// Whether instance discovery lists the host as one of Microsoft's.
#[must_use]
pub fn is_known_host(host: &str) -> bool {
    NETWORKS.iter().any(|(_, _, aliases)| aliases.iter().any(|alias| alias.eq_ignore_ascii_case(host)))
}

/// The user realm document of a domain. `managed` is true if a tenant of this server owns the domain.
#[must_use]
pub fn user_realm(domain: &str, managed: bool) -> Value {
    let mut body = json!({
        "ver": "1.0",
        "account_type": if managed { "Managed" } else { "Unknown" },
        "cloud_instance_name": CLOUD_INSTANCE,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    });
    if managed {
        body["domain_name"] = domain.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_editions_stand_on_the_authoritys_origin() {
        let it = Provider {
            login: "https://localhost:8443",
            graph: "https://localhost:8443",
            segment: "t",
            issuer: "https://localhost:8443/t/v2.0",
        };
        let two = configuration(Version::V2, &it);
        assert_eq!(two["token_endpoint"], "https://localhost:8443/t/oauth2/v2.0/token");
        assert_eq!(two["jwks_uri"], "https://localhost:8443/t/discovery/v2.0/keys");
        let one = configuration(Version::V1, &it);
        assert_eq!(one["token_endpoint"], "https://localhost:8443/t/oauth2/token");
        assert_eq!(one["userinfo_endpoint"], "https://localhost:8443/t/openid/userinfo");
    }

    #[test]
    fn instance_discovery_lists_our_own_host_once() {
        let ours = instance("https://localhost:8443", "t", true);
        assert_eq!(ours["metadata"][0]["aliases"][0], "localhost:8443");
        let theirs = instance("https://login.microsoftonline.com", "t", false);
        assert_eq!(theirs["metadata"].as_array().map(Vec::len), Some(5));
    }
}
