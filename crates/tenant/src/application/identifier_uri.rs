//! Identifier URIs: the names under which tokens for an application are asked for. Whoever registers an
//! application may only give it names that are its own (`security.md`, row 142). The operator, who applies
//! tenant files, is exempt.

use super::{Application, bad};
use crate::{
    access::Caller, change::fold_name, directory::Directory, refusal::Refusal, tenant::Tenant, text::cut,
};
use carnet_wire::ids::AppId;
use std::collections::HashSet;

/// An identifier URI that nobody but the operator could add to its application now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignUri {
    /// The application's name.
    pub application: String,
    /// The application.
    pub app_id: AppId,
    /// The URI.
    pub uri: String,
}

/// The identifier URIs of a directory that nobody but the operator could add now. They keep working; the
/// operator is told of them when the server starts.
#[must_use]
pub fn foreign_uris(directory: &Directory) -> Vec<ForeignUri> {
    let of = |it: &Application| {
        let foreign = it.identifier_uris.iter().filter(|uri| refuse(directory, it.app_id, uri).is_some());
        let told = |uri: &String| ForeignUri {
            application: it.display_name.clone(),
            app_id: it.app_id,
            uri: uri.clone(),
        };
        foreign.map(told).collect::<Vec<_>>()
    };
    directory.applications(None).flat_map(|it| of(it)).collect()
}

/// Whether the caller may give an application the identifier URIs that it did not hold before.
///
/// # Errors
/// [`Refusal::BadRequest`] names the URI and the forms that are allowed.
pub(super) fn check_added(
    caller: &Caller,
    directory: &Directory,
    held: &[String],
    it: &Application,
) -> Result<(), Refusal> {
    if matches!(caller, Caller::Operator { .. }) {
        return Ok(());
    }
    let held: HashSet<String> = held.iter().map(|uri| fold_name(uri)).collect();
    let mut added = it.identifier_uris.iter().filter(|uri| !held.contains(&fold_name(uri)));
    match added.find_map(|uri| refuse(directory, it.app_id, uri)) {
        Some(message) => Err(bad("identifierUris", message)),
        None => Ok(()),
    }
}

/// Why an application of this tenant may not have an identifier URI; `None`: it may.
fn refuse(directory: &Directory, app: AppId, uri: &str) -> Option<String> {
    if directory.catalogue.claims_uri(uri) {
        return Some(format!(
            "`{}` is a name of one of Microsoft's own APIs, or lies at a host of Microsoft's or of this server",
            cut(uri)
        ));
    }
    let tenant = &directory.tenant;
    let own = below(&fold_name(uri), &app.to_string()).is_some();
    if own || is_of_tenant(tenant, uri) {
        return None;
    }
    let domains = tenant.domains.join(", ");
    Some(format!(
        "`{}` is not an identifier URI that this application may have; use api://{app}, a path below it, \
         api://{}/NAME, or a URI with https:// or api:// whose host is a verified domain of this tenant ({domains}) \
         or below one",
        cut(uri),
        tenant.id
    ))
}

/// Whether a URI is one of those that applications of this tenant alone may have.
fn is_of_tenant(tenant: &Tenant, uri: &str) -> bool {
    // Names are compared in this form, so it decides whose a name is.
    let folded = fold_name(uri);
    let of_tenant = below(&folded, &tenant.id.to_string()).is_some_and(|path| !path.is_empty());
    let at_domain = || {
        host(&folded).is_some_and(|host| {
            tenant.domains.iter().any(|domain| {
                let domain = domain.to_lowercase();
                host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
            })
        })
    };
    of_tenant || at_domain()
}

/// Whether a service principal may have an identifier URI of an application that is registered in another tenant: the
/// URI is none of Microsoft's, none of this tenant's own, and no other service principal has it.
pub(crate) fn is_free(directory: &Directory, app: AppId, uri: &str) -> bool {
    let free = || directory.principal_by_name(uri).is_none_or(|it| it.app_id == app);
    !directory.catalogue.claims_uri(uri) && !is_of_tenant(&directory.tenant, uri) && free()
}

/// The path of a folded URI below `api://{id}`; empty where it has none.
fn below<'a>(folded: &'a str, id: &str) -> Option<&'a str> {
    let rest = folded.strip_prefix("api://")?.strip_prefix(id)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The host of a folded URI, if it is one that every reader finds the same: letters, digits, dots and hyphens,
/// with a port or without, and nothing before it.
fn host(folded: &str) -> Option<&str> {
    let rest = folded.strip_prefix("https://").or_else(|| folded.strip_prefix("api://"))?;
    let authority = rest.split('/').next()?;
    let host = match authority.split_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && !port.starts_with('+') => host,
        Some(_) => return None,
        None => authority,
    };
    let sound = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
        && host.split('.').all(|label| !label.is_empty());
    sound.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::fixture::{TENANT, admin, directory, everyone, moment, operator};

    const OTHER: &str = "a0000000-0000-4000-8000-00000000dead";

    fn made(directory: &mut Directory) -> Application {
        let new = New { display_name: "api".into(), ..New::default() };
        let made = create(&everyone(), directory, new, &moment()).unwrap();
        directory.apply(made.changes);
        made.value
    }

    fn uris(list: &[&str]) -> Changes {
        let list = list.iter().map(|it| (*it).to_owned()).collect();
        Changes { identifier_uris: Some(list), ..Changes::default() }
    }

    #[test]
    fn an_application_has_names_of_its_own_row_142() {
        let mut directory = directory();
        directory.tenant = Tenant {
            domains: vec!["contoso.example".into(), "Contoso.test".into()],
            ..(*directory.tenant).clone()
        }
        .into();
        let app = made(&mut directory);
        let own = app.app_id.to_string();
        for good in [
            format!("api://{own}"),
            format!("api://{own}/"),
            format!("api://{own}/reader"),
            format!("api://{}", own.to_uppercase()),
            format!("api://{TENANT}/reader"),
            "https://contoso.example".into(),
            "https://contoso.example/reader".into(),
            "https://api.Contoso.Example/reader/".into(),
            "https://a.b.contoso.test:8443/reader".into(),
            "api://contoso.example/reader".into(),
            "api://reader.contoso.example".into(),
        ] {
            for caller in [everyone(), admin()] {
                let told = change(&caller, &directory, app.id, uris(&[&good]));
                assert!(told.is_ok(), "{good} {told:?}");
            }
        }
        for bad in [
            format!("api://{OTHER}"),
            format!("api://{OTHER}/{own}"),
            format!("api://{own}x"),
            format!("api://{own}.contoso.example.evil.example"),
            format!("api://{own}@{OTHER}"),
            format!("api://{TENANT}"),
            format!("api://{TENANT}/"),
            format!("api://{TENANT}x/reader"),
            format!("https://{own}/"),
            "api://reader".into(),
            "api://".into(),
            "https://".into(),
            "https://contoso.example.evil.example/".into(),
            "https://evilcontoso.example/".into(),
            "https://contoso.example@evil.example/".into(),
            "https://evil.example\\@contoso.example/".into(),
            "https://evil.example?contoso.example".into(),
            "https://evil.example#.contoso.example".into(),
            "https://contoso.example:x/".into(),
            "https://contoso.example:+1/".into(),
            "https://contoso.example./".into(),
            "https://.contoso.example/".into(),
            "https://a..contoso.example/".into(),
            "https://fabrikam.example/".into(),
            "https://localhost:8443/".into(),
            "https://login.microsoftonline.com/".into(),
            "https://\u{212a}contoso.example\u{fe0f}/".into(),
            "https://\u{e4}.contoso.example/".into(),
            "urn:contoso:reader".into(),
            "http://contoso.example/".into(),
            "API://contoso.example/".into(),
            "api://00000003-0000-0000-c000-000000000000".into(),
            "https://graph.microsoft.com".into(),
        ] {
            for caller in [everyone(), admin()] {
                let told = change(&caller, &directory, app.id, uris(&[&bad]));
                let Err(Refusal::BadRequest { message, target }) = told else { panic!("{bad} {told:?}") };
                assert_eq!(target.as_deref(), Some("identifierUris"));
                assert!(message.contains(&cut(&bad)), "{message}");
                let new = New { display_name: "x".into(), changes: uris(&[&bad]), ..New::default() };
                assert!(create(&caller, &directory, new, &moment()).is_err(), "{bad}");
            }
        }
    }

    #[test]
    fn the_refusal_names_what_is_allowed() {
        let mut directory = directory();
        let app = made(&mut directory);
        let told = change(&everyone(), &directory, app.id, uris(&["api://reader"])).unwrap_err().to_string();
        for part in [
            "`api://reader`",
            &format!("api://{}", app.app_id),
            &format!("api://{TENANT}/"),
            "contoso.example",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn a_host_of_this_server_is_nobodys_even_below_a_verified_domain() {
        let mut directory = directory();
        let mut catalogue = (*directory.catalogue).clone();
        catalogue.own_hosts = vec!["login.contoso.example".into()];
        directory.catalogue = catalogue.into();
        let app = made(&mut directory);
        for uri in [
            "https://login.contoso.example/",
            "https://LOGIN.contoso.example:8443/x",
            "api://login.contoso.example",
        ] {
            assert!(change(&admin(), &directory, app.id, uris(&[uri])).is_err(), "{uri}");
        }
        assert!(change(&admin(), &directory, app.id, uris(&["https://api.contoso.example/"])).is_ok());
    }

    #[test]
    fn what_is_held_stays_and_is_told_and_the_operator_may_have_any() {
        let mut directory = directory();
        let app = made(&mut directory);
        let held = ["api://reader/", "urn:contoso:reader", "https://graph.contoso.example/"];
        let put = change(&operator(), &directory, app.id, uris(&held)).unwrap();
        directory.apply(put.changes);
        let rename = Changes { display_name: Some("renamed".into()), ..Changes::default() };
        let renamed = change(&everyone(), &directory, app.id, rename).unwrap();
        directory.apply(renamed.changes);
        // As uniqueness compares them.
        for good in [&held[..], &["api://READER", held[1]], &[]] {
            assert!(change(&everyone(), &directory, app.id, uris(good)).is_ok(), "{good:?}");
        }
        assert!(change(&everyone(), &directory, app.id, uris(&[held[0], "api://other"])).is_err());
        let told = foreign_uris(&directory);
        let foreign =
            |uri: &str| ForeignUri { application: "renamed".into(), app_id: app.app_id, uri: uri.into() };
        assert_eq!(told, [foreign("api://reader/"), foreign("urn:contoso:reader")]);
    }
}
