//! Discovery: the OpenID configuration of both editions, instance discovery, user realm. While the store is away these
//! answer from the tenants in memory: none of them issues anything.

use carnet_http::{
    context::{Context, cut},
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::token::Denial;
use carnet_wire::{
    authority::TenantName,
    metadata::{self, Provider},
    percent,
    token::request::Version,
};

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    configuration(cx, call, Version::V2).await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    configuration(cx, call, Version::V1).await
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
async fn configuration(cx: Context, call: Call, version: Version) -> Result<Reply, Failure> {
    let segment = segment(&cx, call.variable(0))?;
    let origin = &cx.envelope.origin;
    let named = if segment.1 { "{tenantid}" } else { segment.0.as_str() };
    let issuer = if version == Version::V2 { origin.issuer_v2(named) } else { origin.issuer_v1(named) };
    let (login, graph) = (origin.login(), origin.graph());
    let provider = Provider { login: &login, graph: &graph, segment: &segment.0, issuer: &issuer };
    Reply::json(&metadata::configuration(version, &provider)).map(Reply::public)
}

/// The tenant segment of the answer's addresses: the id where one tenant is named, else the alias, and
/// whether it is one.
pub(super) fn segment(cx: &Context, text: &str) -> Result<(String, bool), Failure> {
    let name = TenantName::parse(text).map_err(|_| Denial::TenantName(cut(text, 64)))?;
    if name.is_alias() {
        return Ok((text.to_ascii_lowercase(), true));
    }
    match cx.state.store.known_tenant(&name)? {
        Some(tenant) => Ok((tenant.id.to_string(), false)),
        None => Err(Denial::UnknownTenant { name: cut(text, 64), discovery: true }.into()),
    }
}

/// `GET /common/discovery/instance`: whether an authority's host is one of ours or Microsoft's.
pub(super) async fn instance(cx: Context, call: Call) -> Result<Reply, Failure> {
    let unknown = || Failure::from(Denial::UnknownInstance);
    let malformed = || Failure::from(Denial::Discovery);
    let asked = percent::query_value(call.query(), "authorization_endpoint").ok_or_else(malformed)?;
    let rest = asked.strip_prefix("https://").ok_or_else(malformed)?;
    let (host, path) = rest.split_once('/').ok_or_else(malformed)?;
    let login = cx.envelope.origin.login();
    let own = cx.state.names.logins.iter().any(|base| metadata::host_of(base).eq_ignore_ascii_case(host));
    if !own && !metadata::is_known_host(host) {
        return Err(unknown());
    }
    let tenant = path.split('/').next().unwrap_or_default();
    if TenantName::parse(tenant).is_err() {
        return Err(unknown());
    }
    Reply::json(&metadata::instance(&login, tenant, path.contains("/v2.0/"))).map(Reply::public)
}

/// `GET /common/userrealm/{user}`: managed when the domain is one of ours. Says nothing of the user.
pub(super) async fn user_realm(cx: Context, call: Call) -> Result<Reply, Failure> {
    let domain =
        call.variable(1).rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
    let managed = match TenantName::parse(&domain) {
        Ok(name @ TenantName::Domain(_)) => cx.state.store.known_tenant(&name)?.is_some(),
        _ => false,
    };
    Reply::json(&metadata::user_realm(&domain, managed))
}
