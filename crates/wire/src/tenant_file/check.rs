//! Checks of a parsed tenant file: duplicate names and ids, and settings that contradict each other.

use super::{ApplicationTable, FileError, TenantFile, UserTable};
use crate::{authority::is_domain, token::claims_request::is_context};
use std::{collections::HashSet, hash::Hash};

/// Checks the whole file.
///
/// # Errors
/// [`FileError`]
pub(super) fn check(file: &TenantFile) -> Result<(), FileError> {
    if file.version != 1 {
        return wrong(format!("version = {} is not supported; write version = 1", file.version));
    }
    let domain = &file.tenant.domain;
    if !is_domain(&domain.to_lowercase()) {
        return wrong(format!("tenant.domain `{domain}` is not a domain name such as contoso.example"));
    }
    if let Some(country) = file.tenant.country.as_ref().filter(|it| !is_country(it)) {
        return wrong(format!("tenant.country `{country}` is not two letters such as DE"));
    }
    names(file)?;
    ids(file)?;
    let contexts = &file.tenant.policy.authentication_contexts;
    if let Some(other) = contexts.iter().find(|it| !is_context(&it.id)) {
        return wrong(format!("the authentication context `{}` is not one of c1 to c99", other.id));
    }
    file.users.iter().try_for_each(user)?;
    file.applications.iter().try_for_each(application)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn wrong(text: String) -> Result<(), FileError> {
    Err(FileError(text))
}

/// Names that identify something are unique.
fn names(file: &TenantFile) -> Result<(), FileError> {
    if let Some(twice) = doubled(file.users.iter().map(|user| user.name.to_lowercase())) {
        return wrong(format!("two users are named `{twice}`; give each its own name"));
    }
    let nameless = file.applications.iter().filter(|it| it.client_id.is_none()).map(|it| &it.name);
    if let Some(twice) = doubled(nameless) {
        return wrong(format!("two applications are named `{twice}`; give each a client_id"));
    }
    if let Some(twice) = doubled(file.groups.iter().map(|it| &it.name)) {
        return wrong(format!("two groups are named `{twice}`; give each its own name"));
    }
    let contexts = &file.tenant.policy.authentication_contexts;
    if let Some(twice) = doubled(contexts.iter().map(|it| &it.id)) {
        return wrong(format!("the authentication context `{twice}` is listed twice"));
    }
    Ok(())
}

/// Ids are unique.
fn ids(file: &TenantFile) -> Result<(), FileError> {
    let applications = &file.applications;
    if let Some(twice) = doubled(applications.iter().filter_map(|it| it.client_id)) {
        return wrong(format!("two applications have the client_id `{twice}`; give each its own"));
    }
    let objects = (file.users.iter().map(|it| it.id))
        .chain(file.groups.iter().map(|it| it.id))
        .chain(applications.iter().flat_map(|it| [it.id, it.service_principal_id]));
    if let Some(twice) = doubled(objects.flatten()) {
        return wrong(format!("two objects have the id `{twice}`; give each its own"));
    }
    if let Some(twice) =
        doubled(file.environments.iter().filter_map(|it| it.id.as_ref()).map(|id| id.to_lowercase()))
    {
        return wrong(format!("two environments have the id `{twice}`; give each its own"));
    }
    Ok(())
}

fn user(user: &UserTable) -> Result<(), FileError> {
    let ways = [user.password.is_some(), user.password_file.is_some(), user.password_env.is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return wrong(format!(
            "user `{}`: write only one of password, password_file, password_env",
            user.name
        ));
    }
    Ok(())
}

fn application(application: &ApplicationTable) -> Result<(), FileError> {
    for secret in &application.secrets {
        let ways = [secret.value.is_some(), secret.value_file.is_some(), secret.value_env.is_some()];
        if ways.iter().filter(|way| **way).count() > 1 {
            return wrong(format!(
                "application `{}`, secret `{}`: write only one of value, value_file, value_env",
                application.name, secret.name
            ));
        }
    }
    Ok(())
}

/// The first value that occurs twice.
fn doubled<T: Eq + Hash + Clone>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    all.into_iter().find(|one| !seen.insert(one.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::{TenantFile, tests::WHOLE};

    #[test]
    fn two_things_with_one_id_are_refused() {
        let id = "c0000000-0000-4000-8000-0000000000aa";
        let with = |more: &str| {
            let error = TenantFile::parse(&format!("{WHOLE}\n{more}")).err();
            error.map(|it| it.0).unwrap_or_default()
        };
        let application =
            |name: &str, key: &str| format!("[[application]]\nname = \"{name}\"\n{key} = \"{id}\"\n");
        let user = format!("[[user]]\nname = \"zoe@contoso.example\"\nid = \"{id}\"\n");
        let environment = |name: &str| {
            format!(
                "[[environment]]\nname = \"{name}\"\nid = \"{id}\"\nlocation = \"europe\"\nsku = \"Default\"\n"
            )
        };
        let one = application("x1", "client_id");
        assert_eq!(with(&one), "");
        assert!(
            with(&format!("{one}{}", application("x2", "client_id")))
                .contains("two applications have the client_id")
        );
        assert_eq!(with(&user), "");
        for key in ["id", "service_principal_id"] {
            assert!(
                with(&format!("{user}{}", application("x1", key))).contains("two objects have the id"),
                "{key}"
            );
        }
        assert_eq!(with(&environment("e1")), "");
        assert!(with(&format!("{}{}", environment("e1"), environment("e2"))).contains("two environments"));
    }

    #[test]
    fn two_users_or_two_sources_of_one_password_are_refused() {
        let twice =
            WHOLE.replace("[[environment]]", "[[user]]\nname = \"ADA@contoso.example\"\n[[environment]]");
        assert!(TenantFile::parse(&twice).unwrap_err().0.contains("two users"));
        let both = WHOLE.replacen("roles = [", "password_env = \"X\"\nroles = [", 1);
        assert!(TenantFile::parse(&both).unwrap_err().0.contains("write only one of"));
    }
}
