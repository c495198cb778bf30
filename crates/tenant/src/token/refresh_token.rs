//! Refresh tokens: bound to a user and a client, not to a resource. What becomes of one that was
//! exchanged before is policy (`security.md`, section 5): by default a public client's passes for a minute
//! more, and a later reuse ends the family.

use super::{
    Approval, Denial, Effect, HeldRefresh, Instead, Run,
    client_auth::{Client, Wants},
    cross_origin,
    denial::RefreshNo,
    password, refresh_life, scope,
};
use crate::{application::Platform, tenant::RefreshReuse};
use carnet_wire::{
    scope::ScopeRequest,
    time::Timestamp,
    token::request::{Target, Version},
};

/// How long an exchanged token of a public client still passes, in milliseconds.
const GRACE: i64 = 60_000;
/// A family is kept so many seconds beyond its newest token, so that not every exchange has to say how long.
const BEYOND: i64 = 24 * 3600;

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    let Some(held) = run.facts.refresh.clone() else {
        return Err(match run.facts.instead {
            Instead::OtherTenant => Denial::Refresh(RefreshNo::OtherTenant),
            Instead::OtherKind => Denial::Refresh(RefreshNo::OtherKind),
            Instead::Nothing => Denial::RefreshUnknown,
        });
    };
    // Another client's token is refused before any credential is asked for.
    if held.body.app != client.app {
        return Err(Denial::RefreshOfOtherClient);
    }
    let platform = held.body.platform;
    cross_origin::redeems(run, platform)?;
    let credential = run.authenticate(&client, Wants::AsIssued { public: platform.is_public() })?;
    run.known.user = Some(held.body.user);
    let issued = held.issued;
    if held.expires <= run.asking.now {
        return Err(match platform {
            Platform::Spa => Denial::RefreshSpaEnded,
            Platform::Web | Platform::Public => Denial::RefreshInactive { issued },
        });
    }
    let user = run.holder(held.body.user)?;
    if held.revoked || held.body.signed_in < user.sessions_valid_from {
        return Err(Denial::RefreshRevoked { issued });
    }
    let (policy, signed_in) = (&run.facts.directory.tenant.policy, held.body.signed_in);
    if policy.spent(signed_in, run.asking.now) {
        return Err(Denial::Refresh(RefreshNo::TooOld { signed_in }));
    }
    if policy.outlived(signed_in, run.asking.now) {
        return Err(Denial::Refresh(RefreshNo::SignInTooOld { signed_in }));
    }
    password::usable(&user)?;
    password::still_enough(run, (&user, &held.body.methods, held.body.signed_in), client.app)?;
    let advances = reuse(run, &client, &held)?;
    let target = target(run, &held)?;
    let resolved = scope::resolve(run, &target)?;
    let subject = (user, held.body.methods.clone(), held.body.signed_in);
    let mut approval = password::for_user(run, (client, credential), subject, (&target, resolved))?;
    approval.refresh = true;
    approval.session = held.body.session;
    // A single-page application's ends when the first one would have ended.
    let expires = match platform {
        Platform::Spa => held.expires,
        Platform::Web | Platform::Public => run.asking.now.plus_seconds(refresh_life(platform)),
    };
    // Only now: whoever is refused for another reason still holds the newest token.
    if advances {
        run.effects.push(advance(&held, expires));
        run.if_lost = Some(Denial::RefreshRevoked { issued });
    }
    let generation = held.generation + i64::from(advances);
    run.effects.push(Effect::KeepRefresh { body: held.body, generation, expires });
    Ok(approval)
}

/// The family goes on, and is kept for its newest token.
fn advance(held: &HeldRefresh, expires: Timestamp) -> Effect {
    let keep_until = (expires > held.kept_until).then(|| expires.plus_seconds(BEYOND));
    Effect::AdvanceFamily { family: held.body.family, from: held.generation, grace_ms: GRACE, keep_until }
}

/// The token may be shown more than once.
fn tolerates(run: &Run<'_>, client: &Client, held: &HeldRefresh) -> bool {
    let own = client.application.as_ref().and_then(|it| it.policy.refresh_reuse);
    let reuse = own.unwrap_or(run.facts.directory.tenant.policy.refresh_reuse);
    reuse == RefreshReuse::Tolerate || !held.body.platform.is_public()
}

/// The reuse policy: whether the family advances, or ends here.
fn reuse(run: &mut Run<'_>, client: &Client, held: &HeldRefresh) -> Result<bool, Denial> {
    if tolerates(run, client, held) {
        return Ok(false);
    }
    let family = held.body.family;
    let recent = run.asking.now.millis() - held.rotated.millis() <= GRACE;
    if held.generation == held.newest || (held.generation + 1 == held.newest && recent) {
        return Ok(true);
    }
    run.effects.push(Effect::RevokeFamily { family });
    Err(Denial::RefreshRevoked { issued: held.issued })
}

/// What is asked for now, else what was asked for at first.
fn target(run: &Run<'_>, held: &HeldRefresh) -> Result<Target, Denial> {
    if let Some(target) = &run.request.target {
        return Ok(target.clone());
    }
    let first = ScopeRequest::parse(&held.body.scope).map_err(|_| Denial::RefreshUnknown)?;
    match (run.request.version, &first.resource) {
        (Version::V1, Some(resource)) => {
            Ok(Target::Resource { name: resource.resource.clone(), openid: first.openid, implied: false })
        }
        (Version::V1, None) => Ok(Target::default_resource(first.openid)),
        _ => Ok(run.with_resource_parameter(Target::Scope(first))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, RefreshBody, contoso::*};
    use super::HeldRefresh;
    use crate::{
        application::Platform,
        credential::Guarded,
        tenant::{RefreshReuse, Subjects},
    };
    use carnet_wire::time::Timestamp;
    use std::sync::Arc;
    use uuid::Uuid;

    const BODY: &str = "grant_type=refresh_token&refresh_token=x";

    fn held(generation: i64, newest: i64) -> HeldRefresh {
        HeldRefresh {
            body: Arc::new(RefreshBody {
                family: Uuid::from_u128(7),
                app: PUBLIC.parse().unwrap(),
                user: ADA.parse().unwrap(),
                platform: Platform::Public,
                signed_in: Timestamp::from_seconds(NOW - 1000),
                scope: "https://api.powerplatform.com/.default offline_access".into(),
                methods: vec!["pwd".into()],
                session: None,
            }),
            issued: Timestamp::from_seconds(NOW - 1000),
            expires: Timestamp::from_seconds(NOW + 1000),
            generation,
            newest,
            rotated: Timestamp::from_seconds(NOW - 30),
            kept_until: Timestamp::from_seconds(NOW + 1000),
            revoked: false,
        }
    }

    fn contoso(held: HeldRefresh) -> Contoso {
        Contoso { refresh: Some(held), ..Contoso::new() }
    }

    #[test]
    fn a_fresh_token_gives_a_new_one_and_advances_its_family() {
        let decision = contoso(held(0, 0)).ask(PUBLIC, BODY);
        assert!(decision.verdict.is_ok_and(|yes| yes.refresh));
        assert!(decision.effects.iter().any(|it| matches!(it, Effect::AdvanceFamily { from: 0, .. })));
        assert!(decision.effects.iter().any(|it| matches!(it, Effect::KeepRefresh { generation: 1, .. })));
        assert!(decision.if_lost.is_some());
    }

    #[test]
    fn a_family_is_kept_as_long_as_its_newest_token_and_not_told_so_each_time() {
        let until = |kept_until: i64| {
            let held = HeldRefresh { kept_until: Timestamp::from_seconds(kept_until), ..held(0, 0) };
            let effects = contoso(held).ask(PUBLIC, BODY).effects;
            let advance = effects.iter().find_map(|it| match it {
                Effect::AdvanceFamily { keep_until, .. } => Some(*keep_until),
                _ => None,
            });
            advance.unwrap()
        };
        let newest = NOW + 90 * 24 * 3600;
        assert_eq!(until(newest), None);
        assert_eq!(until(newest - 1), Some(Timestamp::from_seconds(newest + super::BEYOND)));
    }

    #[test]
    fn a_token_passes_again_for_a_minute_and_then_ends_the_family_row_50() {
        assert_eq!(number(&contoso(held(0, 1)).ask(PUBLIC, BODY)), 0);
        let mut late = held(0, 1);
        late.rotated = Timestamp::from_seconds(NOW - 61);
        for old in [late, held(0, 2)] {
            let decision = contoso(old).ask(PUBLIC, BODY);
            assert_eq!(number(&decision), 50_173);
            assert!(decision.effects.contains(&Effect::RevokeFamily { family: Uuid::from_u128(7) }));
        }
    }

    #[test]
    fn a_refusal_for_another_reason_leaves_the_family_where_it_is() {
        let decision = contoso(held(0, 0))
            .ask(PUBLIC, &format!("{BODY}&scope=https://graph.microsoft.com/User.Read.All"));
        assert_eq!(number(&decision), 65_001);
        assert!(decision.effects.is_empty(), "{:?}", decision.effects);
    }

    #[test]
    fn a_sign_in_that_is_older_than_the_claims_ask_for_gives_no_token() {
        let asks = |from: i64| {
            let claims = format!(
                "%7B%22access_token%22%3A%7B%22nbf%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%22{from}%22%7D%7D%7D"
            );
            contoso(held(0, 0)).ask(PUBLIC, &format!("{BODY}&claims={claims}"))
        };
        assert_eq!(number(&asks(NOW - 1000)), 0);
        let late = asks(NOW - 999);
        assert_eq!(number(&late), 50_173);
        assert!(late.effects.is_empty(), "{:?}", late.effects);
    }

    #[test]
    fn where_reuse_is_tolerated_old_tokens_stay_usable() {
        let mut contoso = contoso(held(0, 9));
        contoso.tenant(|it| it.policy.refresh_reuse = RefreshReuse::Tolerate);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 0);
    }

    #[test]
    fn another_clients_token_is_refused_before_a_credential_is_asked_for_row_49() {
        assert_eq!(number(&contoso(held(0, 0)).ask(SECRET, BODY)), 700_007);
    }

    #[test]
    fn revoked_outlived_and_orphaned_tokens_are_refused() {
        let mut it = held(0, 0);
        it.revoked = true;
        assert_eq!(number(&contoso(it).ask(PUBLIC, BODY)), 50_173);
        let mut it = held(0, 0);
        it.expires = Timestamp::from_seconds(NOW);
        assert_eq!(number(&contoso(it).ask(PUBLIC, BODY)), 700_082);
        let mut orphan = contoso(held(0, 0));
        orphan.user = None;
        assert_eq!(number(&orphan.ask(PUBLIC, BODY)), 500_341);
        let mut changed = contoso(held(0, 0));
        changed.change_user(|user| user.sessions_valid_from = Timestamp::from_seconds(NOW));
        assert_eq!(number(&changed.ask(PUBLIC, BODY)), 50_173);
        assert_eq!(number(&Contoso::new().ask(PUBLIC, BODY)), 9_002_313);
    }

    #[test]
    fn a_second_factor_counts_for_as_long_as_the_tenant_says_where_one_is_demanded() {
        let strong = |demanded: bool, age: i64| {
            let mut it = held(0, 0);
            let body = Arc::make_mut(&mut it.body);
            body.methods = vec!["pwd".into(), "mfa".into()];
            body.signed_in = Timestamp::from_seconds(NOW - age);
            let mut contoso = contoso(it);
            contoso.tenant(|it| {
                it.policy.second_factor_hours = std::num::NonZeroU32::new(1);
                it.policy.require_mfa = if demanded { vec![Subjects::All] } else { Vec::new() };
            });
            contoso
        };
        let told = |demanded, age| number(&strong(demanded, age).ask(PUBLIC, BODY));
        assert_eq!([3599, 3600].map(|age| told(true, age)), [0, 50_078]);
        assert_eq!(told(false, 3600), 0);
        let mut registered = strong(false, 3600);
        registered.change_user(|it| it.totp = Some(Guarded::new("A".into())));
        assert_eq!(number(&registered.ask(PUBLIC, BODY)), 50_078);
        // Who never showed one is told that, and not that it is over.
        Arc::make_mut(&mut registered.refresh.as_mut().unwrap().body).methods = vec!["pwd".into()];
        assert_eq!(number(&registered.ask(PUBLIC, BODY)), 50_076);
    }

    #[test]
    fn an_api_for_work_accounts_is_refused_over_common_to_who_takes_personal_ones() {
        use crate::application::SignInAudience::{
            AzureADMultipleOrgs as Work, AzureADandPersonalMicrosoftAccount as Both,
        };
        let body = format!("{BODY}&scope=api://secret/read");
        let told = |client, (api, version), tenant: &str| {
            let mut contoso = contoso(held(0, 0));
            contoso.api(1);
            contoso.change_application(PUBLIC, |it| it.sign_in_audience = client);
            contoso.change_application(SECRET, |it| {
                (it.sign_in_audience, it.requested_access_token_version) = (api, version);
            });
            number(&contoso.ask_at(tenant, PUBLIC, &body))
        };
        for (api, common) in
            [((Work, None), 90_124), ((Work, Some(1)), 90_124), ((Work, Some(2)), 0), ((Both, Some(2)), 0)]
        {
            assert_eq!(told(Both, api, "common"), common, "{api:?}");
            assert_eq!(told(Work, api, "common"), 0, "{api:?}");
            assert_eq!([told(Both, api, "organizations"), told(Both, api, TENANT)], [0, 0], "{api:?}");
        }
    }

    #[test]
    fn a_disabled_user_gets_nothing_from_an_old_token_row_44() {
        let mut contoso = contoso(held(0, 0));
        contoso.change_user(|user| user.enabled = false);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_057);
    }

    #[test]
    fn it_serves_every_resource_that_was_consented_to_and_no_other() {
        let contoso = contoso(held(0, 0));
        let ask = |scope: &str| number(&contoso.ask(PUBLIC, &format!("{BODY}&scope={scope}")));
        assert_eq!(ask("https://graph.microsoft.com/User.Read"), 0);
        assert_eq!(ask("https://graph.microsoft.com/User.Read.All"), 65_001);
    }
}
