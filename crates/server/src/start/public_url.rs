//! What the server calls itself. All nodes of a PostgreSQL store have one public URL, because tokens carry it as their
//! issuer: the first one that is given is kept. A SQLite file has one server, whose URL follows its listener.

use super::{Config, PublicUrl, StartError};
use crate::notice::Notice;
use carnet_http::context::{host_name, microsoft_surface, without_default_port};
use carnet_store::{Opening, Store};
use carnet_wire::cloud::is_microsoft_host;

/// What the operator asked for, each URL without a port that is https's own.
///
/// # Errors
/// [`StartError::PublicUrl`], [`StartError::Host`], [`StartError::NoPublicUrlToChange`]
pub(super) fn asked(config: &Config) -> Result<PublicUrl, StartError> {
    let asked = match &config.public_url {
        PublicUrl::Unsaid => PublicUrl::Unsaid,
        PublicUrl::Given(url) => PublicUrl::Given(checked(url)?),
        PublicUrl::Changed(url) => PublicUrl::Changed(checked(url)?),
    };
    check_names(config, &asked)?;
    if config.database.is_none() && matches!(asked, PublicUrl::Changed(_)) {
        return Err(StartError::NoPublicUrlToChange);
    }
    Ok(asked)
}

fn checked(url: &str) -> Result<String, StartError> {
    let wrong = || StartError::PublicUrl(url.to_owned());
    let host = url.trim_end_matches('/').strip_prefix("https://").ok_or_else(wrong)?;
    let authority: http::uri::Authority = host.parse().map_err(|_| wrong())?;
    let name = host_name(host);
    let port = host.get(name.len()..).unwrap_or_default();
    let sound = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    if host.contains('@') || name.is_empty() || !sound {
        return Err(wrong());
    }
    let url = format!("https://{name}{port}");
    Ok(without_default_port(&url).to_owned())
}

/// Refuses names of Microsoft's that this server cannot have: as a further host those whose APIs it does not serve, as
/// the public URL all of them. Under such a name a server speaks with Microsoft's issuers and serves one API, while the
/// public URL is the issuer and the address of all.
fn check_names(config: &Config, asked: &PublicUrl) -> Result<(), StartError> {
    let foreign = |name: &String| is_microsoft_host(name) && microsoft_surface(name).is_none();
    if let Some(name) = config.hosts.iter().map(|host| host_name(host)).find(foreign) {
        return Err(StartError::Host(name));
    }
    match asked {
        PublicUrl::Given(url) | PublicUrl::Changed(url) => {
            let name = host_name(url.strip_prefix("https://").unwrap_or(url));
            if is_microsoft_host(&name) { Err(StartError::MicrosoftPublicUrl(name)) } else { Ok(()) }
        }
        PublicUrl::Unsaid => Ok(()),
    }
}

/// Where the public URL of a start comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// The listener, because nothing else says it.
    OfListener,
    /// This one, and there is nothing to keep.
    Plain(String),
    /// This one, the first of the store.
    First(String),
    /// This one, instead of the one that the store keeps.
    Instead {
        /// The store's.
        former: String,
        /// This start's.
        url: String,
    },
}

impl Chosen {
    /// Decides by what the operator asked for and what the store keeps.
    ///
    /// # Errors
    /// [`StartError::OtherPublicUrl`], [`StartError::Store`]
    pub(super) async fn of(opening: &Opening, asked: PublicUrl) -> Result<Self, StartError> {
        if !opening.shared() {
            return Ok(match asked {
                PublicUrl::Unsaid => Self::OfListener,
                PublicUrl::Given(url) | PublicUrl::Changed(url) => Self::Plain(url),
            });
        }
        Ok(match (asked, opening.public_url().await?) {
            (PublicUrl::Unsaid, None) => Self::OfListener,
            (PublicUrl::Unsaid, Some(kept)) => Self::Plain(kept),
            (PublicUrl::Given(url) | PublicUrl::Changed(url), None) => Self::First(url),
            (PublicUrl::Given(url) | PublicUrl::Changed(url), Some(kept)) if url == kept => Self::Plain(url),
            (PublicUrl::Given(given), Some(kept)) => return Err(StartError::OtherPublicUrl { kept, given }),
            (PublicUrl::Changed(url), Some(former)) => Self::Instead { former, url },
        })
    }

    /// The URL, where it is known before the server listens.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::OfListener => None,
            Self::Plain(url) | Self::First(url) | Self::Instead { url, .. } => Some(url),
        }
    }

    /// Keeps the URL, once everything else that a start needs is there: a start that fails changes nothing.
    ///
    /// # Errors
    /// [`StartError::OtherPublicUrl`] when another node was faster, [`StartError::Store`]
    pub(super) async fn keep(self, store: &Store, port: u16) -> Result<Kept, StartError> {
        match self {
            Self::Plain(url) => Ok(Kept { url, notices: Vec::new() }),
            Self::OfListener => {
                let url = without_default_port(&format!("https://localhost:{port}")).to_owned();
                let notice = store.shared().then(|| Notice::PublicUrlNotKept { url: url.clone() });
                Ok(Kept { url, notices: notice.into_iter().collect() })
            }
            Self::First(given) => {
                let kept = store.keep_public_url(&given).await?;
                if kept != given {
                    return Err(StartError::OtherPublicUrl { kept, given });
                }
                Ok(Kept { url: given, notices: Vec::new() })
            }
            Self::Instead { former, url } => {
                store.change_public_url(&url).await?;
                let notices = vec![Notice::PublicUrlChanged { former, url: url.clone() }];
                Ok(Kept { url, notices })
            }
        }
    }
}

/// What the server calls itself.
pub(super) struct Kept {
    pub(super) url: String,
    /// What the operator has to know of it.
    pub(super) notices: Vec<Notice>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_https_origin_in_one_spelling() {
        let of = |url: &str| checked(url).ok();
        for (url, known) in [
            ("https://Carnet.example:443/", "https://carnet.example"),
            ("https://carnet.example:8443", "https://carnet.example:8443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(of(url).as_deref(), Some(known), "{url}");
        }
        for url in
            ["http://carnet.example", "https://carnet.example/x", "https://a@b", "https://", "https://x:0"]
        {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
