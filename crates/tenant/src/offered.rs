//! The permissions that a service principal offers: a list of its own, or what Microsoft's catalogue says of one of
//! Microsoft's APIs. Such a list is the same in every tenant and has up to hundreds of entries, so it is neither kept in
//! the store nor copied into a directory.

use crate::permission::{AppRole, PermissionScope};
use carnet_wire::{
    catalogue::FirstParty,
    ids::{AppId, KeyId},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData, ops::Deref};

/// Permissions of one kind. In the store: a list, or the id of Microsoft's application.
#[derive(Debug, Clone)]
pub enum Offered<T> {
    /// Those of an application of a tenant, and those of Microsoft's in a store of a former release, until its next start.
    Own(Vec<T>),
    /// Those of one of Microsoft's applications.
    Microsoft(&'static FirstParty),
}

/// A kind of permission.
pub trait Permission: Sized + 'static {
    /// The permissions of this kind that an application of Microsoft's publishes.
    fn published(known: &'static FirstParty) -> &'static [Self];
    /// The one with this value, in any letter case.
    fn published_value(known: &'static FirstParty, value: &str) -> Option<&'static Self>;
    /// The one with this id.
    fn published_id(known: &'static FirstParty, id: KeyId) -> Option<&'static Self>;
    /// Its id.
    fn id(&self) -> KeyId;
    /// Its value.
    fn value(&self) -> &str;
}

impl Permission for PermissionScope {
    fn published(known: &'static FirstParty) -> &'static [Self] {
        known.scopes()
    }

    fn published_value(known: &'static FirstParty, value: &str) -> Option<&'static Self> {
        known.scope(value)
    }

    fn published_id(known: &'static FirstParty, id: KeyId) -> Option<&'static Self> {
        known.scope_by_id(id)
    }

    fn id(&self) -> KeyId {
        self.id
    }

    fn value(&self) -> &str {
        &self.value
    }
}

impl Permission for AppRole {
    fn published(known: &'static FirstParty) -> &'static [Self] {
        known.roles()
    }

    fn published_value(known: &'static FirstParty, value: &str) -> Option<&'static Self> {
        known.role(value)
    }

    fn published_id(known: &'static FirstParty, id: KeyId) -> Option<&'static Self> {
        known.role_by_id(id)
    }

    fn id(&self) -> KeyId {
        self.id
    }

    fn value(&self) -> &str {
        &self.value
    }
}

impl<T: Permission> Offered<T> {
    /// The first one with this value, in any letter case.
    #[must_use]
    pub fn by_value(&self, value: &str) -> Option<&T> {
        match self {
            Self::Own(list) => list.iter().find(|it| it.value().eq_ignore_ascii_case(value)),
            Self::Microsoft(known) => T::published_value(known, value),
        }
    }

    /// The one with this id.
    #[must_use]
    pub fn by_id(&self, id: KeyId) -> Option<&T> {
        match self {
            Self::Own(list) => list.iter().find(|it| it.id() == id),
            Self::Microsoft(known) => T::published_id(known, id),
        }
    }
}

impl<T: Permission> Deref for Offered<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Own(list) => list,
            Self::Microsoft(known) => T::published(known),
        }
    }
}

impl<T> From<Vec<T>> for Offered<T> {
    fn from(list: Vec<T>) -> Self {
        Self::Own(list)
    }
}

/// A list that equals the catalogue's is not the catalogue's: it does not follow it.
impl<T: PartialEq> PartialEq for Offered<T> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => one == other,
            (Self::Microsoft(one), Self::Microsoft(other)) => one == other,
            _ => false,
        }
    }
}

impl<T: Eq> Eq for Offered<T> {}

impl<T: Serialize> Serialize for Offered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Own(list) => list.serialize(serializer),
            Self::Microsoft(known) => known.app_id.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Offered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfferedVisitor(PhantomData))
    }
}

struct OfferedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfferedVisitor<T> {
    type Value = Offered<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of permissions, or the id of an application of Microsoft's")
    }

    /// An application that this version's catalogue does not have offers nothing.
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let app: AppId = text.parse().map_err(E::custom)?;
        Ok(FirstParty::builtin(app).map_or_else(|| Offered::Own(Vec::new()), Offered::Microsoft))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Offered::Own(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_wire::catalogue::GRAPH;

    fn graph() -> &'static FirstParty {
        FirstParty::builtin(GRAPH.parse().unwrap()).unwrap()
    }

    #[test]
    fn microsofts_permissions_are_kept_as_the_id_of_their_api() {
        let offered: Offered<PermissionScope> = Offered::Microsoft(graph());
        let text = serde_json::to_string(&offered).unwrap();
        assert_eq!(text, format!("\"{GRAPH}\""));
        assert_eq!(serde_json::from_str::<Offered<PermissionScope>>(&text).unwrap(), offered);
        assert_eq!(offered.len(), graph().scopes().len());
        assert!(offered.by_value("mail.read").is_some_and(|it| it.value == "Mail.Read"));
    }

    #[test]
    fn a_list_of_a_former_release_keeps_its_meaning() {
        let own: Vec<PermissionScope> = graph().scopes()[..2].to_vec();
        let offered: Offered<PermissionScope> =
            serde_json::from_str(&serde_json::to_string(&own).unwrap()).unwrap();
        assert_eq!(offered, own.clone().into());
        assert_eq!(offered.by_id(own[1].id), Some(&own[1]));
        assert!(offered.by_value("Mail.Read").is_none());
        assert_ne!(offered, Offered::Microsoft(graph()));
    }

    #[test]
    fn what_is_no_list_and_no_application_is_refused() {
        for text in ["\"nonsense\"", "7", "null", "{}", "[7]"] {
            assert!(serde_json::from_str::<Offered<AppRole>>(text).is_err(), "{text}");
        }
        let withdrawn = "\"a0000000-0000-4000-8000-00000000dead\"";
        assert!(serde_json::from_str::<Offered<AppRole>>(withdrawn).unwrap().is_empty());
    }
}
