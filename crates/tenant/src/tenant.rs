//! The tenant itself: its names and its policy. The rest of it is in `directory`.

use crate::{
    access::Caller,
    change::{Audit, Change, Decided, Object},
    directory::Directory,
    permission::check_name,
    refusal::Refusal,
};
use carnet_wire::{
    digest,
    ids::{AppId, ObjectId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use uuid::Uuid;

/// One directory and its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The `tid` of its tokens.
    pub id: TenantId,
    /// Verified domains in lower case; the first is the default one.
    pub domains: Vec<String>,
    /// The name people see.
    pub display_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The country, two letters of ISO 3166-1, where the operator told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The choices of `security.md`, section 5, that a tenant may make.
    pub policy: Policy,
}

impl Tenant {
    /// The id of one of its rules, the same as long as the rule says the same.
    #[must_use]
    pub fn rule_id(&self, kind: &str, text: &str) -> Uuid {
        let digest =
            digest::sha256(&[b"rule", self.id.uuid().as_bytes(), kind.as_bytes(), b"\0", text.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// A tenant's choices. The defaults are the safe ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// What becomes of an assertion that is shown again.
    pub assertion_replay: AssertionReplay,
    /// What becomes of a refresh token that was already exchanged.
    pub refresh_reuse: RefreshReuse,
    /// Tell an unknown user (50034) and a locked one (50053) apart from a wrong password. Loopback only.
    pub reveal_user: bool,
    /// The password grant is served at all.
    pub password_grant: bool,
    /// The device code grant is served at all.
    pub device_code: bool,
    /// Who must use a second factor.
    pub require_mfa: Vec<Subjects>,
    /// Who may not sign in.
    pub block: Vec<Subjects>,
    /// Issuers of federated credentials that may be http or loopback. Loopback only.
    pub danger_allow_issuers: Vec<String>,
    /// What APIs may demand of a sign-in beyond the rest.
    pub authentication_contexts: Vec<AuthenticationContext>,
    /// Days after a sign-in at which its refresh tokens end, however often they were used.
    pub refresh_max_age_days: Option<NonZeroU32>,
    /// Hours after which somebody has to sign in again, for sessions and refresh tokens.
    pub sign_in_frequency_hours: Option<NonZeroU32>,
    /// Hours after a sign-in for which its second factor counts.
    pub second_factor_hours: Option<NonZeroU32>,
    /// Requests at the token endpoint, of those who proved who they are, that a node answers in a minute.
    pub requests_per_minute: Option<NonZeroU32>,
    /// How often one user may sign in in a minute through one client for the same.
    pub repeats_per_minute: Option<NonZeroU32>,
    /// Users without a directory role may register applications (Graph's `allowedToCreateApps`).
    pub users_create_applications: bool,
    /// Maximum number of objects that a user without a directory role may own.
    pub objects_per_person: u32,
    /// Maximum lifetime of a client secret, in days from now. The operator is exempt.
    pub secret_max_days: NonZeroU32,
    /// Days for which an address that signed an account in is remembered.
    pub known_source_days: NonZeroU32,
    /// Failed passwords of one source (a /64 network for IPv6) in 10 minutes before it is refused.
    pub source_failures: NonZeroU32,
    /// Days for which audit records are kept.
    pub audit_days: NonZeroU32,
}

/// A number of the policy's defaults.
const fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("the defaults are not zero")
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            assertion_replay: AssertionReplay::Tolerate,
            refresh_reuse: RefreshReuse::Grace,
            reveal_user: false,
            password_grant: true,
            device_code: true,
            require_mfa: Vec::new(),
            block: Vec::new(),
            danger_allow_issuers: Vec::new(),
            authentication_contexts: Vec::new(),
            refresh_max_age_days: None,
            sign_in_frequency_hours: None,
            second_factor_hours: None,
            requests_per_minute: None,
            repeats_per_minute: None,
            users_create_applications: true,
            objects_per_person: 250,
            secret_max_days: number(731),
            known_source_days: number(180),
            source_failures: number(50),
            audit_days: number(400),
        }
    }
}

/// An authentication context: an id that APIs ask for (`acrs`), and what it demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationContext {
    /// `c1` to `c99`.
    pub id: String,
    /// A second factor.
    pub require_mfa: bool,
}

impl Policy {
    /// A sign-in is older than the tenant lets sign-ins become.
    #[must_use]
    pub fn outlived(&self, signed_in: Timestamp, now: Timestamp) -> bool {
        after(signed_in, self.sign_in_frequency_hours).is_some_and(|end| end <= now)
    }

    /// The second factor of a sign-in counts no more.
    #[must_use]
    pub fn second_factor_over(&self, signed_in: Timestamp, now: Timestamp) -> bool {
        after(signed_in, self.second_factor_hours).is_some_and(|end| end <= now)
    }

    /// When somebody is asked again, who signed in then and showed a second factor or not.
    #[must_use]
    pub fn asks_again(&self, signed_in: Timestamp, second_factor: bool) -> Option<Timestamp> {
        let sign_in = after(signed_in, self.sign_in_frequency_hours);
        let factor = after(signed_in, self.second_factor_hours).filter(|_| second_factor);
        sign_in.into_iter().chain(factor).min()
    }

    /// Refresh tokens of a sign-in are older than the tenant lets them become.
    #[must_use]
    pub fn spent(&self, signed_in: Timestamp, now: Timestamp) -> bool {
        self.refresh_max_age_days
            .is_some_and(|days| signed_in.plus_seconds(i64::from(days.get()) * 86_400) <= now)
    }
}

/// So many hours after a sign-in.
fn after(signed_in: Timestamp, hours: Option<NonZeroU32>) -> Option<Timestamp> {
    hours.map(|hours| signed_in.plus_seconds(i64::from(hours.get()) * 3600))
}

/// A set of sign-ins that a policy speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subjects {
    /// Every user.
    All,
    /// Users with this directory role (its template id).
    Role(ObjectId),
    /// This user, by canonical name (`user::fold`).
    User(String),
    /// Sign-ins through this application.
    App(AppId),
    /// Requests from this network.
    Network {
        /// The network's address, as text.
        address: std::net::IpAddr,
        /// Length of its prefix in bits.
        prefix: u8,
    },
}

impl Subjects {
    /// The set as one text, for the id of a rule.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("names, ids and addresses always serialise")
    }
}

/// See [`Policy::assertion_replay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionReplay {
    /// Usable again while its whole life is at most 15 minutes; a longer-lived one once.
    Tolerate,
    /// Usable once.
    Refuse,
}

/// See [`Policy::refresh_reuse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshReuse {
    /// Public clients: 60 s of grace, then the family dies. Confidential clients: usable again.
    Grace,
    /// Usable again, as at Entra.
    Tolerate,
}

/// Changes the tenant's name, domains and policy; only the operator does.
///
/// # Errors
/// [`Refusal`]
pub fn change(caller: &Caller, directory: &Directory, new: Tenant) -> Result<Decided<()>, Refusal> {
    if !matches!(caller, Caller::Operator { .. }) {
        return Err(Refusal::Forbidden { needs: "the operator's tenant file".into() });
    }
    check_name("tenant name", &new.display_name)?;
    if new == *directory.tenant {
        return Ok(Decided { value: (), changes: Vec::new(), audit: Vec::new() });
    }
    let target = ("tenant".to_owned(), new.id.to_string(), new.display_name.clone());
    let audit =
        Audit { activity: "Update tenant".into(), actor: caller.actor(), target, modified: Vec::new() };
    Ok(Decided { value: (), changes: vec![Change::Put(Object::Tenant(new.into()))], audit: vec![audit] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_outlives_no_policy_and_none_lets_it_live() {
        let (then, later) =
            (Timestamp::from_seconds(1000), |seconds| Timestamp::from_seconds(1000 + seconds));
        let none = Policy::default();
        let ever = later(i64::MAX / 4000);
        assert!(
            !none.outlived(then, ever) && !none.spent(then, ever) && !none.second_factor_over(then, ever)
        );
        let policy = Policy {
            refresh_max_age_days: NonZeroU32::new(1),
            sign_in_frequency_hours: NonZeroU32::new(2),
            second_factor_hours: NonZeroU32::new(3),
            ..Policy::default()
        };
        assert_eq!([7199, 7200].map(|it| policy.outlived(then, later(it))), [false, true]);
        assert_eq!([10_799, 10_800].map(|it| policy.second_factor_over(then, later(it))), [false, true]);
        assert_eq!([true, false].map(|it| none.asks_again(then, it)), [None, None]);
        let strict = Policy { second_factor_hours: NonZeroU32::new(1), ..policy.clone() };
        let again =
            [policy.asks_again(then, true), strict.asks_again(then, true), strict.asks_again(then, false)];
        assert_eq!(again, [7200, 3600, 7200].map(|it| Some(later(it))));
        assert_eq!([86_399, 86_400].map(|it| policy.spent(then, later(it))), [false, true]);
    }
}
