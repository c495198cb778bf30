//! The segment of a URL path that names a tenant.

use crate::ids::TenantId;

/// How a path names a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantName {
    /// By id.
    Id(TenantId),
    /// By a domain, in lower case.
    Domain(String),
    /// `common`: any account.
    Common,
    /// `organizations`: any work account.
    Organizations,
    /// `consumers`: personal accounts.
    Consumers,
}

impl std::fmt::Display for TenantName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Domain(domain) => f.write_str(domain),
            Self::Common => f.write_str("common"),
            Self::Organizations => f.write_str("organizations"),
            Self::Consumers => f.write_str("consumers"),
        }
    }
}

/// The id of the tenant of personal accounts, for which `consumers` is the alias.
pub const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Error: a tenant segment is neither a GUID nor a domain name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID, a domain name or a tenant alias")]
pub struct NotATenant;

impl TenantName {
    /// Parses the segment; letter case is ignored.
    ///
    /// # Errors
    /// [`NotATenant`]
    pub fn parse(text: &str) -> Result<Self, NotATenant> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "common" => Self::Common,
            "organizations" => Self::Organizations,
            "consumers" | CONSUMERS => Self::Consumers,
            _ => match lower.parse() {
                Ok(id) => Self::Id(id),
                Err(_) if is_domain(&lower) => Self::Domain(lower),
                Err(_) => return Err(NotATenant),
            },
        })
    }

    /// Whether the name is an alias that stands for no single tenant.
    #[must_use]
    pub const fn is_alias(&self) -> bool {
        matches!(self, Self::Common | Self::Organizations | Self::Consumers)
    }
}

/// Whether the text is a DNS name of at least two labels, in lower case (RFC 1123, 2.1).
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = TenantName::parse(&text);
        }
    }

    #[test]
    fn names_fold_and_aliases_are_aliases() {
        assert_eq!(TenantName::parse("Contoso.Example"), Ok(TenantName::Domain("contoso.example".into())));
        assert!(TenantName::parse("COMMON").unwrap().is_alias());
        assert!(!TenantName::parse("b7a1c0de-0000-4000-8000-000000000001").unwrap().is_alias());
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "contoso", "a..b", "-a.b", "a b.c", "../x", "a.b/", "ｃontoso.example"] {
            assert_eq!(TenantName::parse(text), Err(NotATenant), "{text}");
        }
    }
}
