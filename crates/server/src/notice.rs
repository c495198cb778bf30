//! What the operator is told when the server starts: something in the store that a rule forbids by now, or that
//! was changed while the store was opened. Nothing is deleted for it.

use crate::seed::RestoredIn;
use carnet_store::{Store, StoreError};
use carnet_tenant::application::foreign_uris;
use carnet_wire::ids::{AppId, TenantId};
use std::{collections::HashSet, fmt, path::PathBuf};

/// Something that the operator has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A built-in service principal was missing or changed in the store (`security.md`, row 140).
    BuiltIn(RestoredIn),
    /// An application has an identifier URI that only the operator could give it now, and no tenant file of this
    /// start gives it (`security.md`, row 142).
    ForeignIdentifierUri {
        /// The tenant's default domain.
        tenant: String,
        /// The application's name.
        application: String,
        /// The application.
        app_id: AppId,
        /// The URI.
        uri: String,
    },
    /// A password for the first administrator was given, and this store has its tenants already.
    PasswordUnused,
    /// A CA was added to those that clients trust already (`security.md`, C11).
    CaAdded {
        /// The names and addresses that it is for.
        names: Vec<String>,
        /// The file with all CAs of the store.
        file: PathBuf,
    },
    /// The data folder has the CA of a former release, and the store has others.
    CaUnused {
        /// The file of its private key.
        key_file: PathBuf,
    },
    /// Nodes may share the database, and no public URL is kept in it.
    PublicUrlNotKept {
        /// What this node calls itself.
        url: String,
    },
    /// The public URL of the store is another one from now on.
    PublicUrlChanged {
        /// What it was.
        former: String,
        /// What it is.
        url: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(restored) => write!(f, "{restored}"),
            Self::ForeignIdentifierUri { tenant, application, app_id, uri } => write!(
                f,
                "the application `{}` ({app_id}) of {tenant} has the identifier URI `{}`, which is neither its own \
                 nor on a verified domain of the tenant; it still works, so remove it unless you know whose it is",
                plain(application),
                plain(uri)
            ),
            Self::PasswordUnused => f.write_str(
                "--admin-password-file was not used: it chooses the first administrator's password when a start \
                 makes the first tenant, and this store has a tenant; no password was changed",
            ),
            Self::CaAdded { names, file } => write!(
                f,
                "a CA was added for {}, which no CA of this store that lasts long enough permits: clients of these names have to trust \
                 {} again; clients of other names need nothing",
                names.join(", "),
                file.display()
            ),
            Self::CaUnused { key_file } => write!(
                f,
                "the CA of {} is not used, because this store has another one, which all its nodes use: clients that \
                 trusted it need the new `ca.pem`; remove the file and `ca.json` once no store uses them",
                key_file.display()
            ),
            Self::PublicUrlNotKept { url } => write!(
                f,
                "no public URL is kept in this database, and this node calls itself {url}: nodes that call themselves \
                 differently refuse each other's tokens, so start every node with the same --public-url"
            ),
            Self::PublicUrlChanged { former, url } => write!(
                f,
                "the public URL of this store was {former} and is {url} from now on: access and ID tokens that were \
                 issued under the former one are refused; programs that sign in here, APIs that check the issuer, and \
                 services that trust it need the new one; nodes that run keep the former one until they are restarted"
            ),
        }
    }
}

/// A text of somebody else's for a terminal or a log: without control characters, and cut.
fn plain(text: &str) -> String {
    let cut: String = text.chars().take(256).collect();
    cut.escape_debug().to_string()
}

/// An identifier URI that a tenant file of this start gives an application.
pub(crate) type Declared = HashSet<(TenantId, String)>;

/// The identifier URIs of all tenants that only the operator could give now, without those that the operator's
/// files give.
///
/// # Errors
/// [`StoreError`]
pub(crate) async fn foreign_identifier_uris(
    store: &Store,
    declared: &Declared,
) -> Result<Vec<Notice>, StoreError> {
    let mut notices = Vec::new();
    for tenant in store.tenants() {
        let Some(directory) = store.directory(tenant.id).await? else { continue };
        let foreign = foreign_uris(&directory).into_iter();
        let untold = foreign.filter(|it| !declared.contains(&(tenant.id, it.uri.clone())));
        notices.extend(untold.map(|it| Notice::ForeignIdentifierUri {
            tenant: tenant.domains.first().cloned().unwrap_or_default(),
            application: it.application,
            app_id: it.app_id,
            uri: it.uri,
        }));
    }
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_what_it_is_about_and_writes_nothing_else_to_a_terminal() {
        let app_id = "a0000000-0000-4000-8000-000000000001".parse().unwrap();
        let told = Notice::ForeignIdentifierUri {
            tenant: "contoso.example".into(),
            application: "a\u{1b}[2J\u{202e}b".into(),
            app_id,
            uri: format!("api://somebody{}", "x".repeat(10_000)),
        }
        .to_string();
        for part in ["contoso.example", "api://somebody", "a0000000-0000-4000-8000-000000000001"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}') && told.len() < 1000, "{told}");
    }
}
