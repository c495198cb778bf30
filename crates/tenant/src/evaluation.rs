//! Whether a token of ours still counts, long after it was issued: its client, its user, and for a token that is
//! evaluated continuously the tenant's rules too. Asked at every call of an API, against the directory as it is
//! now, so that what an administrator takes away is gone at once on every node.
//!
//! A client that said `cp1` is told what would help (a claims challenge); any other one only that the token is
//! none.

use crate::{
    directory::Directory,
    refusal::Refusal,
    registry::AtHome,
    service_principal::ServicePrincipal,
    token::{Denial, password::SigningIn},
    user::User,
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    time::Timestamp,
    token::claims_request::Challenge,
};
use std::{net::IpAddr, sync::Arc};

/// A token that was shown, as far as it is evaluated.
pub struct Shown<'a> {
    /// The directory now.
    pub directory: &'a Directory,
    /// The token's client.
    pub app: AppId,
    /// When it was issued, in seconds.
    pub issued: i64,
    /// Its client answers claims challenges (`xms_cc` has `cp1`).
    pub continuous: bool,
    /// How its user signed in (`amr`).
    pub methods: &'a [String],
    /// From where it is shown.
    pub address: IpAddr,
    /// Now.
    pub now: Timestamp,
}

impl Shown<'_> {
    /// The client is there and enabled, here and where it is registered. Microsoft's public clients need no service principal.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn client(&self) -> Result<(), Refusal> {
        let principal = self.directory.principal_by_app(self.app);
        let own = self.directory.catalogue.application(self.app).is_some_and(|it| it.public_client);
        let served = |it: &Arc<ServicePrincipal>| it.enabled && self.directory.at_home(it) == AtHome::Served;
        match principal.map_or(own, served) {
            true => Ok(()),
            false => Err(self.gone("the token's client is disabled or no longer there")),
        }
    }

    /// The service principal that the token is about is the client's still.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn principal(&self, id: ObjectId) -> Result<(), Refusal> {
        match self.directory.principal_by_app(self.app).map(|it| it.id) == Some(id) {
            true => Ok(()),
            false => Err(self.gone("the token's service principal is no longer there")),
        }
    }

    /// The user that the token is about may still use it.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn user(&self, user: Option<&User>) -> Result<(), Refusal> {
        let Some(user) = user.filter(|user| user.enabled) else {
            return Err(self.gone("the token's user is disabled or no longer there"));
        };
        if user.tokens_valid_from() > self.issued {
            let reason = "the token's user was signed out everywhere, or has a new password";
            return Err(self.no(reason, Challenge::NotBefore(user.tokens_valid_from())));
        }
        if !self.continuous {
            return Ok(());
        }
        // A token that lives a day must not outlast a rule for so long.
        let signing_in =
            SigningIn { directory: self.directory, user, client: self.app, address: self.address };
        let Err(denial) = signing_in.proved_enough(self.methods) else { return Ok(()) };
        let reason = match &denial {
            Denial::Blocked(_) => "a rule of the tenant blocks this call",
            _ => "a rule of the tenant demands a second factor for this call",
        };
        // A second factor that somebody registered of their own accord is no rule: it counts from the next
        // sign-in on, and what was issued before runs out.
        denial.challenge().map_or(Ok(()), |challenge| Err(self.no(reason, challenge)))
    }

    /// Nothing but a sign-in from now on would help.
    fn gone(&self, reason: &str) -> Refusal {
        self.no(reason, Challenge::NotBefore(self.now.seconds()))
    }

    fn no(&self, reason: &str, challenge: Challenge) -> Refusal {
        match self.continuous {
            true => Refusal::InsufficientClaims { reason: reason.to_owned(), challenge },
            false => Refusal::InvalidToken { reason: reason.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{directory, moment},
        tenant::Subjects,
        user::{Labels, New, create},
    };
    use std::sync::Arc;

    const APP: &str = carnet_wire::catalogue::AZURE_POWERSHELL;

    fn user(directory: &Directory) -> User {
        let new = New {
            id: None,
            name: "ada@contoso.example".into(),
            display_name: "Ada".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels: Labels::default(),
        };
        let operator = crate::access::Caller::Operator { digest: String::new() };
        create(&operator, directory, new, &moment()).unwrap().value
    }

    fn shown(directory: &Directory, continuous: bool) -> Shown<'_> {
        let now = moment().now;
        let address = [192, 0, 2, 7].into();
        let app = APP.parse().unwrap();
        Shown { directory, app, issued: now.seconds(), continuous, methods: &[], address, now }
    }

    fn challenge(told: Result<(), Refusal>) -> Challenge {
        match told.unwrap_err() {
            Refusal::InsufficientClaims { challenge, .. } => challenge,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_user_passes_and_one_who_is_gone_does_not() {
        let directory = directory();
        let mut ada = user(&directory);
        let now = moment().now.seconds();
        for continuous in [true, false] {
            assert!(shown(&directory, continuous).user(Some(&ada)).is_ok());
        }
        assert_eq!(challenge(shown(&directory, true).user(None)), Challenge::NotBefore(now));
        ada.enabled = false;
        assert_eq!(challenge(shown(&directory, true).user(Some(&ada))), Challenge::NotBefore(now));
        let told = shown(&directory, false).user(Some(&ada));
        assert!(matches!(told, Err(Refusal::InvalidToken { .. })));
    }

    #[test]
    fn who_was_signed_out_is_told_from_when_on_a_token_counts() {
        let directory = directory();
        let mut ada = user(&directory);
        ada.sessions_valid_from = moment().now.plus_millis(1);
        let from = moment().now.seconds() + 1;
        assert_eq!(challenge(shown(&directory, true).user(Some(&ada))), Challenge::NotBefore(from));
        let mut newer = shown(&directory, true);
        newer.issued = from;
        assert!(newer.user(Some(&ada)).is_ok());
    }

    #[test]
    fn a_rule_ends_a_token_that_lives_a_day_and_names_itself() {
        let mut directory = directory();
        let ada = user(&directory);
        let mut tenant = (*directory.tenant).clone();
        tenant.policy.block = vec![Subjects::Network { address: [192, 0, 2, 0].into(), prefix: 24 }];
        directory.tenant = Arc::new(tenant);
        let Challenge::Policies(rules) = challenge(shown(&directory, true).user(Some(&ada))) else {
            panic!("another challenge")
        };
        assert_eq!(rules.len(), 1);
        assert!(shown(&directory, false).user(Some(&ada)).is_ok());
        let mut elsewhere = shown(&directory, true);
        elsewhere.address = [198, 51, 100, 7].into();
        assert!(elsewhere.user(Some(&ada)).is_ok());
    }

    #[test]
    fn a_second_factor_that_a_rule_demands_was_shown_or_is_challenged_for() {
        let mut directory = directory();
        let mut ada = user(&directory);
        let mut tenant = (*directory.tenant).clone();
        tenant.policy.require_mfa = vec![Subjects::User(ada.name_key.clone())];
        let before = std::mem::replace(&mut directory.tenant, Arc::new(tenant));
        for registered in [false, true] {
            ada.totp = registered.then(|| crate::credential::Guarded::new("A".into()));
            let told = shown(&directory, true).user(Some(&ada));
            assert!(matches!(challenge(told), Challenge::Policies(rules) if rules.len() == 1));
            assert!(shown(&directory, false).user(Some(&ada)).is_ok());
            let methods = ["pwd".to_owned(), "mfa".to_owned()];
            assert!(Shown { methods: &methods, ..shown(&directory, true) }.user(Some(&ada)).is_ok());
        }
        // Nobody demands it: that it is registered ends nothing.
        directory.tenant = before;
        assert!(shown(&directory, true).user(Some(&ada)).is_ok());
    }

    #[test]
    fn a_client_that_is_gone_takes_its_tokens_along() {
        let directory = directory();
        assert!(shown(&directory, true).client().is_ok());
        let mut other = shown(&directory, true);
        other.app = AppId::new(uuid::Uuid::from_u128(9));
        assert!(matches!(challenge(other.client()), Challenge::NotBefore(_)));
        assert!(shown(&directory, false).principal(ObjectId::new(uuid::Uuid::from_u128(9))).is_err());
    }
}
