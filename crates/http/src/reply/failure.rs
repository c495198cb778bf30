//! Why a handler does not answer as asked.

use crate::keys::KeysError;
use carnet_tenant::{
    refusal::Refusal,
    token::denial::{Denial, ServiceNo},
};
use carnet_wire::{
    graph::{members::BodyError, query::QueryError},
    token::request::RequestError,
};

/// Why a handler does not answer as asked.
#[derive(Debug)]
pub enum Failure {
    /// An API says no.
    Refusal(Refusal),
    /// The token service says no outside a grant (discovery, a page that is not there yet).
    Denial(Box<Denial>),
    /// The `Host` is none of ours.
    Misdirected,
    /// No such path.
    NoRoute,
    /// The body is larger than its path takes.
    TooLarge,
    /// The body did not arrive, or not in time.
    Cut,
    /// The body is compressed, or of a type that is not read here.
    Unsupported(&'static str),
    /// The body is no text.
    NotText,
    /// The head of the request contradicts itself.
    BadRequest(&'static str),
    /// Too many requests wait for their bodies.
    Busy,
    /// Our fault. The cause is logged once, with the ids, and never shown.
    Broken(String),
    /// The store cannot keep anything just now; trying again helps.
    Away,
    /// The page that was posted was used already: what it does is done once.
    PageUsed,
}

impl Failure {
    /// It is the service's own, as the token service tells it.
    #[must_use]
    pub const fn fault(&self) -> Option<ServiceNo> {
        match self {
            Self::Away => Some(ServiceNo::Away),
            Self::Busy => Some(ServiceNo::Busy),
            Self::Broken(_) => Some(ServiceNo::Broken),
            _ => None,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Self::Denial(Box::new(denial))
    }
}

impl From<carnet_store::StoreError> for Failure {
    fn from(error: carnet_store::StoreError) -> Self {
        use carnet_store::StoreError;
        match error {
            StoreError::Away(_) | StoreError::Stale | StoreError::Unknown => {
                carnet_store::log::away("requests cannot be served: the store is away", &error);
                Self::Away
            }
            StoreError::Spent => Self::PageUsed,
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => error.into(),
            KeysError::Broken(cause) => Self::Broken(cause),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Denial::Malformed(error).into()
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        Refusal::BadRequest { message: error.message, target: Some(error.target) }.into()
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Refusal::UnsupportedQuery { message: error.to_string() }.into()
    }
}
