//! The permissions that Microsoft's APIs publish, read from `data/permissions.tsv` one API at a time.

use crate::ids::{AppId, KeyId};
use serde::{Deserialize, Serialize};

/// A delegated permission of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionScope {
    /// Its id within the resource.
    pub id: KeyId,
    /// What clients ask for, `AppManagement.ApplicationPackages.Read`.
    pub value: String,
    /// The name an administrator sees.
    pub display_name: String,
    /// What it allows, in a sentence.
    pub description: String,
    /// Only administrators may consent to it.
    pub admin_only: bool,
    /// It may be asked for.
    pub enabled: bool,
}

/// An application permission of a resource, or a role for its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRole {
    /// Its id within the resource.
    pub id: KeyId,
    /// What appears in `roles`.
    pub value: String,
    /// The name an administrator sees.
    pub display_name: String,
    /// What it allows, in a sentence.
    pub description: String,
    /// Applications may hold it.
    pub for_applications: bool,
    /// Users may hold it.
    pub for_users: bool,
    /// It may be assigned.
    pub enabled: bool,
}

/// What both kinds of permissions have.
pub(super) trait Permission {
    fn id(&self) -> KeyId;
    fn value(&self) -> &str;
}

impl Permission for PermissionScope {
    fn id(&self) -> KeyId {
        self.id
    }

    fn value(&self) -> &str {
        &self.value
    }
}

impl Permission for AppRole {
    fn id(&self) -> KeyId {
        self.id
    }

    fn value(&self) -> &str {
        &self.value
    }
}

/// Permissions that are found by value and by id without looking through all of them: Microsoft Graph has hundreds.
#[derive(Debug)]
pub(super) struct Index<T> {
    /// Sorted by value in lower case.
    pub list: Vec<T>,
    /// Places in `list`, sorted by id.
    by_id: Vec<u16>,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { list: Vec::new(), by_id: Vec::new() }
    }
}

impl<T: Permission> Index<T> {
    fn new(mut list: Vec<T>) -> Self {
        list.sort_by(|a, b| lower(a.value()).cmp(lower(b.value())));
        list.shrink_to_fit();
        let places = u16::try_from(list.len()).expect("a test reads the same file");
        let mut by_id: Vec<u16> = (0..places).collect();
        by_id.sort_by_key(|place| list[usize::from(*place)].id());
        Self { list, by_id }
    }

    /// The first permission with this value, in any letter case.
    pub fn by_value(&self, value: &str) -> Option<&T> {
        let place = self.list.partition_point(|it| lower(it.value()).lt(lower(value)));
        self.list.get(place).filter(|it| it.value().eq_ignore_ascii_case(value))
    }

    /// The permission with this id.
    pub fn by_id(&self, id: KeyId) -> Option<&T> {
        let at = |place: u16| &self.list[usize::from(place)];
        let found = self.by_id.binary_search_by_key(&id, |place| at(*place).id()).ok()?;
        Some(at(self.by_id[found]))
    }
}

fn lower(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// What one API publishes.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub scopes: Index<PermissionScope>,
    pub roles: Index<AppRole>,
}

impl Published {
    /// Reads the section of an API in `data/permissions.tsv`; empty where there is none.
    pub fn of(app: AppId) -> Self {
        let text = include_str!("../../data/permissions.tsv");
        let begin = format!("\n@{app}\t");
        let Some(section) = text.find(&begin).map(|at| &text[at + begin.len()..]) else {
            return Self::default();
        };
        let section = section.split_once("\n@").map_or(section, |(own, _)| own);
        let (mut scopes, mut roles) = (Vec::new(), Vec::new());
        // The first line has the API's name.
        for line in section.lines().skip(1) {
            let one = Line::read(line).expect("a test reads the same file");
            match one.who {
                Who::Application => roles.push(one.role()),
                Who::User | Who::Admin => scopes.push(one.scope()),
            }
        }
        Self { scopes: Index::new(scopes), roles: Index::new(roles) }
    }
}

/// Who may consent, or that it is a permission of applications.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    User,
    Admin,
    Application,
}

/// A line of the file.
struct Line<'a> {
    who: Who,
    value: &'a str,
    id: KeyId,
    /// Name and description; the value where we wrote none.
    words: (&'a str, &'a str),
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let who = match fields.next()? {
            "user" => Who::User,
            "admin" => Who::Admin,
            "app" => Who::Application,
            _ => return None,
        };
        let (value, id) = (fields.next()?, fields.next()?.parse().ok()?);
        let words = match fields.next() {
            Some(name) => (name, fields.next()?),
            None => (value, value),
        };
        fields.next().is_none().then_some(Self { who, value, id, words })
    }

    fn scope(self) -> PermissionScope {
        PermissionScope {
            id: self.id,
            value: self.value.to_owned(),
            display_name: self.words.0.to_owned(),
            description: self.words.1.to_owned(),
            admin_only: self.who == Who::Admin,
            enabled: true,
        }
    }

    fn role(self) -> AppRole {
        AppRole {
            id: self.id,
            value: self.value.to_owned(),
            display_name: self.words.0.to_owned(),
            description: self.words.1.to_owned(),
            for_applications: true,
            for_users: false,
            enabled: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[test]
    fn every_section_reads_and_belongs_to_an_api() {
        let text = include_str!("../../data/permissions.tsv");
        let catalogue = Catalogue::builtin();
        let mut sections = 0;
        for line in text.lines().filter_map(|line| line.strip_prefix('@')) {
            let (app, name) = line.split_once('\t').unwrap();
            let known = catalogue.application(app.parse().unwrap()).unwrap();
            assert!(!known.public_client && known.display_name == name, "{line}");
            sections += 1;
        }
        let apis: Vec<_> = catalogue.applications.iter().filter(|it| !it.public_client).collect();
        assert_eq!(apis.len(), sections);
        let (scopes, roles) = apis
            .iter()
            .fold((0, 0), |(scopes, roles), it| (scopes + it.scopes().len(), roles + it.roles().len()));
        let lines = text.lines().filter(|line| !line.starts_with(['#', '@'])).count();
        assert_eq!(scopes + roles, lines);
    }

    #[test]
    fn each_permission_is_found_by_value_and_by_id_and_others_are_not() {
        for known in Catalogue::builtin().applications {
            for scope in known.scopes() {
                assert_eq!(known.scope_by_id(scope.id), Some(scope));
                let found = known.scope(&scope.value.to_uppercase()).unwrap();
                assert!(found.value.eq_ignore_ascii_case(&scope.value), "{}", scope.value);
            }
            for role in known.roles() {
                assert_eq!(known.role_by_id(role.id), Some(role));
                assert!(known.role(&role.value.to_lowercase()).is_some(), "{}", role.value);
            }
            for value in ["", "user_impersonatio", "zzz", "Mail.Reads"] {
                assert!(known.scope(value).is_none() && known.role(value).is_none(), "{value}");
            }
            assert!(known.scope_by_id(KeyId::new(uuid::Uuid::nil())).is_none());
        }
    }

    #[test]
    fn graph_says_of_each_permission_who_may_consent() {
        let graph = FirstParty::builtin(GRAPH.parse().unwrap()).unwrap();
        assert_eq!((graph.scopes().len(), graph.roles().len()), (807, 716));
        for (value, admin_only) in [
            ("Mail.Read", false),
            ("Files.Read", false),
            ("Files.Read.All", false),
            ("User.ReadBasic.All", false),
            ("Sites.Read.All", false),
            ("User.Read.All", true),
            ("Group.Read.All", true),
            ("Directory.AccessAsUser.All", true),
        ] {
            assert_eq!(graph.scope(value).map(|it| it.admin_only), Some(admin_only), "{value}");
        }
        assert!(graph.scope("Mail.Send").is_some_and(|it| it.display_name == "Send mail in your name"));
        // Where nobody wrote a sentence, the value stands for it.
        assert!(graph.role("Acronym.Read.All").is_some_and(|it| it.description == "Acronym.Read.All"));
    }
}
