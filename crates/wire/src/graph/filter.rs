//! The `$filter` option: the comparisons that directory tools send, parsed into a tree. Unknown functions and
//! operators are refused; depth and length are limited (`docs/security.md#s35`).

use serde_json::Value;
use std::collections::HashSet;

/// Maximum length of a filter, in bytes.
const LONGEST: usize = 4096;
/// Maximum number of values in an `in` list: about as many quoted GUIDs as fit into the longest filter.
const MOST_VALUES: usize = 100;
/// Maximum nesting of parentheses and `not`.
const DEEPEST: usize = 20;

/// A parsed `$filter` expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Both conditions hold.
    And(Box<Filter>, Box<Filter>),
    /// At least one condition holds.
    Or(Box<Filter>, Box<Filter>),
    /// The condition does not hold.
    Not(Box<Filter>),
    /// `property eq value`
    Eq(String, Value),
    /// `property ne value`
    Ne(String, Value),
    /// `property in (…)`
    In(String, Values),
    /// `startswith(property,'…')`
    StartsWith(String, String),
    /// `property/any(x:x eq value)`
    AnyEq(String, Value),
}

/// The values of an `in` list, stored so that a lookup costs the same for any number of values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    /// Strings, in lower case.
    texts: HashSet<String>,
    numbers: HashSet<i64>,
    others: [bool; 3],
}

/// The index in [`Values::others`] of a value that is neither a string nor a number.
fn other(value: &Value) -> Option<usize> {
    match value {
        Value::Null => Some(0),
        Value::Bool(it) => Some(1 + usize::from(*it)),
        _ => None,
    }
}

impl Values {
    fn insert(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.texts.insert(text.to_lowercase());
            }
            Value::Number(number) => self.numbers.extend(number.as_i64()),
            it => other(it).into_iter().for_each(|place| self.others[place] = true),
        }
    }

    fn contains(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.texts.contains(&text.to_lowercase()),
            Value::Number(number) => number.as_i64().is_some_and(|it| self.numbers.contains(&it)),
            it => other(it).is_some_and(|place| self.others[place]),
        }
    }
}

/// Error: a filter is not valid or not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The filter has a syntax error.
    #[error("Invalid filter clause: {0}")]
    Syntax(&'static str),
    /// The filter is too long or nested too deeply.
    #[error("Invalid filter clause: it is longer than 4 KiB or nests deeper than 20")]
    TooLarge,
    /// An `in` list has too many values.
    #[error("Invalid filter clause: 'in' takes at most 100 values")]
    TooManyValues,
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// [`FilterError`]
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > LONGEST {
            return Err(FilterError::TooLarge);
        }
        let mut reader = Reader { rest: text };
        let filter = reader.or(0)?;
        reader.space();
        match reader.rest.is_empty() {
            true => Ok(filter),
            false => Err(FilterError::Syntax("unexpected text after the expression")),
        }
    }

    /// The names of all properties in the filter.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        match self {
            Self::And(one, other) | Self::Or(one, other) => [one.properties(), other.properties()].concat(),
            Self::Not(inner) => inner.properties(),
            Self::Eq(name, _)
            | Self::Ne(name, _)
            | Self::In(name, _)
            | Self::StartsWith(name, _)
            | Self::AnyEq(name, _) => {
                vec![name]
            }
        }
    }

    /// The string that `property` must equal in every matching object, if the filter demands exactly one.
    #[must_use]
    pub fn only(&self, property: &str) -> Option<&str> {
        match self {
            Self::Eq(name, Value::String(text)) if name.eq_ignore_ascii_case(property) => Some(text),
            Self::AnyEq(name, Value::String(text)) if name.eq_ignore_ascii_case(property) => Some(text),
            Self::And(one, other) => one.only(property).or_else(|| other.only(property)),
            _ => None,
        }
    }

    /// Whether the JSON form of an object matches. Strings are compared without regard to letter case.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let value = |name: &str| member(object, name);
        match self {
            Self::And(one, other) => one.matches(object) && other.matches(object),
            Self::Or(one, other) => one.matches(object) || other.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Eq(name, wanted) => same(value(name), wanted),
            Self::Ne(name, wanted) => !same(value(name), wanted),
            Self::In(name, values) => values.contains(value(name)),
            Self::StartsWith(name, start) => value(name)
                .as_str()
                .is_some_and(|text| text.to_lowercase().starts_with(&start.to_lowercase())),
            Self::AnyEq(name, wanted) => {
                value(name).as_array().is_some_and(|items| items.iter().any(|item| same(item, wanted)))
            }
        }
    }
}

fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    name.split('/').fold(object, |object, part| {
        let found =
            object.as_object().and_then(|map| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(part)));
        found.map_or(&Value::Null, |(_, value)| value)
    })
}

fn same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::String(one), Value::String(other)) => one.to_lowercase() == other.to_lowercase(),
        _ => value == wanted,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn word(&mut self) -> &'a str {
        self.space();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '/' | '-' | '.'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn take(&mut self, mark: char) -> bool {
        self.space();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn want(&mut self, mark: char, why: &'static str) -> Result<(), FilterError> {
        if self.take(mark) { Ok(()) } else { Err(FilterError::Syntax(why)) }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        if self.word().eq_ignore_ascii_case(keyword) {
            return true;
        }
        self.rest = before;
        false
    }

    fn or(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut left = self.and(depth)?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut left = self.term(depth)?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.term(depth)?));
        }
        Ok(left)
    }

    fn term(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > DEEPEST {
            return Err(FilterError::TooLarge);
        }
        if self.take('(') {
            let inner = self.or(depth + 1)?;
            self.want(')', "a parenthesis is not closed")?;
            return Ok(inner);
        }
        if self.keyword("not") {
            return Ok(Filter::Not(Box::new(self.term(depth + 1)?)));
        }
        let name = self.word();
        if name.is_empty() {
            return Err(FilterError::Syntax("a property name is missing"));
        }
        if name.eq_ignore_ascii_case("startswith") {
            self.want('(', "startswith requires a parenthesis")?;
            let property = self.word().to_owned();
            self.want(',', "startswith requires two arguments")?;
            let Value::String(start) = self.value()? else {
                return Err(FilterError::Syntax("startswith requires a string"));
            };
            self.want(')', "a parenthesis is not closed")?;
            return Ok(Filter::StartsWith(property, start));
        }
        if let Some(collection) = name.strip_suffix("/any") {
            return self.any(collection);
        }
        self.comparison(name)
    }

    fn any(&mut self, collection: &str) -> Result<Filter, FilterError> {
        self.want('(', "any requires a parenthesis")?;
        let variable = self.word();
        self.want(':', "any requires a variable and a colon")?;
        let shown = self.word();
        if variable.is_empty() || shown != variable || !self.keyword("eq") {
            return Err(FilterError::Syntax("any supports only `x:x eq value`"));
        }
        let value = self.value()?;
        self.want(')', "a parenthesis is not closed")?;
        Ok(Filter::AnyEq(collection.to_owned(), value))
    }

    fn comparison(&mut self, name: &str) -> Result<Filter, FilterError> {
        let name = name.to_owned();
        match self.word().to_ascii_lowercase().as_str() {
            "eq" => Ok(Filter::Eq(name, self.value()?)),
            "ne" => Ok(Filter::Ne(name, self.value()?)),
            "in" => {
                self.want('(', "in requires a list in parentheses")?;
                let mut values = Values::default();
                values.insert(&self.value()?);
                let mut count = 1;
                while self.take(',') {
                    count += 1;
                    if count > MOST_VALUES {
                        return Err(FilterError::TooManyValues);
                    }
                    values.insert(&self.value()?);
                }
                self.want(')', "a parenthesis is not closed")?;
                Ok(Filter::In(name, values))
            }
            _ => Err(FilterError::Syntax("the supported operators are eq, ne, in, startswith and any")),
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        self.space();
        if let Some(mut rest) = self.rest.strip_prefix('\'') {
            let mut text = String::new();
            loop {
                let Some((part, after)) = rest.split_once('\'') else {
                    return Err(FilterError::Syntax("a string is not closed"));
                };
                text.push_str(part);
                match after.strip_prefix('\'') {
                    Some(more) => {
                        text.push('\'');
                        rest = more;
                    }
                    None => {
                        self.rest = after;
                        return Ok(Value::String(text));
                    }
                }
            }
        }
        match self.word() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            "" => Err(FilterError::Syntax("a value is missing")),
            word => match word.parse::<i64>() {
                Ok(number) => Ok(number.into()),
                // Some tools send GUIDs without quotes (observed).
                Err(_) if word.parse::<crate::ids::ObjectId>().is_ok() => Ok(word.into()),
                Err(_) => Err(FilterError::Syntax(
                    "a value must be a string in quotes, a number, true, false, null or a GUID",
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = Filter::parse(&text);
        }

        #[test]
        fn a_text_literal_cannot_be_left(value in "[ -~]{0,30}") {
            let quoted = value.replace('\'', "''");
            let parsed = Filter::parse(&format!("displayName eq '{quoted}'"));
            prop_assert_eq!(parsed, Ok(Filter::Eq("displayName".into(), value.into())));
        }
    }

    #[test]
    fn the_filters_that_tools_send_find_what_they_mean() {
        let object = json!({"appId": "a-1", "displayName": "Reader's app", "tags": ["x", "y"], "enabled": true, "size": 4, "web": {"homePageUrl": "u"}});
        for (text, found) in [
            ("appId eq 'A-1'", true),
            ("startswith(displayName,'reader''s')", true),
            ("displayName eq 'Reader' or tags/any(t:t eq 'y')", true),
            ("not (enabled eq true)", false),
            ("displayName in ('a', 'Reader''s app') and enabled eq true", true),
            ("web/homePageUrl eq 'u'", true),
            ("nothing eq null", true),
            ("appId ne 'a-1'", false),
            ("displayName in ('reader''S APP')", true),
            ("displayName in ('Reader', 7, null)", false),
            ("enabled in (false, true)", true),
            ("enabled in (false, 1, 'true')", false),
            ("nothing in ('x', null)", true),
            ("size in (3, 4)", true),
            ("size in (3, '4')", false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&object), found, "{text}");
        }
        assert_eq!(Filter::parse("appId eq 'x' and enabled eq true").unwrap().only("appid"), Some("x"));
    }

    #[test]
    fn an_in_has_so_many_values_row_149() {
        let of = |count: usize| format!("displayName in ({})", vec!["'x'"; count].join(","));
        assert!(Filter::parse(&of(100)).is_ok());
        assert_eq!(Filter::parse(&of(101)), Err(FilterError::TooManyValues));
        let guids = format!("id in ('{}')", vec![uuid::Uuid::nil().to_string(); 100].join("','"));
        assert!(Filter::parse(&guids).is_ok());
    }

    #[test]
    fn injection_and_recursion_are_refused_row_105() {
        for text in [
            "' or 1 eq 1",
            "a eq 'b' or 1 eq 1'",
            "a eq",
            "concat(a,'b') eq 'c'",
            "a lt 'b'",
            "tags/any(t:u eq 'x')",
            "a eq 'b",
            "",
        ] {
            assert!(matches!(Filter::parse(text), Err(FilterError::Syntax(_))), "{text}");
        }
        assert_eq!(Filter::parse(&"(".repeat(4000)), Err(FilterError::TooLarge));
        assert_eq!(Filter::parse(&"a ".repeat(10_000)), Err(FilterError::TooLarge));
    }
}
