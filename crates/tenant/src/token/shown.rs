//! An assertion as it was shown: read once for all who look at it. Nothing in it is proved by that.

use carnet_wire::{
    jose::{JoseError, Jws, PublicKey},
    token::request::{ClientAuth, TokenRequest},
};
use serde_json::{Map, Value};

/// An assertion that has the shape of one.
pub struct Shown<'a> {
    /// The token.
    pub(super) jws: Jws<'a>,
    /// What it claims.
    pub(super) claims: Map<String, Value>,
}

impl<'a> Shown<'a> {
    /// The client's assertion in a request; `None`: it has none.
    #[must_use]
    pub fn of(request: &'a TokenRequest) -> Option<Result<Self, JoseError>> {
        let ClientAuth::Assertion(assertion) = &request.client_auth else { return None };
        let read = |jws: Jws<'a>| Ok(Self { claims: jws.unverified_claims()?, jws });
        Some(Jws::parse(assertion.expose()).and_then(read))
    }

    /// The claims, once the signature is right.
    pub(super) fn proved(&self, key: &PublicKey) -> Result<&Map<String, Value>, JoseError> {
        self.jws.proves(key).map(|()| &self.claims)
    }
}
