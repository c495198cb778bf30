//! What is said about an application's credentials.

use super::Denial;
use carnet_wire::{
    aadsts::{self, Row},
    time::Timestamp,
};

/// The row and the sentence of a denial about a client's credential.
pub(super) fn entry(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::CredentialMissingForApp => (
            &aadsts::CREDENTIAL_MISSING_FOR_APP,
            "'client_assertion' or 'client_secret' is required for the 'client_credentials' grant type.".into(),
        ),
        Denial::CredentialMissingForGrant(grant) => (
            &aadsts::CREDENTIAL_MISSING_FOR_GRANT,
            format!("'client_assertion' or 'client_secret' is required for the '{grant}' grant type."),
        ),
        Denial::PublicClientWithCredential => (
            &aadsts::PUBLIC_CLIENT_WITH_CREDENTIAL,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.".into(),
        ),
        Denial::WrongSecret(app) => (
            &aadsts::WRONG_SECRET,
            format!("Invalid client secret provided for app '{app}': send the secret's value, not its id."),
        ),
        Denial::SecretExpired(app, on) => (
            &aadsts::SECRET_EXPIRED,
            format!("The provided client secret keys for app '{app}' are expired since {}; add a new one.", on.plain()),
        ),
        Denial::NoKeys(app) => {
            (&aadsts::NO_KEYS_CONFIGURED, format!("Client application has no configured keys: {app} has no certificate."))
        }
        Denial::Federated(why) => why.entry(),
        Denial::AssertionMalformed
        | Denial::AssertionSignature { .. }
        | Denial::AssertionOfOtherApp
        | Denial::AssertionWithoutSubject
        | Denial::AssertionSubject
        | Denial::AssertionAudience
        | Denial::AssertionTime { .. }
        | Denial::AssertionReplayed => about_assertions(denial),
        _ => (
            &aadsts::CREDENTIAL_MISSING,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'; or set the public client switch.".into(),
        ),
    }
}

fn about_assertions(denial: &Denial) -> (&'static Row, String) {
    match denial {
        Denial::AssertionMalformed => {
            (&aadsts::ASSERTION_MALFORMED, "JWT token is invalid or malformed: the client assertion.".into())
        }
        Denial::AssertionSignature { thumbprint, expired } => {
            let reason = if *expired { "The key used is expired" } else { "The key was not found or did not sign it" };
            let named = thumbprint.as_deref().unwrap_or("none");
            (
                &aadsts::ASSERTION_SIGNATURE,
                format!("Client assertion contains an invalid signature. [Reason - {reason}, thumbprint named: '{named}'.]"),
            )
        }
        Denial::AssertionOfOtherApp => (
            &aadsts::ASSERTION_OF_OTHER_APP,
            "Client assertion application identifier doesn't match 'client_id' parameter.".into(),
        ),
        Denial::AssertionWithoutSubject => {
            (&aadsts::ASSERTION_WITHOUT_SUBJECT, "No Subject claim provided in the assertion.".into())
        }
        Denial::AssertionSubject => {
            (&aadsts::ASSERTION_SUBJECT_NOT_ISSUER, "Subject must match the issuer claim in the client assertion.".into())
        }
        Denial::AssertionAudience => (
            &aadsts::ASSERTION_AUDIENCE,
            "Client assertion audience claim does not match Realm issuer: send this tenant's token endpoint or issuer as one text.".into(),
        ),
        Denial::AssertionTime { now, from, until } => (
            &aadsts::ASSERTION_TIME,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, valid from {}, until {}; at most 24 hours.",
                now.plain(),
                Timestamp::from_seconds(*from).plain(),
                Timestamp::from_seconds(*until).plain()
            ),
        ),
        // AssertionReplayed, and nothing else. Entra tolerates a replay, so no number of its own exists; the
        // nearest is a bad assertion.
        _ => {
            (&aadsts::ASSERTION_MALFORMED, "JWT token is invalid: this client assertion was used before.".into())
        }
    }
}
