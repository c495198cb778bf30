//! Claims that an application asks for besides the usual ones (Graph's `optionalClaims`) and the groups
//! that its tokens name (`groupMembershipClaims`). ID tokens go by the client's registration, access tokens by
//! the API's. A name is understood once, when the registration is made, changed or loaded; tokens only ask
//! whether it is among what is wanted.

use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Most claims of one kind of token.
const MOST: usize = 100;
/// Most bytes of a name, source or additional property.
const LONGEST: usize = 256;

/// What a registration asks for, by kind of token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptionalClaims {
    /// ID tokens that the application gets.
    pub id_token: Listed,
    /// Access tokens for the application.
    pub access_token: Listed,
    /// SAML tokens; none are issued here.
    pub saml2_token: Listed,
}

/// One optional claim, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionalClaim {
    /// The claim's name. One that is not known is kept and gives nothing.
    pub name: String,
    /// `user` for an extension of the user; `None` for what is built in.
    pub source: Option<String>,
    /// A hint that changes nothing.
    pub essential: bool,
    /// `use_guid`, `include_user_token`, …
    pub additional_properties: Vec<String>,
}

/// A list of optional claims, and what of it is understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<OptionalClaim>", into = "Vec<OptionalClaim>")]
pub struct Listed {
    list: Vec<OptionalClaim>,
    set: ClaimSet,
}

impl From<Vec<OptionalClaim>> for Listed {
    fn from(list: Vec<OptionalClaim>) -> Self {
        let set = list.iter().fold(ClaimSet::default(), |set, it| set.with(it));
        Self { list, set }
    }
}

impl From<Listed> for Vec<OptionalClaim> {
    fn from(listed: Listed) -> Self {
        listed.list
    }
}

impl Listed {
    /// As written.
    #[must_use]
    pub fn list(&self) -> &[OptionalClaim] {
        &self.list
    }

    /// What of it is understood.
    #[must_use]
    pub const fn set(&self) -> ClaimSet {
        self.set
    }
}

impl OptionalClaims {
    /// Nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.id_token, &self.access_token, &self.saml2_token].iter().all(|it| it.list.is_empty())
    }

    /// Every text in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let Self { id_token, access_token, saml2_token } = self;
        let claims = [id_token, access_token, saml2_token].into_iter().flat_map(|it| &it.list);
        claims.flat_map(|OptionalClaim { name, source, essential: _, additional_properties }| {
            let names = std::iter::once(name).chain(source).chain(additional_properties);
            names.map(String::as_str)
        })
    }

    /// Whether it may be kept.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`]
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let bad =
            |message: String| Err(Refusal::BadRequest { message, target: Some("optionalClaims".into()) });
        for (listed, name) in [
            (&self.id_token, "idToken"),
            (&self.access_token, "accessToken"),
            (&self.saml2_token, "saml2Token"),
        ] {
            if listed.list.len() > MOST {
                return bad(format!("optionalClaims.{name} has more than {MOST} claims"));
            }
            for claim in &listed.list {
                let texts = [Some(&claim.name), claim.source.as_ref()].into_iter().flatten();
                let all = texts.chain(&claim.additional_properties);
                if claim.name.is_empty() || all.clone().any(|it| it.len() > LONGEST) || all.count() > MOST {
                    return bad(format!(
                        "optionalClaims.{name} has a claim without a name or with too much in it"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// An optional claim that is understood, or a variant of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Claim {
    /// `acct`: 0 for members, 1 for guests.
    Acct,
    /// `acrs`: every authentication context that is satisfied.
    Acrs,
    /// `aud` as a GUID in v1.0 too (`use_guid`).
    AudienceGuid,
    /// `auth_time`
    AuthTime,
    /// `email`
    Email,
    /// `family_name`
    FamilyName,
    /// `given_name`
    GivenName,
    /// `groups` by name (`cloud_displayname`).
    GroupNames,
    /// `groups` as `roles` (`emit_as_roles`).
    GroupsAsRoles,
    /// `idtyp` of applications.
    TokenType,
    /// `idtyp` of users too (`include_user_token`).
    TokenTypeOfUsers,
    /// `ctry`: the person's country.
    Country,
    /// `ipaddr`
    Address,
    /// `login_hint`
    LoginHint,
    /// `preferred_username`
    PreferredUsername,
    /// `sid`
    Session,
    /// `tenant_ctry`: the tenant's country.
    TenantCountry,
    /// `upn`
    Upn,
    /// `verified_primary_email`
    VerifiedPrimaryEmail,
    /// `verified_secondary_email`
    VerifiedSecondaryEmail,
    /// `xms_cc`: what the client can do.
    Capabilities,
    /// `xms_edov`: the domain of the mail address is one of the tenant's.
    EmailDomainOwnerVerified,
}

/// Which optional claims are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimSet(u32);

impl ClaimSet {
    /// This one is wanted.
    #[must_use]
    pub const fn has(self, claim: Claim) -> bool {
        self.0 & (1 << claim as u32) != 0
    }

    const fn and(self, claim: Claim) -> Self {
        Self(self.0 | 1 << claim as u32)
    }

    fn with(self, it: &OptionalClaim) -> Self {
        // What comes from an extension of the user is none of the built-in claims of that name.
        if it.source.is_some() {
            return self;
        }
        let says = |property: &str| it.additional_properties.iter().any(|it| it == property);
        let more = |set: Self, property: &str, claim| if says(property) { set.and(claim) } else { set };
        match it.name.as_str() {
            "acct" => self.and(Claim::Acct),
            "acrs" => self.and(Claim::Acrs),
            "aud" => more(self, "use_guid", Claim::AudienceGuid),
            "auth_time" => self.and(Claim::AuthTime),
            "ctry" => self.and(Claim::Country),
            "email" => self.and(Claim::Email),
            "family_name" => self.and(Claim::FamilyName),
            "given_name" => self.and(Claim::GivenName),
            "groups" => {
                let named = more(self, "cloud_displayname", Claim::GroupNames);
                more(named, "emit_as_roles", Claim::GroupsAsRoles)
            }
            "idtyp" => more(self.and(Claim::TokenType), "include_user_token", Claim::TokenTypeOfUsers),
            "ipaddr" => self.and(Claim::Address),
            "login_hint" => self.and(Claim::LoginHint),
            "preferred_username" => self.and(Claim::PreferredUsername),
            "sid" => self.and(Claim::Session),
            "tenant_ctry" => self.and(Claim::TenantCountry),
            "upn" => self.and(Claim::Upn),
            "verified_primary_email" => self.and(Claim::VerifiedPrimaryEmail),
            "verified_secondary_email" => self.and(Claim::VerifiedSecondaryEmail),
            "xms_cc" => self.and(Claim::Capabilities),
            "xms_edov" => self.and(Claim::EmailDomainOwnerVerified),
            _ => self,
        }
    }
}

/// Graph's `groupMembershipClaims`: which groups and directory roles tokens name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupClaims {
    /// Security groups.
    pub security: bool,
    /// Directory roles, as `wids`.
    pub directory_roles: bool,
    /// Groups that are assigned to the application.
    pub assigned: bool,
    /// Every group, and directory roles.
    pub all: bool,
}

impl GroupClaims {
    /// Reads Graph's words: one of them, or several with commas. `None` when one is not known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut claims = Self::default();
        for word in text.split(',') {
            match word.trim() {
                "None" => {}
                "SecurityGroup" => claims.security = true,
                "DirectoryRole" => claims.directory_roles = true,
                "ApplicationGroup" => claims.assigned = true,
                "All" => claims.all = true,
                _ => return None,
            }
        }
        Some(claims)
    }

    /// Graph's words.
    #[must_use]
    pub fn words(self) -> String {
        let all = [
            (self.all, "All"),
            (self.security, "SecurityGroup"),
            (self.directory_roles, "DirectoryRole"),
            (self.assigned, "ApplicationGroup"),
        ];
        let words: Vec<&str> = all.into_iter().filter(|it| it.0).map(|it| it.1).collect();
        if words.is_empty() { "None".into() } else { words.join(", ") }
    }

    /// Tokens name directory roles.
    #[must_use]
    pub const fn names_roles(self) -> bool {
        self.directory_roles || self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, additional: &[&str]) -> OptionalClaim {
        OptionalClaim {
            name: name.into(),
            additional_properties: additional.iter().map(|it| (*it).to_owned()).collect(),
            ..OptionalClaim::default()
        }
    }

    #[test]
    fn a_name_is_understood_once_and_what_is_not_known_is_kept_and_gives_nothing() {
        let listed = Listed::from(vec![claim("email", &[]), claim("starsign", &[])]);
        assert!(listed.set().has(Claim::Email) && !listed.set().has(Claim::Upn));
        assert_eq!(listed.list().len(), 2);
        let text = serde_json::to_string(&listed).unwrap();
        assert_eq!(serde_json::from_str::<Listed>(&text).unwrap(), listed);
        let extension = OptionalClaim { source: Some("user".into()), ..claim("email", &[]) };
        assert_eq!(Listed::from(vec![extension]).set(), ClaimSet::default());
    }

    #[test]
    fn some_claims_want_a_word_more() {
        let set = |name: &str, additional: &[&str]| Listed::from(vec![claim(name, additional)]).set();
        assert!(
            !set("aud", &[]).has(Claim::AudienceGuid) && set("aud", &["use_guid"]).has(Claim::AudienceGuid)
        );
        let users = set("idtyp", &["include_user_token"]);
        assert!(users.has(Claim::TokenTypeOfUsers) && users.has(Claim::TokenType));
        assert!(!set("idtyp", &[]).has(Claim::TokenTypeOfUsers));
        let groups = set("groups", &["emit_as_roles"]);
        assert!(groups.has(Claim::GroupsAsRoles) && !groups.has(Claim::GroupNames));
    }

    #[test]
    fn too_much_and_nameless_claims_are_refused() {
        let with =
            |list| OptionalClaims { id_token: Listed::from(list), ..OptionalClaims::default() }.check();
        assert!(with(vec![claim("email", &[]); 100]).is_ok());
        assert!(with(vec![claim("email", &[]); 101]).is_err() && with(vec![claim("", &[])]).is_err());
        assert!(with(vec![claim(&"x".repeat(257), &[])]).is_err());
    }

    #[test]
    fn group_words_read_back_and_others_are_none() {
        for words in ["None", "All", "SecurityGroup", "SecurityGroup, ApplicationGroup", "DirectoryRole"] {
            assert_eq!(GroupClaims::parse(words).map(GroupClaims::words).as_deref(), Some(words));
        }
        assert!(GroupClaims::parse("Everything").is_none() && GroupClaims::parse("").is_none());
    }
}
