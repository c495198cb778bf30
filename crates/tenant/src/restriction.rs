//! Whether the network that a request comes from lets people sign in to this tenant.

use crate::{
    tenant::Tenant,
    token::denial::{Denial, TenantNo},
};
use carnet_wire::restriction::Restrictions;

/// The network lets people in here. Every list has to name the tenant, by its id or any of its domains. A policy of
/// another tenant lets nobody in: what it allows would be written in that tenant, and nothing is (?).
///
/// # Errors
/// [`Denial::Tenant`]
pub fn allowed(restrictions: &Restrictions, tenant: &Tenant) -> Result<(), Denial> {
    let id = tenant.id.to_string();
    let ours = |name: &String| *name == id || tenant.domains.contains(name);
    if !restrictions.tenants.iter().all(|list| list.iter().any(ours)) {
        return Err(Denial::Tenant(TenantNo::Restricted(tenant.display_name.clone())));
    }
    if restrictions.policy_of.as_ref().is_some_and(|name| !ours(name)) {
        return Err(Denial::Tenant(TenantNo::RestrictedByPolicy(tenant.display_name.clone())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::directory;

    fn number(tenants: &[&[&str]], policy_of: Option<&str>) -> Option<u32> {
        let restrictions = Restrictions {
            tenants: tenants.iter().map(|list| list.iter().map(|it| (*it).to_owned()).collect()).collect(),
            policy_of: policy_of.map(str::to_owned),
        };
        allowed(&restrictions, &directory().tenant).err().map(|denial| denial.entry().0.number)
    }

    #[test]
    fn a_list_has_to_name_the_tenant_and_no_header_restricts_nothing() {
        let id = directory().tenant.id.to_string();
        let domain = directory().tenant.domains[0].clone();
        assert_eq!(number(&[], None), None);
        assert_eq!(number(&[&["other.example", &domain]], None), None);
        assert_eq!(number(&[&[&id], &[&domain]], Some(&id)), None);
        assert_eq!(number(&[&["other.example"]], None), Some(500_021));
        assert_eq!(number(&[&[&id], &["other.example"]], None), Some(500_021));
        assert_eq!(number(&[&[]], None), Some(500_021));
        assert_eq!(number(&[&[&id]], Some("other.example")), Some(500_022));
        assert_eq!(number(&[&[&id]], Some("")), Some(500_022));
    }
}
