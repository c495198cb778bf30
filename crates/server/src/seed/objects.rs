//! Applications, consent, environments and packages of a tenant file.

use super::{
    Loaded,
    claims::{group_claims, optional_claims},
    draft::{Draft, Refused, reuse},
};
use carnet_tenant::{
    admin_registration,
    application::{self, Application, ApplicationPolicy, Changes, New, NewSecret, SignInAudience},
    change::Moment,
    credential::{CertificateCredential, FederatedCredential, SecretCredential},
    environment::{self, Environment},
    group::MemberKind,
    package::{self, Package},
    permission::{AppRole, PermissionScope, RequiredAccess, RequiredResource},
    permission_grant::{self, AssignmentKey, GrantKey},
    refusal::Refusal,
    service_principal,
};
use carnet_wire::{
    ids::{AppId, KeyId, ObjectId},
    jose::Certificate,
    tenant_file::{ApplicationTable, Exposed, PermissionTable, SecretTable},
};
use serde_json::{Value, json};

fn bad(target: &str, message: String) -> Refusal {
    Refusal::BadRequest { message, target: Some(target.to_owned()) }
}

fn about(table: &ApplicationTable) -> impl Fn(Refusal) -> Refused {
    let name = format!("application `{}`", table.name);
    move |no| (name.clone(), no)
}

/// Makes or changes every application, with its service principal and credentials. Gives their ids in the
/// file's order. What they need of each other comes later, when all of them are there.
pub(super) fn applications(
    draft: &mut Draft,
    loaded: &Loaded,
    at: &Moment<'_>,
) -> Result<Vec<AppId>, Refused> {
    let mut ids = Vec::new();
    for (table, certificates) in loaded.file.applications.iter().zip(&loaded.certificates) {
        ids.push(one(draft, table, certificates, at).map_err(about(table))?);
    }
    Ok(ids)
}

fn one(
    draft: &mut Draft,
    table: &ApplicationTable,
    certificates: &[Certificate],
    at: &Moment<'_>,
) -> Result<AppId, Refusal> {
    let old = existing(draft, table)?;
    let there = old.is_some();
    let (id, app_id, mut changed) = match old {
        Some((id, app_id)) => {
            let changes = described(draft, table, Some(id), certificates, at)?;
            let decided = application::change(&draft.caller, &draft.directory, id, changes)?;
            (id, app_id, draft.take(decided).1)
        }
        None => {
            let new = New {
                id: table.id,
                app_id: table.client_id,
                display_name: table.name.clone(),
                changes: described(draft, table, None, certificates, at)?,
            };
            let decided = application::create(&draft.caller, &draft.directory, new, at)?;
            let made = draft.take(decided).0;
            (made.id, made.app_id, true)
        }
    };
    changed |= principal(draft, table, app_id, at)?;
    for secret in &table.secrets {
        changed |= secret_of(draft, table, id, secret, at)?;
    }
    draft.report("application", &table.name, (there, changed));
    Ok(app_id)
}

/// The registration that the table means: by client id, else by name.
fn existing(draft: &Draft, table: &ApplicationTable) -> Result<Option<(ObjectId, AppId)>, Refusal> {
    let directory = &draft.directory;
    if let Some(app) = table.client_id {
        let found = directory.application_by_app(app);
        if let (Some(found), Some(id)) = (found, table.id)
            && found.id != id
        {
            return Err(bad(
                "id",
                format!("it has the object id {} already; write that one or none", found.id),
            ));
        }
        return Ok(found.map(|it| (it.id, it.app_id)));
    }
    let mut named = directory.applications(None).filter(|it| it.display_name == table.name);
    let found = named.next().map(|it| (it.id, it.app_id));
    match named.next() {
        Some(_) => {
            Err(bad("client_id", "several applications have this name; say which one by client_id".into()))
        }
        None => Ok(found),
    }
}

/// What the table says of the registration itself.
fn described(
    draft: &Draft,
    table: &ApplicationTable,
    id: Option<ObjectId>,
    certificates: &[Certificate],
    at: &Moment<'_>,
) -> Result<Changes, Refusal> {
    let old = id.and_then(|id| draft.directory.application(id));
    let exposes = &table.exposes;
    let offers =
        !exposes.scopes.is_empty() || !exposes.app_roles.is_empty() || !exposes.identifier_uris.is_empty();
    let mut held: Vec<CertificateCredential> = old.map(|it| it.certificates.clone()).unwrap_or_default();
    let known = held.len();
    for certificate in certificates {
        if !held.iter().any(|it| it.sha256 == certificate.sha256) {
            held.push(CertificateCredential::new(certificate, (None, None), at.entropy));
        }
    }
    let mut federated: Vec<FederatedCredential> = old.map(|it| it.federated.clone()).unwrap_or_default();
    for wanted in &table.federated {
        let known = federated.iter().position(|it| it.name == wanted.name);
        let credential = FederatedCredential {
            id: known.map_or_else(|| ObjectId::new(at.entropy.uuid()), |at| federated[at].id),
            name: wanted.name.clone(),
            issuer: wanted.issuer.clone(),
            subject: wanted.subject.clone(),
            audience: wanted.audience.clone(),
            description: None,
        };
        match known {
            Some(at) => federated[at] = credential,
            None => federated.push(credential),
        }
    }
    let redirects = &table.redirect_uris;
    let uris = |list: &Vec<String>| (id.is_none() || !list.is_empty()).then(|| list.clone());
    let policy = &table.policy;
    let chosen = ApplicationPolicy {
        pkce: policy.pkce,
        implicit: policy.implicit,
        device_code: policy.device_code,
        refresh_reuse: policy.refresh_reuse.map(reuse),
    };
    Ok(Changes {
        display_name: Some(table.name.clone()),
        sign_in_audience: table.audience.as_deref().map(audience).transpose()?,
        is_fallback_public_client: table.public_client.map(Some),
        web: uris(&redirects.web),
        spa: uris(&redirects.spa),
        public: uris(&redirects.public),
        identifier_uris: (!exposes.identifier_uris.is_empty()).then(|| exposes.identifier_uris.clone()),
        scopes: (!exposes.scopes.is_empty())
            .then(|| scopes(&exposes.scopes, old.map_or(&[], |it| &it.scopes), at))
            .transpose()?,
        app_roles: (!exposes.app_roles.is_empty())
            .then(|| roles(&exposes.app_roles, old.map_or(&[], |it| &it.app_roles), at))
            .transpose()?,
        requested_access_token_version: exposes
            .token_version
            .filter(|_| offers || exposes.token_version.is_some())
            .map(Some),
        certificates: (held.len() > known).then_some(held),
        federated: (!table.federated.is_empty()).then_some(federated),
        policy: Some(chosen),
        kept: kept(table, old.map(|it| &**it)),
        optional_claims: (!table.optional_claims.is_empty()).then(|| optional_claims(&table.optional_claims)),
        group_claims: table.group_membership_claims.as_deref().map(group_claims).transpose()?.map(Some),
        ..Changes::default()
    })
}

/// The properties that are kept as Graph has them: the implicit switches and the logout address. A switch that the file
/// does not name stays.
fn kept(table: &ApplicationTable, old: Option<&Application>) -> Vec<(&'static str, Value)> {
    const SWITCHES: &str = "web.implicitGrantSettings";
    let mut kept = Vec::new();
    let implicit = table.implicit;
    if implicit.id_token.is_some() || implicit.access_token.is_some() {
        let held =
            |name: &str| old.and_then(|it| it.kept.get(SWITCHES)?.get(name)?.as_bool()).unwrap_or(false);
        let switches = json!({
            "enableIdTokenIssuance": implicit.id_token.unwrap_or_else(|| held("enableIdTokenIssuance")),
            "enableAccessTokenIssuance": implicit.access_token.unwrap_or_else(|| held("enableAccessTokenIssuance")),
        });
        kept.push((SWITCHES, switches));
    }
    kept.extend(table.logout_url.as_ref().map(|url| ("web.logoutUrl", json!(url))));
    kept
}

fn audience(word: &str) -> Result<SignInAudience, Refusal> {
    SignInAudience::parse(word).ok_or_else(|| {
        bad("audience", format!("`{word}` is none of AzureADMyOrg, AzureADMultipleOrgs, AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount"))
    })
}

fn scopes(
    wanted: &[Exposed],
    old: &[PermissionScope],
    at: &Moment<'_>,
) -> Result<Vec<PermissionScope>, Refusal> {
    let one = |it: &Exposed| {
        let admin_only = match it.kind() {
            None | Some("User") => false,
            Some("Admin") => true,
            Some(other) => {
                return Err(bad(
                    "exposes.scopes",
                    format!("type `{other}` of a scope is none of User, Admin"),
                ));
            }
        };
        let known = old.iter().find(|old| old.value == it.name()).map(|old| old.id);
        Ok(PermissionScope {
            id: it.id().or(known).unwrap_or_else(|| KeyId::new(at.entropy.uuid())),
            value: it.name().to_owned(),
            display_name: it.name().to_owned(),
            description: it.name().to_owned(),
            admin_only,
            enabled: true,
        })
    };
    wanted.iter().map(one).collect()
}

fn roles(wanted: &[Exposed], old: &[AppRole], at: &Moment<'_>) -> Result<Vec<AppRole>, Refusal> {
    let one = |it: &Exposed| {
        let (for_applications, for_users) = match it.kind() {
            Some("Application") => (true, false),
            Some("User") => (false, true),
            None | Some("Both") => (true, true),
            Some(other) => {
                return Err(bad(
                    "exposes.app_roles",
                    format!("type `{other}` of a role is none of User, Application, Both"),
                ));
            }
        };
        let known = old.iter().find(|old| old.value == it.name()).map(|old| old.id);
        Ok(AppRole {
            id: it.id().or(known).unwrap_or_else(|| KeyId::new(at.entropy.uuid())),
            value: it.name().to_owned(),
            display_name: it.name().to_owned(),
            description: it.name().to_owned(),
            for_applications,
            for_users,
            enabled: true,
        })
    };
    wanted.iter().map(one).collect()
}

/// The application's service principal: made when missing, with the id that the file fixes.
fn principal(
    draft: &mut Draft,
    table: &ApplicationTable,
    app: AppId,
    at: &Moment<'_>,
) -> Result<bool, Refusal> {
    match (draft.directory.principal_by_app(app), table.service_principal_id) {
        (Some(found), Some(id)) if found.id != id => Err(bad(
            "service_principal_id",
            format!("it has the service principal {} already; write that one or none", found.id),
        )),
        (Some(_), _) => Ok(false),
        (None, id) => {
            let decided = service_principal::create(&draft.caller, &draft.directory, (app, id), at)?;
            Ok(draft.take(decided).1)
        }
    }
}

/// A secret, by its name: made, replaced when value or end differ, or left.
fn secret_of(
    draft: &mut Draft,
    table: &ApplicationTable,
    id: ObjectId,
    wanted: &SecretTable,
    at: &Moment<'_>,
) -> Result<bool, Refusal> {
    let named = |it: &&SecretCredential| it.display_name.as_deref() == Some(wanted.name.as_str());
    let old = draft.directory.application(id).and_then(|it| it.secrets.iter().find(named).cloned());
    let end = wanted.expires.map(|date| date.0);
    if let Some(old) = old {
        let value = wanted.value.as_ref().is_none_or(|value| old.matches(value));
        if value && end.is_none_or(|end| end == old.end) {
            return Ok(false);
        }
        let decided = application::remove_secret(&draft.caller, &draft.directory, id, old.key_id)?;
        draft.take(decided);
    }
    if wanted.value.is_none() && !draft.show {
        let message = format!(
            "the secret `{}` has no value, and nobody would see a generated one here; write value, value_file or value_env",
            wanted.name
        );
        return Err(bad("secrets", message));
    }
    let new = NewSecret { name: Some(wanted.name.clone()), value: wanted.value.clone(), start: None, end };
    let decided = application::add_secret(&draft.caller, &draft.directory, id, new, at)?;
    let ((_, value), _) = draft.take(decided);
    if wanted.value.is_none() {
        draft.outcome.generated.push((table.name.clone(), wanted.name.clone(), value));
    }
    Ok(true)
}

/// What applications need of each other, consent to it, and registration with Power Platform.
pub(super) fn permissions(
    draft: &mut Draft,
    loaded: &Loaded,
    apps: &[AppId],
    at: &Moment<'_>,
) -> Result<(), Refused> {
    let named = |name: &str| {
        let at = loaded.file.applications.iter().position(|it| it.name == name)?;
        apps.get(at).copied()
    };
    for (table, app) in loaded.file.applications.iter().zip(apps) {
        let api = |text: &str| {
            text.parse().ok().or_else(|| named(text)).ok_or_else(|| {
                bad(
                    "permissions",
                    format!("the api `{text}` is neither a client id nor an application of this file"),
                )
            })
        };
        let mut needs = Vec::new();
        for wanted in &table.permissions {
            let api = api(&wanted.api).map_err(about(table))?;
            needs.push((needed(draft, api, wanted).map_err(about(table))?, wanted));
        }
        let Some(id) = draft.directory.application_by_app(*app).map(|it| it.id) else { continue };
        if !needs.is_empty() {
            let list = needs.iter().map(|(need, _)| need.clone()).collect();
            let changes = Changes { required_resource_access: Some(list), ..Changes::default() };
            let decided =
                application::change(&draft.caller, &draft.directory, id, changes).map_err(about(table))?;
            let (_, changed) = draft.take(decided);
            draft.touch("application", &table.name, changed);
        }
        if table.admin_consent {
            for (need, wanted) in &needs {
                let changed = consent(draft, *app, need, wanted, at).map_err(about(table))?;
                draft.touch("application", &table.name, changed);
            }
        }
        if table.power_platform_admin {
            let decided = admin_registration::register(&draft.caller, &draft.directory, *app, at)
                .map_err(about(table))?;
            let (_, changed) = draft.take(decided);
            draft.touch("application", &table.name, changed);
        }
    }
    Ok(())
}

/// The permissions by id, from the API's registration or Microsoft's catalogue.
fn needed(draft: &Draft, api: AppId, wanted: &PermissionTable) -> Result<RequiredResource, Refusal> {
    let directory = &draft.directory;
    let registered = directory.registered(api);
    let own = registered.as_ref().map(|it| &*it.application);
    let known = directory.catalogue.application(api);
    if own.is_none() && known.is_none() {
        return Err(bad(
            "permissions",
            format!("the api {api} is neither Microsoft's nor an application of this tenant"),
        ));
    }
    let scope = |name: &String| {
        let own = own
            .and_then(|it| it.scopes.iter().find(|it| it.value.eq_ignore_ascii_case(name)))
            .map(|it| it.id);
        let theirs = known.and_then(|it| it.scope(name)).map(|it| it.id);
        let id = own
            .or(theirs)
            .ok_or_else(|| bad("permissions", format!("`{name}` is no delegated permission of {api}")))?;
        Ok(RequiredAccess::Scope(id))
    };
    let role = |name: &String| {
        let own = own
            .and_then(|it| it.app_roles.iter().find(|it| it.value.eq_ignore_ascii_case(name)))
            .map(|it| it.id);
        let theirs = known.and_then(|it| it.role(name)).map(|it| it.id);
        let id = own
            .or(theirs)
            .ok_or_else(|| bad("permissions", format!("`{name}` is no application permission of {api}")))?;
        Ok(RequiredAccess::Role(id))
    };
    let access = wanted.delegated.iter().map(scope).chain(wanted.application.iter().map(role));
    Ok(RequiredResource { resource: api, access: access.collect::<Result<_, Refusal>>()? })
}

/// Consent for everyone to exactly what the table lists for one API.
fn consent(
    draft: &mut Draft,
    app: AppId,
    need: &RequiredResource,
    wanted: &PermissionTable,
    at: &Moment<'_>,
) -> Result<bool, Refusal> {
    let client = draft.principal(app, at)?;
    let resource = draft.principal(need.resource, at)?;
    let mut changed = false;
    if !wanted.delegated.is_empty() {
        let key = GrantKey { client, resource, principal: None };
        let scopes = wanted.delegated.clone();
        changed |= match draft.directory.grant(&key) {
            Some(_) => {
                let decided = permission_grant::change(&draft.caller, &draft.directory, &key, scopes)?;
                draft.take(decided).1
            }
            None => {
                let decided = permission_grant::create(&draft.caller, &draft.directory, (key, scopes), at)?;
                draft.take(decided).1
            }
        };
    }
    for access in &need.access {
        let RequiredAccess::Role(role) = access else { continue };
        let key = AssignmentKey { principal: client, resource, role: *role };
        if draft.directory.app_roles_of(client).any(|it| it.key == key) {
            continue;
        }
        let decided = permission_grant::assign(
            &draft.caller,
            &draft.directory,
            (key, MemberKind::ServicePrincipal),
            at,
        )?;
        changed |= draft.take(decided).1;
    }
    Ok(changed)
}

/// Environments and packages.
pub(super) fn environments(draft: &mut Draft, loaded: &Loaded, at: &Moment<'_>) -> Result<(), Refused> {
    for table in &loaded.file.environments {
        let about = |no: Refusal| (format!("environment `{}`", table.name), no);
        let directory = &draft.directory;
        let named =
            || directory.environments().find(|it| it.display_name == table.name).map(|it| it.id.clone());
        let id = table.id.clone().or_else(named).unwrap_or_else(|| at.entropy.uuid().to_string());
        let there = environment::named(directory, &id).is_some();
        let new = Environment {
            sku: table.sku.clone().unwrap_or_else(|| "Production".into()),
            location: table.location.clone().unwrap_or_else(|| "europe".into()),
            display_name: table.name.clone(),
            created: at.now,
            id,
        };
        let decided = environment::define(&draft.caller, directory, new).map_err(about)?;
        let (_, changed) = draft.take(decided);
        draft.report("environment", &table.name, (there, changed));
    }
    for table in &loaded.file.packages {
        let about = |no: Refusal| (format!("application package `{}`", table.unique_name), no);
        let there = draft.directory.package(&table.unique_name).is_some();
        let new = Package {
            unique_name: table.unique_name.clone(),
            name: table.name.clone(),
            version: table.version.clone(),
            publisher: table.publisher.clone(),
        };
        let decided = package::define(&draft.caller, &draft.directory, new).map_err(about)?;
        let (_, changed) = draft.take(decided);
        draft.report("application package", &table.unique_name, (there, changed));
    }
    Ok(())
}
