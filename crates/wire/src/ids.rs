//! Identifiers. Each kind of id has its own type, so that an application id cannot be used as an object id. Ids are
//! printed as Microsoft prints them: lower case, with dashes.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Error: the text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID")]
pub struct NotAGuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from a UUID.
            #[must_use]
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The id as a plain UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAGuid;

            fn from_str(text: &str) -> Result<Self, NotAGuid> {
                parse_guid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }
    };
}

id! {
    /// A tenant: one directory and its issuer.
    TenantId
}
id! {
    /// The client id of an application, which clients send as `client_id`.
    AppId
}
id! {
    /// An object in a tenant, such as an application, service principal or user.
    ObjectId
}
id! {
    /// The id of a credential, a permission scope or an app role.
    KeyId
}
id! {
    /// The id that connects a request with the logs: the client's `client-request-id`, or a generated one.
    CorrelationId
}
id! {
    /// The id of one response. The `uti` claim of tokens is derived from it.
    TraceId
}

/// Parses a GUID with dashes in any letter case, the only form that Microsoft's services accept.
fn parse_guid(text: &str) -> Result<Uuid, NotAGuid> {
    let dashed = text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| (b == b'-') == matches!(i, 8 | 13 | 18 | 23));
    if !dashed {
        return Err(NotAGuid);
    }
    Uuid::try_parse(text).map_err(|_| NotAGuid)
}

impl TraceId {
    /// The `uti` claim of the tokens in this response: base64url (22 characters) of the id's mixed-endian bytes
    /// (observed).
    #[must_use]
    pub fn uti(self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.0.to_bytes_le())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_comes_back_as_it_was_printed(number in any::<u128>(), junk in ".{0,40}") {
            let id = AppId::new(Uuid::from_u128(number));
            prop_assert_eq!(id.to_string().parse::<AppId>(), Ok(id));
            let _ = junk.parse::<AppId>();
        }
    }

    #[test]
    fn a_guid_is_read_in_either_case_and_printed_in_lower_case() {
        let id: AppId = "8578E004-a5c6-46e7-913e-12F58912DF43".parse().unwrap();
        assert_eq!(id.to_string(), "8578e004-a5c6-46e7-913e-12f58912df43");
    }

    #[test]
    fn other_spellings_of_a_guid_are_not_ids() {
        for text in
            ["", "8578e004a5c646e7913e12f58912df43", "{8578e004-a5c6-46e7-913e-12f58912df43}", "not-a-guid"]
        {
            assert_eq!(text.parse::<AppId>(), Err(NotAGuid), "{text}");
        }
    }

    #[test]
    fn uti_matches_a_recorded_answer() {
        let trace: TraceId = "767fe140-950b-475d-82c3-495050418b01".parse().unwrap();
        assert_eq!(trace.uti(), "QOF_dguVXUeCw0lQUEGLAQ");
    }
}
