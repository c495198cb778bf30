//! `GET /{tenant}/discovery/v2.0/keys` and the same without `v2.0`: the public keys of a tenant, or of
//! every tenant for an alias. v2.0's name their issuer. Keys that are in memory are answered while the store is away, so
//! that APIs elsewhere go on verifying tokens that were issued. An answer in which a tenant's keys are missing is none:
//! clients keep it for a day.

use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_wire::{ids::TenantId, jose::Jwk, token::request::Version};

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    get(cx, call, Version::V2).await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    get(cx, call, Version::V1).await
}

async fn get(cx: Context, call: Call, version: Version) -> Result<Reply, Failure> {
    let (segment, alias) = super::discovery::segment(&cx, call.variable(0))?;
    let tenants: Vec<TenantId> = match segment.parse() {
        Ok(tenant) if !alias => vec![tenant],
        _ => cx.state.store.tenants().iter().map(|tenant| tenant.id).collect(),
    };
    let mut keys: Vec<Jwk> = Vec::new();
    for tenant in tenants {
        let held = cx.state.keys.of(&cx.state.store, tenant, cx.now()).await?;
        let issuer = (version == Version::V2).then(|| cx.envelope.origin.issuer_v2(&tenant.to_string()));
        keys.extend(held.published().iter().map(|key| key.jwk(issuer.clone())));
    }
    Reply::json(&serde_json::json!({ "keys": keys })).map(Reply::public)
}
