//! What every registration must hold, however it came to be: lengths, lists, redirect URIs, names and key ids.
//! What a registration held before a rule was made stays; only what is added is refused.

use super::{Application, RedirectUris, bad, identifier_uri};
use crate::{
    access::Caller,
    credential::{CertificateCredential, FederatedCredential, SecretCredential},
    directory::Directory,
    permission::{self, AppRole, PermissionScope},
    redirect,
    refusal::Refusal,
    text::{DESCRIPTION, NAME, TAG, Text, check_kept, check_texts, cut},
};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Most entries of any list of a registration.
const MOST: usize = 1000;
/// Most bytes of all texts and certificates of a registration together.
const LARGEST: usize = 256 * 1024;
/// Most bytes of one certificate.
const LARGEST_CERTIFICATE: usize = 16 * 1024;
/// Longest issuer, subject, audience and description of a federated credential, in characters.
const FEDERATED: usize = 600;
/// Longest name of a federated credential, in characters.
const FEDERATED_NAME: usize = 120;
/// Longest identifier URI, in characters.
const IDENTIFIER_URI: usize = 255;
/// Longest redirect URI, in characters.
const REDIRECT_URI: usize = 2048;
/// Longest value of a scope or an application role, in characters.
const PERMISSION_VALUE: usize = 120;
/// Longest part of an optional claim, in characters.
const CLAIM: usize = 256;

/// Whether a registration may be kept. `held` is what it was before.
///
/// # Errors
/// [`Refusal::BadRequest`] names the property.
pub(super) fn check(
    caller: &Caller,
    directory: &Directory,
    held: Option<&Application>,
    it: &Application,
) -> Result<(), Refusal> {
    if held.is_none_or(|old| old.display_name != it.display_name) {
        permission::check_name("displayName", &it.display_name)?;
    }
    check_sizes(held, it)?;
    check_key_ids(held, it)?;
    check_redirects(held, it)?;
    for uri in &it.identifier_uris {
        let scheme = ["api://", "https://", "urn:"].iter().any(|scheme| uri.starts_with(scheme));
        if !scheme || uri.len() > IDENTIFIER_URI || uri.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad(
                "identifierUris",
                format!("`{}` is not an identifier URI such as api://{}", cut(uri), it.app_id),
            ));
        }
    }
    let held_uris = held.map_or(&[][..], |old| &old.identifier_uris);
    identifier_uri::check_added(caller, directory, held_uris, it)?;
    if it.requested_access_token_version.is_some_and(|version| !matches!(version, 1 | 2)) {
        return Err(bad(
            "api.requestedAccessTokenVersion",
            "requestedAccessTokenVersion is null, 1 or 2".into(),
        ));
    }
    it.optional_claims.check()?;
    permission::check_offered(&it.scopes, &it.app_roles)
}

/// Whether the credentials of a registration may be kept, when nothing else of it changes.
///
/// # Errors
/// [`Refusal::BadRequest`] names the property.
pub(super) fn check_credentials(held: &Application, it: &Application) -> Result<(), Refusal> {
    check_sizes(Some(held), it)?;
    check_key_ids(Some(held), it)
}

/// Lengths of texts and lists (`security.md`, row 143).
fn check_sizes(held: Option<&Application>, it: &Application) -> Result<(), Refusal> {
    let lists = [
        it.redirect_uris.web.len() + it.redirect_uris.spa.len() + it.redirect_uris.public.len(),
        it.identifier_uris.len(),
        it.required_resource_access.iter().map(|resource| 1 + resource.access.len()).sum(),
        it.scopes.len() + it.app_roles.len(),
        it.tags.len(),
    ];
    if lists.iter().any(|length| *length > MOST) || it.certificates.len() > 100 || it.federated.len() > 20 {
        return Err(bad("application", "a list of this application is longer than is kept".into()));
    }
    let none = BTreeMap::new();
    check_kept(&it.kept, held.map_or(&none, |old| &old.kept))?;
    let (new, old) = (texts(it), held.map(texts).unwrap_or_default());
    check_texts(&new, &old)?;
    let was_held = |name: &String| held.is_some_and(|old| old.federated.iter().any(|it| it.name == *name));
    let unsafe_name =
        it.federated.iter().map(|it| &it.name).find(|name| !is_url_safe(name) && !was_held(name));
    if let Some(name) = unsafe_name {
        let message = format!(
            "the name `{}` of a federated credential is not 1 to {FEDERATED_NAME} letters, digits, hyphens, \
             underscores, dots or tildes",
            cut(name)
        );
        return Err(bad("federatedIdentityCredentials.name", message));
    }
    let was_held = |der: &Vec<u8>| held.is_some_and(|old| old.certificates.iter().any(|it| it.der == *der));
    let large = |it: &&CertificateCredential| it.der.len() > LARGEST_CERTIFICATE && !was_held(&it.der);
    if it.certificates.iter().any(|certificate| large(&certificate)) {
        let message = format!("a certificate has more than {LARGEST_CERTIFICATE} bytes");
        return Err(bad("keyCredentials.key", message));
    }
    let size = |texts: &[Text<'_>], it: &Application| {
        let texts: usize = texts.iter().map(|it| it.text.len()).sum();
        texts + it.certificates.iter().map(|it| it.der.len()).sum::<usize>()
    };
    let (now, before) = (size(&new, it), held.map_or(0, |held| size(&old, held)));
    if now > LARGEST && now > before {
        let message = format!("the texts of this application have more than {LARGEST} bytes together");
        return Err(bad("application", message));
    }
    Ok(())
}

/// Every text of a registration with its limit. A property that is added to any of these types has to be named
/// here. What is kept as given is checked by [`check_kept`].
fn texts(it: &Application) -> Vec<Text<'_>> {
    let Application {
        id: _,
        app_id: _,
        display_name,
        description,
        notes,
        sign_in_audience: _,
        is_fallback_public_client: _,
        redirect_uris,
        identifier_uris,
        required_resource_access: _,
        scopes,
        app_roles,
        requested_access_token_version: _,
        secrets,
        certificates,
        federated,
        owners: _,
        tags,
        optional_claims,
        group_claims: _,
        kept: _,
        policy: _,
        created: _,
    } = it;
    let mut all = vec![Text::new("displayName", display_name, NAME)];
    all.extend(description.iter().map(|it| Text::new("description", it, DESCRIPTION)));
    all.extend(notes.iter().map(|it| Text::new("notes", it, DESCRIPTION)));
    let uris = [&redirect_uris.web, &redirect_uris.spa, &redirect_uris.public].into_iter().flatten();
    all.extend(uris.map(|it| Text::new("redirectUris", it, REDIRECT_URI)));
    all.extend(identifier_uris.iter().map(|it| Text::new("identifierUris", it, IDENTIFIER_URI)));
    for PermissionScope { id: _, value, display_name, description, admin_only: _, enabled: _ } in scopes {
        all.push(Text::new("api.oauth2PermissionScopes.value", value, PERMISSION_VALUE));
        all.push(Text::new("api.oauth2PermissionScopes.adminConsentDisplayName", display_name, NAME));
        all.push(Text::new("api.oauth2PermissionScopes.adminConsentDescription", description, DESCRIPTION));
    }
    for AppRole { id: _, value, display_name, description, for_applications: _, for_users: _, enabled: _ } in
        app_roles
    {
        all.push(Text::new("appRoles.value", value, PERMISSION_VALUE));
        all.push(Text::new("appRoles.displayName", display_name, NAME));
        all.push(Text::new("appRoles.description", description, DESCRIPTION));
    }
    for SecretCredential { key_id: _, display_name, hint: _, salt: _, digest: _, start: _, end: _ } in secrets
    {
        all.extend(display_name.iter().map(|it| Text::new("passwordCredentials.displayName", it, NAME)));
    }
    // A certificate's own fields are bounded by its size, and one of them is private to its file.
    let names = certificates.iter().filter_map(|it| it.display_name.as_ref());
    all.extend(names.map(|it| Text::new("keyCredentials.displayName", it, NAME)));
    for FederatedCredential { id: _, name, issuer, subject, audience, description } in federated {
        all.push(Text::new("federatedIdentityCredentials.name", name, FEDERATED_NAME));
        all.push(Text::new("federatedIdentityCredentials.issuer", issuer, FEDERATED));
        all.push(Text::new("federatedIdentityCredentials.subject", subject, FEDERATED));
        all.push(Text::new("federatedIdentityCredentials.audiences", audience, FEDERATED));
        let description = description.iter();
        all.extend(
            description.map(|it| Text::new("federatedIdentityCredentials.description", it, FEDERATED)),
        );
    }
    all.extend(tags.iter().map(|it| Text::new("tags", it, TAG)));
    all.extend(optional_claims.texts().map(|it| Text::new("optionalClaims", it, CLAIM)));
    all
}

/// A segment of an address needs no escape for it.
fn is_url_safe(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
}

/// Secrets, certificates and federated credentials of a registration have different ids, so that an id names
/// one credential (`security.md`, row 158).
fn check_key_ids(held: Option<&Application>, it: &Application) -> Result<(), Refusal> {
    let counted = |it: &Application| {
        let mut counts: HashMap<Uuid, usize> = HashMap::new();
        let secrets = it.secrets.iter().map(|it| it.key_id.uuid());
        let certificates = it.certificates.iter().map(|it| it.key_id.uuid());
        let federated = it.federated.iter().map(|it| it.id.uuid());
        for id in secrets.chain(certificates).chain(federated) {
            *counts.entry(id).or_default() += 1;
        }
        counts
    };
    let before = held.map(counted).unwrap_or_default();
    let twice =
        counted(it).into_iter().find(|(id, count)| *count > before.get(id).copied().unwrap_or(0).max(1));
    match twice {
        None => Ok(()),
        Some((id, _)) => Err(bad(
            "keyCredentials.keyId",
            format!("the keyId {id} stands for another credential of this application already"),
        )),
    }
}

/// The form of the redirect URIs and of the logout URL that are new (`security.md`, row 160).
fn check_redirects(held: Option<&Application>, it: &Application) -> Result<(), Refusal> {
    let none = RedirectUris::default();
    let (new, old) = (&it.redirect_uris, held.map_or(&none, |old| &old.redirect_uris));
    for (platform, uris, held) in
        [("web", &new.web, &old.web), ("spa", &new.spa, &old.spa), ("publicClient", &new.public, &old.public)]
    {
        let held: HashSet<&String> = held.iter().collect();
        for uri in uris.iter().filter(|uri| !held.contains(uri)) {
            let wrong = |why: &str| {
                bad(&format!("{platform}.redirectUris"), format!("the redirect URI `{}` {why}", cut(uri)))
            };
            redirect::check(uri, platform == "publicClient").map_err(wrong)?;
            if let Some(name) = redirect::answer_parameter(uri) {
                return Err(wrong(&format!(
                    "has the parameter '{name}' in its query, which the answer to a sign-in carries; name it \
                     differently"
                )));
            }
        }
    }
    if let Some(uri) = it.logout_url().filter(|uri| held.and_then(Application::logout_url) != Some(*uri))
        && let Err(why) = redirect::check_logout(uri)
    {
        return Err(bad("web.logoutUrl", format!("the logout URL `{}` {why}", cut(uri))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::fixture::{admin, directory, everyone, moment, operator};
    use carnet_wire::ids::KeyId;
    use serde_json::{Value, json};

    fn made(directory: &mut Directory, caller: &Caller, changes: Changes) -> Application {
        let new = New { display_name: "app".into(), changes, ..New::default() };
        let made = create(caller, directory, new, &moment()).unwrap();
        directory.apply(made.changes);
        made.value
    }

    fn id(number: u128) -> KeyId {
        KeyId::new(Uuid::from_u128(number))
    }

    fn scope(value: &str, display_name: &str, description: &str) -> PermissionScope {
        PermissionScope {
            id: id(1),
            value: value.into(),
            display_name: display_name.into(),
            description: description.into(),
            admin_only: false,
            enabled: false,
        }
    }

    fn role(value: &str, display_name: &str, description: &str) -> AppRole {
        AppRole {
            id: id(2),
            value: value.into(),
            display_name: display_name.into(),
            description: description.into(),
            for_applications: true,
            for_users: false,
            enabled: false,
        }
    }

    fn federated(name: &str, text: &str) -> FederatedCredential {
        FederatedCredential {
            id: ObjectId::new(Uuid::from_u128(3)),
            name: name.into(),
            issuer: text.into(),
            subject: text.into(),
            audience: text.into(),
            description: Some(text.into()),
        }
    }

    fn certificate(number: u128, name: &str, length: usize) -> CertificateCredential {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let made = rcgen::CertificateParams::new(vec!["c".into()]).unwrap().self_signed(&pair).unwrap();
        let read = carnet_wire::jose::Certificate::from_der(made.der()).unwrap();
        let mut made = CertificateCredential::new(&read, (None, None), moment().entropy);
        (made.key_id, made.display_name) = (id(number), Some(name.into()));
        if length > 0 {
            made.der = vec![0; length];
        }
        made
    }

    type Change = Box<dyn Fn(&str) -> Changes>;

    /// Every text of a registration that a change can set, with its limit.
    fn settable() -> Vec<(&'static str, usize, Change)> {
        fn of(change: impl Fn(&str, &mut Changes) + 'static) -> Change {
            Box::new(move |text| {
                let mut changes = Changes::default();
                change(text, &mut changes);
                changes
            })
        }
        let kept = |name: &'static str| of(move |text, it| it.kept = vec![(name, json!(text))]);
        vec![
            ("displayName", 256, of(|text, it| it.display_name = Some(text.into()))),
            ("description", 1024, of(|text, it| it.description = Some(Some(text.into())))),
            ("notes", 1024, of(|text, it| it.notes = Some(Some(text.into())))),
            ("tags", 256, of(|text, it| it.tags = Some(vec!["a".into(), text.into()]))),
            ("adminConsentDisplayName", 256, of(|text, it| it.scopes = Some(vec![scope("read", text, "")]))),
            ("adminConsentDescription", 1024, of(|text, it| it.scopes = Some(vec![scope("read", "", text)]))),
            ("value", 120, of(|text, it| it.scopes = Some(vec![scope(text, "", "")]))),
            ("appRoles.displayName", 256, of(|text, it| it.app_roles = Some(vec![role("read", text, "")]))),
            ("appRoles.description", 1024, of(|text, it| it.app_roles = Some(vec![role("read", "", text)]))),
            ("appRoles.value", 120, of(|text, it| it.app_roles = Some(vec![role(text, "", "")]))),
            ("name", 120, of(|text, it| it.federated = Some(vec![federated(text, "x")]))),
            ("issuer", 600, of(|text, it| it.federated = Some(vec![federated("x", text)]))),
            (
                "keyCredentials.displayName",
                256,
                of(|text, it| it.certificates = Some(vec![certificate(1, text, 1)])),
            ),
            ("web.homePageUrl", 2048, kept("web.homePageUrl")),
            ("info", 2048, of(|text, it| it.kept = vec![("info", json!({ "logoUrl": [text] }))])),
        ]
    }

    #[test]
    fn every_text_has_its_length_row_143() {
        for caller in [everyone(), admin(), operator()] {
            let mut directory = directory();
            let app = made(&mut directory, &everyone(), Changes::default());
            let caller = if matches!(caller, Caller::User { .. }) { everyone() } else { caller };
            for (property, limit, with) in settable() {
                let try_with = |length: usize| {
                    let changes = with(&"x".repeat(length));
                    let changed = change(&caller, &directory, app.id, changes);
                    let new = New {
                        display_name: "x".into(),
                        changes: with(&"x".repeat(length)),
                        ..New::default()
                    };
                    assert_eq!(changed.is_ok(), create(&caller, &directory, new, &moment()).is_ok());
                    changed.map(drop)
                };
                assert_eq!(try_with(limit), Ok(()), "{property}");
                let told = try_with(limit + 1).unwrap_err().to_string();
                let number = if property.ends_with("value") {
                    told.contains("120")
                } else {
                    told.contains(&limit.to_string())
                };
                assert!(number && told.len() < 1024, "{property}: {told}");
            }
        }
    }

    #[test]
    fn what_was_held_before_does_not_stop_another_change() {
        let mut directory = directory();
        let app = made(&mut directory, &everyone(), Changes::default());
        let mut old = app.clone();
        let long = "x".repeat(60 * 1024);
        (old.display_name, old.description, old.tags) =
            ("a\u{202e}".into(), Some(long.clone()), vec![long.clone()]);
        old.redirect_uris.web = vec!["https://a.example/?code=x".into(), "nonsense".into()];
        old.identifier_uris = vec!["api://somebody".into()];
        old.federated = vec![federated("a name", "x")];
        old.kept = BTreeMap::from([
            ("info".into(), json!([long, long])),
            ("web.logoutUrl".into(), json!("nonsense")),
        ]);
        old.certificates = vec![certificate(7, "a", 0), certificate(7, "b", 0)];
        directory.apply([crate::change::Change::Put(Object::Application(old.clone().into()))]);
        let with = |changes| change(&everyone(), &directory, app.id, changes);
        assert!(with(Changes { notes: Some(Some("new".into())), ..Changes::default() }).is_ok());
        assert!(add_secret(&everyone(), &directory, app.id, NewSecret::default(), &moment()).is_ok());
        // Less is better, and more is not.
        let web = |uris: &[&str]| Changes {
            web: Some(uris.iter().map(|it| (*it).to_owned()).collect()),
            ..Changes::default()
        };
        assert!(with(web(&["https://a.example/?code=x"])).is_ok());
        assert!(with(web(&["https://a.example/?code=x", "https://a.example/?code=y"])).is_err());
        let moved = Changes { spa: web(&["https://a.example/?code=x"]).web, ..Changes::default() };
        assert!(with(moved).is_err());
        assert!(with(Changes { tags: Some(vec![long, "y".repeat(257)]), ..Changes::default() }).is_err());
        assert!(with(Changes { tags: Some(Vec::new()), ..Changes::default() }).is_ok());
    }

    #[test]
    fn a_registration_is_bounded_as_a_whole_row_143() {
        let mut directory = directory();
        let app = made(&mut directory, &everyone(), Changes::default());
        let with = |changes| change(&everyone(), &directory, app.id, changes);
        let tags = |count: usize| Changes { tags: Some(vec!["x".repeat(256); count]), ..Changes::default() };
        assert!(with(tags(1000)).is_ok() && with(tags(1001)).is_err());
        let both = Changes { description: Some(Some("x".repeat(1024))), ..tags(1000) };
        assert!(with(both.clone()).is_ok());
        let uris = (0..4).map(|it| format!("https://a.example/{it}{}", "x".repeat(2000))).collect();
        let told = with(Changes { web: Some(uris), ..both }).unwrap_err().to_string();
        assert!(told.contains("262144 bytes together"), "{told}");
        let large =
            |length| Changes { certificates: Some(vec![certificate(1, "a", length)]), ..Changes::default() };
        assert!(with(large(16 * 1024)).is_ok() && with(large(16 * 1024 + 1)).is_err());
        let kept = |count: usize| Changes {
            kept: vec![("info", json!(vec!["x".repeat(2000); count]))],
            ..Changes::default()
        };
        assert!(with(kept(32)).is_ok() && with(kept(33)).is_err());
        assert!(with(Changes { kept: vec![("info", Value::Null)], ..Changes::default() }).is_ok());
    }

    #[test]
    fn an_id_names_one_credential_row_158() {
        let mut directory = directory();
        let app = made(&mut directory, &everyone(), Changes::default());
        let added = add_secret(&everyone(), &directory, app.id, NewSecret::default(), &moment()).unwrap();
        directory.apply(added.changes);
        let secret = added.value.0.key_id;
        let (a, b) = (certificate(1, "a", 0), certificate(2, "b", 0));
        let with = |certificates: Vec<CertificateCredential>, federated: Vec<FederatedCredential>| {
            let changes = Changes {
                certificates: Some(certificates),
                federated: Some(federated),
                ..Changes::default()
            };
            change(&everyone(), &directory, app.id, changes).map(drop)
        };
        assert_eq!(with(vec![a.clone(), b.clone()], vec![federated("x", "x")]), Ok(()));
        let named = |key_id| {
            let mut it = b.clone();
            it.key_id = key_id;
            it
        };
        let (of_secret, same, third) = (named(secret), named(a.key_id), named(id(3)));
        for (certificates, federated) in [
            (vec![a.clone(), same], vec![]),
            (vec![a.clone(), a.clone()], vec![]),
            (vec![a.clone(), of_secret], vec![]),
            (vec![a, third], vec![federated("x", "x")]),
            (vec![], vec![federated("x", "x"), federated("y", "y")]),
        ] {
            let told = with(certificates, federated).unwrap_err();
            assert!(
                matches!(&told, Refusal::BadRequest { target: Some(it), .. } if it == "keyCredentials.keyId"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_name_of_a_federated_credential_fits_into_an_address() {
        let mut directory = directory();
        let app = made(&mut directory, &everyone(), Changes::default());
        let with = |name: &str| {
            let changes = Changes { federated: Some(vec![federated(name, "x")]), ..Changes::default() };
            change(&operator(), &directory, app.id, changes).is_ok()
        };
        assert!(with("GitHub-main_1.0~x"));
        for name in ["", "a b", "a/b", "a%20b", "\u{e4}", "a?b"] {
            assert!(!with(name), "{name}");
        }
    }
}
