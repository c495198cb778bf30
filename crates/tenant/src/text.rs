//! Lengths of directory texts (`security.md`, row 143). Each object lists all of its texts in one function
//! that takes the object apart without `..`, so that a new property does not compile until it has a limit.

use crate::refusal::Refusal;
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest display name of any object or credential, in characters.
pub(crate) const NAME: usize = 256;
/// Longest description or note, in characters.
pub(crate) const DESCRIPTION: usize = 1024;
/// Longest tag, in characters.
pub(crate) const TAG: usize = 256;
/// Longest given name, family name or mail nickname, in characters.
pub(crate) const SHORT_NAME: usize = 64;
/// Longest text inside a property that is kept as given, in characters.
pub(crate) const KEPT: usize = 2048;
/// Most bytes of all properties of an object that are kept as given, as JSON.
pub(crate) const ALL_KEPT: usize = 64 * 1024;

/// A text of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// The property that holds it, for messages.
    pub(crate) property: &'static str,
    /// The text.
    pub(crate) text: &'a str,
    /// How many characters it may have.
    pub(crate) limit: usize,
}

impl<'a> Text<'a> {
    /// A text under its property.
    pub(crate) const fn new(property: &'static str, text: &'a str, limit: usize) -> Self {
        Self { property, text, limit }
    }

    fn is_too_long(&self) -> bool {
        // A text has at most as many characters as bytes, so short texts are not counted.
        self.text.len() > self.limit && self.text.chars().count() > self.limit
    }
}

/// Whether an object's texts may be kept. A text that the object held before stays, whatever its length: a
/// limit that is new does not get in the way of changing something else.
///
/// # Errors
/// [`Refusal::BadRequest`] names the property and the limit.
pub(crate) fn check_texts(new: &[Text<'_>], held: &[Text<'_>]) -> Result<(), Refusal> {
    let was_held = |it: &Text<'_>| held.iter().any(|old| old.property == it.property && old.text == it.text);
    match new.iter().find(|it| it.is_too_long() && !was_held(it)) {
        None => Ok(()),
        Some(Text { property, limit, .. }) => {
            Err(bad(property, format!("the property '{property}' has more than {limit} characters")))
        }
    }
}

/// Whether properties that are kept as given may be kept: each text in them, and all of them together. A value
/// that was held before stays.
///
/// # Errors
/// [`Refusal::BadRequest`] names the property and the limit.
pub(crate) fn check_kept(
    new: &BTreeMap<String, Value>,
    held: &BTreeMap<String, Value>,
) -> Result<(), Refusal> {
    for (name, value) in new.iter().filter(|(name, value)| held.get(*name) != Some(value)) {
        if !texts_within(value, KEPT) {
            let message = format!("the property '{name}' has a text of more than {KEPT} characters");
            return Err(bad(name, message));
        }
    }
    let size = |map: &BTreeMap<String, Value>| map.values().map(|it| it.to_string().len()).sum::<usize>();
    if new != held && size(new) > ALL_KEPT && size(new) > size(held) {
        let names = new.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(bad(&names, format!("the properties {names} have more than {ALL_KEPT} bytes together")));
    }
    Ok(())
}

/// Every text inside a value has at most so many characters.
pub(crate) fn texts_within(value: &Value, limit: usize) -> bool {
    match value {
        Value::String(text) => !Text::new("", text, limit).is_too_long(),
        Value::Array(list) => list.iter().all(|it| texts_within(it, limit)),
        Value::Object(map) => {
            map.iter().all(|(name, it)| !Text::new("", name, limit).is_too_long() && texts_within(it, limit))
        }
        _ => true,
    }
}

/// Whether a character cannot be seen, or changes the direction of the text around it: control characters,
/// zero-width characters, bidirectional controls, line separators, fillers and tags.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The beginning of a text of somebody else's, for a message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}

fn bad(target: &str, message: String) -> Refusal {
    Refusal::BadRequest { message, target: Some(target.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_text(property: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
        check_texts(&[Text::new(property, text, limit)], &[])
    }

    #[test]
    fn a_text_has_as_many_characters_as_its_limit_and_no_more_row_143() {
        for letter in ["a", "ä", "\u{1f600}"] {
            assert_eq!(check_text("notes", &letter.repeat(4), 4), Ok(()));
            let refused = check_text("notes", &letter.repeat(5), 4).unwrap_err();
            let Refusal::BadRequest { message, target } = refused else { panic!("a bad request") };
            assert!(message.contains("'notes'") && message.contains(" 4 "), "{message}");
            assert_eq!(target.as_deref(), Some("notes"));
        }
    }

    #[test]
    fn a_text_that_was_held_stays_under_its_property_alone() {
        let long = "x".repeat(9);
        let text = |property| Text::new(property, &long, 4);
        assert!(check_texts(&[text("notes")], &[text("notes")]).is_ok());
        assert!(check_texts(&[text("notes")], &[text("description")]).is_err());
        assert!(check_texts(&[text("notes")], &[Text::new("notes", "xxxxxxxx", 4)]).is_err());
    }

    #[test]
    fn what_is_kept_as_given_is_bounded_by_text_and_as_a_whole() {
        let map = |name: &str, value: Value| BTreeMap::from([(name.to_owned(), value)]);
        let none = BTreeMap::new();
        assert!(check_kept(&map("info", json!({ "a": ["x".repeat(2048)] })), &none).is_ok());
        for long in [
            json!("x".repeat(2049)),
            json!({ "a": ["x".repeat(2049)] }),
            json!({ "x".repeat(2049): true }),
            json!(vec!["x".repeat(2000); 40]),
        ] {
            let kept = map("info", long);
            assert!(check_kept(&kept, &none).is_err());
            assert!(check_kept(&kept, &kept).is_ok(), "it was held before");
        }
        // What was too much before may become less, and not more.
        let much = map("info", json!(vec!["x".repeat(2000); 40]));
        assert!(check_kept(&map("info", json!(vec!["x".repeat(2000); 39])), &much).is_ok());
        assert!(check_kept(&map("info", json!(vec!["x".repeat(2000); 41])), &much).is_err());
    }

    #[test]
    fn direction_marks_are_invisible_and_letters_of_any_script_are_not() {
        for c in ['\u{202e}', '\u{2066}', '\u{61c}', '\u{200b}', '\u{feff}', '\u{e0041}', '\n', '\u{ad}'] {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in ['a', 'ä', '\u{5d0}', '漢', ' ', '\u{1f600}', '\u{301}', '\u{3163}'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
