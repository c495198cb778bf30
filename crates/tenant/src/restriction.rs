//! Whether the network that a request comes from lets people sign in to this tenant.

use crate::{
    tenant::Tenant,
    token::denial::{Denial, TenantNo},
};
use carnet_wire::restriction::Restrictions;

/// The network lets people in here. A list has to name the tenant, by its id or any of its domains. A policy of
/// another tenant lets nobody in: what it allows would be written in that tenant, and nothing is (?).
///
/// # Errors
/// [`Denial::Tenant`]
pub fn allowed(restrictions: &Restrictions, tenant: &Tenant) -> Result<(), Denial> {
    let id = tenant.id.to_string();
    let ours = |name: &String| *name == id || tenant.domains.contains(name);
    if restrictions.tenants.as_ref().is_some_and(|list| !list.iter().any(ours)) {
        return Err(Denial::Tenant(TenantNo::Restricted(tenant.display_name.clone())));
    }
    if restrictions.policy_of.as_ref().is_some_and(|name| !ours(name)) {
        return Err(Denial::Tenant(TenantNo::RestrictedByPolicy(tenant.display_name.clone())));
    }
    Ok(())
}
