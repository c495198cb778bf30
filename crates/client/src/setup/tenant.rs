//! Compares a tenant file with a tenant through Microsoft Graph, and applies it. Graph cannot set everything in a
//! file (client ids, object ids, secret values, users, policy, packages). If such a value differs, nothing is
//! changed.

use super::{
    DesiredState,
    apply::apply as apply_setup,
    plan::{Action, plan as plan_setup, read_state},
};
use crate::{
    clock::OsEntropy,
    failure::ClientError,
    graph::{Graph, literal, quoted, text},
    power_platform::Bap,
};
use carnet_wire::{
    entropy::Entropy,
    ids::AppId,
    jose::Certificate,
    secret::ClientSecret,
    tenant_file::{
        ApplicationTable, ClaimTable, Exposed, ImplicitTable, OptionalClaimsTable, PolicyTable, TenantFile,
    },
};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// A tenant file and the certificates that it names.
#[derive(Debug)]
pub struct TenantFileInput<'a> {
    /// The file.
    pub file: &'a TenantFile,
    /// The certificates of each application, in the file's order.
    pub certificates: &'a [Vec<Certificate>],
}

/// What applying the file does to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does not exist and will be created.
    Create(String),
    /// It differs and will be changed.
    Change(String),
    /// It matches the file.
    Unchanged,
    /// It differs and cannot be changed through Graph.
    NotSettable(String),
    /// It can be neither read nor set through Graph.
    NotChecked(String),
}

/// An object of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The kind, such as `application` or `user`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What applying does to it.
    pub state: State,
}

/// The result of applying a file.
#[derive(Debug)]
pub struct Outcome {
    /// All objects, with the state before.
    pub lines: Vec<Line>,
    /// New secrets: application, name and value. The values cannot be read again.
    pub secrets: Vec<(String, String, ClientSecret)>,
}

/// Compares a file with the tenant.
///
/// # Errors
/// [`ClientError`]
pub async fn plan(
    graph: &Graph,
    bap: Option<&Bap>,
    given: &TenantFileInput<'_>,
) -> Result<Vec<Line>, ClientError> {
    let file = given.file;
    let mut lines = vec![organization(graph, file).await?];
    for user in &file.users {
        let select = "?$select=id,displayName,accountEnabled,userPrincipalName,givenName,surname,mail";
        let found =
            present(graph.call(Method::GET, &format!("/users/{}{select}", quoted(&user.name)), None).await)?;
        let state = match found {
            None => State::NotSettable("it does not exist, and this command does not create users".into()),
            Some(found) => {
                let id = user.id.is_none_or(|id| id.to_string() == text(&found, "id"));
                let name = user.display_name.as_ref().is_none_or(|name| name == text(&found, "displayName"));
                let enabled = user.enabled.is_none_or(|on| found["accountEnabled"].as_bool() == Some(on));
                let labels =
                    [(&user.given_name, "givenName"), (&user.surname, "surname"), (&user.mail, "mail")];
                let labels = labels
                    .iter()
                    .all(|(wanted, name)| wanted.as_ref().is_none_or(|wanted| wanted == text(&found, name)));
                match id && name && enabled && labels {
                    true => State::Unchanged,
                    false => State::NotSettable(
                        "its id, a name, its mail or its state differs, and this command does not change users"
                            .into(),
                    ),
                }
            }
        };
        lines.push(Line { kind: "user", name: user.name.clone(), state });
    }
    for (table, certificates) in file.applications.iter().zip(given.certificates) {
        let state = application_state(graph, bap, file, table, certificates).await?;
        lines.push(Line { kind: "application", name: table.name.clone(), state });
    }
    for group in &file.groups {
        let filter = quoted(&format!("displayName eq {}", literal(&group.name)));
        let found = graph.list(&format!("/groups?$filter={filter}")).await?;
        let same = found.iter().any(|it| group.id.is_none_or(|id| id.to_string() == text(it, "id")));
        let state = match same {
            true => State::NotChecked("this command does not compare members".into()),
            false => State::NotSettable("it does not exist, and this command does not create groups".into()),
        };
        lines.push(Line { kind: "group", name: group.name.clone(), state });
    }
    let unseen = |kind, name: &String, why: &str| Line {
        kind,
        name: name.clone(),
        state: State::NotChecked(why.into()),
    };
    lines.extend(
        file.environments
            .iter()
            .map(|it| unseen("environment", &it.name, "environments cannot be created through Graph")),
    );
    let packages = file
        .packages
        .iter()
        .map(|it| unseen("application package", &it.unique_name, "packages cannot be created through Graph"));
    lines.extend(packages);
    Ok(lines)
}

/// Applies a file. Nothing is changed if the file has a value that cannot be set.
///
/// # Errors
/// [`ClientError::Input`] for a value that cannot be set; [`ClientError`] of the first call that fails.
pub async fn apply(
    graph: &Graph,
    bap: Option<&Bap>,
    given: &TenantFileInput<'_>,
) -> Result<Outcome, ClientError> {
    let lines = plan(graph, bap, given).await?;
    let fixed = lines.iter().find_map(|line| match &line.state {
        State::NotSettable(why) => Some(format!(
            "{} `{}` cannot be set through Graph: {why}; nothing was changed",
            line.kind, line.name
        )),
        _ => None,
    });
    if let Some(fixed) = fixed {
        return Err(ClientError::Input(fixed));
    }
    let file = given.file;
    for table in &file.applications {
        register(graph, table).await?;
    }
    let mut secrets = Vec::new();
    for (table, certificates) in file.applications.iter().zip(given.certificates) {
        let found = find(graph, table).await?.ok_or_else(|| {
            ClientError::Input(format!("application `{}` was deleted during this command", table.name))
        })?;
        let desired = desired_state(graph, file, table, &found).await?;
        apply_setup(graph, bap, &desired, |_| {}).await?;
        for certificate in missing_certificates(&found, certificates) {
            super::step4::add_certificate(
                graph,
                text(&found, "id"),
                &certificate.base64(),
                &certificate.subject,
            )
            .await?;
        }
        for secret in table.secrets.iter().filter(|it| !has_secret(&found, &it.name)) {
            let until = secret.expires.map(|date| date.0.iso());
            let (_, value) = graph.add_password(text(&found, "id"), &secret.name, until.as_deref()).await?;
            secrets.push((table.name.clone(), secret.name.clone(), value));
        }
    }
    Ok(Outcome { lines, secrets })
}

/// Maps 404 to `None`.
fn present(answer: Result<Value, ClientError>) -> Result<Option<Value>, ClientError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(ClientError::Refused(refusal)) if refusal.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

async fn organization(graph: &Graph, file: &TenantFile) -> Result<Line, ClientError> {
    let found = graph.list("/organization").await?.into_iter().next().unwrap_or_default();
    let table = &file.tenant;
    let domain = table.domain.to_lowercase();
    let mut domains = found["verifiedDomains"].as_array().into_iter().flatten();
    let same = table.id.is_none_or(|id| id.to_string() == text(&found, "id"))
        && domains.any(|it| text(it, "name").eq_ignore_ascii_case(&domain))
        && table.name.as_ref().is_none_or(|name| name == text(&found, "displayName"));
    let rules = table.policy != PolicyTable::default();
    let state = match (same, rules) {
        (false, _) => State::NotSettable("its id, domain or name differs".into()),
        (true, true) => State::NotChecked("policy cannot be read through Graph".into()),
        (true, false) => State::Unchanged,
    };
    Ok(Line { kind: "tenant", name: domain, state })
}

/// Finds the application of a table.
async fn find(graph: &Graph, table: &ApplicationTable) -> Result<Option<Value>, ClientError> {
    let key = table.client_id.map_or_else(|| table.name.clone(), |id| id.to_string());
    graph.find_application(&key).await
}

/// The reason why a table cannot be applied through Graph: a key that only the server's own tenant file can set.
fn only_on_server(table: &ApplicationTable) -> Option<String> {
    let implicit = table.implicit != ImplicitTable::default();
    let said = [
        (table.assignment_required.is_some(), "assignment_required"),
        (!table.assignments.is_empty(), "assignments"),
        (implicit, "implicit"),
        (table.logout_url.is_some(), "logout_url"),
    ];
    let key = said.iter().find(|(said, _)| *said).map(|(_, key)| key)?;
    Some(format!("`{key}` can only be set by the server's own tenant file (carnet up --tenant-file)"))
}

async fn application_state(
    graph: &Graph,
    bap: Option<&Bap>,
    file: &TenantFile,
    table: &ApplicationTable,
    certificates: &[Certificate],
) -> Result<State, ClientError> {
    if let Some(why) = only_on_server(table) {
        return Ok(State::NotSettable(why));
    }
    let Some(found) = find(graph, table).await? else {
        return Ok(match (table.client_id, table.secrets.iter().find(|it| it.value.is_some())) {
            (Some(id), _) => State::NotSettable(format!(
                "there is no application {id}, and the service generates client ids"
            )),
            (None, Some(secret)) => State::NotSettable(fixed_value(&secret.name)),
            (None, None) => State::Create("it does not exist".into()),
        });
    };
    if table.id.is_some_and(|id| id.to_string() != text(&found, "id")) {
        return Ok(State::NotSettable("its object id differs".into()));
    }
    let missing = table.secrets.iter().filter(|it| !has_secret(&found, &it.name));
    if let Some(secret) = missing.clone().find(|it| it.value.is_some()) {
        return Ok(State::NotSettable(fixed_value(&secret.name)));
    }
    let mut changes: Vec<String> = differences(table, &found).keys().cloned().collect();
    changes.extend(missing.map(|it| format!("secret `{}`", it.name)));
    changes.extend(
        missing_certificates(&found, certificates).map(|it| format!("certificate {}", it.thumbprint_hex())),
    );
    let desired = desired_state(graph, file, table, &found).await?;
    let current = read_state(graph, bap, &desired).await?;
    let principal = current.principal.as_ref().map(|it| text(it, "id").to_owned());
    if table.service_principal_id.is_some_and(|id| principal != Some(id.to_string())) {
        return Ok(State::NotSettable("the id of its service principal differs".into()));
    }
    changes.extend(
        plan_setup(&current, &desired)
            .into_iter()
            .filter(|action| !action.done)
            .map(|Action { what, .. }| what),
    );
    Ok(match changes.is_empty() {
        true => State::Unchanged,
        false => State::Change(changes.join("; ")),
    })
}

fn fixed_value(name: &str) -> String {
    format!(
        "the secret `{name}` does not exist, and the service generates secret values; leave out its value"
    )
}

fn has_secret(application: &Value, name: &str) -> bool {
    application["passwordCredentials"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|it| text(it, "displayName") == name)
}

fn missing_certificates<'a>(
    application: &'a Value,
    certificates: &'a [Certificate],
) -> impl Iterator<Item = &'a Certificate> {
    certificates.iter().filter(|certificate| {
        let mut held = application["keyCredentials"].as_array().into_iter().flatten();
        let thumbprint = certificate.thumbprint_hex();
        !held.any(|it| text(it, "customKeyIdentifier").eq_ignore_ascii_case(&thumbprint))
    })
}

/// Creates the registration or changes what differs, and creates its service principal if it is missing.
async fn register(graph: &Graph, table: &ApplicationTable) -> Result<(), ClientError> {
    let application = match find(graph, table).await? {
        Some(found) => {
            let differences = differences(table, &found);
            if !differences.is_empty() {
                let path = format!("/applications/{}", text(&found, "id"));
                graph.call(Method::PATCH, &path, Some(&differences.into())).await?;
            }
            found
        }
        None => {
            let mut body = differences(table, &json!({}));
            body.insert("displayName".into(), table.name.clone().into());
            body.entry("signInAudience").or_insert("AzureADMyOrg".into());
            graph.call(Method::POST, "/applications", Some(&body.into())).await?
        }
    };
    let app = app_id(&application)?;
    graph.principal(app).await.map(drop)
}

fn app_id(application: &Value) -> Result<AppId, ClientError> {
    text(application, "appId")
        .parse()
        .map_err(|_| ClientError::Input("an application in the response has no client id".into()))
}

/// The optional claims of a table in Graph's form.
fn optional_claims(table: &OptionalClaimsTable) -> Value {
    let list = |claims: &[ClaimTable]| {
        let one =
            |(name, additional): (&str, &[String])| json!({"name": name, "additionalProperties": additional});
        claims.iter().map(|it| one(it.parts())).collect::<Vec<_>>()
    };
    json!({ "idToken": list(&table.id_token), "accessToken": list(&table.access_token) })
}

/// The part of Graph's optional claims that a table can describe.
fn comparable_claims(found: &Value) -> Value {
    let list = |name: &str| {
        let one =
            |it: &Value| json!({"name": it["name"], "additionalProperties": it["additionalProperties"]});
        found[name].as_array().into_iter().flatten().map(one).collect::<Vec<_>>()
    };
    json!({ "idToken": list("idToken"), "accessToken": list("accessToken") })
}

/// The differing properties of an application, as a request body that sets them.
fn differences(table: &ApplicationTable, found: &Value) -> Map<String, Value> {
    let mut body = Map::new();
    let mut want = |name: &str, value: Value, now: &Value| {
        if value != *now {
            body.insert(name.to_owned(), value);
        }
    };
    want("displayName", table.name.clone().into(), &found["displayName"]);
    if let Some(audience) = &table.audience {
        want("signInAudience", audience.clone().into(), &found["signInAudience"]);
    }
    if let Some(on) = table.public_client {
        let now = found["isFallbackPublicClient"].as_bool().unwrap_or(false);
        want("isFallbackPublicClient", on.into(), &now.into());
    }
    for (name, uris) in [
        ("web", &table.redirect_uris.web),
        ("spa", &table.redirect_uris.spa),
        ("publicClient", &table.redirect_uris.public),
    ] {
        if !uris.is_empty() && json!(uris) != found[name]["redirectUris"] {
            want(name, json!({ "redirectUris": uris }), &Value::Null);
        }
    }
    if let Some(words) = &table.group_membership_claims {
        want("groupMembershipClaims", words.clone().into(), &found["groupMembershipClaims"]);
    }
    if !table.optional_claims.is_empty() {
        want(
            "optionalClaims",
            optional_claims(&table.optional_claims),
            &comparable_claims(&found["optionalClaims"]),
        );
    }
    let exposes = &table.exposes;
    if !exposes.identifier_uris.is_empty() {
        want("identifierUris", json!(exposes.identifier_uris), &found["identifierUris"]);
    }
    let mut api = Map::new();
    let (scopes, roles) = (&found["api"]["oauth2PermissionScopes"], &found["appRoles"]);
    if let Some(list) = with_missing(scopes, &exposes.scopes, scope) {
        api.insert("oauth2PermissionScopes".into(), list);
    }
    if let Some(version) = exposes.token_version
        && found["api"]["requestedAccessTokenVersion"].as_u64() != Some(version.into())
    {
        api.insert("requestedAccessTokenVersion".into(), version.into());
    }
    if !api.is_empty() {
        want("api", api.into(), &Value::Null);
    }
    if let Some(list) = with_missing(roles, &exposes.app_roles, role) {
        want("appRoles", list, &Value::Null);
    }
    body
}

/// The list with the missing entries added. `None` if none is missing.
fn with_missing(held: &Value, wanted: &[Exposed], make: fn(&Exposed) -> Value) -> Option<Value> {
    let mut list = held.as_array().cloned().unwrap_or_default();
    let missing: Vec<Value> = wanted
        .iter()
        .filter(|it| !list.iter().any(|held| text(held, "value") == it.name()))
        .map(make)
        .collect();
    if missing.is_empty() {
        return None;
    }
    list.extend(missing);
    Some(list.into())
}

fn exposed_id(it: &Exposed) -> String {
    it.id().map_or_else(|| OsEntropy.uuid().to_string(), |id| id.to_string())
}

fn scope(it: &Exposed) -> Value {
    json!({
        "id": exposed_id(it), "value": it.name(), "type": it.kind().unwrap_or("User"), "isEnabled": true,
        "adminConsentDisplayName": it.name(), "adminConsentDescription": it.name(),
    })
}

fn role(it: &Exposed) -> Value {
    let members = match it.kind() {
        Some("Application") => json!(["Application"]),
        Some("User") => json!(["User"]),
        _ => json!(["Application", "User"]),
    };
    json!({
        "id": exposed_id(it), "value": it.name(), "allowedMemberTypes": members, "isEnabled": true,
        "displayName": it.name(), "description": it.name(),
    })
}

/// The desired state of an existing application.
async fn desired_state(
    graph: &Graph,
    file: &TenantFile,
    table: &ApplicationTable,
    found: &Value,
) -> Result<DesiredState, ClientError> {
    let (mut permissions, mut roles) = (Vec::new(), Vec::new());
    for entry in &table.permissions {
        let api = match entry.api.parse::<AppId>() {
            Ok(api) => api,
            Err(_) => match file.applications.iter().find(|it| it.name == entry.api) {
                None => {
                    return Err(ClientError::Input(format!(
                        "the api `{}` is neither a client id nor an application of this file",
                        entry.api
                    )));
                }
                Some(other) => match find(graph, other).await? {
                    // The API's application is registered first; its permissions are added in a later run of this
                    // function.
                    None => continue,
                    Some(other) => app_id(&other)?,
                },
            },
        };
        if !entry.delegated.is_empty() {
            permissions.push((api, entry.delegated.clone()));
        }
        if !entry.application.is_empty() {
            roles.push((api, entry.application.clone()));
        }
    }
    Ok(DesiredState {
        name: text(found, "appId").to_owned(),
        permissions,
        roles,
        admin_consent: table.admin_consent,
        // The switch is among the differences of the registration.
        public_client: false,
        secret: None,
        certificate: None,
        register_admin: table.power_platform_admin,
    })
}

/// Whether the file needs the administration API.
#[must_use]
pub fn needs_bap(file: &TenantFile) -> bool {
    file.applications.iter().any(|it| it.power_platform_admin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(more: &str) -> ApplicationTable {
        let text = format!(
            "version = 1\n[tenant]\ndomain = \"contoso.example\"\n[[application]]\nname = \"a\"\n{more}\n"
        );
        TenantFile::parse(&text).unwrap().applications.remove(0)
    }

    #[test]
    fn what_is_as_described_has_no_differences() {
        let found = json!({"displayName": "a", "isFallbackPublicClient": true, "api": {"oauth2PermissionScopes": [{"value": "s"}]}, "publicClient": {"redirectUris": ["http://localhost"]}});
        let same = table(
            "public_client = true\nredirect_uris = { public = [\"http://localhost\"] }\nexposes = { scopes = [\"s\"] }",
        );
        assert_eq!(differences(&same, &found), Map::new());
        let other = table("public_client = false\nexposes = { scopes = [\"s\", \"t\"], token_version = 2 }");
        let body = differences(&other, &found);
        assert_eq!(body["isFallbackPublicClient"], false);
        assert_eq!(body["api"]["oauth2PermissionScopes"].as_array().map(Vec::len), Some(2));
        assert_eq!(body["api"]["requestedAccessTokenVersion"], 2);
    }

    #[test]
    fn a_secret_is_known_by_its_name() {
        let found = json!({"passwordCredentials": [{"displayName": "ci"}]});
        assert!(has_secret(&found, "ci") && !has_secret(&found, "CI"));
    }
}
