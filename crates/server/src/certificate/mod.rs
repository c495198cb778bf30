//! The certificate that the server shows: the operator's own, or a leaf of the data folder's CA.

use crate::{
    clock::Clock,
    context::{MICROSOFT_HOSTS, host_name, microsoft_surface},
    listen::{
        ca::Authority,
        tls::{Tls, TlsError},
    },
    start::Config,
};
use std::{fs, path::PathBuf, sync::Arc};

/// The TLS side of the listener, and what clients have to trust.
pub(crate) struct Certificate {
    pub(crate) tls: Tls,
    /// What clients have to trust, absolute.
    pub(crate) ca_file: PathBuf,
    /// The CA; `None`: the operator's own certificate is shown.
    pub(crate) authority: Option<Arc<Authority>>,
}

impl Certificate {
    /// Reads the operator's certificate, or makes a leaf.
    pub(crate) fn of(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, TlsError> {
        if let Some((certificate, key)) = &config.tls {
            let ca_file = fs::canonicalize(certificate)
                .map_err(|error| TlsError(format!("{}: {error}", certificate.display())))?;
            return Ok(Self { tls: Tls::from_files(certificate, key)?, ca_file, authority: None });
        }
        let now = clock.now();
        let authority = Arc::new(Authority::of_folder(&config.data, &hosts(config), now)?);
        let ca_file = fs::canonicalize(&authority.file).map_err(|error| TlsError(error.to_string()))?;
        let (of_names, clock) = (authority.clone(), clock.clone());
        // Regional names of Microsoft's are too many for one leaf. Others are not answered, so they get none.
        let make = move |name: &str| {
            microsoft_surface(name)?;
            of_names.leaf_for(name, clock.now()).ok().flatten()
        };
        let tls = Tls::by_name(authority.leaf(now)?, Box::new(make))?;
        Ok(Self { tls, ca_file, authority: Some(authority) })
    }
}

/// The names that the usual leaf has to cover.
fn hosts(config: &Config) -> Vec<String> {
    let public = config.public_url.as_deref().map(|url| url.trim_start_matches("https://"));
    let public = public.and_then(|rest| rest.split('/').next());
    let mut hosts = vec!["localhost".to_owned()];
    hosts.extend(public.map(host_name));
    hosts.extend(config.hosts.iter().map(|host| host_name(host)));
    hosts.extend(MICROSOFT_HOSTS.map(str::to_owned));
    hosts.retain(|host| !host.is_empty() && !host.starts_with('['));
    hosts.sort();
    hosts.dedup();
    hosts
}
