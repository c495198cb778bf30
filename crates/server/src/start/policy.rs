//! Policies that only a server on a loopback address may have.

use super::StartError;
use crate::seed;
use carnet_store::Store;
use std::net::SocketAddr;

/// Refuses files with policies that are unsafe on a network.
pub(crate) fn check_files(files: &[seed::Loaded], listen: SocketAddr) -> Result<(), StartError> {
    for file in files.iter().filter(|_| !listen.ip().is_loopback()) {
        let policy = &file.file.tenant.policy;
        refuse(&file.file.tenant.domain, REVEAL_USER, policy.reveal_user == Some(true))?;
        refuse(&file.file.tenant.domain, ALLOW_ISSUERS, !policy.danger_allow_issuers.is_empty())?;
    }
    Ok(())
}

/// Refuses tenants of the store with policies that are unsafe on a network.
pub(super) fn check_tenants(store: &Store, listen: SocketAddr) -> Result<(), StartError> {
    for tenant in store.tenants().iter().filter(|_| !listen.ip().is_loopback()) {
        let domain = tenant.domains.first().map_or("", String::as_str);
        refuse(domain, REVEAL_USER, tenant.policy.reveal_user)?;
        refuse(domain, ALLOW_ISSUERS, !tenant.policy.danger_allow_issuers.is_empty())?;
    }
    Ok(())
}

/// Tells unknown users from wrong passwords.
const REVEAL_USER: &str = "reveal_user";
/// Lets the server ask issuers of federated credentials on its own network.
const ALLOW_ISSUERS: &str = "danger_allow_issuers";

/// Refuses a policy that a tenant has (`security.md`, P1).
fn refuse(tenant: &str, policy: &'static str, has: bool) -> Result<(), StartError> {
    if has {
        return Err(StartError::LoopbackOnly { tenant: tenant.to_owned(), policy });
    }
    Ok(())
}
