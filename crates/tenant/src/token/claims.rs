//! Claims of access and ID tokens (`reference/tokens-and-claims.md`). The version of an access token is
//! the resource's choice, that of an ID token the endpoint's. Members come in alphabetical order after
//! `aud`, `iss`, `iat`, `nbf`, `exp`; what is empty is left out.

use super::{Approval, Subject};
use crate::user::User;
use carnet_wire::{
    digest,
    ids::{AppId, ObjectId, TenantId, TraceId},
    jose::encode_base64url,
    time::Timestamp,
    token::request::Version,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::net::IpAddr;

/// How far `iat` and `nbf` lie before the moment of issue, in seconds.
pub const BACKDATED: i64 = 300;
/// How long an ID token lives, in seconds.
const ID_LIFETIME: i64 = 3600;
/// `wids` of a principal or user without any directory role, as seen at Entra.
const NO_ROLE_USER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const NO_ROLE_APPLICATION: &str = "0997a1d0-0d1d-4acb-b408-d5ca73121e90";

/// What claims need beside the approval.
pub struct Issuing<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// `iss` of v1.0 tokens.
    pub issuer_v1: &'a str,
    /// `iss` of v2.0 tokens.
    pub issuer_v2: &'a str,
    /// The answer's id.
    pub trace: TraceId,
    /// Now.
    pub now: Timestamp,
    /// The tenant's secret for pairwise subjects.
    pub pairwise: &'a [u8],
    /// From where the request came.
    pub address: IpAddr,
}

#[derive(Default, Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    aio: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    app_displayname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appid: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appidacr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azpacr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idtyp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipaddr: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    rh: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    scp: Option<String>,
    sub: String,
    tid: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    uti: String,
    ver: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wids: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    xms_cc: &'static [&'static str],
}

impl Approval {
    /// The edition of the access token: the resource's choice.
    #[must_use]
    pub fn token_version(&self) -> Version {
        if self.resource.principal.token_version == 2 { Version::V2 } else { Version::V1 }
    }

    /// The claims of the access token, as JSON.
    #[must_use]
    pub fn access_claims(&self, issuing: &Issuing<'_>) -> Vec<u8> {
        let version = self.token_version();
        let guid = self.resource.principal.app_id.to_string();
        let mut claims = self.common(issuing, version, self.lifetime);
        claims.aud = if version == Version::V2 { &guid } else { &self.resource.name };
        claims.roles = &self.roles;
        claims.xms_cc = if self.continuous { &["cp1"] } else { &[] };
        match version {
            Version::V1 => {
                claims.appid = Some(self.client.app);
                claims.appidacr = Some(self.credential.acr());
                claims.app_displayname = self.resource.microsoft.then_some(self.client.name.as_str());
            }
            Version::V2 => {
                claims.azp = Some(self.client.app);
                claims.azpacr = Some(self.credential.acr());
            }
        }
        match &self.subject {
            Subject::Application(principal) => {
                claims.oid = Some(*principal);
                claims.sub = principal.to_string();
                claims.idp = Some(claims.iss);
                claims.idtyp = self.resource.microsoft.then_some("app");
            }
            Subject::User { user, methods } => {
                claims.oid = Some(user.id);
                claims.sub =
                    pairwise(issuing.pairwise, issuing.tenant, (self.resource.principal.app_id, user.id));
                claims.scp = Some(self.scopes.join(" "));
                claims.idtyp = self.resource.microsoft.then_some("user");
                person(&mut claims, user, version);
                if version == Version::V1 {
                    claims.acr = Some("1");
                    claims.amr = methods;
                    claims.ipaddr = Some(issuing.address);
                }
            }
        }
        if self.resource.graph {
            claims.wids = self.wids();
        }
        json(&claims)
    }

    /// The claims of the ID token, as JSON; `None` for applications.
    #[must_use]
    pub fn id_claims(&self, issuing: &Issuing<'_>) -> Option<Vec<u8>> {
        let Subject::User { user, methods } = &self.subject else { return None };
        let client = self.client.app.to_string();
        let mut claims = self.common(issuing, self.version, ID_LIFETIME);
        claims.aud = &client;
        claims.nonce = self.nonce.as_deref();
        claims.auth_time = self.signed_in.map(Timestamp::seconds);
        claims.sub = pairwise(issuing.pairwise, issuing.tenant, (self.client.app, user.id));
        claims.oid = Some(user.id);
        if self.version == Version::V1 {
            claims.amr = methods;
            claims.ipaddr = Some(issuing.address);
        }
        if self.profile || self.version == Version::V1 {
            person(&mut claims, user, self.version);
        }
        if self.email {
            claims.email = user.mail.as_deref();
        }
        Some(json(&claims))
    }

    fn common<'a>(&self, issuing: &Issuing<'a>, version: Version, lifetime: i64) -> Claims<'a> {
        let now = issuing.now.seconds();
        // Just after a revocation a token begins a little later, as `User::tokens_valid_from` wants.
        let begins = match &self.subject {
            Subject::User { user, .. } => now.max(user.tokens_valid_from().min(now + BACKDATED)),
            Subject::Application(_) => now,
        };
        let (iss, ver) = match version {
            Version::V1 => (issuing.issuer_v1, "1.0"),
            Version::V2 => (issuing.issuer_v2, "2.0"),
        };
        Claims {
            iss,
            iat: begins - BACKDATED,
            nbf: begins - BACKDATED,
            exp: now + lifetime,
            aio: opaque(issuing, b"aio", 33),
            rh: format!("1.{}.", opaque(issuing, b"rh", 36)),
            tid: Some(issuing.tenant),
            uti: issuing.trace.uti(),
            ver,
            ..Claims::default()
        }
    }

    fn wids(&self) -> Vec<String> {
        if self.directory_roles.is_empty() {
            let none =
                if matches!(self.subject, Subject::User { .. }) { NO_ROLE_USER } else { NO_ROLE_APPLICATION };
            return vec![none.to_owned()];
        }
        self.directory_roles.iter().map(ToString::to_string).collect()
    }
}

fn person<'a>(claims: &mut Claims<'a>, user: &'a User, version: Version) {
    claims.name = Some(&user.display_name);
    match version {
        Version::V1 => {
            claims.family_name = user.surname.as_deref();
            claims.given_name = user.given_name.as_deref();
            claims.unique_name = Some(&user.name);
            claims.upn = Some(&user.name);
        }
        Version::V2 => claims.preferred_username = Some(&user.name),
    }
}

/// The pairwise subject: 43 characters that differ for every recipient application. `secret` is the tenant's.
#[must_use]
pub fn pairwise(secret: &[u8], tenant: TenantId, (recipient, user): (AppId, ObjectId)) -> String {
    let parts = [tenant.uuid(), recipient.uuid(), user.uuid()];
    encode_base64url(&digest::hmac_sha256(secret, &parts.each_ref().map(|id| id.as_bytes().as_slice())))
}

/// What userinfo shows of a user to a client with these scopes
/// (`reference/authorize-and-device.md`, 8). `graph` is the base URL of Microsoft Graph.
#[must_use]
pub fn user_info(user: &User, scopes: &[String], subject: String, graph: &str) -> Value {
    let holds = |name: &str| scopes.iter().any(|scope| scope == name);
    let mut body = json!({ "sub": subject });
    if holds("profile") {
        body["name"] = user.display_name.as_str().into();
        body["family_name"] = user.surname.as_deref().into();
        body["given_name"] = user.given_name.as_deref().into();
        body["picture"] = format!("{graph}/v1.0/me/photo/$value").into();
    }
    if let Some(mail) = user.mail.as_deref().filter(|_| holds("email")) {
        body["email"] = mail.into();
    }
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    body
}

/// Entra's opaque members: nobody reads them, but some libraries want them there.
fn opaque(issuing: &Issuing<'_>, label: &[u8], length: usize) -> String {
    let bytes = digest::hmac_sha256(issuing.pairwise, &[label, issuing.trace.uuid().as_bytes()]);
    let repeated: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
    encode_base64url(&repeated)
}

fn json(claims: &Claims<'_>) -> Vec<u8> {
    serde_json::to_vec(claims).expect("texts, numbers and lists of texts always serialise")
}

#[cfg(test)]
mod tests {
    use super::super::contoso::*;
    use super::*;
    use serde_json::{Value, json};

    fn issuing() -> Issuing<'static> {
        Issuing {
            tenant: TENANT.parse().unwrap(),
            issuer_v1: "https://sts.windows.net/t/",
            issuer_v2: "https://login.microsoftonline.com/t/v2.0",
            trace: TraceId::new(uuid::Uuid::from_u128(1)),
            now: Timestamp::from_seconds(NOW),
            pairwise: &[7; 32],
            address: [127, 0, 0, 1].into(),
        }
    }

    fn approve(app: &str, body: &str) -> Box<Approval> {
        Contoso::new().ask(app, body).verdict.unwrap()
    }

    fn read(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    const APP: &str =
        "scope=https://api.powerplatform.com/.default&grant_type=client_credentials&client_secret=right";
    const USER: &str = "scope=https://api.powerplatform.com/.default+openid+profile&grant_type=password&username=ada&password=x";

    #[test]
    fn an_applications_v1_token_has_the_recorded_claims_in_the_recorded_order() {
        let claims = read(&approve(SECRET, APP).access_claims(&issuing()));
        let names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "aud",
                "iss",
                "iat",
                "nbf",
                "exp",
                "aio",
                "app_displayname",
                "appid",
                "appidacr",
                "idp",
                "idtyp",
                "oid",
                "rh",
                "sub",
                "tid",
                "uti",
                "ver"
            ]
        );
        assert_eq!((claims["exp"].as_i64(), claims["iat"].as_i64()), (Some(NOW + 3600), Some(NOW - 300)));
        assert_eq!(
            (&claims["sub"], &claims["idtyp"], &claims["appidacr"]),
            (&claims["oid"], &json!("app"), &json!("1"))
        );
    }

    #[test]
    fn a_users_token_has_scp_and_a_pairwise_sub_and_no_roles() {
        let approval = approve(PUBLIC, USER);
        let claims = read(&approval.access_claims(&issuing()));
        assert_eq!(claims["scp"], "AppManagement.ApplicationPackages.Read");
        assert_ne!(claims["sub"], claims["oid"]);
        assert_eq!(
            (claims["upn"].as_str(), claims.get("roles"), claims["appidacr"].as_str()),
            (Some("Ada"), None, Some("0"))
        );
        let id = read(&approval.id_claims(&issuing()).unwrap());
        assert_ne!(id["sub"], claims["sub"]);
        assert_eq!(
            (id["aud"].as_str(), id["ver"].as_str(), id["preferred_username"].as_str()),
            (Some(PUBLIC), Some("2.0"), Some("Ada"))
        );
    }

    #[test]
    fn the_resource_chooses_the_version_of_the_access_token() {
        let mut contoso = Contoso::new();
        contoso.change_principal(PLATFORM, |it| it.token_version = 2);
        let claims = read(&contoso.ask(PUBLIC, USER).verdict.unwrap().access_claims(&issuing()));
        assert_eq!(
            (claims["ver"].as_str(), claims["aud"].as_str(), claims["azp"].as_str()),
            (Some("2.0"), Some(PLATFORM), Some(PUBLIC))
        );
        assert_eq!((claims.get("appid"), claims.get("upn"), claims.get("amr")), (None, None, None));
    }

    #[test]
    fn graph_tokens_name_directory_roles_even_where_there_are_none() {
        let body = APP.replace("https://api.powerplatform.com", "https://graph.microsoft.com");
        let claims = read(&approve(SECRET, &body).access_claims(&issuing()));
        assert_eq!(claims["wids"], json!([NO_ROLE_APPLICATION]));
    }

    #[test]
    fn an_application_has_no_id_token() {
        assert!(approve(SECRET, APP).id_claims(&issuing()).is_none());
    }
}
