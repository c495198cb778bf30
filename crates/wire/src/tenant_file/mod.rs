//! The tenant file: a tenant written down in TOML, for `up`, `plan`, `apply` and `export`. Unknown keys
//! are errors with line and column. Nothing is read from elsewhere here: where a value is in another
//! file or in the environment, the file only says so.

mod check;

use crate::{
    ids::{AppId, KeyId, ObjectId, TenantId},
    secret::{ClientSecret, Password, TotpKey},
    time::Timestamp,
};
use serde::Deserialize;
use std::{net::IpAddr, num::NonZeroU32};

/// A file that was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantFile {
    /// Always 1.
    pub version: u32,
    /// The tenant.
    pub tenant: TenantTable,
    /// People.
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
    /// Application packages.
    #[serde(default, rename = "application_package")]
    pub packages: Vec<PackageTable>,
}

/// `[tenant]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantTable {
    /// Made up when absent.
    pub id: Option<TenantId>,
    /// The verified domain.
    pub domain: String,
    /// The name people see.
    pub name: Option<String>,
    /// The country, two letters of ISO 3166-1.
    pub country: Option<String>,
    /// `[tenant.policy]`
    #[serde(default)]
    pub policy: PolicyTable,
}

/// `[tenant.policy]`
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// `tolerate` or `refuse`.
    pub assertion_replay: Option<Replay>,
    /// `grace` or `tolerate`.
    pub refresh_reuse: Option<Reuse>,
    /// Tell unknown and locked users apart.
    pub reveal_user: Option<bool>,
    /// Serve the password grant.
    pub password_grant: Option<bool>,
    /// Serve the device code grant.
    pub device_code: Option<bool>,
    /// Who needs a second factor.
    #[serde(default)]
    pub require_mfa: Vec<Who>,
    /// Who may not sign in.
    #[serde(default)]
    pub block: Vec<Who>,
    /// Days after a sign-in at which its refresh tokens end.
    pub refresh_max_age_days: Option<NonZeroU32>,
    /// Hours after which somebody has to sign in again.
    pub sign_in_frequency_hours: Option<NonZeroU32>,
    /// Hours after a sign-in for which its second factor counts.
    pub second_factor_hours: Option<NonZeroU32>,
    /// Requests at the token endpoint, of those who proved who they are, that a node answers in a minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// How often one user may sign in in a minute through one client for the same.
    pub repeats_per_minute: Option<NonZeroU32>,
    /// Users without a directory role may register applications; yes when absent.
    pub users_create_applications: Option<bool>,
    /// Maximum number of objects that a user without a directory role may own; 250 when absent.
    pub objects_per_person: Option<u32>,
    /// Maximum lifetime of a client secret in days; 731 when absent.
    pub secret_max_days: Option<NonZeroU32>,
    /// Days for which an address that signed an account in is remembered; 180 when absent.
    pub known_source_days: Option<NonZeroU32>,
    /// Failed passwords of one source in 10 minutes before it is refused; 50 when absent.
    pub source_failures: Option<NonZeroU32>,
    /// Days for which audit records are kept; 400 when absent.
    pub audit_days: Option<NonZeroU32>,
    /// Issuers that may be http or loopback.
    #[serde(default)]
    pub danger_allow_issuers: Vec<String>,
    /// What an API may demand of a sign-in beyond the rest (`acrs`).
    #[serde(default)]
    pub authentication_contexts: Vec<ContextTable>,
}

/// One of `authentication_contexts`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextTable {
    /// `c1` to `c99`.
    pub id: String,
    /// It demands a second factor.
    #[serde(default)]
    pub require_mfa: bool,
}

/// See [`PolicyTable::assertion_replay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replay {
    /// Tolerated while short-lived.
    Tolerate,
    /// Refused.
    Refuse,
}

/// See [`PolicyTable::refresh_reuse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// 60 s of grace.
    Grace,
    /// Usable again.
    Tolerate,
}

/// A set of sign-ins, `all`, `role:…`, `user:…`, `app:…` or `network:…`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Who {
    /// Everyone.
    All,
    /// A directory role, by name.
    Role(String),
    /// A user, by name.
    User(String),
    /// An application, by name or client id.
    App(String),
    /// A network.
    Network(IpAddr, u8),
}

impl TryFrom<String> for Who {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is none of all, role:NAME, user:NAME, app:NAME, network:CIDR");
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

/// `[[user]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTable {
    /// The user principal name.
    pub name: String,
    /// Made up when absent.
    pub id: Option<ObjectId>,
    /// The name people see.
    pub display_name: Option<String>,
    /// Graph's `givenName`.
    pub given_name: Option<String>,
    /// Graph's `surname`.
    pub surname: Option<String>,
    /// Graph's `mail`.
    pub mail: Option<String>,
    /// Graph's `country`; the claim `ctry` repeats two capital letters.
    pub country: Option<String>,
    /// Graph's `otherMails`.
    pub other_mails: Option<Vec<String>>,
    /// The password itself.
    pub password: Option<Password>,
    /// A file that holds the password.
    pub password_file: Option<String>,
    /// An environment variable that holds the password.
    pub password_env: Option<String>,
    /// Directory roles, by name.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Base32 key of a registered second factor.
    pub totp: Option<TotpKey>,
    /// May sign in.
    pub enabled: Option<bool>,
}

/// `[[application]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTable {
    /// The name people see.
    pub name: String,
    /// Made up when absent.
    pub client_id: Option<AppId>,
    /// Made up when absent.
    pub id: Option<ObjectId>,
    /// Made up when absent.
    pub service_principal_id: Option<ObjectId>,
    /// Graph's `signInAudience`.
    pub audience: Option<String>,
    /// Step 3's switch.
    pub public_client: Option<bool>,
    /// By platform.
    #[serde(default)]
    pub redirect_uris: RedirectTable,
    /// What it needs.
    #[serde(default)]
    pub permissions: Vec<PermissionTable>,
    /// Consent for everyone to exactly these.
    #[serde(default)]
    pub admin_consent: bool,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<SecretTable>,
    /// Certificate files, relative to this file.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Trust in outside issuers.
    #[serde(default)]
    pub federated: Vec<FederatedTable>,
    /// What it offers.
    #[serde(default)]
    pub exposes: ExposesTable,
    /// Registered with Power Platform.
    #[serde(default)]
    pub power_platform_admin: bool,
    /// Claims that its tokens carry besides the usual ones.
    #[serde(default)]
    pub optional_claims: OptionalClaimsTable,
    /// Graph's `groupMembershipClaims`.
    pub group_membership_claims: Option<String>,
    /// Graph's `appRoleAssignmentRequired`: only people who are assigned to it get tokens.
    #[serde(alias = "app_role_assignment_required")]
    pub assignment_required: Option<bool>,
    /// People and groups that hold its app roles.
    #[serde(default)]
    pub assignments: Vec<AssignmentTable>,
    /// Graph's `web.implicitGrantSettings`.
    #[serde(default)]
    pub implicit: ImplicitTable,
    /// Graph's `web.logoutUrl`: where it hears of a sign-out.
    pub logout_url: Option<String>,
    /// `[application.policy]`
    #[serde(default)]
    pub policy: ApplicationPolicyTable,
}

/// One of `assignments`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentTable {
    /// A user or a group of this file, by name.
    pub to: String,
    /// The app role's value; absent: default access, without a role.
    pub role: Option<String>,
}

/// `implicit`
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImplicitTable {
    /// `enableIdTokenIssuance`
    pub id_token: Option<bool>,
    /// `enableAccessTokenIssuance`
    pub access_token: Option<bool>,
}

/// `optional_claims`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptionalClaimsTable {
    /// Of ID tokens that it gets.
    pub id_token: Vec<ClaimTable>,
    /// Of access tokens for it.
    pub access_token: Vec<ClaimTable>,
}

impl OptionalClaimsTable {
    /// None is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.access_token.is_empty()
    }
}

/// An optional claim: its name alone, or with what more is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ClaimTable {
    /// The name.
    Name(String),
    /// The name with its additional properties.
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

/// `[[group]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTable {
    /// The name people see.
    pub name: String,
    /// Made up when absent.
    pub id: Option<ObjectId>,
    /// Free text.
    pub description: Option<String>,
    /// Users, applications and groups of this file, by name; an application by client id too.
    #[serde(default)]
    pub members: Vec<String>,
}

/// `redirect_uris`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedirectTable {
    /// Desktop and mobile.
    pub public: Vec<String>,
    /// Web.
    pub web: Vec<String>,
    /// Single-page.
    pub spa: Vec<String>,
}

/// One of `permissions`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionTable {
    /// The API: an application id, or the name of an application in this file.
    pub api: String,
    /// Delegated permissions by value.
    #[serde(default)]
    pub delegated: Vec<String>,
    /// Application permissions by value.
    #[serde(default)]
    pub application: Vec<String>,
}

/// One of `secrets`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretTable {
    /// The name people see.
    pub name: String,
    /// The secret itself.
    pub value: Option<ClientSecret>,
    /// A file that holds it.
    pub value_file: Option<String>,
    /// An environment variable that holds it.
    pub value_env: Option<String>,
    /// 00:00 UTC of this date is its end.
    pub expires: Option<Date>,
}

/// A TOML date, meant as its first moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::value::Datetime")]
pub struct Date(pub Timestamp);

impl TryFrom<toml::value::Datetime> for Date {
    type Error = String;

    fn try_from(value: toml::value::Datetime) -> Result<Self, String> {
        let (Some(date), None) = (value.date, value.time) else {
            return Err("a date such as 2027-11-22".into());
        };
        Timestamp::parse_iso(&format!("{date}T00:00:00Z"))
            .map(Self)
            .ok_or_else(|| format!("{date} is no date after 1970"))
    }
}

/// One of `federated`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedTable {
    /// Unique in the application.
    pub name: String,
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// `aud`
    pub audience: String,
}

/// `exposes`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExposesTable {
    /// Names of the API.
    pub identifier_uris: Vec<String>,
    /// Delegated permissions.
    pub scopes: Vec<Exposed>,
    /// Application roles.
    pub app_roles: Vec<Exposed>,
    /// 1 or 2.
    pub token_version: Option<u8>,
}

/// A permission that is offered: its name alone, or with id and type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Exposed {
    /// The name; the rest is made up.
    Name(String),
    /// The name with what is fixed of it.
    Full {
        /// The value.
        name: String,
        /// Its id.
        id: Option<KeyId>,
        /// `User` or `Admin` of a scope; `User`, `Application` or `Both` of a role.
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

    /// The id, if fixed.
    #[must_use]
    pub const fn id(&self) -> Option<KeyId> {
        match self {
            Self::Name(_) => None,
            Self::Full { id, .. } => *id,
        }
    }

    /// The type, if given.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Full { r#type, .. } => r#type.as_deref(),
        }
    }
}

/// `[application.policy]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationPolicyTable {
    /// Public clients must use PKCE.
    pub pkce: Option<bool>,
    /// Implicit and hybrid answers may be enabled.
    pub implicit: Option<bool>,
    /// The device code grant is served.
    pub device_code: Option<bool>,
    /// What becomes of used refresh tokens.
    pub refresh_reuse: Option<Reuse>,
}

/// `[[environment]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentTable {
    /// The name people see.
    pub name: String,
    /// A GUID or `Default-GUID`; made up when absent.
    pub id: Option<String>,
    /// `europe`, …
    pub location: Option<String>,
    /// `Default`, `Production`, …
    pub sku: Option<String>,
}

/// `[[application_package]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageTable {
    /// Its name in addresses.
    pub unique_name: String,
    /// The name people see.
    pub name: String,
    /// `1.0.0.0`
    pub version: String,
    /// Who publishes it.
    pub publisher: String,
}

/// What is wrong with a file: a sentence that names the place and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FileError(pub String);

impl TenantFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`FileError`]
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let file: Self = toml::from_str(text).map_err(|error| FileError(place(text, &error)))?;
        check::check(&file)?;
        Ok(file)
    }
}

/// `line 3, column 1: …`, without the source text that the library would quote: it may hold a secret.
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
