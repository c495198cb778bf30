//! Applications: the registration a tenant owns (step 1 of the article), and the rules for creating
//! and changing it. Its presence in a tenant is `service_principal`; its credentials are `credential`.

mod check;
mod identifier_uri;
mod secret_end;

pub(crate) use identifier_uri::is_free;
pub use identifier_uri::{ForeignUri, foreign_uris};

use crate::{
    access::{self, Caller, authorize},
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    credential::{CertificateCredential, FederatedCredential, SecretCredential},
    directory::Directory,
    optional_claims::{GroupClaims, OptionalClaims},
    permission::{self, AppRole, PermissionScope, RequiredResource},
    quota,
    refusal::Refusal,
    role, service_principal,
    tenant::RefreshReuse,
};
use carnet_wire::{
    ids::{AppId, KeyId, ObjectId},
    secret::ClientSecret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The object's id.
    pub id: ObjectId,
    /// What clients send as `client_id`.
    pub app_id: AppId,
    /// The name people see.
    pub display_name: String,
    /// Free text.
    pub description: Option<String>,
    /// Free text for administrators.
    pub notes: Option<String>,
    /// Whose users may use it.
    pub sign_in_audience: SignInAudience,
    /// Step 3's switch. `None` is off.
    pub is_fallback_public_client: Option<bool>,
    /// Where authorization answers may go, by platform.
    pub redirect_uris: RedirectUris,
    /// Names under which tokens for this application are asked for.
    pub identifier_uris: Vec<String>,
    /// What the application says it needs (step 2); consent is what counts.
    pub required_resource_access: Vec<RequiredResource>,
    /// Delegated permissions this application offers.
    pub scopes: Vec<PermissionScope>,
    /// Application permissions and user roles this application offers.
    pub app_roles: Vec<AppRole>,
    /// Version of access tokens for this application: `None` and 1 are v1.0.
    pub requested_access_token_version: Option<u8>,
    /// Client secrets.
    pub secrets: Vec<SecretCredential>,
    /// Certificates.
    pub certificates: Vec<CertificateCredential>,
    /// Trust in tokens of outside issuers.
    pub federated: Vec<FederatedCredential>,
    /// Users and service principals that own it.
    pub owners: Vec<ObjectId>,
    /// Labels.
    pub tags: Vec<String>,
    /// Claims that tokens carry besides the usual ones.
    #[serde(default)]
    pub optional_claims: OptionalClaims,
    /// The groups that tokens name; `None`: nobody said.
    #[serde(default)]
    pub group_claims: Option<GroupClaims>,
    /// The rest of Graph's properties that are kept as given and read by no rule (`web.homePageUrl`,
    /// `info`, …), by Graph's property name.
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// Choices beside the tenant's.
    pub policy: ApplicationPolicy,
    /// When it was made.
    pub created: Timestamp,
}

impl Application {
    /// Its ID tokens may come back in an address: `web.implicitGrantSettings.enableIdTokenIssuance`, or the
    /// tenant file's `policy.implicit`.
    #[must_use]
    pub fn gives_id_tokens(&self) -> bool {
        self.implicit("enableIdTokenIssuance") || self.policy.implicit == Some(true)
    }

    /// Access tokens may come back in an address: `web.implicitGrantSettings.enableAccessTokenIssuance`.
    #[must_use]
    pub fn gives_access_tokens(&self) -> bool {
        self.implicit("enableAccessTokenIssuance")
    }

    fn implicit(&self, switch: &str) -> bool {
        let settings = self.kept.get("web.implicitGrantSettings");
        settings.and_then(|it| it.get(switch)).and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// Where it wants to hear of a sign-out, `web.logoutUrl`.
    #[must_use]
    pub fn logout_url(&self) -> Option<&str> {
        self.kept.get("web.logoutUrl").and_then(serde_json::Value::as_str).filter(|it| !it.is_empty())
    }
}

/// Graph's `signInAudience`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInAudience {
    /// This tenant only: the article's *Single tenant*.
    AzureADMyOrg,
    /// Any tenant.
    AzureADMultipleOrgs,
    /// Any tenant and personal accounts.
    AzureADandPersonalMicrosoftAccount,
    /// Personal accounts only.
    PersonalMicrosoftAccount,
}

impl SignInAudience {
    /// Reads Graph's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::AzureADMyOrg,
            Self::AzureADMultipleOrgs,
            Self::AzureADandPersonalMicrosoftAccount,
            Self::PersonalMicrosoftAccount,
        ];
        all.into_iter().find(|it| it.name() == word)
    }

    /// Personal accounts are among them.
    #[must_use]
    pub const fn has_personal(self) -> bool {
        matches!(self, Self::AzureADandPersonalMicrosoftAccount | Self::PersonalMicrosoftAccount)
    }

    /// Users of other tenants are among them.
    #[must_use]
    pub const fn is_multi_tenant(self) -> bool {
        matches!(self, Self::AzureADMultipleOrgs | Self::AzureADandPersonalMicrosoftAccount)
    }

    /// Graph's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AzureADMyOrg => "AzureADMyOrg",
            Self::AzureADMultipleOrgs => "AzureADMultipleOrgs",
            Self::AzureADandPersonalMicrosoftAccount => "AzureADandPersonalMicrosoftAccount",
            Self::PersonalMicrosoftAccount => "PersonalMicrosoftAccount",
        }
    }
}

/// Redirect URIs by platform; the platform decides whether a client is public.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectUris {
    /// Confidential web applications.
    pub web: Vec<String>,
    /// Single-page applications.
    pub spa: Vec<String>,
    /// Desktop and mobile applications.
    pub public: Vec<String>,
}

/// The platform of a redirect URI, which decides how the client proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// A server: it has a credential.
    Web,
    /// A script in a browser: no credential, and only across origins.
    Spa,
    /// A program on somebody's device: no credential.
    Public,
}

impl Platform {
    /// Clients of this platform have no credential.
    #[must_use]
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::Web)
    }
}

/// Choices of one application that win over the tenant's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationPolicy {
    /// Public clients must use PKCE. `None`: yes.
    pub pkce: Option<bool>,
    /// Implicit and hybrid answers may be enabled. `None`: no.
    pub implicit: Option<bool>,
    /// The device code grant is served. `None`: as the tenant says.
    pub device_code: Option<bool>,
    /// What becomes of used refresh tokens. `None`: as the tenant says.
    pub refresh_reuse: Option<RefreshReuse>,
}

/// What a new registration may say of itself; the rest comes by changing it.
#[derive(Debug, Clone, Default)]
pub struct New {
    /// The object id, if the operator fixes it.
    pub id: Option<ObjectId>,
    /// The application id, if the operator fixes it.
    pub app_id: Option<AppId>,
    /// The name people see.
    pub display_name: String,
    /// The rest.
    pub changes: Changes,
}

/// Properties of a registration that may be changed; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name people see.
    pub display_name: Option<String>,
    /// Free text.
    pub description: Option<Option<String>>,
    /// Free text.
    pub notes: Option<Option<String>>,
    /// Whose users may use it.
    pub sign_in_audience: Option<SignInAudience>,
    /// Step 3's switch.
    pub is_fallback_public_client: Option<Option<bool>>,
    /// All redirect URIs of a platform at once.
    pub web: Option<Vec<String>>,
    /// Likewise.
    pub spa: Option<Vec<String>>,
    /// Likewise.
    pub public: Option<Vec<String>>,
    /// All of them at once.
    pub identifier_uris: Option<Vec<String>>,
    /// All of them at once.
    pub required_resource_access: Option<Vec<RequiredResource>>,
    /// All of them at once.
    pub scopes: Option<Vec<PermissionScope>>,
    /// All of them at once.
    pub app_roles: Option<Vec<AppRole>>,
    /// 1, 2 or none.
    pub requested_access_token_version: Option<Option<u8>>,
    /// All of them at once.
    pub certificates: Option<Vec<CertificateCredential>>,
    /// All of them at once.
    pub federated: Option<Vec<FederatedCredential>>,
    /// All of them at once.
    pub tags: Option<Vec<String>>,
    /// All of them at once.
    pub optional_claims: Option<OptionalClaims>,
    /// The groups that tokens name.
    pub group_claims: Option<Option<GroupClaims>>,
    /// Choices beside the tenant's.
    pub policy: Option<ApplicationPolicy>,
    /// Further Graph properties to keep, by path; a null forgets one.
    pub kept: Vec<(&'static str, serde_json::Value)>,
}

/// What a new secret may say of itself.
#[derive(Debug, Clone, Default)]
pub struct NewSecret {
    /// The name people see.
    pub name: Option<String>,
    /// The value, if the operator fixes it; else it is generated.
    pub value: Option<ClientSecret>,
    /// Valid from; now, unless said.
    pub start: Option<Timestamp>,
    /// Valid until; two years later, unless said.
    pub end: Option<Timestamp>,
}

/// Registers an application (step 1).
///
/// # Errors
/// [`Refusal`]
pub fn create(
    caller: &Caller,
    directory: &Directory,
    new: New,
    at: &Moment<'_>,
) -> Result<Decided<Application>, Refusal> {
    authorize(caller, directory, &access::CREATE_APPLICATION, &[])?;
    let closed = !directory.tenant.policy.users_create_applications;
    let administrators =
        &[role::GLOBAL_ADMINISTRATOR, role::APPLICATION_ADMINISTRATOR, role::CLOUD_APPLICATION_ADMINISTRATOR];
    if let Caller::User { user, .. } = caller
        && closed
        && !role::held(directory, *user, administrators)
    {
        return Err(Refusal::Forbidden {
            needs: "in this tenant only administrators register applications".into(),
        });
    }
    quota::require_room(caller, directory, &access::CHANGE_APPLICATION)?;
    let owners = match caller {
        Caller::User { user, .. } => vec![*user],
        Caller::Application { principal, .. } => vec![*principal],
        Caller::Operator { .. } => Vec::new(),
    };
    let mut application = Application {
        id: new.id.unwrap_or_else(|| ObjectId::new(at.entropy.uuid())),
        app_id: new.app_id.unwrap_or_else(|| AppId::new(at.entropy.uuid())),
        display_name: new.display_name,
        description: None,
        notes: None,
        // Sources disagree about the default; the newest description calls this one it, and it is the safe one.
        sign_in_audience: SignInAudience::AzureADMyOrg,
        is_fallback_public_client: None,
        redirect_uris: RedirectUris::default(),
        identifier_uris: Vec::new(),
        required_resource_access: Vec::new(),
        scopes: Vec::new(),
        app_roles: Vec::new(),
        requested_access_token_version: None,
        secrets: Vec::new(),
        certificates: Vec::new(),
        federated: Vec::new(),
        owners,
        tags: Vec::new(),
        optional_claims: OptionalClaims::default(),
        group_claims: None,
        kept: Default::default(),
        policy: ApplicationPolicy::default(),
        created: at.now,
    };
    take(&mut application, new.changes);
    check::check(caller, directory, None, &application)?;
    if directory.application_by_app(application.app_id).is_some() {
        return Err(Refusal::ObjectConflict { property: "appId" });
    }
    let audit = audit(caller, "Add application", &application, Vec::new());
    let change = Change::Put(Object::Application(application.clone().into()));
    Ok(Decided { value: application, changes: vec![change], audit: vec![audit] })
}

/// Changes a registration; lists are replaced whole. Its service principal follows.
///
/// # Errors
/// [`Refusal`]
pub fn change(
    caller: &Caller,
    directory: &Directory,
    id: ObjectId,
    changes: Changes,
) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_APPLICATION, &old.owners)?;
    let credentials = changes.certificates.is_some() || changes.federated.is_some();
    if credentials {
        permission::require_authority_over(caller, directory, old.app_id)?;
    }
    let mut new = (**old).clone();
    take(&mut new, changes);
    check::check(caller, directory, Some(old), &new)?;
    disabled_before_removed(old, &new)?;
    if new == **old {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let activity = if credentials {
        "Update application – Certificates and secrets management"
    } else {
        "Update application"
    };
    let audit = audit(caller, activity, &new, differences(old, &new));
    let mut list = vec![Change::Put(Object::Application(new.clone().into()))];
    list.extend(service_principal::follow(directory, &new));
    Ok(Decided { value: (), changes: list, audit: vec![audit] })
}

/// Deletes a registration, with its service principal and everything that hangs on it.
///
/// # Errors
/// [`Refusal`]
pub fn delete(caller: &Caller, directory: &Directory, id: ObjectId) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_APPLICATION, &old.owners)?;
    let mut changes = vec![Change::Remove(ObjectKey::Application(id))];
    if let Some(principal) = directory.principal_by_app(old.app_id) {
        changes.extend(service_principal::removal(directory, principal));
    }
    let audit = audit(caller, "Delete application", old, Vec::new());
    Ok(Decided { value: (), changes, audit: vec![audit] })
}

/// Adds a secret. Without one it is generated; either way the value is shown this once.
///
/// # Errors
/// [`Refusal`]
pub fn add_secret(
    caller: &Caller,
    directory: &Directory,
    id: ObjectId,
    wanted: NewSecret,
    at: &Moment<'_>,
) -> Result<Decided<(SecretCredential, ClientSecret)>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_CREDENTIALS, &old.owners)?;
    permission::require_authority_over(caller, directory, old.app_id)?;
    let start = wanted.start.unwrap_or(at.now);
    let operator = matches!(caller, Caller::Operator { .. });
    let end = secret_end::of(caller, directory, (start, wanted.end), at.now)?;
    if old.secrets.len() >= 100 {
        return Err(bad(
            "passwordCredentials",
            "an application holds at most 100 secrets; remove one first".into(),
        ));
    }
    let secret = wanted.value.unwrap_or_else(|| at.entropy.client_secret());
    let start = if operator && end <= start { end.plus_seconds(-1) } else { start };
    let credential = SecretCredential::new(wanted.name, &secret, (start, end), at.entropy);
    let mut new = (**old).clone();
    new.secrets.push(credential.clone());
    check::check_credentials(old, &new)?;
    let activity = "Update application – Certificates and secrets management";
    let modified =
        vec![("passwordCredentials".to_owned(), String::new(), format!("added {}", credential.key_id))];
    let audit = audit(caller, activity, &new, modified);
    let change = Change::Put(Object::Application(new.into()));
    Ok(Decided { value: (credential, secret), changes: vec![change], audit: vec![audit] })
}

/// Removes a secret.
///
/// # Errors
/// [`Refusal`]
pub fn remove_secret(
    caller: &Caller,
    directory: &Directory,
    id: ObjectId,
    key: KeyId,
) -> Result<Decided<()>, Refusal> {
    let old = found(directory, id)?;
    authorize(caller, directory, &access::CHANGE_CREDENTIALS, &old.owners)?;
    let mut new = (**old).clone();
    new.secrets.retain(|secret| secret.key_id != key);
    if new.secrets.len() == old.secrets.len() {
        return Err(bad("keyId", format!("no password credential has the keyId {key}")));
    }
    let modified = vec![("passwordCredentials".to_owned(), format!("removed {key}"), String::new())];
    let audit = audit(caller, "Update application – Certificates and secrets management", &new, modified);
    Ok(Decided { value: (), changes: vec![Change::Put(Object::Application(new.into()))], audit: vec![audit] })
}

fn found(directory: &Directory, id: ObjectId) -> Result<&std::sync::Arc<Application>, Refusal> {
    directory.application(id).ok_or_else(|| Refusal::NotFound { id: id.to_string() })
}

fn bad(target: &str, message: String) -> Refusal {
    Refusal::BadRequest { message, target: Some(target.to_owned()) }
}

fn audit(
    caller: &Caller,
    activity: &str,
    it: &Application,
    modified: Vec<(String, String, String)>,
) -> Audit {
    let target = ("application".to_owned(), it.id.to_string(), it.display_name.clone());
    Audit { activity: activity.to_owned(), actor: caller.actor(), target, modified }
}

fn take(it: &mut Application, changes: Changes) {
    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    set(&mut it.display_name, changes.display_name);
    set(&mut it.description, changes.description);
    set(&mut it.notes, changes.notes);
    set(&mut it.sign_in_audience, changes.sign_in_audience);
    set(&mut it.is_fallback_public_client, changes.is_fallback_public_client);
    set(&mut it.redirect_uris.web, changes.web);
    set(&mut it.redirect_uris.spa, changes.spa);
    set(&mut it.redirect_uris.public, changes.public);
    set(&mut it.identifier_uris, changes.identifier_uris);
    set(&mut it.required_resource_access, changes.required_resource_access);
    set(&mut it.scopes, changes.scopes);
    set(&mut it.app_roles, changes.app_roles);
    set(&mut it.requested_access_token_version, changes.requested_access_token_version);
    set(&mut it.certificates, changes.certificates);
    set(&mut it.federated, changes.federated);
    set(&mut it.tags, changes.tags);
    set(&mut it.optional_claims, changes.optional_claims);
    set(&mut it.group_claims, changes.group_claims);
    set(&mut it.policy, changes.policy);
    for (name, value) in changes.kept {
        match value.is_null() {
            true => drop(it.kept.remove(name)),
            false => drop(it.kept.insert(name.to_owned(), value)),
        }
    }
}

/// A scope that is still enabled may not vanish in one step.
fn disabled_before_removed(old: &Application, new: &Application) -> Result<(), Refusal> {
    let gone =
        old.scopes.iter().find(|scope| scope.enabled && !new.scopes.iter().any(|it| it.id == scope.id));
    let role =
        old.app_roles.iter().find(|role| role.enabled && !new.app_roles.iter().any(|it| it.id == role.id));
    match gone.map(|it| &it.value).or(role.map(|it| &it.value)) {
        Some(value) => Err(bad(
            "api",
            format!("the permission `{value}` cannot be deleted or updated unless disabled first"),
        )),
        None => Ok(()),
    }
}

/// Names of the properties that differ, for the audit. Lists are named, not shown.
fn differences(old: &Application, new: &Application) -> Vec<(String, String, String)> {
    let mut list = Vec::new();
    if old.display_name != new.display_name {
        list.push(("displayName".to_owned(), old.display_name.clone(), new.display_name.clone()));
    }
    let switch = |it: &Application| it.is_fallback_public_client.unwrap_or(false).to_string();
    if switch(old) != switch(new) {
        list.push(("isFallbackPublicClient".to_owned(), switch(old), switch(new)));
    }
    let other = [
        ("redirectUris", old.redirect_uris != new.redirect_uris),
        ("identifierUris", old.identifier_uris != new.identifier_uris),
        ("requiredResourceAccess", old.required_resource_access != new.required_resource_access),
        ("oauth2PermissionScopes", old.scopes != new.scopes),
        ("appRoles", old.app_roles != new.app_roles),
        ("keyCredentials", old.certificates != new.certificates),
        ("federatedIdentityCredentials", old.federated != new.federated),
        (
            "optionalClaims",
            old.optional_claims != new.optional_claims || old.group_claims != new.group_claims,
        ),
        ("signInAudience", old.sign_in_audience != new.sign_in_audience),
        ("other", old.kept != new.kept || old.tags != new.tags || old.notes != new.notes),
    ];
    let named = other
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| ((*name).to_owned(), String::new(), String::new()));
    list.extend(named);
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{admin, directory, everyone, moment, nobody};

    fn new(name: &str) -> New {
        New { display_name: name.into(), ..New::default() }
    }

    #[test]
    fn a_member_registers_a_single_tenant_application_and_owns_it() {
        let (directory, caller) = (directory(), everyone());
        let made = create(&caller, &directory, new("reader"), &moment()).unwrap().value;
        assert_eq!(made.sign_in_audience, SignInAudience::AzureADMyOrg);
        assert!(matches!(caller, Caller::User { user, .. } if made.owners == [user]));
        assert!(create(&nobody(), &directory, new("reader"), &moment()).is_err());
    }

    #[test]
    fn names_redirects_and_uris_are_checked_row_61() {
        let directory = directory();
        let try_with =
            |changes: Changes| create(&admin(), &directory, New { changes, ..new("x") }, &moment());
        assert!(
            try_with(Changes { public: Some(vec!["http://localhost".into()]), ..Changes::default() }).is_ok()
        );
        for uri in ["JavaScript:alert(1)", "http://evil.example/", "https://a/#f", "https://*.a.example/"] {
            assert!(
                try_with(Changes { web: Some(vec![uri.into()]), ..Changes::default() }).is_err(),
                "{uri}"
            );
        }
        assert!(
            try_with(Changes { identifier_uris: Some(vec!["ftp://x".into()]), ..Changes::default() })
                .is_err()
        );
        for name in ["", "a\u{202e}b", &"x".repeat(300)] {
            assert!(create(&admin(), &directory, new(name), &moment()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_secret_is_shown_once_and_kept_as_a_digest() {
        let mut directory = directory();
        let made = create(&admin(), &directory, new("reader"), &moment()).unwrap();
        directory.apply(made.changes);
        let added = add_secret(&admin(), &directory, made.value.id, NewSecret::default(), &moment()).unwrap();
        let (credential, secret) = &added.value;
        assert!(credential.matches(secret) && secret.expose().starts_with(&credential.hint));
        assert!(!format!("{added:?}").contains(secret.expose()));
        directory.apply(added.changes.clone());
        let removed = remove_secret(&admin(), &directory, made.value.id, credential.key_id).unwrap();
        directory.apply(removed.changes);
        assert!(directory.application(made.value.id).is_some_and(|it| it.secrets.is_empty()));
        assert!(remove_secret(&admin(), &directory, made.value.id, credential.key_id).is_err());
        let past =
            NewSecret { start: None, end: Some(moment().now.plus_seconds(-1)), ..NewSecret::default() };
        assert!(add_secret(&admin(), &directory, made.value.id, past, &moment()).is_err());
    }

    #[test]
    fn only_owners_and_administrators_change_it() {
        let mut directory = directory();
        let made = create(&everyone(), &directory, new("mine"), &moment()).unwrap();
        directory.apply(made.changes);
        let on = || Changes { is_fallback_public_client: Some(Some(true)), ..Changes::default() };
        assert!(change(&everyone(), &directory, made.value.id, on()).is_ok());
        assert!(change(&admin(), &directory, made.value.id, on()).is_ok());
        let other = create(&admin(), &directory, new("theirs"), &moment()).unwrap();
        directory.apply(other.changes);
        assert!(matches!(
            change(&everyone(), &directory, other.value.id, on()),
            Err(Refusal::Forbidden { .. })
        ));
        assert!(matches!(delete(&everyone(), &directory, other.value.id), Err(Refusal::Forbidden { .. })));
    }

    #[test]
    fn the_same_change_again_changes_nothing() {
        let mut directory = directory();
        let made = create(&admin(), &directory, new("x"), &moment()).unwrap();
        directory.apply(made.changes);
        let same = change(&admin(), &directory, made.value.id, Changes::default()).unwrap();
        assert!(same.changes.is_empty() && same.audit.is_empty());
    }
}
