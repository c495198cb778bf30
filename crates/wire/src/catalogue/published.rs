//! The permissions that Microsoft's APIs publish, parsed from `data/permissions.tsv` one API at a time.

use crate::ids::{AppId, KeyId};
use serde::{Deserialize, Serialize};

/// A delegated permission of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionScope {
    /// The id, unique within the resource.
    pub id: KeyId,
    /// The value that clients request, such as `AppManagement.ApplicationPackages.Read`.
    pub value: String,
    /// The display name for administrators.
    pub display_name: String,
    /// One sentence on what the permission allows.
    pub description: String,
    /// Whether only administrators may consent to it.
    pub admin_only: bool,
    /// Whether it may be requested.
    pub enabled: bool,
}

/// An app role of a resource, for applications, for users, or for both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRole {
    /// The id, unique within the resource.
    pub id: KeyId,
    /// The value in the `roles` claim.
    pub value: String,
    /// The display name for administrators.
    pub display_name: String,
    /// One sentence on what the role allows.
    pub description: String,
    /// Whether applications may hold it.
    pub for_applications: bool,
    /// Whether users may hold it.
    pub for_users: bool,
    /// Whether it may be assigned.
    pub enabled: bool,
}

/// The fields that both kinds of permissions have.
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

/// Permissions, with lookup by value and by id in logarithmic time, because Microsoft Graph publishes hundreds.
#[derive(Debug)]
pub(super) struct Index<T> {
    /// Sorted by value in lower case.
    pub list: Vec<T>,
    /// Indexes into `list`, sorted by id.
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

    /// Finds the first permission with this value; letter case is ignored.
    pub fn by_value(&self, value: &str) -> Option<&T> {
        let place = self.list.partition_point(|it| lower(it.value()).lt(lower(value)));
        self.list.get(place).filter(|it| it.value().eq_ignore_ascii_case(value))
    }

    /// Finds the permission with this id.
    pub fn by_id(&self, id: KeyId) -> Option<&T> {
        let at = |place: u16| &self.list[usize::from(place)];
        let found = self.by_id.binary_search_by_key(&id, |place| at(*place).id()).ok()?;
        Some(at(self.by_id[found]))
    }
}

fn lower(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// All permissions that one API publishes.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub scopes: Index<PermissionScope>,
    pub roles: Index<AppRole>,
}

impl Published {
    /// Parses the section of an API in `data/permissions.tsv`. Empty if the API has no section.
    pub fn of(app: AppId) -> Self {
        let text = include_str!("../../data/permissions.tsv");
        let begin = format!("\n@{app}\t");
        let Some(section) = text.find(&begin).map(|at| &text[at + begin.len()..]) else {
            return Self::default();
        };
        let section = section.split_once("\n@").map_or(section, |(own, _)| own);
        let (mut scopes, mut roles) = (Vec::new(), Vec::new());
        // The first line is the API's name.
        for line in section.lines().skip(1) {
            let one = Line::read(line).expect("a test reads the same file");
            match one.kind {
                Kind::Application => roles.push(one.role()),
                Kind::User | Kind::Admin => scopes.push(one.scope()),
            }
        }
        Self { scopes: Index::new(scopes), roles: Index::new(roles) }
    }
}

/// The kind of a permission: a delegated one by who may consent to it, or one of applications.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Admin,
    Application,
}

/// A line of `data/permissions.tsv`.
struct Line<'a> {
    kind: Kind,
    value: &'a str,
    id: KeyId,
    /// The display name, or the value if the file has none.
    name: &'a str,
    /// The description, or the value if the file has none.
    description: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let kind = match fields.next()? {
            "user" => Kind::User,
            "admin" => Kind::Admin,
            "app" => Kind::Application,
            _ => return None,
        };
        let (value, id) = (fields.next()?, fields.next()?.parse().ok()?);
        let (name, description) = match fields.next() {
            Some(name) => (name, fields.next()?),
            None => (value, value),
        };
        fields.next().is_none().then_some(Self { kind, value, id, name, description })
    }

    fn scope(self) -> PermissionScope {
        PermissionScope {
            id: self.id,
            value: self.value.to_owned(),
            display_name: self.name.to_owned(),
            description: self.description.to_owned(),
            admin_only: self.kind == Kind::Admin,
            enabled: true,
        }
    }

    fn role(self) -> AppRole {
        AppRole {
            id: self.id,
            value: self.value.to_owned(),
            display_name: self.name.to_owned(),
            description: self.description.to_owned(),
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
        // If the file has no sentence for a permission, its value is the description.
        assert!(graph.role("Acronym.Read.All").is_some_and(|it| it.description == "Acronym.Read.All"));
    }
}
