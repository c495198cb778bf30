//! Reads the members of a JSON body one by one, so that every error names its property. A body with a property that
//! was not read is refused.

use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Error: a body is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BodyError {
    /// The path of the property.
    pub target: String,
    /// A sentence that names the property and what it must be.
    pub message: String,
}

/// The members of a JSON object, with the names that were read so far.
pub struct Members<'a> {
    map: &'a Map<String, Value>,
    path: String,
    read: BTreeSet<&'static str>,
}

impl<'a> Members<'a> {
    /// The members of a whole body.
    #[must_use]
    pub fn of(map: &'a Map<String, Value>) -> Self {
        Self { map, path: String::new(), read: BTreeSet::new() }
    }

    /// The path of a property, for messages.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// An error about a property.
    #[must_use]
    pub fn wrong(&self, name: &str, wants: &str) -> BodyError {
        let target = self.path(name);
        BodyError { message: format!("the property '{target}' must be {wants}"), target }
    }

    /// Any member. `None` if it is absent.
    pub fn any(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.insert(name);
        self.map.get(name)
    }

    fn typed<T>(
        &mut self,
        name: &'static str,
        wants: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<Option<T>>, BodyError> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => read(value).map(|value| Some(Some(value))).ok_or_else(|| self.wrong(name, wants)),
        }
    }

    /// A string. `Some(None)` if it is null.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn text(&mut self, name: &'static str) -> Result<Option<Option<String>>, BodyError> {
        self.typed(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A boolean. `Some(None)` if it is null.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn boolean(&mut self, name: &'static str) -> Result<Option<Option<bool>>, BodyError> {
        self.typed(name, "true or false", Value::as_bool)
    }

    /// A number from 0 to 255. `Some(None)` if it is null.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn small(&mut self, name: &'static str) -> Result<Option<Option<u8>>, BodyError> {
        self.typed(name, "a number from 0 to 255", |value| {
            value.as_u64().and_then(|number| number.try_into().ok())
        })
    }

    /// An ISO 8601 time. `Some(None)` if it is null.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn time(&mut self, name: &'static str) -> Result<Option<Option<Timestamp>>, BodyError> {
        self.typed(name, "a time such as 2027-11-22T00:00:00Z", |value| {
            value.as_str().and_then(Timestamp::parse_iso)
        })
    }

    /// An id. An empty string counts as null.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn id<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<T>, BodyError> {
        match self.text(name)?.flatten() {
            Some(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| self.wrong(name, "a GUID")),
            _ => Ok(None),
        }
    }

    /// A list of strings. Null counts as an empty list.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, BodyError> {
        let list = self.typed(name, "a list of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })?;
        Ok(list.map(Option::unwrap_or_default))
    }

    /// An object. Null counts as absent.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn object(&mut self, name: &'static str) -> Result<Option<Members<'a>>, BodyError> {
        let map = self.typed(name, "an object", Value::as_object)?.flatten();
        Ok(map.map(|map| Members { map, path: self.path(name), read: BTreeSet::new() }))
    }

    /// A list of objects, each parsed by `read`. Null counts as an empty list.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn list<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Members<'a>) -> Result<T, BodyError>,
    ) -> Result<Option<Vec<T>>, BodyError> {
        let Some(items) = self.typed(name, "a list", Value::as_array)? else { return Ok(None) };
        let mut list = Vec::new();
        for (at, item) in items.into_iter().flatten().enumerate() {
            let path = format!("{}[{at}]", self.path(name));
            let map = item.as_object().ok_or_else(|| self.wrong(name, "a list of objects"))?;
            let mut members = Members { map, path, read: BTreeSet::new() };
            list.push(read(&mut members)?);
            members.finish()?;
        }
        Ok(Some(list))
    }

    /// Refuses members that were not read. Annotations (such as `@odata.type`) and nulls are ignored.
    ///
    /// # Errors
    /// [`BodyError`] names the first unknown property.
    pub fn finish(&self) -> Result<(), BodyError> {
        let unknown = self.map.iter().find(|(name, value)| {
            !self.read.contains(name.as_str()) && !name.contains('@') && !value.is_null()
        });
        match unknown {
            None => Ok(()),
            Some((name, _)) => {
                let target = self.path(&name.chars().take(80).collect::<String>());
                Err(BodyError { message: format!("Invalid property '{target}'."), target })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn absent_null_and_wrong_are_three_things() {
        let map = map(json!({"a": null, "b": "x", "c": 1}));
        let mut members = Members::of(&map);
        assert_eq!(members.text("z"), Ok(None));
        assert_eq!(members.text("a"), Ok(Some(None)));
        assert_eq!(members.text("b"), Ok(Some(Some("x".into()))));
        assert_eq!(members.text("c").unwrap_err().target, "c");
        assert!(members.finish().is_ok());
    }

    #[test]
    fn errors_name_the_place_inside() {
        let map = map(json!({"list": [{"id": "x"}, {"other": 1}], "@odata.type": "y"}));
        let mut members = Members::of(&map);
        let read = members.list("list", |item| item.text("id"));
        assert_eq!(read.unwrap_err().target, "list[1].other");
    }
}
