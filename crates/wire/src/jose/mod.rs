//! JOSE: compact JWS with RS256 and PS256, and certificates. All foreign tokens go through one parser
//! (`docs/security.md#s1`), all own tokens through one signer whose private key is parsed once.

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

/// Error: a token, key or certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Larger than the maximum size.
    #[error("it is too large")]
    TooLarge,
    /// Not three segments of strict base64url.
    #[error("it is not a signed token (JWS)")]
    Shape,
    /// Header or claims are not a JSON object, are nested too deeply, or name a member twice.
    #[error("its JSON is not valid")]
    Json,
    /// `alg` is not a supported algorithm.
    #[error("its algorithm is not supported")]
    Algorithm,
    /// `crit`, `zip` or `b64` is present.
    #[error("its header has `crit`, `zip` or `b64`, which is not supported")]
    Critical,
    /// The signature is not valid.
    #[error("its signature is not valid")]
    Signature,
    /// A claim has the wrong type or value.
    #[error("its claim `{0}` is missing or of the wrong type")]
    Claim(&'static str),
    /// The key is not acceptable.
    #[error("the key is not an RSA key of 2048 to 4096 bits with exponent 65537")]
    Key,
    /// The certificate cannot be parsed or used.
    #[error("the certificate {0}")]
    Certificate(&'static str),
}
