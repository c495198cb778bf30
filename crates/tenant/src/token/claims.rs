//! Claims of access and ID tokens (`reference/tokens-and-claims.md`). The version of an access token is
//! the resource's choice, that of an ID token the endpoint's. Members come in alphabetical order after
//! `aud`, `iss`, `iat`, `nbf`, `exp`; what is empty is left out, and so is what nobody here could know
//! (`puid`, `xms_idrel`, …).

use super::{Approval, Configured, Subject, aio, subject};
use crate::{optional_claims::Claim, user::User};
use carnet_wire::{
    digest::DigestKey,
    ids::{AppId, ObjectId, TenantId, TraceId},
    jose::encode_base64url,
    time::Timestamp,
    token::request::Version,
};
use serde::Serialize;
use std::{borrow::Cow, net::IpAddr};
use uuid::Uuid;

/// How far `iat` and `nbf` lie before the moment of issue, in seconds.
pub const BACKDATED: i64 = 300;
/// How long an ID token lives, in seconds.
const ID_LIFETIME: i64 = 3600;
/// `wids` of a principal or user without any directory role, as seen at Entra.
const NO_ROLE_USER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const NO_ROLE_APPLICATION: &str = "0997a1d0-0d1d-4acb-b408-d5ca73121e90";
/// Most groups that a token names.
const MOST_GROUPS: usize = 200;
/// Most groups that a token in an address names.
const MOST_GROUPS_IN_ADDRESS: usize = 5;

/// What claims need beside the approval.
pub struct Issuing<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// When the tenant was made.
    pub tenant_created: Timestamp,
    /// The tenant's country, if it is known.
    pub tenant_country: Option<&'a str>,
    /// The tenant's verified domains, in lower case.
    pub domains: &'a [String],
    /// `iss` of v1.0 tokens.
    pub issuer_v1: &'a str,
    /// `iss` of v2.0 tokens.
    pub issuer_v2: &'a str,
    /// Base URL of Microsoft Graph, where groups are told that a token has no room for.
    pub graph: &'a str,
    /// The answer's id.
    pub trace: TraceId,
    /// Now.
    pub now: Timestamp,
    /// The tenant's secret for pairwise subjects.
    pub pairwise: &'a DigestKey,
    /// From where the request came.
    pub address: IpAddr,
    /// The ID token travels in an address: the authorize endpoint gives it (implicit, hybrid).
    pub in_address: bool,
    /// `c_hash` of the code that comes with the ID token.
    pub code_hash: Option<&'a str>,
    /// `at_hash` of the access token that comes with the ID token from the authorize endpoint.
    pub access_hash: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(rename = "_claim_names", skip_serializing_if = "Option::is_none")]
    claim_names: Option<ClaimNames>,
    #[serde(rename = "_claim_sources", skip_serializing_if = "Option::is_none")]
    claim_sources: Option<ClaimSources>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acct: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    acrs: &'a [String],
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
    c_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hasgroups: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idtyp: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipaddr: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_ctry: Option<&'a str>,
    tid: Option<TenantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    uti: String,
    ver: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified_primary_email: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified_secondary_email: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wids: Vec<Cow<'static, str>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    xms_cc: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_edov: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_st: Option<InOtherTokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_tcdt: Option<i64>,
}

/// `_claim_names`: the claims that are told elsewhere.
#[derive(Serialize)]
struct ClaimNames {
    groups: &'static str,
}

/// `_claim_sources`: where.
#[derive(Serialize)]
struct ClaimSources {
    src1: Endpoint,
}

#[derive(Serialize)]
struct Endpoint {
    endpoint: String,
}

/// `xms_st`: who the user is in other tokens of this client.
#[derive(Serialize)]
struct InOtherTokens {
    sub: String,
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
        let recipient = self.resource.principal.app_id;
        let guid = recipient.to_string();
        let spn = format!("spn:{guid}");
        let wants = self.access.claims;
        let mut claims = self.common(issuing, version, (recipient, self.lifetime));
        let by_guid = version == Version::V2 || wants.has(Claim::AudienceGuid);
        claims.aud = match (by_guid, self.resource.spn) {
            (true, _) => &guid,
            (false, true) => &spn,
            (false, false) => &self.resource.name,
        };
        claims.roles = &self.roles;
        claims.xms_cc = if self.continuous || self.access.capable { &["cp1"] } else { &[] };
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
                claims.idtyp = (self.resource.microsoft || wants.has(Claim::TokenType)).then_some("app");
            }
            Subject::User { user, methods } => {
                // v2.0 is said to want `profile` for it; but on-behalf-of and every API know the user by it.
                claims.oid = Some(user.id);
                claims.sub = subject::pairwise(issuing.pairwise, issuing.tenant, (recipient, user.id));
                claims.scp = (!self.scopes.is_empty()).then(|| self.scopes.join(" "));
                let typed = self.resource.microsoft || wants.has(Claim::TokenTypeOfUsers);
                claims.idtyp = typed.then_some("user");
                claims.sid = self.session.filter(|_| self.resource.microsoft || wants.has(Claim::Session));
                self.person(&mut claims, (user, methods), (issuing, version, &self.access));
                if version == Version::V1 {
                    claims.acr = Some("1");
                }
            }
        }
        self.groups(&mut claims, &self.access, (issuing, false));
        if self.resource.graph {
            self.for_graph(&mut claims, issuing);
        }
        json(&claims)
    }

    /// The claims of the ID token, as JSON; `None` for applications.
    #[must_use]
    pub fn id_claims(&self, issuing: &Issuing<'_>) -> Option<Vec<u8>> {
        let Subject::User { user, methods } = &self.subject else { return None };
        let client = self.client.app.to_string();
        let wants = self.id.claims;
        let mut claims = self.common(issuing, self.version, (self.client.app, ID_LIFETIME));
        claims.aud = &client;
        claims.nonce = self.nonce.as_deref();
        claims.c_hash = issuing.code_hash;
        claims.at_hash = issuing.access_hash;
        claims.roles = &self.id_roles;
        claims.sub = subject::pairwise(issuing.pairwise, issuing.tenant, (self.client.app, user.id));
        claims.oid = (self.profile || self.version == Version::V1).then_some(user.id);
        claims.sid = self.session.filter(|_| wants.has(Claim::Session));
        if wants.has(Claim::LoginHint) {
            claims.login_hint = Some(subject::login_hint(issuing.pairwise, issuing.tenant, user.id));
        }
        self.person(&mut claims, (user, methods), (issuing, self.version, &self.id));
        if self.auth_time {
            claims.auth_time = self.signed_in.map(Timestamp::seconds);
        }
        self.groups(&mut claims, &self.id, (issuing, issuing.in_address));
        Some(json(&claims))
    }

    /// What both tokens tell of a user: usual claims of the edition, and optional ones.
    fn person<'a>(
        &'a self,
        claims: &mut Claims<'a>,
        (user, methods): (&'a User, &'a [String]),
        (issuing, version, configured): (&Issuing<'a>, Version, &'a Configured),
    ) {
        let wants = configured.claims;
        let v1 = version == Version::V1;
        let profile = v1 || self.profile;
        let named = |claim| v1 || (profile && wants.has(claim));
        claims.name = profile.then_some(&user.display_name);
        claims.family_name = user.surname.as_deref().filter(|_| named(Claim::FamilyName));
        claims.given_name = user.given_name.as_deref().filter(|_| named(Claim::GivenName));
        let upn = if v1 { !user.guest || wants.has(Claim::Upn) } else { named(Claim::Upn) };
        claims.upn = upn.then_some(&user.name);
        let preferred = if v1 { wants.has(Claim::PreferredUsername) } else { profile };
        claims.preferred_username = preferred.then_some(&user.name);
        claims.unique_name = v1.then_some(&user.name);
        claims.amr = if v1 { methods } else { &[] };
        claims.ipaddr = (v1 || wants.has(Claim::Address)).then_some(issuing.address);
        let mail = user.guest || wants.has(Claim::Email) || (!v1 && self.email);
        claims.email = user.mail.as_deref().filter(|_| mail);
        let verified = |mail: &&str| {
            let domain = mail.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
            domain.is_some_and(|domain| issuing.domains.contains(&domain))
        };
        let mail = user.mail.as_deref();
        claims.xms_edov =
            mail.filter(|_| wants.has(Claim::EmailDomainOwnerVerified)).map(|mail| verified(&mail));
        if wants.has(Claim::VerifiedPrimaryEmail) {
            claims.verified_primary_email = mail.into_iter().filter(verified).collect();
        }
        if wants.has(Claim::VerifiedSecondaryEmail) {
            let others = user.kept.get("otherMails").and_then(serde_json::Value::as_array);
            let others = others.into_iter().flatten().filter_map(serde_json::Value::as_str);
            claims.verified_secondary_email = others.filter(verified).collect();
        }
        claims.tenant_ctry = issuing.tenant_country.filter(|_| wants.has(Claim::TenantCountry));
        let country = user.kept.get("country").and_then(serde_json::Value::as_str);
        claims.ctry = country.filter(|it| wants.has(Claim::Country) && is_country_code(it));
        claims.acct = wants.has(Claim::Acct).then_some(u8::from(user.guest));
        claims.acrs = &configured.contexts;
        if wants.has(Claim::AuthTime) {
            claims.auth_time = self.signed_in.map(Timestamp::seconds);
        }
    }

    /// Groups as configured; where there are too many, where to ask for them. Entra names the retired
    /// `graph.windows.net`, which nobody can serve; ours names the Graph that answers.
    fn groups<'a>(
        &self,
        claims: &mut Claims<'a>,
        configured: &'a Configured,
        (issuing, in_address): (&Issuing<'_>, bool),
    ) {
        if configured.directory_roles {
            claims.wids = self.wids();
        }
        if in_address && configured.groups.len() > MOST_GROUPS_IN_ADDRESS {
            claims.hasgroups = Some(true);
            return;
        }
        if configured.groups.len() > MOST_GROUPS {
            let (kind, id) = match &self.subject {
                Subject::User { user, .. } => ("users", user.id),
                Subject::Application(principal) => ("servicePrincipals", *principal),
            };
            let endpoint = format!("{}/v1.0/{kind}/{id}/getMemberObjects", issuing.graph);
            claims.claim_names = Some(ClaimNames { groups: "src1" });
            claims.claim_sources = Some(ClaimSources { src1: Endpoint { endpoint } });
            return;
        }
        match configured.claims.has(Claim::GroupsAsRoles) && !configured.groups.is_empty() {
            // Then roles proper are not told (memory).
            true => claims.roles = &configured.groups,
            false => claims.groups = &configured.groups,
        }
    }

    /// What tokens for Microsoft Graph carry besides.
    fn for_graph(&self, claims: &mut Claims<'_>, issuing: &Issuing<'_>) {
        claims.wids = self.wids();
        claims.xms_tcdt = Some(issuing.tenant_created.seconds());
        if let Subject::User { user, .. } = &self.subject {
            let to_client = (self.client.app, user.id);
            let sub = subject::pairwise(issuing.pairwise, issuing.tenant, to_client);
            claims.xms_st = Some(InOtherTokens { sub });
        }
    }

    /// What every token carries.
    fn common<'a>(
        &self,
        issuing: &Issuing<'a>,
        version: Version,
        (recipient, lifetime): (AppId, i64),
    ) -> Claims<'a> {
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
            aio: self.aio(issuing),
            rh: rh(issuing, recipient),
            tid: Some(issuing.tenant),
            uti: issuing.trace.uti(),
            ver,
            ..Claims::default()
        }
    }

    fn aio(&self, issuing: &Issuing<'_>) -> String {
        let uti = issuing.trace.uti();
        match (&self.subject, self.signed_in) {
            (Subject::User { user, methods }, Some(at)) => {
                aio::hold(issuing.pairwise, (&uti, user.id), (at, methods))
            }
            _ => aio::empty(issuing.pairwise, &uti),
        }
    }

    fn wids(&self) -> Vec<Cow<'static, str>> {
        if self.directory_roles.is_empty() {
            let user = matches!(self.subject, Subject::User { .. });
            return vec![if user { NO_ROLE_USER } else { NO_ROLE_APPLICATION }.into()];
        }
        self.directory_roles.iter().map(|role| role.to_string().into()).collect()
    }
}

/// Opaque, in the shape that was decoded: a mark, the tenant and the recipient in mixed-endian order.
fn rh(issuing: &Issuing<'_>, recipient: AppId) -> String {
    let trace = issuing.trace.uuid().into_bytes();
    let ids = [issuing.tenant.uuid().to_bytes_le(), recipient.uuid().to_bytes_le()].concat();
    format!("1.{}.", encode_base64url(&[&[1, trace[0], 0], &ids[..], &[trace[1]]].concat()))
}

/// Two capital letters, as in ISO 3166-1: other texts are no value of `ctry`.
fn is_country_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn json(claims: &Claims<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    serde_json::to_writer(&mut text, claims).expect("texts, numbers and lists of texts always serialise");
    text
}

#[cfg(test)]
mod tests {
    use super::super::contoso::*;
    use super::*;
    use serde_json::json;

    fn approve(app: &str, body: &str) -> Box<Approval> {
        Contoso::new().ask(app, body).verdict.unwrap()
    }

    const APP: &str =
        "scope=https://api.powerplatform.com/.default&grant_type=client_credentials&client_secret=right";
    const USER: &str = "scope=https://api.powerplatform.com/.default+openid+profile&grant_type=password&username=ada&password=x";

    #[test]
    fn an_applications_v1_token_has_the_recorded_claims_in_the_recorded_order() {
        let claims = told(&approve(SECRET, APP).access_claims(&issuing()));
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
        let claims = told(&approval.access_claims(&issuing()));
        assert_eq!(claims["scp"], "AppManagement.ApplicationPackages.Read");
        assert_ne!(claims["sub"], claims["oid"]);
        assert_eq!(
            (claims["upn"].as_str(), claims.get("roles"), claims["appidacr"].as_str()),
            (Some("Ada"), None, Some("0"))
        );
        let id = told(&approval.id_claims(&issuing()).unwrap());
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
        let claims = told(&contoso.ask(PUBLIC, USER).verdict.unwrap().access_claims(&issuing()));
        assert_eq!(
            (claims["ver"].as_str(), claims["aud"].as_str(), claims["azp"].as_str()),
            (Some("2.0"), Some(PLATFORM), Some(PUBLIC))
        );
        assert_eq!((claims.get("appid"), claims.get("upn"), claims.get("amr")), (None, None, None));
    }

    #[test]
    fn graph_tokens_name_directory_roles_even_where_there_are_none() {
        let body = APP.replace("https://api.powerplatform.com", "https://graph.microsoft.com");
        let claims = told(&approve(SECRET, &body).access_claims(&issuing()));
        assert_eq!(claims["wids"], json!([NO_ROLE_APPLICATION]));
    }

    #[test]
    fn graph_tokens_tell_the_tenants_age_and_who_the_user_is_to_the_client() {
        let body = USER.replace("https://api.powerplatform.com", "https://graph.microsoft.com");
        let approval = approve(PUBLIC, &body);
        let (access, id) =
            (told(&approval.access_claims(&issuing())), told(&approval.id_claims(&issuing()).unwrap()));
        assert_eq!(access["xms_st"], json!({ "sub": id["sub"] }));
        assert_eq!(access["xms_tcdt"], NOW - 1000);
        let elsewhere = told(&approve(PUBLIC, USER).access_claims(&issuing()));
        assert_eq!((elsewhere.get("xms_st"), elsewhere.get("xms_tcdt")), (None, None));
    }

    #[test]
    fn an_id_token_tells_when_somebody_signed_in_where_the_client_asked() {
        let mut approval = approve(PUBLIC, USER);
        let time =
            |approval: &Approval| told(&approval.id_claims(&issuing()).unwrap()).get("auth_time").cloned();
        assert_eq!(time(&approval), None);
        approval.auth_time = true;
        assert_eq!(time(&approval), Some(json!(NOW)));
    }

    #[test]
    fn an_application_has_no_id_token() {
        assert!(approve(SECRET, APP).id_claims(&issuing()).is_none());
    }
}
