//! Authorization codes: redeemed once, by the client, with the redirect URI and the verifier they were
//! written for. A second use ends what the first one gave (RFC 6749, 4.1.2; `security.md`, S17).

use super::{
    Approval, Denial, Effect, Instead, RefreshBody, Run,
    client_auth::{Client, Wants},
    cross_origin,
    denial::RefreshNo,
    password, refresh_life, scope,
};
use crate::{application::Platform, redirect::without_default_port};
use carnet_wire::{
    aadsts::{self, Row},
    authorize::target_of,
    ids::{AppId, ObjectId},
    pkce::Challenge,
    time::Timestamp,
    token::{
        claims_request::AskedContexts,
        request::{Grant, Target, Version},
    },
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Seconds that a code lives.
pub const LIFETIME: i64 = 60;

/// What a code stands for: everything that was decided when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBody {
    /// Everything that is born of it belongs to this family.
    pub family: Uuid,
    /// The client.
    pub app: AppId,
    /// The user.
    pub user: ObjectId,
    /// Where it was sent, as asked.
    pub redirect_uri: String,
    /// The request named it, so that it is to be repeated (RFC 6749, 4.1.3).
    #[serde(default = "named")]
    pub explicit: bool,
    /// The redirect URI's platform.
    pub platform: Platform,
    /// The PKCE challenge, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// The edition of the endpoint that wrote it.
    pub v1: bool,
    /// The scope (v2.0) or resource (v1.0) that was asked for.
    pub scope: String,
    /// For the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the user signed in.
    pub signed_in: Timestamp,
    /// `pwd`, `mfa`.
    pub methods: Vec<String>,
    /// The browser's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// `max_age` was asked for, so the ID token says when the user signed in.
    #[serde(default)]
    pub auth_time: bool,
    /// Authentication contexts that were asked for.
    #[serde(default, skip_serializing_if = "AskedContexts::is_empty")]
    pub contexts: AskedContexts,
}

/// Codes that do not tell were written before any did.
const fn named() -> bool {
    true
}

/// A code as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCode {
    /// What it stands for.
    pub body: CodeBody,
    /// Its digest.
    pub digest: [u8; 32],
    /// When it ends.
    pub expires: Timestamp,
    /// It was redeemed before.
    pub spent: bool,
}

/// Why a code gives no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeNo {
    /// Not a code of this tenant.
    Unknown,
    /// It is another tenant's.
    OtherTenant,
    /// It was written for another client.
    OtherClient,
    /// It was redeemed before.
    Redeemed,
    /// It is over.
    Expired,
    /// The redirect URI is not repeated.
    RedirectMissing,
    /// The redirect URI is another one.
    RedirectDiffers,
    /// There was a challenge and there is no verifier.
    VerifierMissing,
    /// The verifier is not the challenge's, or there was no challenge.
    VerifierMismatch,
}

impl CodeNo {
    /// Row and sentence.
    #[must_use]
    pub const fn entry(self) -> (&'static Row, &'static str) {
        match self {
            Self::Unknown => (
                &aadsts::REQUEST_MALFORMED,
                "Request is malformed: the authorization code is none of this tenant's.",
            ),
            Self::OtherTenant => (
                &aadsts::CODE_OF_OTHER_TENANT,
                "The authorization code was issued in another tenant; name that one in the address.",
            ),
            Self::OtherClient => {
                (&aadsts::GRANT_OF_OTHER_CLIENT, "The authorization code was issued to another client.")
            }
            Self::Redeemed => {
                (&aadsts::CODE_REDEEMED, "OAuth2 Authorization code was already redeemed; sign in again.")
            }
            Self::Expired => (&aadsts::GRANT_EXPIRED, "The authorization code has expired; sign in again."),
            Self::RedirectMissing => (
                &aadsts::REDIRECT_MISSING_AT_TOKEN,
                "The redirect_uri of the authorization request has to be repeated here.",
            ),
            Self::RedirectDiffers => (
                &aadsts::REDIRECT_DIFFERS,
                "The reply address does not match the one of the authorization request.",
            ),
            Self::VerifierMissing => (
                &aadsts::VERIFIER_MISSING,
                "The code_verifier is missing; the authorization request had a code_challenge.",
            ),
            Self::VerifierMismatch => (
                &aadsts::VERIFIER_MISMATCH,
                "The code_verifier does not match the code_challenge of the authorization request.",
            ),
        }
    }
}

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    let Some(held) = run.facts.code.clone() else {
        return Err(match run.facts.instead {
            Instead::OtherTenant => Denial::Code(CodeNo::OtherTenant),
            Instead::OtherKind => Denial::Refresh(RefreshNo::OtherKind),
            Instead::Nothing => Denial::Code(CodeNo::Unknown),
        });
    };
    let body = held.body;
    // Another client's code is refused before any credential is asked for.
    if body.app != client.app {
        return Err(Denial::Code(CodeNo::OtherClient));
    }
    cross_origin::redeems(run, body.platform)?;
    let credential = run.authenticate(&client, Wants::AsIssued { public: body.platform.is_public() })?;
    run.known.user = Some(body.user);
    if held.spent {
        run.effects.push(Effect::RevokeFamily { family: body.family });
        return Err(Denial::Code(CodeNo::Redeemed));
    }
    if held.expires <= run.asking.now {
        return Err(Denial::Code(CodeNo::Expired));
    }
    bound(&run.request.grant, &body)?;
    let user = run.holder(body.user)?;
    if body.signed_in < user.sessions_valid_from {
        return Err(Denial::RefreshRevoked { issued: body.signed_in });
    }
    password::usable(&user)?;
    password::still_enough(run, (&user, &body.methods, body.signed_in), client.app)?;
    let asked = body.contexts.clone();
    run.contexts.id_token.extend(asked.id_token);
    run.contexts.access_token.extend(asked.access_token);
    let target = target(run, &body)?;
    let resolved = scope::resolve(run, &target)?;
    let subject = (user, body.methods.clone(), body.signed_in);
    let mut approval = password::for_user(run, (client, credential), subject, (&target, resolved))?;
    approval.nonce.clone_from(&body.nonce);
    (approval.auth_time, approval.session) = (body.auth_time, body.session);
    run.effects.push(Effect::SpendCode { digest: held.digest });
    run.if_lost = Some(Denial::Code(CodeNo::Redeemed));
    run.lost_effects.push(Effect::RevokeFamily { family: body.family });
    if approval.refresh {
        let expires = run.asking.now.plus_seconds(refresh_life(body.platform));
        let kept = RefreshBody {
            family: body.family,
            app: body.app,
            user: body.user,
            platform: body.platform,
            signed_in: body.signed_in,
            scope: password::asked(&target),
            methods: body.methods,
            session: body.session,
        };
        run.effects.push(Effect::KeepRefresh { body: kept.into(), generation: 0, expires });
    }
    Ok(approval)
}

/// Redirect URI and verifier are those of the authorization request.
fn bound(grant: &Grant, body: &CodeBody) -> Result<(), Denial> {
    let Grant::AuthorizationCode { redirect_uri, verifier, .. } = grant else {
        return Err(Denial::Code(CodeNo::Unknown));
    };
    match redirect_uri {
        None if body.explicit => return Err(Denial::Code(CodeNo::RedirectMissing)),
        Some(uri) if !same_redirect(uri, &body.redirect_uri) => {
            return Err(Denial::Code(CodeNo::RedirectDiffers));
        }
        None | Some(_) => {}
    }
    let challenge = body.challenge.as_deref().and_then(|text| Challenge::parse(text).ok());
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Denial::Code(CodeNo::VerifierMissing)),
        (Some(challenge), Some(verifier)) if challenge.accepts(verifier) => Ok(()),
        _ => Err(Denial::Code(CodeNo::VerifierMismatch)),
    }
}

/// Byte for byte, save that a default port is no port and an empty path is a slash.
fn same_redirect(one: &str, other: &str) -> bool {
    let plain = |uri: &str| {
        let uri = without_default_port(uri);
        let bare = uri.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?']));
        if bare { format!("{uri}/") } else { uri.into_owned() }
    };
    one == other || plain(one) == plain(other)
}

/// What is asked for now, else what was asked for when the code was written.
fn target(run: &Run<'_>, body: &CodeBody) -> Result<Target, Denial> {
    if let Some(Target::Scope(request)) = &run.request.target
        && request.resource.is_none()
    {
        // Only OIDC scopes repeated: the code knows the rest.
        return kept(body);
    }
    match &run.request.target {
        // With v1.0 a code always brings an ID token, whether the request repeats `openid` or not.
        Some(Target::Resource { name, implied, .. }) => {
            Ok(Target::Resource { name: name.clone(), openid: true, implied: *implied })
        }
        Some(target) => Ok(target.clone()),
        None => Ok(run.with_resource_parameter(kept(body)?)),
    }
}

fn kept(body: &CodeBody) -> Result<Target, Denial> {
    let version = if body.v1 { Version::V1 } else { Version::V2 };
    target_of(version, &body.scope).map_err(|_| Denial::Code(CodeNo::Unknown))
}

#[cfg(test)]
mod tests {
    use super::super::contoso::*;
    use super::*;
    use carnet_wire::pkce::Verifier;

    const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

    fn held() -> HeldCode {
        HeldCode {
            body: CodeBody {
                family: Uuid::from_u128(7),
                app: PUBLIC.parse().unwrap(),
                user: ADA.parse().unwrap(),
                redirect_uri: "http://localhost:4711".into(),
                explicit: true,
                platform: Platform::Public,
                challenge: Some(Verifier::parse(VERIFIER).unwrap().challenge().as_str().to_owned()),
                v1: false,
                scope: "https://api.powerplatform.com/.default offline_access openid".into(),
                nonce: Some("n".into()),
                signed_in: Timestamp::from_seconds(NOW - 30),
                methods: vec!["pwd".into()],
                session: None,
                auth_time: false,
                contexts: Default::default(),
            },
            digest: [1; 32],
            expires: Timestamp::from_seconds(NOW + 30),
            spent: false,
        }
    }

    fn body(more: &str) -> String {
        format!("grant_type=authorization_code&code=x&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2F{more}")
    }

    fn ask(held: HeldCode, app: &str, body: &str) -> super::super::Decision {
        Contoso { code: Some(held), ..Contoso::new() }.ask(app, body)
    }

    fn good() -> String {
        body(&format!("&code_verifier={VERIFIER}"))
    }

    #[test]
    fn a_code_gives_tokens_once_to_its_client_with_its_verifier() {
        let decision = ask(held(), PUBLIC, &good());
        let yes = decision.verdict.unwrap();
        assert_eq!((yes.nonce.as_deref(), yes.refresh, yes.openid), (Some("n"), true, true));
        assert!(decision.effects.contains(&Effect::SpendCode { digest: [1; 32] }));
        assert_eq!(decision.if_lost, Some(Denial::Code(CodeNo::Redeemed)));
        assert_eq!(decision.lost_effects, [Effect::RevokeFamily { family: Uuid::from_u128(7) }]);
    }

    #[test]
    fn each_thing_it_is_bound_to_is_asked_for() {
        let other = format!("&code_verifier={}", "w".repeat(48));
        assert_eq!(number(&ask(held(), PUBLIC, &body(&other))), 501_481);
        assert_eq!(number(&ask(held(), PUBLIC, &body(""))), 50_148);
        assert_eq!(number(&ask(held(), PUBLIC, &good().replace("4711", "4712"))), 500_112);
        let without = format!("grant_type=authorization_code&code=x&code_verifier={VERIFIER}");
        assert_eq!(number(&ask(held(), PUBLIC, &without)), 700_009);
        let mut left_out = held();
        left_out.body.explicit = false;
        assert_eq!(number(&ask(left_out.clone(), PUBLIC, &without)), 0);
        assert_eq!(number(&ask(left_out, PUBLIC, &good().replace("4711", "4712"))), 500_112);
        assert_eq!(number(&ask(held(), SECRET, &good())), 700_007);
        let mut plain = held();
        plain.body.challenge = None;
        assert_eq!(number(&ask(plain, PUBLIC, &good())), 501_481);
        assert_eq!(number(&Contoso::new().ask(PUBLIC, &good())), 9_002_313);
    }

    #[test]
    fn a_second_use_ends_the_family_and_an_old_code_is_over() {
        let spent = HeldCode { spent: true, ..held() };
        let decision = ask(spent, PUBLIC, &good());
        assert_eq!(number(&decision), 54_005);
        assert_eq!(decision.effects, [Effect::RevokeFamily { family: Uuid::from_u128(7) }]);
        let old = HeldCode { expires: Timestamp::from_seconds(NOW), ..held() };
        assert_eq!(number(&ask(old, PUBLIC, &good())), 70_008);
    }

    #[test]
    fn a_web_application_proves_itself_too() {
        let mut web = held();
        web.body.app = SECRET.parse().unwrap();
        web.body.platform = Platform::Web;
        assert_eq!(number(&ask(web.clone(), SECRET, &good())), 7_000_218);
        // Nobody consented for this application.
        assert_eq!(number(&ask(web, SECRET, &format!("{}&client_secret=right", good()))), 65_001);
    }

    #[test]
    fn a_second_factor_that_is_over_gives_nothing() {
        let told = |age: i64| {
            let mut strong = held();
            strong.body.methods.push("mfa".into());
            strong.body.signed_in = Timestamp::from_seconds(NOW - age);
            let mut contoso = Contoso { code: Some(strong), ..Contoso::new() };
            contoso.tenant(|it| {
                it.policy.second_factor_hours = std::num::NonZeroU32::new(1);
                it.policy.require_mfa = vec![crate::tenant::Subjects::All];
            });
            number(&contoso.ask(PUBLIC, &good()))
        };
        assert_eq!((told(3599), told(3600)), (0, 50_078));
    }

    #[test]
    fn a_user_who_was_signed_out_or_disabled_gets_nothing() {
        let mut contoso = Contoso { code: Some(held()), ..Contoso::new() };
        contoso.change_user(|user| user.sessions_valid_from = Timestamp::from_seconds(NOW));
        assert_eq!(number(&contoso.ask(PUBLIC, &good())), 50_173);
        let mut contoso = Contoso { code: Some(held()), ..Contoso::new() };
        contoso.change_user(|user| user.enabled = false);
        assert_eq!(number(&contoso.ask(PUBLIC, &good())), 50_057);
    }
}
