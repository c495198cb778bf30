//! On behalf of a user (RFC 7523, 2.1, as Entra uses it): a middle tier shows the access token that a user
//! got for it, and gets one for the API behind it. Never for an ID token or an application's token.

use super::{
    Approval, Denial, Effect, RefreshBody, Run,
    claims::BACKDATED,
    client_auth::{Client, Wants},
    denial::RefreshNo,
    password, refresh_life, scope,
};
use crate::application::Platform;
use carnet_wire::{
    aadsts::{self, Row},
    ids::ObjectId,
    time::Timestamp,
    token::request::Target,
};

/// What was found of the token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserAssertion {
    /// The grant has none.
    None,
    /// It cannot be used, whatever it says.
    Unusable(Unusable),
    /// One of our access tokens, in its time.
    Token {
        /// `aud`.
        audience: String,
        /// The user; `None`: it is an application's own token.
        user: Option<ObjectId>,
        /// `iat`, in seconds.
        issued: i64,
        /// When the user signed in and how, which the token holds in `aio`.
        sign_in: Option<(Timestamp, Vec<String>)>,
    },
}

/// Why a token that was shown gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is no compact token, or lacks a claim that all of ours have.
    Malformed,
    /// None of our keys signed it.
    Signature,
    /// It is over.
    Expired,
    /// It is for another application.
    Audience,
    /// It is an ID token.
    IdToken,
    /// It is an application's own.
    Application,
    /// It is another tenant's.
    OtherTenant,
    /// It is a v2.0 token, and the v1.0 endpoint was asked.
    Edition,
    /// The client may act for nobody.
    Client,
}

impl Unusable {
    /// Row and sentence.
    #[must_use]
    pub const fn entry(self) -> (&'static Row, &'static str) {
        match self {
            Self::Malformed => {
                (&aadsts::OBO_MALFORMED, "Assertion is malformed: it is not a readable access token.")
            }
            Self::Signature => (
                &aadsts::OBO_SIGNATURE,
                "Assertion failed signature validation; it is none of this tenant's tokens.",
            ),
            Self::Expired => (
                &aadsts::OBO_EXPIRED,
                "Assertion is not within its valid time range; get a fresh token for the user.",
            ),
            Self::Audience => (
                &aadsts::OBO_AUDIENCE,
                "Assertion audience does not match the client app presenting the assertion.",
            ),
            Self::IdToken => {
                (&aadsts::OBO_ID_TOKEN, "An ID token cannot be used as an assertion; send the access token.")
            }
            Self::Application => (
                &aadsts::ON_BEHALF_NOT_ALLOWED,
                "The assertion is an application's own token; only a user can be acted for.",
            ),
            Self::Edition => (
                &aadsts::OBO_TOKEN_VERSION,
                "The token issuer does not match the API version: use the v2.0 endpoint with a v2.0 token.",
            ),
            Self::Client => (
                &aadsts::ON_BEHALF_NOT_AUTHORIZED,
                "This application is not authorized to make on-behalf-of calls.",
            ),
            Self::OtherTenant => (&aadsts::OBO_OTHER_TENANT, "The assertion was issued in another tenant."),
        }
    }
}

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    // Microsoft's own clients have nothing to prove themselves with.
    if client.application.is_none() {
        return Err(Denial::Assertion(Unusable::Client));
    }
    let credential = match run.authenticate(&client, Wants::AsIssued { public: false }) {
        Err(Denial::CredentialMissing) => return Err(Denial::CredentialMissingForGrant("jwt-bearer")),
        other => other?,
    };
    let no = |why| Err(Denial::Assertion(why));
    let (audience, id, issued, sign_in) = match &run.proof.assertion {
        UserAssertion::None => return no(Unusable::Malformed),
        UserAssertion::Unusable(why) => return no(*why),
        UserAssertion::Token { audience, user, issued, sign_in } => {
            (audience, user, *issued, sign_in.clone())
        }
    };
    let mine = run
        .facts
        .directory
        .api_by_name(scope::audience_name(audience))
        .is_some_and(|it| it.app_id == client.app);
    if !mine {
        return no(Unusable::Audience);
    }
    let Some(id) = *id else { return no(Unusable::Application) };
    run.known.user = Some(id);
    let user = run.holder(id)?;
    if user.tokens_valid_from() > issued + BACKDATED {
        return no(Unusable::Expired);
    }
    // One that holds no sign-in was issued before tokens did, and is over within a day.
    let Some((since, methods)) = sign_in else { return no(Unusable::Expired) };
    young_enough(run, since)?;
    password::usable(&user)?;
    let target = run.request.target.clone().ok_or(Denial::ScopeNotDefault(String::new()))?;
    if matches!(&target, Target::Scope(request) if !request.others.is_empty()) {
        return Err(Denial::SeveralResources);
    }
    let resolved = scope::resolve(run, &target)?;
    password::still_enough(run, (&user, &methods, since), client.app)?;
    let subject = (user, methods, since);
    let mut approval = password::for_user(run, (client, credential), subject.clone(), (&target, resolved))?;
    // Unlike other grants of v1.0, this one gives a refresh token only where it is asked for.
    approval.refresh = matches!(&target, Target::Scope(request) if request.offline_access);
    if approval.refresh {
        let body = RefreshBody {
            family: run.asking.entropy.uuid_at(run.asking.now),
            app: approval.client.app,
            user: id,
            platform: Platform::Web,
            signed_in: since,
            scope: password::asked(&target),
            methods: subject.1,
            session: None,
        };
        let expires = run.asking.now.plus_seconds(refresh_life(Platform::Web));
        run.effects.push(Effect::KeepRefresh { body: body.into(), generation: 0, expires });
    }
    Ok(approval)
}

/// The sign-in is no older than the tenant lets one become. Asked here too, so that tokens that are swapped
/// again and again do not outlive it.
fn young_enough(run: &Run<'_>, signed_in: Timestamp) -> Result<(), Denial> {
    let policy = &run.facts.directory.tenant.policy;
    if policy.spent(signed_in, run.asking.now) {
        return Err(Denial::Refresh(RefreshNo::TooOld { signed_in }));
    }
    match policy.outlived(signed_in, run.asking.now) {
        true => Err(Denial::Refresh(RefreshNo::SignInTooOld { signed_in })),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, contoso::*};
    use super::*;
    use std::num::NonZeroU32;

    const BODY: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&requested_token_use=on_behalf_of&assertion=x&client_secret=right&scope=https://api.powerplatform.com/.default";

    fn shown() -> UserAssertion {
        UserAssertion::Token {
            audience: SECRET.into(),
            user: ADA.parse().ok(),
            issued: NOW - 400,
            sign_in: Some((Timestamp::from_seconds(NOW - 7200), vec!["pwd".into()])),
        }
    }

    fn showing(method: &str) -> UserAssertion {
        let UserAssertion::Token { audience, user, issued, .. } = shown() else { unreachable!() };
        let sign_in = Some((Timestamp::from_seconds(NOW - 7200), vec![method.to_owned()]));
        UserAssertion::Token { audience, user, issued, sign_in }
    }

    fn ask(assertion: UserAssertion, change: impl FnOnce(&mut Contoso)) -> u32 {
        let mut contoso = Contoso { assertion, ..Contoso::new() };
        contoso.consent(SECRET, "AppManagement.ApplicationPackages.Read");
        change(&mut contoso);
        number(&contoso.ask(SECRET, BODY))
    }

    #[test]
    fn a_users_token_for_the_middle_tier_gives_one_for_the_api_behind_it() {
        let mut contoso = Contoso { assertion: shown(), ..Contoso::new() };
        assert_eq!(number(&contoso.ask(SECRET, BODY)), 65_001);
        contoso.consent(SECRET, "AppManagement.ApplicationPackages.Read");
        let yes = contoso.ask(SECRET, BODY).verdict.unwrap();
        assert_eq!(
            (yes.scopes, yes.refresh),
            (vec!["AppManagement.ApplicationPackages.Read".to_owned()], false)
        );
        let offline = contoso.ask(SECRET, &format!("{BODY}%20offline_access"));
        let kept = offline.effects.iter().find_map(|it| match it {
            Effect::KeepRefresh { body, generation: 0, .. } => Some((body.signed_in, body.methods.clone())),
            _ => None,
        });
        assert_eq!(kept, Some((Timestamp::from_seconds(NOW - 7200), vec!["pwd".to_owned()])));
    }

    #[test]
    fn it_counts_from_the_sign_in_not_from_the_token() {
        let hours = |hours| {
            ask(shown(), |it| {
                it.tenant(|tenant| tenant.policy.sign_in_frequency_hours = NonZeroU32::new(hours))
            })
        };
        assert_eq!((hours(3), hours(2)), (0, 70_043));
        let UserAssertion::Token { audience, user, issued, .. } = shown() else { unreachable!() };
        assert_eq!(ask(UserAssertion::Token { audience, user, issued, sign_in: None }, |_| ()), 500_133);
    }

    #[test]
    fn a_second_factor_that_is_demanded_was_shown_at_the_sign_in() {
        let demand = |it: &mut Contoso| {
            it.tenant(|tenant| tenant.policy.require_mfa = vec![crate::tenant::Subjects::All]);
        };
        assert_eq!((ask(showing("mfa"), demand), ask(showing("pwd"), demand)), (0, 50_079));
        let registered = |it: &mut Contoso| {
            it.change_user(|user| user.totp = Some(crate::credential::Guarded::new("A".into())));
        };
        assert_eq!((ask(showing("mfa"), registered), ask(showing("pwd"), registered)), (0, 50_076));
        // It was shown two hours ago.
        let for_hours = |hours| {
            ask(showing("mfa"), |it| {
                demand(it);
                it.tenant(|tenant| tenant.policy.second_factor_hours = NonZeroU32::new(hours));
            })
        };
        assert_eq!((for_hours(3), for_hours(2)), (0, 50_078));
    }

    #[test]
    fn what_is_wrong_with_the_token_is_told() {
        for why in [Unusable::Malformed, Unusable::Signature, Unusable::Expired, Unusable::IdToken] {
            assert_eq!(ask(UserAssertion::Unusable(why), |_| ()), why.entry().0.number);
        }
        let with = |change: fn(&mut String, &mut Option<ObjectId>, &mut i64)| {
            let UserAssertion::Token { mut audience, mut user, mut issued, sign_in } = shown() else {
                unreachable!()
            };
            change(&mut audience, &mut user, &mut issued);
            ask(UserAssertion::Token { audience, user, issued, sign_in }, |_| ())
        };
        assert_eq!(with(|audience, _, _| PUBLIC.clone_into(audience)), 500_131);
        assert_eq!(with(|_, user, _| *user = None), 7_000_114);
        assert_eq!(with(|_, user, _| *user = SECRET.parse().ok()), 500_341);
    }

    #[test]
    fn a_user_who_may_no_longer_sign_in_is_not_acted_for() {
        assert_eq!(ask(shown(), |it| it.change_user(|user| user.enabled = false)), 50_057);
        let signed_out = |it: &mut Contoso| {
            it.change_user(|user| user.sessions_valid_from = Timestamp::from_seconds(NOW));
        };
        assert_eq!(ask(shown(), signed_out), 500_133);
        assert_eq!(
            ask(shown(), |it| it.tenant(|tenant| tenant.policy.block = vec![crate::tenant::Subjects::All])),
            53_003
        );
    }

    #[test]
    fn the_middle_tier_proves_itself() {
        let contoso = Contoso { assertion: shown(), ..Contoso::new() };
        let ask = |secret: &str| number(&contoso.ask(SECRET, &BODY.replace("&client_secret=right", secret)));
        assert_eq!((ask(""), ask("&client_secret=wrong")), (7_000_219, 7_000_215));
    }
}
