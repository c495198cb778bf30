//! Secret values. They have no `Display`, no `Serialize` and no `==`; `Debug` prints the type's name; memory is wiped
//! on drop. `expose` is the only access, so that reviewers can search for it.

use std::fmt;
use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Wraps a value, which is moved and not copied.
            #[must_use]
            pub fn new(value: String) -> Self {
                Self(Zeroizing::new(value))
            }

            /// The secret value. It must not be logged, printed or stored.
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
    /// The secret of an application (`client_secret`).
    ClientSecret
}
secret! {
    /// The password of a user.
    Password
}
secret! {
    /// A signed JWT that a client sends as proof (`client_assertion`, or `assertion` of an on-behalf-of request).
    Assertion
}
secret! {
    /// An access token, as a client sends it.
    AccessToken
}
secret! {
    /// An authorization code, as a client redeems it.
    AuthorizationCode
}
secret! {
    /// A device code, as a device polls with it.
    DeviceCode
}
secret! {
    /// A refresh token, as a client stores it.
    RefreshToken
}
secret! {
    /// A database URL, which may contain a password.
    DatabaseUrl
}
secret! {
    /// A single-use code that replaces a lost authenticator.
    RecoveryCode
}
secret! {
    /// The shared key of a time-based one-time password, in base32 (RFC 6238).
    TotpKey
}

/// Secret bytes, such as private keys, seal keys and digest keys.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Wraps bytes, which are moved and not copied.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret bytes. They must not be logged, printed or stored.
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
