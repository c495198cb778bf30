//! The tenant file: a tenant described in TOML. Unknown keys are errors with line and column. Secrets in other files
//! or in environment variables are not read here; the parsed file only names them.

mod check;

use crate::{
    ids::{AppId, KeyId, ObjectId, TenantId},
    secret::{ClientSecret, Password, TotpKey},
    time::Timestamp,
};
use serde::Deserialize;
use std::{net::IpAddr, num::NonZeroU32};

/// A parsed tenant file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantFile {
    /// The version of the format, always 1.
    pub version: u32,
    /// The tenant.
    pub tenant: TenantTable,
    /// Users.
    #[serde(default, rename = "user")]
    pub users: Vec<UserTable>,
    /// Applications.
    #[serde(default, rename = "application")]
    pub applications: Vec<ApplicationTable>,
    /// Groups.
    #[serde(default, rename = "group")]
    pub groups: Vec<GroupTable>,
    /// Power Platform environments.
    #[serde(default, rename = "environment")]
    pub environments: Vec<EnvironmentTable>,
    /// Power Platform application packages.
    #[serde(default, rename = "application_package")]
    pub packages: Vec<PackageTable>,
}

/// The table `[tenant]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantTable {
    /// The tenant's id; generated if absent.
    pub id: Option<TenantId>,
    /// The verified domain.
    pub domain: String,
    /// The display name.
    pub name: Option<String>,
    /// The country: two letters of ISO 3166-1.
    pub country: Option<String>,
    /// The table `[tenant.policy]`.
    #[serde(default)]
    pub policy: PolicyTable,
}

/// The table `[tenant.policy]`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// Whether a client assertion may be used more than once while it is short-lived.
    pub assertion_replay: Option<Replay>,
    /// What happens when a refresh token is used again.
    pub refresh_reuse: Option<Reuse>,
    /// Whether answers tell unknown and locked users apart.
    pub reveal_user: Option<bool>,
    /// Whether the password grant is available.
    pub password_grant: Option<bool>,
    /// Whether the device code grant is available.
    pub device_code: Option<bool>,
    /// Sign-ins that require a second factor.
    #[serde(default)]
    pub require_mfa: Vec<Who>,
    /// Sign-ins that are blocked.
    #[serde(default)]
    pub block: Vec<Who>,
    /// Maximum age of refresh tokens after the sign-in, in days.
    pub refresh_max_age_days: Option<NonZeroU32>,
    /// Hours after which users have to sign in again.
    pub sign_in_frequency_hours: Option<NonZeroU32>,
    /// Hours after a sign-in for which its second factor counts.
    pub second_factor_hours: Option<NonZeroU32>,
    /// Maximum number of authenticated token requests that one node answers in a minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Maximum number of identical sign-ins of one user through one client in a minute.
    pub repeats_per_minute: Option<NonZeroU32>,
    /// Whether users without a directory role may register applications; true if absent.
    pub users_create_applications: Option<bool>,
    /// Maximum number of objects that a user without a directory role may own; 250 if absent.
    pub objects_per_person: Option<u32>,
    /// Maximum lifetime of a client secret in days; 731 if absent.
    pub secret_max_days: Option<NonZeroU32>,
    /// Days for which the server remembers an address from which a user signed in; 180 if absent.
    pub known_source_days: Option<NonZeroU32>,
    /// Number of failed passwords from one source in 10 minutes after which it is refused; 50 if absent.
    pub source_failures: Option<NonZeroU32>,
    /// Days for which audit records are stored; 400 if absent.
    pub audit_days: Option<NonZeroU32>,
    /// Issuers that may use http or be on loopback.
    #[serde(default)]
    pub danger_allow_issuers: Vec<String>,
    /// Authentication contexts, which an API can require of a sign-in (`acrs`).
    #[serde(default)]
    pub authentication_contexts: Vec<ContextTable>,
}

/// An entry of `authentication_contexts`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextTable {
    /// The id, `c1` to `c99`.
    pub id: String,
    /// Whether the context requires a second factor.
    #[serde(default)]
    pub require_mfa: bool,
}

/// Handling of a client assertion that is used a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replay {
    /// Accepted while it is short-lived.
    Tolerate,
    /// Refused.
    Refuse,
}

/// Handling of a refresh token that is used a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// Accepted within 60 seconds of its first use.
    Grace,
    /// Accepted until it expires.
    Tolerate,
}

/// A set of sign-ins: `all`, `role:…`, `user:…`, `app:…` or `network:…`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Who {
    /// All sign-ins.
    All,
    /// Users with a directory role, by the role's name.
    Role(String),
    /// One user, by name.
    User(String),
    /// Sign-ins to one application, by name or client id.
    App(String),
    /// Sign-ins from a network: address and prefix length.
    Network(IpAddr, u8),
}

impl TryFrom<String> for Who {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not one of all, role:NAME, user:NAME, app:NAME, network:CIDR");
        if text == "all" {
            return Ok(Self::All);
        }
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
        Ok(match kind {
            "role" => Self::Role(rest.to_owned()),
            "user" => Self::User(rest.to_owned()),
            "app" => Self::App(rest.to_owned()),
            "network" => {
                let (address, prefix) = rest.split_once('/').ok_or_else(wrong)?;
                let address: IpAddr = address.parse().map_err(|_| wrong())?;
                let longest = if address.is_ipv4() { 32 } else { 128 };
                let prefix = prefix.parse().ok().filter(|bits| *bits <= longest).ok_or_else(wrong)?;
                Self::Network(address, prefix)
            }
            _ => return Err(wrong()),
        })
    }
}

/// An entry of `[[user]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTable {
    /// The user principal name.
    pub name: String,
    /// The object id; generated if absent.
    pub id: Option<ObjectId>,
    /// The display name.
    pub display_name: Option<String>,
    /// Graph's `givenName`.
    pub given_name: Option<String>,
    /// Graph's `surname`.
    pub surname: Option<String>,
    /// Graph's `mail`.
    pub mail: Option<String>,
    /// Graph's `country`. If it is two capital letters, the claim `ctry` repeats it.
    pub country: Option<String>,
    /// Graph's `otherMails`.
    pub other_mails: Option<Vec<String>>,
    /// The password itself.
    pub password: Option<Password>,
    /// The path of a file with the password.
    pub password_file: Option<String>,
    /// The name of an environment variable with the password.
    pub password_env: Option<String>,
    /// Names of directory roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The base32 key of a registered authenticator.
    pub totp: Option<TotpKey>,
    /// Whether the user may sign in.
    pub enabled: Option<bool>,
}

/// An entry of `[[application]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTable {
    /// The display name.
    pub name: String,
    /// The client id; generated if absent.
    pub client_id: Option<AppId>,
    /// The object id; generated if absent.
    pub id: Option<ObjectId>,
    /// The object id of the service principal; generated if absent.
    pub service_principal_id: Option<ObjectId>,
    /// Graph's `signInAudience`.
    pub audience: Option<String>,
    /// Whether the application is a public client (Graph's `isFallbackPublicClient`).
    pub public_client: Option<bool>,
    /// Redirect URIs by platform.
    #[serde(default)]
    pub redirect_uris: RedirectTable,
    /// Permissions that the application requires.
    #[serde(default)]
    pub permissions: Vec<PermissionTable>,
    /// Whether to consent to exactly these permissions for all users.
    #[serde(default)]
    pub admin_consent: bool,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<SecretTable>,
    /// Certificate files, relative to the tenant file.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Federated identity credentials.
    #[serde(default)]
    pub federated: Vec<FederatedTable>,
    /// The scopes and app roles that the application offers as an API.
    #[serde(default)]
    pub exposes: ExposesTable,
    /// Whether the application is registered for administration with Power Platform.
    #[serde(default)]
    pub power_platform_admin: bool,
    /// Optional claims of its tokens.
    #[serde(default)]
    pub optional_claims: OptionalClaimsTable,
    /// Graph's `groupMembershipClaims`.
    pub group_membership_claims: Option<String>,
    /// Graph's `appRoleAssignmentRequired`: only assigned users get tokens.
    #[serde(alias = "app_role_assignment_required")]
    pub assignment_required: Option<bool>,
    /// Users and groups that have its app roles.
    #[serde(default)]
    pub assignments: Vec<AssignmentTable>,
    /// Graph's `web.implicitGrantSettings`.
    #[serde(default)]
    pub implicit: ImplicitTable,
    /// Graph's `web.logoutUrl`, which is called after a sign-out.
    pub logout_url: Option<String>,
    /// The table `[application.policy]`.
    #[serde(default)]
    pub policy: ApplicationPolicyTable,
}

/// An entry of `assignments`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentTable {
    /// The name of a user or group in this file.
    pub to: String,
    /// The app role's value. If it is absent, the assignment is default access without a role.
    pub role: Option<String>,
}

/// The table `implicit`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImplicitTable {
    /// Graph's `enableIdTokenIssuance`.
    pub id_token: Option<bool>,
    /// Graph's `enableAccessTokenIssuance`.
    pub access_token: Option<bool>,
}

/// The table `optional_claims`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptionalClaimsTable {
    /// Claims of ID tokens for the application.
    pub id_token: Vec<ClaimTable>,
    /// Claims of access tokens for the application.
    pub access_token: Vec<ClaimTable>,
}

impl OptionalClaimsTable {
    /// Whether no claim is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.access_token.is_empty()
    }
}

/// An optional claim: its name, or a table with more properties.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ClaimTable {
    /// The name.
    Name(String),
    /// A table with additional properties.
    Full {
        /// The name.
        name: String,
        /// Graph's `additionalProperties`: `include_user_token`, `use_guid`, …
        #[serde(default)]
        additional: Vec<String>,
    },
}

impl ClaimTable {
    /// The name and the additional properties.
    #[must_use]
    pub fn parts(&self) -> (&str, &[String]) {
        match self {
            Self::Name(name) => (name, &[]),
            Self::Full { name, additional } => (name, additional),
        }
    }
}

/// An entry of `[[group]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTable {
    /// The display name.
    pub name: String,
    /// The object id; generated if absent.
    pub id: Option<ObjectId>,
    /// The description.
    pub description: Option<String>,
    /// Names of users, applications and groups in this file. An application may also be named by its client id.
    #[serde(default)]
    pub members: Vec<String>,
}

/// The table `redirect_uris`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedirectTable {
    /// Redirect URIs of desktop and mobile applications.
    pub public: Vec<String>,
    /// Redirect URIs of web applications.
    pub web: Vec<String>,
    /// Redirect URIs of single-page applications.
    pub spa: Vec<String>,
}

/// An entry of `permissions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionTable {
    /// The API: an application id, or the name of an application in this file.
    pub api: String,
    /// Values of delegated permissions.
    #[serde(default)]
    pub delegated: Vec<String>,
    /// Values of application permissions.
    #[serde(default)]
    pub application: Vec<String>,
}

/// An entry of `secrets`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretTable {
    /// The display name.
    pub name: String,
    /// The secret itself.
    pub value: Option<ClientSecret>,
    /// The path of a file with the secret.
    pub value_file: Option<String>,
    /// The name of an environment variable with the secret.
    pub value_env: Option<String>,
    /// The expiry date. The secret is valid until 00:00 UTC of this day.
    pub expires: Option<Date>,
}

/// A TOML date. It stands for 00:00 UTC of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::value::Datetime")]
pub struct Date(pub Timestamp);

impl TryFrom<toml::value::Datetime> for Date {
    type Error = String;

    fn try_from(value: toml::value::Datetime) -> Result<Self, String> {
        let (Some(date), None) = (value.date, value.time) else {
            return Err("expected a date such as 2027-11-22".into());
        };
        Timestamp::parse_iso(&format!("{date}T00:00:00Z"))
            .map(Self)
            .ok_or_else(|| format!("{date} is before 1970"))
    }
}

/// An entry of `federated`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedTable {
    /// The name, unique within the application.
    pub name: String,
    /// The `iss` claim of accepted tokens.
    pub issuer: String,
    /// The `sub` claim of accepted tokens.
    pub subject: String,
    /// The `aud` claim of accepted tokens.
    pub audience: String,
}

/// The table `exposes`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExposesTable {
    /// Identifier URIs of the API.
    pub identifier_uris: Vec<String>,
    /// Delegated permissions (scopes).
    pub scopes: Vec<Exposed>,
    /// Application roles.
    pub app_roles: Vec<Exposed>,
    /// The version of access tokens that the API accepts: 1 or 2.
    pub token_version: Option<u8>,
}

/// A permission that an API offers: its value, or a table with id and type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Exposed {
    /// The value; id and type have defaults.
    Name(String),
    /// A table with id and type.
    Full {
        /// The value.
        name: String,
        /// The id; generated if absent.
        id: Option<KeyId>,
        /// `User` or `Admin` for a scope; `User`, `Application` or `Both` for an app role.
        r#type: Option<String>,
    },
}

impl Exposed {
    /// The value.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::Full { name, .. } => name,
        }
    }

    /// The id, if the file has one.
    #[must_use]
    pub const fn id(&self) -> Option<KeyId> {
        match self {
            Self::Name(_) => None,
            Self::Full { id, .. } => *id,
        }
    }

    /// The type, if the file has one.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Full { r#type, .. } => r#type.as_deref(),
        }
    }
}

/// The table `[application.policy]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationPolicyTable {
    /// Whether public clients must use PKCE.
    pub pkce: Option<bool>,
    /// Whether implicit and hybrid responses may be enabled.
    pub implicit: Option<bool>,
    /// Whether the device code grant is available.
    pub device_code: Option<bool>,
    /// What happens when a refresh token is used again.
    pub refresh_reuse: Option<Reuse>,
}

/// An entry of `[[environment]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentTable {
    /// The display name.
    pub name: String,
    /// The id, a GUID or `Default-GUID`; generated if absent.
    pub id: Option<String>,
    /// The region, such as `europe`.
    pub location: Option<String>,
    /// The environment type, such as `Default` or `Production`.
    pub sku: Option<String>,
}

/// An entry of `[[application_package]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageTable {
    /// The unique name, which is used in URLs.
    pub unique_name: String,
    /// The display name.
    pub name: String,
    /// The version, such as `1.0.0.0`.
    pub version: String,
    /// The publisher's name.
    pub publisher: String,
}

/// Error: a tenant file is not valid. The message names the place and, where possible, the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FileError(pub String);

impl TenantFile {
    /// Parses and checks a tenant file.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let file: Self = toml::from_str(text).map_err(|error| FileError(place(text, &error)))?;
        check::check(&file)?;
        Ok(file)
    }
}

/// Formats a parse error as `line 3, column 1: …`. The source text is left out because it may contain a secret.
fn place(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
            format!("line {line}, column {column}: {message}")
        }
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) const WHOLE: &str = r#"
version = 1
[tenant]
id = "b7a1c0de-0000-4000-8000-000000000001"
domain = "contoso.example"
[tenant.policy]
assertion_replay = "refuse"
require_mfa = ["role:Global Administrator", "network:10.0.0.0/8"]
authentication_contexts = [{ id = "c1", require_mfa = true }]
[[user]]
name = "ada@contoso.example"
password = "s3cret-canary"
roles = ["Power Platform Administrator"]
[[application]]
name = "reader"
client_id = "a0000000-0000-4000-8000-000000000001"
redirect_uris = { public = ["http://localhost"], web = [], spa = [] }
permissions = [{ api = "8578e004-a5c6-46e7-913e-12f58912df43", delegated = ["A.B.Read"] }]
admin_consent = true
secrets = [{ name = "ci", value = "v", expires = 2027-11-22 }]
exposes = { identifier_uris = ["api://x"], scopes = ["access", { name = "other", type = "Admin" }], app_roles = [], token_version = 2 }
optional_claims = { id_token = ["email"], access_token = [{ name = "idtyp", additional = ["include_user_token"] }] }
group_membership_claims = "SecurityGroup"
assignment_required = true
assignments = [{ to = "ada@contoso.example" }, { to = "Readers", role = "Reader" }]
implicit = { id_token = true }
logout_url = "https://reader.example/signed-out"
[application.policy]
refresh_reuse = "tolerate"
[[group]]
name = "Readers"
members = ["ada@contoso.example", "reader"]
[[environment]]
name = "Default"
[[application_package]]
unique_name = "p"
name = "P"
version = "1"
publisher = "C"
"#;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = TenantFile::parse(&text);
        }
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = TenantFile::parse(WHOLE).unwrap();
        assert_eq!(file.applications[0].secrets[0].expires.unwrap().0.iso(), "2027-11-22T00:00:00Z");
        assert_eq!(file.tenant.policy.require_mfa[1], Who::Network([10, 0, 0, 0].into(), 8));
        assert_eq!(file.applications[0].exposes.scopes[1].kind(), Some("Admin"));
        assert_eq!(file.applications[0].optional_claims.access_token[0].parts().1, ["include_user_token"]);
        assert_eq!((file.groups[0].members.len(), file.tenant.policy.authentication_contexts.len()), (2, 1));
        let app = &file.applications[0];
        assert_eq!(app.assignments[1].role.as_deref(), Some("Reader"));
        let implicit = ImplicitTable { id_token: Some(true), access_token: None };
        assert_eq!((app.assignment_required, app.implicit), (Some(true), implicit));
        let long = WHOLE.replace("assignment_required", "app_role_assignment_required");
        assert_eq!(TenantFile::parse(&long).unwrap().applications[0].assignment_required, Some(true));
        assert!(!format!("{file:?}").contains("s3cret"));
    }

    #[test]
    fn a_key_that_is_not_known_is_named_with_its_place_and_no_secret_is_quoted() {
        let bad = WHOLE.replace(
            "password = \"s3cret-canary\"",
            "password = \"s3cret-canary\"\npasswort = \"s3cret-canary\"",
        );
        let error = TenantFile::parse(&bad).unwrap_err().0;
        assert!(
            error.starts_with("line 13, column") && error.contains("passwort") && !error.contains("s3cret"),
            "{error}"
        );
    }

    #[test]
    fn wrong_values_are_refused_with_their_mend() {
        for (from, to, word) in [
            ("version = 1\n[tenant]", "version = 2\n[tenant]", "version = 1"),
            ("contoso.example\"\n[tenant.policy]", "contoso\"\n[tenant.policy]", "domain"),
            ("network:10.0.0.0/8", "network:10.0.0.0/33", "CIDR"),
            ("2027-11-22", "2027-11-22T01:00:00Z", "date"),
            ("\"refuse\"", "\"perhaps\"", "perhaps"),
            ("id = \"c1\"", "id = \"c0\"", "c99"),
            ("b7a1c0de-", "b7a1c0de", "GUID"),
        ] {
            let error = TenantFile::parse(&WHOLE.replacen(from, to, 1)).unwrap_err().0;
            let guid = word == "GUID";
            assert!(guid || error.contains(word), "{to}: {error}");
        }
    }
}
