//! What a request says of a registration: Graph's properties as the changes of the rule.

use carnet_tenant::{
    application::{Application, Changes, SignInAudience},
    credential::CertificateCredential,
    optional_claims::{GroupClaims, Listed, OptionalClaim, OptionalClaims},
    permission::{AppRole, PermissionScope, RequiredAccess, RequiredResource},
};
use carnet_wire::{
    entropy::Entropy,
    graph::members::{BodyError, Members},
    ids::KeyId,
    jose::Certificate,
};
use serde_json::{Map, Value};

/// Properties that are kept as given, with the path of the object they stand in.
const KEPT: [&str; 5] = [
    "isDeviceOnlyAuthSupported",
    "serviceManagementReference",
    "samlMetadataUrl",
    "defaultRedirectUri",
    "servicePrincipalLockConfiguration",
];
/// Properties that only the service sets; tools that send a whole object back repeat them.
const READ_ONLY: [&str; 13] = [
    "id",
    "appId",
    "createdDateTime",
    "deletedDateTime",
    "publisherDomain",
    "verifiedPublisher",
    "certification",
    "disabledByMicrosoftStatus",
    "applicationTemplateId",
    "addIns",
    "tokenEncryptionKeyId",
    "requestSignatureVerification",
    "oauth2RequirePostResponse",
];

/// Reads a body. `old` is the registration that it changes.
pub(super) fn changes(
    map: &Map<String, Value>,
    old: Option<&Application>,
    entropy: &dyn Entropy,
) -> Result<Changes, BodyError> {
    let mut body = Members::of(map);
    let mut changes = Changes {
        display_name: body.text("displayName")?.flatten(),
        description: body.text("description")?,
        notes: body.text("notes")?,
        sign_in_audience: audience(&mut body)?,
        is_fallback_public_client: body.boolean("isFallbackPublicClient")?,
        identifier_uris: body.texts("identifierUris")?,
        tags: body.texts("tags")?,
        required_resource_access: body.list("requiredResourceAccess", required)?,
        app_roles: body.list("appRoles", app_role)?,
        certificates: certificates(&mut body, old, entropy)?,
        optional_claims: optional_claims(&mut body)?,
        group_claims: group_claims(&mut body)?,
        ..Changes::default()
    };
    platforms(&mut body, &mut changes)?;
    if let Some(mut api) = body.object("api")? {
        changes.scopes = api.list("oauth2PermissionScopes", scope)?;
        changes.requested_access_token_version = api.small("requestedAccessTokenVersion")?;
        for (name, path) in [
            ("acceptMappedClaims", "api.acceptMappedClaims"),
            ("knownClientApplications", "api.knownClientApplications"),
            ("preAuthorizedApplications", "api.preAuthorizedApplications"),
        ] {
            keep(&mut changes, api.any(name), path);
        }
        api.finish()?;
    }
    for name in KEPT.into_iter().chain(["info", "parentalControlSettings"]) {
        keep(&mut changes, body.any(name), name);
    }
    let secrets =
        body.any("passwordCredentials").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if secrets && old.is_none() {
        return Err(body.wrong("passwordCredentials", "to be left out; call addPassword"));
    }
    for name in READ_ONLY {
        body.any(name);
    }
    body.finish()?;
    Ok(changes)
}

fn keep(changes: &mut Changes, value: Option<&Value>, path: &'static str) {
    if let Some(value) = value {
        changes.kept.push((path, value.clone()));
    }
}

fn audience(body: &mut Members<'_>) -> Result<Option<SignInAudience>, BodyError> {
    let Some(word) = body.text("signInAudience")?.flatten() else { return Ok(None) };
    let names =
        "AzureADMyOrg, AzureADMultipleOrgs, AzureADandPersonalMicrosoftAccount or PersonalMicrosoftAccount";
    SignInAudience::parse(&word).map(Some).ok_or_else(|| body.wrong("signInAudience", names))
}

/// `optionalClaims`; a null asks for none.
fn optional_claims(body: &mut Members<'_>) -> Result<Option<OptionalClaims>, BodyError> {
    let null = body.any("optionalClaims").is_some_and(Value::is_null);
    let Some(mut object) = body.object("optionalClaims")? else {
        return Ok(null.then(OptionalClaims::default));
    };
    let mut list = |name| Ok(Listed::from(object.list(name, claim)?.unwrap_or_default()));
    let claims = OptionalClaims {
        id_token: list("idToken")?,
        access_token: list("accessToken")?,
        saml2_token: list("saml2Token")?,
    };
    object.finish()?;
    Ok(Some(claims))
}

fn claim(item: &mut Members<'_>) -> Result<OptionalClaim, BodyError> {
    let name = item.text("name")?.flatten();
    Ok(OptionalClaim {
        name: needed(name, item, "name", "the claim's name")?,
        source: item.text("source")?.flatten(),
        essential: item.boolean("essential")?.flatten().unwrap_or(false),
        additional_properties: item.texts("additionalProperties")?.unwrap_or_default(),
    })
}

/// `groupMembershipClaims`; a null says nothing of them.
fn group_claims(body: &mut Members<'_>) -> Result<Option<Option<GroupClaims>>, BodyError> {
    let words = "None, SecurityGroup, DirectoryRole, ApplicationGroup or All";
    match body.text("groupMembershipClaims")? {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(text)) => match GroupClaims::parse(&text) {
            Some(claims) => Ok(Some(Some(claims))),
            None => Err(body.wrong("groupMembershipClaims", words)),
        },
    }
}

fn platforms(body: &mut Members<'_>, changes: &mut Changes) -> Result<(), BodyError> {
    if let Some(mut web) = body.object("web")? {
        changes.web = web.texts("redirectUris")?;
        for (name, path) in [
            ("homePageUrl", "web.homePageUrl"),
            ("logoutUrl", "web.logoutUrl"),
            ("implicitGrantSettings", "web.implicitGrantSettings"),
        ] {
            keep(changes, web.any(name), path);
        }
        web.any("redirectUriSettings");
        web.finish()?;
    }
    if let Some(mut spa) = body.object("spa")? {
        changes.spa = spa.texts("redirectUris")?;
        spa.finish()?;
    }
    if let Some(mut public) = body.object("publicClient")? {
        changes.public = public.texts("redirectUris")?;
        public.finish()?;
    }
    Ok(())
}

fn needed<T>(value: Option<T>, item: &Members<'_>, name: &str, wants: &str) -> Result<T, BodyError> {
    value.ok_or_else(|| item.wrong(name, wants))
}

fn required(item: &mut Members<'_>) -> Result<RequiredResource, BodyError> {
    let resource = item.id("resourceAppId")?;
    let access = item.list("resourceAccess", |it| {
        let id = it.id("id")?;
        let id: KeyId = needed(id, it, "id", "the permission's GUID")?;
        match it.text("type")?.flatten().as_deref() {
            Some("Scope") => Ok(RequiredAccess::Scope(id)),
            Some("Role") => Ok(RequiredAccess::Role(id)),
            _ => Err(it.wrong("type", "Scope or Role")),
        }
    })?;
    Ok(RequiredResource {
        resource: needed(resource, item, "resourceAppId", "the API's GUID")?,
        access: access.unwrap_or_default(),
    })
}

fn scope(item: &mut Members<'_>) -> Result<PermissionScope, BodyError> {
    let id = item.id("id")?;
    let value = item.text("value")?.flatten();
    let admin_only = match item.text("type")?.flatten().as_deref() {
        None | Some("User") => false,
        Some("Admin") => true,
        Some(_) => return Err(item.wrong("type", "User or Admin")),
    };
    let display_name = item.text("adminConsentDisplayName")?.flatten().unwrap_or_default();
    let description = item.text("adminConsentDescription")?.flatten().unwrap_or_default();
    item.text("userConsentDisplayName")?;
    item.text("userConsentDescription")?;
    Ok(PermissionScope {
        id: needed(id, item, "id", "a GUID of your choice")?,
        value: needed(value, item, "value", "the scope's name")?,
        display_name,
        description,
        admin_only,
        enabled: item.boolean("isEnabled")?.flatten().unwrap_or(true),
    })
}

fn app_role(item: &mut Members<'_>) -> Result<AppRole, BodyError> {
    let id = item.id("id")?;
    let value = item.text("value")?.flatten();
    let members = item.texts("allowedMemberTypes")?.unwrap_or_default();
    if members.is_empty() || members.iter().any(|it| !matches!(it.as_str(), "User" | "Application")) {
        return Err(item.wrong("allowedMemberTypes", "one or both of User and Application"));
    }
    let display_name = item.text("displayName")?.flatten().unwrap_or_default();
    let description = item.text("description")?.flatten().unwrap_or_default();
    item.text("origin")?;
    Ok(AppRole {
        id: needed(id, item, "id", "a GUID of your choice")?,
        value: needed(value, item, "value", "the role's name")?,
        display_name,
        description,
        for_applications: members.iter().any(|it| it == "Application"),
        for_users: members.iter().any(|it| it == "User"),
        enabled: item.boolean("isEnabled")?.flatten().unwrap_or(true),
    })
}

/// The whole list of certificates: new ones with `key`, known ones by `keyId` or with their own `key`.
fn certificates(
    body: &mut Members<'_>,
    old: Option<&Application>,
    entropy: &dyn Entropy,
) -> Result<Option<Vec<CertificateCredential>>, BodyError> {
    let held: &[CertificateCredential] = old.map_or(&[], |it| &it.certificates);
    body.list("keyCredentials", |item| {
        let key_id: Option<KeyId> = item.id("keyId")?;
        let name = item.text("displayName")?.flatten();
        let period = (item.time("startDateTime")?.flatten(), item.time("endDateTime")?.flatten());
        item.any("customKeyIdentifier");
        let usage = (item.text("type")?.flatten(), item.text("usage")?.flatten());
        let known = |it: &&CertificateCredential| Some(it.key_id) == key_id;
        let Some(key) = item.text("key")?.flatten() else {
            let known = held.iter().find(known).cloned();
            return known.ok_or_else(|| item.wrong("key", "the certificate in base64"));
        };
        if usage.0.as_deref().is_some_and(|it| it != "AsymmetricX509Cert")
            || usage.1.as_deref().is_some_and(|it| it != "Verify")
        {
            return Err(item.wrong("type", "AsymmetricX509Cert with usage Verify"));
        }
        let read = Certificate::read(key.as_bytes()).map_err(|error| {
            let target = item.path("key");
            BodyError {
                message: format!(
                    "Key credential end date or key is invalid: the certificate in '{target}': {error}"
                ),
                target,
            }
        })?;
        if let Some(same) = held.iter().find(known).filter(|it| it.sha256 == read.sha256) {
            return Ok(same.clone());
        }
        let outside = period.0.is_some_and(|start| start < read.not_before)
            || period.1.is_some_and(|end| end > read.not_after);
        if outside {
            return Err(item.wrong("endDateTime", "dates within the certificate's own validity"));
        }
        let mut made = CertificateCredential::new(&read, period, entropy);
        made.key_id = key_id.unwrap_or(made.key_id);
        made.display_name = name.or(made.display_name);
        Ok(made)
    })
}
