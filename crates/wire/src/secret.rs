//! Values that must not be seen. They can be spent or compared, never printed: no `Display`, no
//! `Serialize`, no `==`; `Debug` writes the name alone; memory is wiped on drop. The one way out is
//! `expose`, which reviewers search for.

use std::fmt;
use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes the value in; the given string is moved, not copied.
            #[must_use]
            pub fn new(value: String) -> Self {
                Self(Zeroizing::new(value))
            }

            /// The value, to spend it. Never to log, print or store it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer).map(Self::new)
            }
        }
    };
}

secret! {
    /// What an application proves itself with (`client_secret`).
    ClientSecret
}
secret! {
    /// What a user proves themselves with.
    Password
}
secret! {
    /// A compact signed statement shown as proof (`client_assertion`).
    Assertion
}
secret! {
    /// An access token, as a bearer shows it.
    AccessToken
}
secret! {
    /// An authorization code, on its way back to the token endpoint.
    AuthorizationCode
}
secret! {
    /// A device code, as the device that polls with it keeps it.
    DeviceCode
}
secret! {
    /// A refresh token, as a client keeps it.
    RefreshToken
}
secret! {
    /// The address of a database, which may hold a password.
    DatabaseUrl
}
secret! {
    /// What stands in for a lost authenticator, once.
    RecoveryCode
}
secret! {
    /// The shared key of a time-based one-time password, in base32 (RFC 6238).
    TotpKey
}

/// Bytes that must not be seen: private keys, seal keys, digest keys.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes in.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to use them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_name_and_nothing_else() {
        let shown = format!("{:?} {:?}", ClientSecret::new("s3cret".into()), SecretBytes::new(vec![115, 51]));
        assert_eq!(shown, "ClientSecret(..) SecretBytes(..)");
    }
}
