//! The `scope` parameter: `.default`, full URIs, the double slash, a GUID, short Graph names (Microsoft identity
//! platform, "Scopes and permissions"). `carnet_tenant` decides which scopes exist and have consent.

use std::fmt;

/// Maximum length of the `scope` parameter, in bytes.
pub const LONGEST: usize = 8 * 1024;
/// Maximum number of scopes in one parameter.
pub const MOST: usize = 200;
/// The resource of scopes that name none.
pub const GRAPH: &str = "https://graph.microsoft.com";

/// A parsed `scope` parameter: the permissions of one resource and the OpenID Connect scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeRequest {
    /// The permissions of the first resource. `None` if there are only OpenID Connect scopes; the token is then for
    /// Graph's userinfo endpoint.
    pub resource: Option<ResourceScope>,
    /// Further resources. Grant types that allow several resources use the first.
    pub others: Vec<String>,
    /// Whether `openid` is requested.
    pub openid: bool,
    /// Whether `profile` is requested.
    pub profile: bool,
    /// Whether `email` is requested.
    pub email: bool,
    /// Whether `offline_access` is requested.
    pub offline_access: bool,
    /// The `resource` parameter beside the scope (RFC 8707), which must name the same API.
    pub resource_parameter: Option<String>,
}

/// The permissions that are requested of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceScope {
    /// The resource as the client wrote it, without the part after the last slash: an identifier URI (which keeps a
    /// trailing slash of its own, as in `https://management.azure.com/`), an application's GUID, or Graph for scopes
    /// without a resource.
    pub resource: String,
    /// Whether the client left out the resource.
    pub implied: bool,
    /// The requested permissions.
    pub wanted: Wanted,
}

/// Which permissions of a resource are requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `/.default`: all permissions with consent.
    Default,
    /// These permissions, in the order sent.
    Named(Vec<String>),
}

/// Error: a `scope` parameter is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Longer than 8 KiB, or more than 200 scopes.
    #[error("The provided value for the input parameter 'scope' is not valid: it is too long.")]
    TooLong,
    /// Characters that are not allowed in a scope (RFC 6749, 3.3).
    #[error(
        "The provided value for the input parameter 'scope' is not valid: it has characters that no scope has."
    )]
    Characters,
    /// `.default` together with named permissions of the same resource.
    #[error(
        "The provided value for the input parameter 'scope' is not valid. The scope {0}/.default cannot be combined with named permissions of that resource."
    )]
    DefaultMixed(String),
    /// A scope without a resource or without a value.
    #[error("The provided value for the input parameter 'scope' is not valid. The scope {0} is not valid.")]
    NoValue(String),
}

impl ScopeRequest {
    /// Parses the parameter.
    ///
    /// # Errors
    /// [`ScopeError`]
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.len() > LONGEST {
            return Err(ScopeError::TooLong);
        }
        // RFC 6749, 3.3: visible ASCII without quote and backslash.
        if !text.bytes().all(|b| b == b' ' || (b.is_ascii_graphic() && b != b'"' && b != b'\\')) {
            return Err(ScopeError::Characters);
        }
        let mut request = Self::default();
        for (number, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
            if number == MOST {
                return Err(ScopeError::TooLong);
            }
            match word {
                "openid" => request.openid = true,
                "profile" => request.profile = true,
                "email" => request.email = true,
                "offline_access" => request.offline_access = true,
                _ => request.add(word)?,
            }
        }
        Ok(request)
    }

    fn add(&mut self, word: &str) -> Result<(), ScopeError> {
        let (resource, value, implied) = match word.rsplit_once('/') {
            Some((resource, value)) => (resource, value, false),
            None => (GRAPH, word, true),
        };
        if value.is_empty() || resource.is_empty() {
            return Err(ScopeError::NoValue(word.chars().take(200).collect()));
        }
        let wanted = match value.eq_ignore_ascii_case(".default") {
            true => Wanted::Default,
            false => Wanted::Named(vec![value.to_owned()]),
        };
        let Some(held) = &mut self.resource else {
            self.resource = Some(ResourceScope { resource: resource.to_owned(), implied, wanted });
            return Ok(());
        };
        if !same(&held.resource, resource) {
            if !self.others.iter().any(|other| same(other, resource)) {
                self.others.push(resource.to_owned());
            }
            return Ok(());
        }
        match (&mut held.wanted, wanted) {
            (Wanted::Default, Wanted::Default) => {}
            (Wanted::Named(list), Wanted::Named(more)) => {
                list.extend(more.into_iter().filter(|value| !list.contains(value)).collect::<Vec<_>>());
            }
            _ => return Err(ScopeError::DefaultMixed(resource.to_owned())),
        }
        Ok(())
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

impl fmt::Display for ScopeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = Vec::new();
        if let Some(resource) = &self.resource {
            let whole = |value: &str| match resource.implied {
                true => value.to_owned(),
                false => format!("{}/{value}", resource.resource),
            };
            match &resource.wanted {
                Wanted::Default => words.push(whole(".default")),
                Wanted::Named(values) => words.extend(values.iter().map(|value| whole(value))),
            }
        }
        words.extend(self.others.iter().map(|other| format!("{other}/.default")));
        let oidc = [
            (self.openid, "openid"),
            (self.profile, "profile"),
            (self.email, "email"),
            (self.offline_access, "offline_access"),
        ];
        words.extend(oidc.iter().filter(|(asked, _)| *asked).map(|(_, word)| (*word).to_owned()));
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_prints_to_the_same(text in "[ -~]{0,80}") {
            if let Ok(request) = ScopeRequest::parse(&text) {
                prop_assert_eq!(ScopeRequest::parse(&request.to_string()), Ok(request));
            }
        }
    }

    fn resource(text: &str) -> ResourceScope {
        ScopeRequest::parse(text).unwrap().resource.unwrap()
    }

    #[test]
    fn resources_are_named_in_many_ways() {
        assert_eq!(
            resource("https://api.powerplatform.com/.default").resource,
            "https://api.powerplatform.com"
        );
        assert_eq!(
            resource("https://management.azure.com//.default").resource,
            "https://management.azure.com/"
        );
        assert_eq!(
            resource("8578e004-a5c6-46e7-913e-12f58912df43/.default").resource,
            "8578e004-a5c6-46e7-913e-12f58912df43"
        );
        assert_eq!(resource("api://x/access_as_user").wanted, Wanted::Named(vec!["access_as_user".into()]));
        let short = resource("User.Read openid");
        assert_eq!((short.resource.as_str(), short.implied), (GRAPH, true));
    }

    #[test]
    fn a_second_resource_stands_beside_the_first() {
        let request = ScopeRequest::parse("https://a/x https://b/y https://a/z offline_access").unwrap();
        assert_eq!(request.resource.unwrap().wanted, Wanted::Named(vec!["x".into(), "z".into()]));
        assert_eq!((request.others, request.offline_access), (vec!["https://b".to_owned()], true));
    }

    #[test]
    fn scope_tricks_are_refused_row_51() {
        assert_eq!(
            ScopeRequest::parse("https://a/.default https://a/x").unwrap_err(),
            ScopeError::DefaultMixed("https://a".into())
        );
        assert_eq!(ScopeRequest::parse("a\tb").unwrap_err(), ScopeError::Characters);
        assert_eq!(ScopeRequest::parse(&"a ".repeat(201)).unwrap_err(), ScopeError::TooLong);
        assert!(matches!(ScopeRequest::parse("https://a/").unwrap_err(), ScopeError::NoValue(_)));
    }
}
