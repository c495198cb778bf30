//! The query options of a Graph request. Unknown `$` options are refused; others are ignored.

use super::filter::{Filter, FilterError};
use crate::percent::decode_text;

/// Maximum page size.
pub const LARGEST_PAGE: usize = 999;
/// Default page size.
pub const PAGE: usize = 100;

/// The parsed query options.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `$filter`
    pub filter: Option<Filter>,
    /// `$select`. Empty means all properties.
    pub select: Vec<String>,
    /// `$top`
    pub top: usize,
    /// `$skiptoken`, as it was issued.
    pub skip_token: Option<String>,
    /// `$count=true`
    pub count: bool,
}

/// Error: the query options are not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The `$filter` option.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// An unknown option.
    #[error("The query specified in the URI is not valid: the option '{0}' is not supported here.")]
    Unknown(String),
    /// The value of an option.
    #[error("The query specified in the URI is not valid: the value of '{0}' cannot be read.")]
    Value(&'static str),
}

impl Query {
    /// Parses the query string of a URL, without the question mark.
    ///
    /// # Errors
    /// [`QueryError`]
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = Self { filter: None, select: Vec::new(), top: PAGE, skip_token: None, count: false };
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode_text(name, true).ok_or(QueryError::Value("name"))?;
            let value = decode_text(value, true);
            match name.to_ascii_lowercase().as_str() {
                "$filter" => query.filter = Some(Filter::parse(&value.ok_or(QueryError::Value("$filter"))?)?),
                "$select" => query.select = list(value).ok_or(QueryError::Value("$select"))?,
                "$top" => {
                    let top = value
                        .and_then(|text| text.parse().ok())
                        .filter(|top| (1..=LARGEST_PAGE).contains(top));
                    query.top = top.ok_or(QueryError::Value("$top"))?;
                }
                "$skiptoken" => query.skip_token = value,
                "$count" => query.count = value.as_deref() == Some("true"),
                // Lists are always ordered by id. Tools send `$orderby` only to show a list.
                "$orderby" | "$format" => {}
                other if other.starts_with('$') => {
                    return Err(QueryError::Unknown(other.chars().take(40).collect()));
                }
                _ => {}
            }
        }
        Ok(query)
    }

    /// Reduces an object to the selected members and annotations.
    #[must_use]
    pub fn selected(&self, object: serde_json::Value) -> serde_json::Value {
        match object {
            serde_json::Value::Object(members) if !self.select.is_empty() => {
                let wanted = |name: &str| self.select.iter().any(|it| it.eq_ignore_ascii_case(name));
                members
                    .into_iter()
                    .filter(|(name, _)| wanted(name) || name.starts_with('@'))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }
            other => other,
        }
    }
}

fn list(value: Option<String>) -> Option<Vec<String>> {
    let list: Vec<String> =
        value?.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    (list.len() <= 100).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = Query::parse(&text);
        }
    }

    #[test]
    fn options_come_plain_or_escaped() {
        let query = Query::parse("%24filter=appId%20eq%20%27x%27&$select=id,appId&$top=5&other=1").unwrap();
        assert_eq!(query.filter.and_then(|it| it.only("appId").map(str::to_owned)).as_deref(), Some("x"));
        assert_eq!((query.select.len(), query.top), (2, 5));
    }

    #[test]
    fn wrong_and_unknown_options_are_refused() {
        for text in ["$top=0", "$top=1000", "$top=x", "$expand=owners", "$search=x", "$filter=%zz"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn selecting_leaves_the_named_members() {
        let query = Query::parse("$select=ID").unwrap();
        assert_eq!(query.selected(serde_json::json!({"id": 1, "x": 2})), serde_json::json!({"id": 1}));
    }
}
