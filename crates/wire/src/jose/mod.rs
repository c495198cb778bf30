//! JOSE as Carnet speaks it: compact JWS, RS256 and PS256, certificates. One reader for every foreign
//! token (`docs/security.md`, S1), one writer for ours, with the private key parsed once.

mod base64url;
mod certificate;
mod client_key;
mod json;
mod jws;
mod key;
mod signing_key;
pub mod times;

pub use base64url::{decode as decode_base64url, encode as encode_base64url, thumbprint};
pub use certificate::Certificate;
pub use client_key::ClientKey;
pub use json::object;
pub use jws::{Header, Jws, LARGEST};
pub use key::{Algorithm, PublicKey};
pub use signing_key::{Jwk, SigningKey};

/// Why a token, key or certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Larger than is read.
    #[error("it is too large")]
    TooLarge,
    /// Not three segments of strict base64url.
    #[error("it does not have the shape of a signed token")]
    Shape,
    /// Header or claims are no JSON object, nest too deep, or name a member twice.
    #[error("its JSON is not acceptable")]
    Json,
    /// `alg` is not one that is taken here.
    #[error("its algorithm is not acceptable")]
    Algorithm,
    /// `crit`, `zip` or `b64` is present.
    #[error("its header has a member that changes its meaning")]
    Critical,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// A claim has the wrong type or value.
    #[error("its claim `{0}` is missing or of the wrong type")]
    Claim(&'static str),
    /// The key cannot be used.
    #[error("the key is not an RSA key of 2048 to 4096 bits with exponent 65537")]
    Key,
    /// The certificate cannot be read or used.
    #[error("the certificate {0}")]
    Certificate(&'static str),
}
