//! Resource owner password credentials (step 5 of the article, user name and password): for a public
//! client, or one that proves itself besides; never for an account with a second factor.

use super::{
    Approval, Asking, CONTINUOUS_JITTER, CONTINUOUS_LIFETIME, Configured, Demand, Denial, Effect, FactorNo,
    PasswordProof, RefreshBody, Run, ServiceNo, Subject, USER_JITTER, USER_LIFETIME,
    client_auth::{Client, Wants},
    refresh_life, scope,
};
use crate::{application::Platform, directory::Directory, lockout::Attempt, tenant::Subjects, user::User};
use carnet_wire::{
    entropy::Entropy,
    ids::AppId,
    time::Timestamp,
    token::request::{Target, Version},
};
use std::{net::IpAddr, sync::Arc};
use uuid::Uuid;

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    let credential = run.authenticate(&client, Wants::Either)?;
    let policy = &run.facts.directory.tenant.policy;
    if !policy.password_grant {
        return Err(Denial::Blocked(vec![run.facts.directory.tenant.rule_id("password_grant", "")]));
    }
    let facts = run.facts;
    // Told by the name alone: it is no user of this tenant, whether it is one of the other's or not.
    if facts.elsewhere {
        return Err(Denial::Guest);
    }
    run.known.user = facts.user.as_ref().map(|user| user.id);
    let tried = (facts.attempt, run.proof.password, facts.user.clone());
    let user = right_password(policy.reveal_user, tried)?;
    run.effects.push(Effect::ClearAttempts);
    usable(&user)?;
    let target = run.request.target.clone().ok_or(Denial::ScopeNotDefault(String::new()))?;
    if matches!(&target, Target::Scope(request) if !request.others.is_empty()) {
        return Err(Denial::SeveralResources);
    }
    let resolved = scope::resolve(run, &target)?;
    let signing_in = signing_in(run, &user, client.app);
    signing_in.not_blocked()?;
    signing_in.one_factor(resolved.resource.principal.app_id)?;
    let platform = if credential.key().is_none() { Platform::Public } else { Platform::Web };
    let approval = for_user(
        run,
        (client, credential),
        (user.clone(), vec!["pwd".into()], run.asking.now),
        (&target, resolved),
    )?;
    if approval.refresh {
        let body = RefreshBody {
            family: run.asking.entropy.uuid_at(run.asking.now),
            app: approval.client.app,
            user: user.id,
            platform,
            signed_in: run.asking.now,
            scope: asked(&target),
            methods: vec!["pwd".into()],
            session: None,
        };
        let expires = run.asking.now.plus_seconds(refresh_life(platform));
        run.effects.push(Effect::KeepRefresh { body: body.into(), generation: 0, expires });
    }
    Ok(approval)
}

/// What a target asked for, as a scope text that can be asked for again.
pub(super) fn asked(target: &Target) -> String {
    match target {
        Target::Scope(request) => request.to_string(),
        // The default resource of v1.0 is kept as no resource at all, which a v1.0 refresh reads as the default again.
        Target::Resource { implied: true, openid, .. } => if *openid { "openid" } else { "" }.to_owned(),
        Target::Resource { name, .. } => format!("{name}/.default"),
    }
}

/// The user, once the password is right. Until then every no looks the same, unless the tenant lets
/// the difference be told (`security.md`, S24).
pub(crate) fn right_password(
    reveal: bool,
    tried: (Attempt, PasswordProof, Option<Arc<User>>),
) -> Result<Arc<User>, Denial> {
    match tried {
        (_, PasswordProof::Busy, _) => Err(Denial::Service(ServiceNo::Busy)),
        (Attempt::Locked(_), _, _) if reveal => Err(Denial::Locked),
        (attempt, PasswordProof::Right, Some(user)) if attempt.evaluates() => Ok(user),
        (_, _, None) if reveal => Err(Denial::UnknownUser),
        (_, _, Some(user)) if reveal && user.password.is_none() => Err(Denial::NoPassword),
        _ => Err(Denial::WrongPassword),
    }
}

/// The account itself, told only after the password is right.
pub(crate) fn usable(user: &User) -> Result<(), Denial> {
    alive(user)?;
    match user.password_expired {
        true => Err(Denial::PasswordExpired),
        false => Ok(()),
    }
}

/// The account is one of this tenant's that may sign in; its password may be over.
pub(crate) const fn alive(user: &User) -> Result<(), Denial> {
    match (user.enabled, user.guest) {
        (false, _) => Err(Denial::UserDisabled),
        (true, true) => Err(Denial::Guest),
        (true, false) => Ok(()),
    }
}

/// Who signs in where, from which address: what the tenant's rules look at.
pub(crate) struct SigningIn<'a> {
    pub directory: &'a Directory,
    pub user: &'a User,
    pub client: AppId,
    pub address: IpAddr,
}

impl SigningIn<'_> {
    /// No tenant rule forbids it.
    pub(crate) fn not_blocked(&self) -> Result<(), Denial> {
        let rules = self.rules("block", &self.directory.tenant.policy.block);
        if rules.is_empty() { Ok(()) } else { Err(Denial::Blocked(rules)) }
    }

    /// A password alone is enough: no second factor is registered, and no rule demands one.
    pub(crate) fn one_factor(&self, resource: AppId) -> Result<(), Denial> {
        let rules = self.rules("require_mfa", &self.directory.tenant.policy.require_mfa);
        match (self.user.totp.is_some(), rules.is_empty()) {
            (true, _) => Err(Denial::SecondFactor(FactorNo::Missing, Demand { resource, rules })),
            (false, false) => Err(Denial::SecondFactor(FactorNo::Enrol, Demand { resource, rules })),
            (false, true) => Ok(()),
        }
    }

    /// The ids of the rules in a list that speak of this sign-in.
    fn rules(&self, kind: &str, list: &[Subjects]) -> Vec<Uuid> {
        let speaking = list.iter().filter(|subjects| self.is_among(subjects));
        speaking.map(|subjects| self.directory.tenant.rule_id(kind, &subjects.text())).collect()
    }

    /// What was proved at sign-in is enough here and now: nothing forbids it, and a second factor was shown
    /// where one is demanded, not too long ago. Every grant that builds on an earlier sign-in asks this.
    pub(crate) fn still_enough(
        &self,
        methods: &[String],
        (signed_in, now): (Timestamp, Timestamp),
    ) -> Result<(), Denial> {
        match self.proved_enough(methods) {
            Ok(()) if self.directory.tenant.policy.second_factor_over(signed_in, now) => {
                self.one_factor(self.client).map_err(|denial| match denial {
                    Denial::SecondFactor(_, demand) => Denial::SecondFactor(FactorNo::Over, demand),
                    other => other,
                })
            }
            other => other,
        }
    }

    /// The same, however long ago it was shown: what a token was given for stays proved as long as it lives.
    pub(crate) fn proved_enough(&self, methods: &[String]) -> Result<(), Denial> {
        self.not_blocked()?;
        match second_factor(methods) {
            true => Ok(()),
            false => self.one_factor(self.client),
        }
    }

    fn is_among(&self, subjects: &Subjects) -> bool {
        match subjects {
            Subjects::All => true,
            Subjects::Role(role) => self.directory.holds_role(self.user.id, *role),
            Subjects::User(name) => *name == self.user.name_key,
            Subjects::App(app) => *app == self.client,
            Subjects::Network { address, prefix } => within(self.address, *address, *prefix),
        }
    }
}

/// See [`SigningIn::still_enough`]; and the account is not locked.
pub(super) fn still_enough(
    run: &Run<'_>,
    (user, methods, signed_in): (&User, &[String], Timestamp),
    client: AppId,
) -> Result<(), Denial> {
    not_locked(run)?;
    signing_in(run, user, client).still_enough(methods, (signed_in, run.asking.now))
}

/// A lock after wrong passwords holds for every grant (`security.md`, P2). Who holds something of the user's is
/// told it.
fn not_locked(run: &Run<'_>) -> Result<(), Denial> {
    match run.facts.attempt {
        Attempt::Locked(_) => Err(Denial::Locked),
        _ => Ok(()),
    }
}

fn signing_in<'a>(run: &'a Run<'_>, user: &'a User, client: AppId) -> SigningIn<'a> {
    SigningIn { directory: &run.facts.directory, user, client, address: run.asking.address }
}

fn within(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    use std::net::IpAddr::{V4, V6};
    let (address, network, bits) = match (address, network) {
        (V4(a), V4(n)) => (u128::from(a.to_bits()) << 96, u128::from(n.to_bits()) << 96, 32),
        (V6(a), V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    let prefix = u32::from(prefix).min(bits);
    prefix == 0 || (address ^ network) >> (128 - prefix) == 0
}

fn second_factor(methods: &[String]) -> bool {
    methods.iter().any(|method| method == "mfa")
}

/// Seconds that a user's token lives at an API that does not evaluate tokens continuously.
pub(super) fn usual_lifetime(entropy: &dyn Entropy) -> i64 {
    USER_LIFETIME + i64::from(entropy.below(USER_JITTER + 1))
}

/// Seconds that a user's token lives. Most of a day is no longer than until they are asked again, or an hour.
fn lifetime(asking: &Asking<'_>, continuous: bool, again: Option<Timestamp>) -> i64 {
    if !continuous {
        return usual_lifetime(asking.entropy);
    }
    let lifetime = CONTINUOUS_LIFETIME + i64::from(asking.entropy.below(CONTINUOUS_JITTER + 1));
    match again {
        Some(again) => lifetime.min(again.seconds() - asking.now.seconds()).max(USER_LIFETIME),
        None => lifetime,
    }
}

/// What every grant for a user ends in: scopes, consent, assignment, roles, lifetime.
pub(super) fn for_user(
    run: &mut Run<'_>,
    (client, credential): (Client, super::CredentialUsed),
    (user, methods, signed_in): (Arc<User>, Vec<String>, Timestamp),
    (target, resolved): (&Target, scope::Resolved),
) -> Result<Approval, Denial> {
    let facts = run.facts;
    if run.request.claims.not_before.is_some_and(|from| !user.signed_in_since(signed_in, from)) {
        return Err(Denial::RefreshRevoked { issued: signed_in });
    }
    scope::over(run.asking.tenant, &client, &resolved.resource)?;
    let scopes = scope::delegated(&facts.directory, &client, &user, &resolved)?;
    scope::user_assigned(&facts.directory, user.id, &client)?;
    let resource = &resolved.resource;
    let asked = &run.contexts;
    signing_in(run, &user, client.app).contexts(&methods, asked, resource.principal.app_id)?;
    let directory = &facts.directory;
    let wants = (resource.claims, resource.groups);
    let says = run.request.claims.capabilities_cp1;
    let access = Configured::of(directory, wants, Some(resource.principal.id), user.id).with_capability(says);
    let id = Configured::of_client(directory, &client, user.id);
    let v1 = run.request.version == Version::V1;
    let continuous = says && resource.continuous;
    let again = facts.directory.tenant.policy.asks_again(signed_in, second_factor(&methods));
    let scope_text = Some(scope::text(target, &resolved, &scopes));
    Ok(Approval {
        roles: scope::roles_of_user(directory, user.id, &resource.principal),
        id_roles: client
            .principal
            .as_ref()
            .map_or_else(Vec::new, |it| scope::roles_of_user(directory, user.id, it)),
        access: access.with_contexts(directory, &asked.access_token, &methods),
        id: id.with_contexts(directory, &asked.id_token, &methods),
        directory_roles: facts.directory.roles_of(user.id).map(|it| it.key.role).collect(),
        continuous,
        lifetime: lifetime(run.asking, continuous, again),
        openid: resolved.oidc.openid,
        profile: resolved.oidc.profile,
        email: resolved.oidc.email,
        refresh: v1 || resolved.oidc.offline_access,
        nonce: None,
        signed_in: Some(signed_in),
        auth_time: false,
        session: None,
        client_info: run.request.client_info,
        version: run.request.version,
        resource: resolved.resource,
        subject: Subject::User { user, methods },
        client,
        credential,
        scopes,
        scope_text,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, ServiceNo, contoso::*, denial::Denial};
    use crate::{credential::Guarded, lockout::Attempt, tenant::Subjects};
    use carnet_wire::time::Timestamp;
    use std::num::NonZeroU32;

    const BODY: &str =
        "scope=https://api.powerplatform.com/.default&grant_type=password&username=ada&password=x";

    #[test]
    fn the_articles_request_gives_a_token_with_the_consented_scopes() {
        let yes = Contoso::new().ask(PUBLIC, BODY).verdict.unwrap();
        assert_eq!(yes.scopes, ["AppManagement.ApplicationPackages.Read"]);
        assert_eq!(
            yes.scope_text.as_deref(),
            Some(
                "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read https://api.powerplatform.com/.default"
            )
        );
        assert!((3600..=5400).contains(&yes.lifetime) && !yes.refresh && !yes.openid);
    }

    #[test]
    fn a_confidential_client_may_not_use_a_password_without_its_credential() {
        let contoso = Contoso::new();
        assert_eq!(number(&contoso.ask(SECRET, BODY)), 7_000_218);
        assert_eq!(number(&contoso.ask(PUBLIC, &format!("{BODY}&client_secret=x"))), 700_025);
    }

    #[test]
    fn an_unknown_user_and_a_wrong_password_look_the_same_row_81() {
        let mut contoso = Contoso::new();
        contoso.password = super::PasswordProof::Wrong;
        let wrong = contoso.ask(PUBLIC, BODY).verdict.unwrap_err();
        contoso.user = None;
        assert_eq!(contoso.ask(PUBLIC, BODY).verdict.unwrap_err(), wrong);
        contoso.tenant(|it| it.policy.reveal_user = true);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_034);
    }

    #[test]
    fn a_locked_account_is_not_evaluated_even_with_the_right_password() {
        let mut contoso = Contoso::new();
        contoso.attempt = Attempt::Locked(Timestamp::from_seconds(9));
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_126);
        contoso.tenant(|it| it.policy.reveal_user = true);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_053);
    }

    #[test]
    fn the_accounts_troubles_are_told_after_the_password_is_right_row_43() {
        let mut contoso = Contoso::new();
        contoso.change_user(|it| it.enabled = false);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_057);
        contoso.password = super::PasswordProof::Wrong;
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_126);
    }

    #[test]
    fn a_second_factor_cannot_be_asked_for_here() {
        let mut contoso = Contoso::new();
        contoso.tenant(|it| it.policy.require_mfa = vec![Subjects::User("ada".into())]);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_079);
        contoso.change_user(|it| it.totp = Some(Guarded::new("A".into())));
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_076);
        contoso.tenant(|it| {
            it.policy.block = vec![Subjects::Network { address: [127, 0, 0, 0].into(), prefix: 8 }]
        });
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 53_003);
    }

    #[test]
    fn without_consent_there_is_no_token_and_unknown_scopes_are_unknown() {
        let contoso = Contoso::new();
        assert_eq!(number(&contoso.ask(UNCONSENTED, BODY)), 65_001);
        let named = |scope: &str| number(&contoso.ask(PUBLIC, &BODY.replace(".default", scope)));
        assert_eq!(named("AppManagement.ApplicationPackages.Read"), 0);
        assert_eq!(named("AppManagement.ApplicationPackages.Install"), 65_001);
        assert_eq!(named("No.Such.Scope"), 650_053);
    }

    #[test]
    fn the_grant_has_its_tenants() {
        let contoso = Contoso::new();
        assert_eq!(contoso.ask_at("common", PUBLIC, BODY).verdict.unwrap_err(), Denial::GrantNotOverCommon);
        assert_eq!(number(&contoso.ask_at("organizations", PUBLIC, BODY)), 50_194);
    }

    #[test]
    fn offline_access_keeps_a_refresh_token_and_a_success_clears_the_attempts() {
        let decision =
            Contoso::new().ask(PUBLIC, &BODY.replace(".default", ".default+offline_access+openid"));
        assert!(decision.verdict.as_ref().is_ok_and(|yes| yes.refresh && yes.openid));
        assert!(decision.effects.contains(&Effect::ClearAttempts));
        assert!(decision.effects.iter().any(|it| matches!(it, Effect::KeepRefresh { generation: 0, .. })));
        // A reason from outside leaves what was proved.
        let no = decision.into_no(Denial::Service(ServiceNo::ClientLoop));
        assert_eq!((number(&no), no.effects, no.if_lost), (50_196, vec![Effect::ClearAttempts], None));
    }

    #[test]
    fn who_answers_challenges_gets_a_token_for_most_of_a_day_where_the_api_makes_them() {
        let cp1 = format!(
            "{BODY}&claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D"
        );
        let yes = Contoso::new().ask(PUBLIC, &cp1).verdict.unwrap();
        assert!((72_000..=86_400).contains(&yes.lifetime) && yes.continuous, "{}", yes.lifetime);
        let without = Contoso::new().ask(PUBLIC, BODY).verdict.unwrap();
        assert!((3600..=5400).contains(&without.lifetime) && !without.continuous);
        // Where somebody is asked again sooner it ends then; a second factor that was not shown is none that ends.
        let mut often = Contoso::new();
        often.tenant(|it| {
            it.policy.sign_in_frequency_hours = NonZeroU32::new(2);
            it.policy.second_factor_hours = NonZeroU32::new(1);
        });
        let yes = often.ask(PUBLIC, &cp1).verdict.unwrap();
        assert!(yes.lifetime == 7200 && yes.continuous, "{}", yes.lifetime);
    }

    #[test]
    fn a_rule_has_an_id_that_stays_and_that_the_refusal_names() {
        let mut contoso = Contoso::new();
        contoso.tenant(|it| it.policy.block = vec![Subjects::All]);
        let challenge = |it: &Contoso| it.ask(PUBLIC, BODY).verdict.unwrap_err().challenge();
        let first = challenge(&contoso).unwrap();
        assert_eq!(challenge(&contoso).as_ref(), Some(&first));
        contoso.tenant(|it| it.policy.block = vec![Subjects::User("ada".into())]);
        assert_ne!(challenge(&contoso), Some(first));
        contoso.tenant(|it| it.policy.block = vec![]);
        contoso.change_user(|it| it.totp = Some(Guarded::new("A".into())));
        assert_eq!(challenge(&contoso), None, "the account's own second factor is no rule");
        contoso.tenant(|it| it.policy.require_mfa = vec![Subjects::All]);
        assert!(challenge(&contoso).is_some());
    }

    #[test]
    fn a_full_hash_queue_is_said_and_counts_for_nothing() {
        let mut contoso = Contoso::new();
        contoso.password = super::PasswordProof::Busy;
        assert_eq!(contoso.ask(PUBLIC, BODY).verdict.unwrap_err(), Denial::Service(ServiceNo::Busy));
    }
}
