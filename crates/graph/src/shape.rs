//! Graph's view of the directory's objects: every property is there, nulls included, as Graph shows it.

use super::user_body::KEPT;
use carnet_tenant::{
    application::Application,
    credential::{CertificateCredential, SecretCredential},
    directory::Directory,
    group::{Group, MemberKind},
    optional_claims::{GroupClaims, Listed, OptionalClaim, OptionalClaims},
    permission::{AppRole, PermissionScope, RequiredAccess},
    permission_grant::{AppRoleAssignment, PermissionGrant},
    service_principal::ServicePrincipal,
    tenant::Tenant,
    user::User,
};
use carnet_wire::{digest, ids::TenantId, jose::Certificate};
use serde_json::{Value, json};

fn kept(it: &Application, name: &str, absent: Value) -> Value {
    it.kept.get(name).cloned().unwrap_or(absent)
}

/// A registration. `keys`: with the certificates themselves, which only a read of one object with
/// `$select=keyCredentials` shows.
pub(super) fn application(it: &Application, directory: &Directory, keys: bool) -> Value {
    let info = json!({"logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null});
    let parental = json!({"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"});
    json!({
        "id": it.id,
        "deletedDateTime": null,
        "appId": it.app_id,
        "applicationTemplateId": null,
        "disabledByMicrosoftStatus": null,
        "createdDateTime": it.created.iso(),
        "displayName": it.display_name,
        "description": it.description,
        "groupMembershipClaims": it.group_claims.map(GroupClaims::words),
        "identifierUris": it.identifier_uris,
        "isDeviceOnlyAuthSupported": kept(it, "isDeviceOnlyAuthSupported", Value::Null),
        "isFallbackPublicClient": it.is_fallback_public_client,
        "notes": it.notes,
        "publisherDomain": directory.tenant.domains.first(),
        "serviceManagementReference": kept(it, "serviceManagementReference", Value::Null),
        "signInAudience": it.sign_in_audience.name(),
        "tags": it.tags,
        "tokenEncryptionKeyId": null,
        "samlMetadataUrl": kept(it, "samlMetadataUrl", Value::Null),
        "defaultRedirectUri": kept(it, "defaultRedirectUri", Value::Null),
        "certification": null,
        "optionalClaims": optional_claims(&it.optional_claims),
        "requestSignatureVerification": null,
        "servicePrincipalLockConfiguration": kept(it, "servicePrincipalLockConfiguration", Value::Null),
        "addIns": [],
        "api": api(it),
        "appRoles": it.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "info": kept(it, "info", info),
        "keyCredentials": it.certificates.iter().map(|key| certificate(key, keys)).collect::<Vec<_>>(),
        "parentalControlSettings": kept(it, "parentalControlSettings", parental),
        "passwordCredentials": it.secrets.iter().map(secret).collect::<Vec<_>>(),
        "publicClient": { "redirectUris": it.redirect_uris.public },
        "requiredResourceAccess": required(it),
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
        "web": web(it),
        "spa": { "redirectUris": it.redirect_uris.spa },
    })
}

/// What was asked for; null where that is nothing.
fn optional_claims(it: &OptionalClaims) -> Value {
    if it.is_empty() {
        return Value::Null;
    }
    let list = |listed: &Listed| {
        let one = |it: &OptionalClaim| json!({"name": it.name, "source": it.source, "essential": it.essential, "additionalProperties": it.additional_properties});
        listed.list().iter().map(one).collect::<Vec<_>>()
    };
    json!({
        "idToken": list(&it.id_token), "accessToken": list(&it.access_token), "saml2Token": list(&it.saml2_token),
    })
}

fn api(it: &Application) -> Value {
    json!({
            "acceptMappedClaims": kept(it, "api.acceptMappedClaims", Value::Null),
            "knownClientApplications": kept(it, "api.knownClientApplications", json!([])),
            "requestedAccessTokenVersion": it.requested_access_token_version,
            "oauth2PermissionScopes": it.scopes.iter().map(scope).collect::<Vec<_>>(),
            "preAuthorizedApplications": kept(it, "api.preAuthorizedApplications", json!([])),
    })
}

fn web(it: &Application) -> Value {
    let no = json!({"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false});
    json!({
            "homePageUrl": kept(it, "web.homePageUrl", Value::Null),
            "logoutUrl": kept(it, "web.logoutUrl", Value::Null),
            "redirectUris": it.redirect_uris.web,
            "implicitGrantSettings": kept(it, "web.implicitGrantSettings", no),
            "redirectUriSettings": it.redirect_uris.web.iter().map(|uri| json!({"uri": uri, "index": null})).collect::<Vec<_>>(),
    })
}

/// What filters on registrations may speak of, without the cost of the whole.
pub(super) fn application_key(it: &Application) -> Value {
    json!({
        "id": it.id, "appId": it.app_id, "displayName": it.display_name,
        "identifierUris": it.identifier_uris, "signInAudience": it.sign_in_audience.name(), "tags": it.tags,
    })
}

fn required(it: &Application) -> Vec<Value> {
    let access = |access: &RequiredAccess| match access {
        RequiredAccess::Scope(id) => json!({"id": id, "type": "Scope"}),
        RequiredAccess::Role(id) => json!({"id": id, "type": "Role"}),
    };
    let one = |it: &carnet_tenant::permission::RequiredResource| json!({"resourceAppId": it.resource, "resourceAccess": it.access.iter().map(access).collect::<Vec<_>>()});
    it.required_resource_access.iter().map(one).collect()
}

fn scope(it: &PermissionScope) -> Value {
    json!({
        "adminConsentDescription": it.description,
        "adminConsentDisplayName": it.display_name,
        "id": it.id,
        "isEnabled": it.enabled,
        "type": if it.admin_only { "Admin" } else { "User" },
        "userConsentDescription": if it.admin_only { Value::Null } else { it.description.clone().into() },
        "userConsentDisplayName": if it.admin_only { Value::Null } else { it.display_name.clone().into() },
        "value": it.value,
    })
}

fn app_role(it: &AppRole) -> Value {
    let kinds = [("Application", it.for_applications), ("User", it.for_users)];
    json!({
        "allowedMemberTypes": kinds.iter().filter(|kind| kind.1).map(|kind| kind.0).collect::<Vec<_>>(),
        "description": it.description,
        "displayName": it.display_name,
        "id": it.id,
        "isEnabled": it.enabled,
        "origin": "Application",
        "value": it.value,
    })
}

/// A secret as it is shown after its first answer: without its value.
pub(super) fn secret(it: &SecretCredential) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": it.display_name,
        "endDateTime": it.end.iso(),
        "hint": it.hint,
        "keyId": it.key_id,
        "secretText": null,
        "startDateTime": it.start.iso(),
    })
}

fn certificate(it: &CertificateCredential, with_key: bool) -> Value {
    let key = || Certificate::from_der(&it.der).map(|read| read.base64()).ok();
    json!({
        "customKeyIdentifier": digest::hex(&it.sha1).to_uppercase(),
        "displayName": it.display_name,
        "endDateTime": it.end.iso(),
        "key": if with_key { key() } else { None },
        "keyId": it.key_id,
        "startDateTime": it.start.iso(),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// A service principal.
pub(super) fn principal(it: &ServicePrincipal, directory: &Directory) -> Value {
    let registered = directory.registered(it.app_id);
    let own = registered.as_ref().map(|it| &*it.application);
    let replies = own.map(|app| {
        let uris = &app.redirect_uris;
        [uris.web.clone(), uris.spa.clone(), uris.public.clone()].concat()
    });
    let audience = own.map_or("AzureADMultipleOrgs", |app| app.sign_in_audience.name());
    json!({
        "id": it.id,
        "deletedDateTime": null,
        "accountEnabled": it.enabled,
        "alternativeNames": [],
        "appDisplayName": it.display_name,
        "appDescription": null,
        "appId": it.app_id,
        "applicationTemplateId": null,
        "appOwnerOrganizationId": it.owner_tenant,
        "appRoleAssignmentRequired": it.assignment_required,
        "createdDateTime": it.created.iso(),
        "description": null,
        "disabledByMicrosoftStatus": null,
        "displayName": it.display_name,
        "homepage": null,
        "loginUrl": null,
        "logoutUrl": null,
        "notes": null,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null,
        "replyUrls": replies.unwrap_or_default(),
        "servicePrincipalNames": it.names,
        "servicePrincipalType": "Application",
        "signInAudience": audience,
        "tags": it.tags,
        "tokenEncryptionKeyId": null,
        "samlSingleSignOnSettings": null,
        "addIns": [],
        "appRoles": it.app_roles.iter().map(app_role).collect::<Vec<_>>(),
        "info": { "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null },
        "keyCredentials": [],
        "oauth2PermissionScopes": it.scopes.iter().map(scope).collect::<Vec<_>>(),
        "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [],
        "verifiedPublisher": { "displayName": null, "verifiedPublisherId": null, "addedDateTime": null },
    })
}

/// What filters on service principals may speak of.
pub(super) fn principal_key(it: &ServicePrincipal) -> Value {
    json!({
        "id": it.id, "appId": it.app_id, "displayName": it.display_name, "servicePrincipalNames": it.names,
        "appOwnerOrganizationId": it.owner_tenant, "accountEnabled": it.enabled,
        "servicePrincipalType": "Application", "tags": it.tags,
    })
}

/// A delegated grant.
pub(super) fn grant(it: &PermissionGrant) -> Value {
    json!({
        "clientId": it.key.client,
        "consentType": if it.key.principal.is_some() { "Principal" } else { "AllPrincipals" },
        "id": it.key.id(),
        "principalId": it.key.principal,
        "resourceId": it.key.resource,
        "scope": it.scopes.join(" "),
    })
}

/// An application-role assignment.
pub(super) fn assignment(it: &AppRoleAssignment, directory: &Directory) -> Value {
    let name = |id| {
        let principal = directory.principal(id).map(|it| it.display_name.clone());
        principal.or_else(|| directory.group(id).map(|it| it.display_name.clone()))
    };
    let kind = match directory.group(it.key.principal) {
        _ if it.user => "User",
        Some(_) => "Group",
        None => "ServicePrincipal",
    };
    json!({
        "id": it.id,
        "deletedDateTime": null,
        "appRoleId": it.key.role,
        "createdDateTime": it.created.iso(),
        "principalDisplayName": name(it.key.principal),
        "principalId": it.key.principal,
        "principalType": kind,
        "resourceDisplayName": name(it.key.resource),
        "resourceId": it.key.resource,
    })
}

/// A user. Without `$select` only the default set is shown.
pub(super) fn user(it: &User, all: bool) -> Value {
    let kept = |name: &str, absent: Value| it.kept.get(name).cloned().unwrap_or(absent);
    let mut shown = json!({
        "businessPhones": kept("businessPhones", json!([])),
        "displayName": it.display_name,
        "givenName": it.given_name,
        "jobTitle": kept("jobTitle", Value::Null),
        "mail": it.mail,
        "mobilePhone": kept("mobilePhone", Value::Null),
        "officeLocation": kept("officeLocation", Value::Null),
        "preferredLanguage": kept("preferredLanguage", Value::Null),
        "surname": it.surname,
        "userPrincipalName": it.name,
        "id": it.id,
    });
    let more = json!({
        "accountEnabled": it.enabled,
        "createdDateTime": it.created.iso(),
        "lastPasswordChangeDateTime": it.password_changed.iso(),
        "mailNickname": it.mail_nickname,
        "signInSessionsValidFromDateTime": it.sessions_valid_from.iso(),
        "userType": if it.guest { "Guest" } else { "Member" },
    });
    if let (true, Value::Object(shown), Value::Object(more)) = (all, &mut shown, more) {
        shown.extend(more);
        for name in KEPT {
            shown.entry(name).or_insert_with(|| kept(name, Value::Null));
        }
        shown.entry("otherMails").or_insert_with(|| kept("otherMails", json!([])));
    }
    shown
}

/// A group.
pub(super) fn group(it: &Group) -> Value {
    json!({
        "id": it.id,
        "deletedDateTime": null,
        "classification": null,
        "createdDateTime": it.created.iso(),
        "description": it.description,
        "displayName": it.display_name,
        "groupTypes": [],
        "isAssignableToRole": null,
        "mail": null,
        "mailEnabled": it.mail_enabled,
        "mailNickname": it.mail_nickname,
        "membershipRule": null,
        "proxyAddresses": [],
        "renewedDateTime": it.created.iso(),
        "securityEnabled": it.security_enabled,
        "uniqueName": null,
        "visibility": null,
    })
}

/// An object of a collection that mixes kinds: it says what it is.
pub(super) fn typed(kind: MemberKind, object: Value) -> Value {
    let name = match kind {
        MemberKind::User => "#microsoft.graph.user",
        MemberKind::ServicePrincipal => "#microsoft.graph.servicePrincipal",
        MemberKind::Group => "#microsoft.graph.group",
    };
    named(name, object)
}

/// A registration in a collection that mixes kinds.
pub(super) fn typed_application(object: Value) -> Value {
    named("#microsoft.graph.application", object)
}

fn named(name: &str, object: Value) -> Value {
    let mut typed = json!({ "@odata.type": name });
    if let (Value::Object(typed), Value::Object(members)) = (&mut typed, object) {
        typed.extend(members);
    }
    typed
}

/// The organization.
pub(super) fn organization(it: &Tenant) -> Value {
    let id: TenantId = it.id;
    let domain = |(at, name): (usize, &String)| json!({"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": at == 0, "isInitial": at == 0, "name": name, "type": "Managed"});
    json!({
        "id": id,
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": it.country,
        "createdDateTime": it.created.iso(),
        "displayName": it.display_name,
        "marketingNotificationEmails": [],
        "onPremisesSyncEnabled": null,
        "securityComplianceNotificationMails": [],
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": it.domains.iter().enumerate().map(domain).collect::<Vec<_>>(),
    })
}
