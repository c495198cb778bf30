//! Microsoft's published permission tables beside what was measured. Where the two differ, the difference is a
//! deviation with its reason; one that nobody wrote down fails, and so does one that no longer occurs.

use super::{
    callers::{PAIR, PAIRS, graph_roles, graph_scopes},
    sweep::{rows, sweep},
    table::Row,
};
use carnet_http::route::Surface;
use carnet_tenant::access::OWN_RIGHTS;
use std::collections::BTreeSet;

const TABLES: &str = include_str!("graph-access.tsv");

/// A permission's kind, as the tables write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Delegated,
    Application,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Application => "application",
        }
    }
}

/// Which of the two opens what the other does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// Microsoft lists it and it is refused here.
    Missing,
    /// It is allowed here and Microsoft does not list it.
    Extra,
}

/// One difference: side, method, path, kind, permission.
type Difference = (Side, &'static str, &'static str, Kind, String);

/// Differences of one reason: each of the permissions at each of the routes.
struct Deviation {
    /// Why, in plain words.
    #[expect(dead_code, reason = "it is for whoever reads the list")]
    reason: &'static str,
    side: Side,
    kinds: &'static [Kind],
    permissions: &'static [&'static str],
    routes: &'static [(&'static str, &'static str)],
}

const BOTH: &[Kind] = &[Kind::Delegated, Kind::Application];
const DELEGATED: &[Kind] = &[Kind::Delegated];
const APPLICATION: &[Kind] = &[Kind::Application];

/// Differences that are meant.
const MEANT: &[Deviation] = &[
    Deviation {
        reason: "A permission that changes the directory also reads it; the tables leave it out of some reads.",
        side: Side::Extra,
        kinds: BOTH,
        permissions: &["Directory.ReadWrite.All"],
        routes: &[("GET", "/v1.0/groups/{id}/members"), ("GET", "/v1.0/users/{id}/appRoleAssignments")],
    },
    Deviation {
        reason: "As above; the tables have it for one object and for the delegated permission.",
        side: Side::Extra,
        kinds: APPLICATION,
        permissions: &["Directory.ReadWrite.All"],
        routes: &[("GET", "/v1.0/applications"), ("GET", "/v1.0/servicePrincipals")],
    },
    Deviation {
        reason: "The tables list this companion of AppRoleAssignment.ReadWrite.All alone; it is not enough.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["Application.ReadWrite.All"],
        routes: &[("POST", "/v1.0/servicePrincipals/{id}/appRoleAssignments")],
    },
    Deviation {
        reason: "Stricter: taking a role away is an operation of its own, like giving it.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["Application.ReadWrite.All"],
        routes: &[("DELETE", "/v1.0/servicePrincipals/{id}/appRoleAssignments/{assignment}")],
    },
    Deviation {
        reason: "The groups of somebody are read with what reads groups and their members.",
        side: Side::Extra,
        kinds: BOTH,
        permissions: &["Group.Read.All", "Group.ReadWrite.All"],
        routes: &[("GET", "/v1.0/users/{id}/memberOf"), ("GET", "/v1.0/servicePrincipals/{id}/memberOf")],
    },
    Deviation {
        reason: "As above; the tables have it for people and the delegated permission.",
        side: Side::Extra,
        kinds: BOTH,
        permissions: &["GroupMember.Read.All"],
        routes: &[("GET", "/v1.0/servicePrincipals/{id}/memberOf")],
    },
    Deviation {
        reason: "As above; the tables have it for people and the delegated permission.",
        side: Side::Extra,
        kinds: APPLICATION,
        permissions: &["GroupMember.Read.All"],
        routes: &[("GET", "/v1.0/users/{id}/memberOf")],
    },
    Deviation {
        reason: "Stricter: memberships are read with what reads groups, not with what reads the member.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["Application.Read.All", "Application.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf"),
            ("POST", "/v1.0/servicePrincipals/{id}/getMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/getMemberObjects"),
            ("POST", "/v1.0/users/{id}/getMemberGroups"),
            ("POST", "/v1.0/users/{id}/getMemberObjects"),
        ],
    },
    Deviation {
        reason: "As above.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["Application.ReadWrite.OwnedBy"],
        routes: &[("GET", "/v1.0/servicePrincipals/{id}/memberOf")],
    },
    Deviation {
        reason: "As above; of a service principal's groups a permission for people says nothing.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["User.Read.All"],
        routes: &[
            ("POST", "/v1.0/servicePrincipals/{id}/getMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/getMemberObjects"),
        ],
    },
    Deviation {
        reason: "As above.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["User.ReadWrite.All"],
        routes: &[("POST", "/v1.0/servicePrincipals/{id}/getMemberObjects")],
    },
    Deviation {
        reason: "As above.",
        side: Side::Missing,
        kinds: DELEGATED,
        permissions: &["User.Read"],
        routes: &[("POST", "/v1.0/servicePrincipals/{id}/getMemberObjects")],
    },
    Deviation {
        reason: "Stricter: an application reads somebody's groups with what reads groups.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["User.Read.All"],
        routes: &[
            ("POST", "/v1.0/users/{id}/getMemberGroups"),
            ("POST", "/v1.0/users/{id}/getMemberObjects"),
        ],
    },
    Deviation {
        reason: "As above; the tables have it for one of the two actions.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["User.ReadWrite.All"],
        routes: &[("POST", "/v1.0/users/{id}/getMemberObjects")],
    },
    Deviation {
        reason: "People read their own groups with any permission that shows them; a token whose groups did not \
                 fit refers its client to these paths.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"],
        routes: &[("GET", "/v1.0/me/memberOf")],
    },
    Deviation {
        reason: "As above.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.Read.All"],
        routes: &[("GET", "/v1.0/me/memberOf"), ("GET", "/v1.0/users/{id}/memberOf")],
    },
    Deviation {
        reason: "As above.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/users/{id}/memberOf"),
            ("POST", "/v1.0/me/getMemberGroups"),
            ("POST", "/v1.0/users/{id}/getMemberGroups"),
        ],
    },
    Deviation {
        reason: "As above.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.Read"],
        routes: &[("POST", "/v1.0/me/getMemberGroups"), ("POST", "/v1.0/users/{id}/getMemberGroups")],
    },
    Deviation {
        reason: "Stricter: a person's own groups are no matter of applications.",
        side: Side::Missing,
        kinds: DELEGATED,
        permissions: &["Application.Read.All", "Application.ReadWrite.All"],
        routes: &[("POST", "/v1.0/me/getMemberGroups"), ("POST", "/v1.0/me/getMemberObjects")],
    },
    Deviation {
        reason: "`/me` is the signed-in user, and an application's own token has none; the tables list it all the same.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["Application.Read.All", "Application.ReadWrite.All"],
        routes: &[("POST", "/v1.0/me/getMemberGroups"), ("POST", "/v1.0/me/getMemberObjects")],
    },
    Deviation {
        reason: "As above.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["User.RevokeSessions.All"],
        routes: &[("POST", "/v1.0/me/revokeSignInSessions")],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["Group.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/me/memberOf/{cast}"),
            ("GET", "/v1.0/me/transitiveMemberOf"),
            ("GET", "/v1.0/me/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/me/memberOf/{cast}"),
            ("GET", "/v1.0/me/transitiveMemberOf"),
            ("GET", "/v1.0/me/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["Group.Read.All"],
        routes: &[
            ("GET", "/v1.0/me/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/memberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.Read.All"],
        routes: &[("GET", "/v1.0/me/memberOf/{cast}"), ("GET", "/v1.0/users/{id}/memberOf/{cast}")],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["GroupMember.Read.All"],
        routes: &[
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: APPLICATION,
        permissions: &["Group.Read.All", "GroupMember.Read.All"],
        routes: &[
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/memberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: APPLICATION,
        permissions: &["Group.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "A permission that changes the directory also reads it.",
        side: Side::Extra,
        kinds: BOTH,
        permissions: &["Directory.ReadWrite.All"],
        routes: &[("POST", "/v1.0/directoryObjects/getByIds")],
    },
    Deviation {
        reason: "As at the routes above: what reads groups, or shows a person, or changes the directory opens this too.",
        side: Side::Extra,
        kinds: DELEGATED,
        permissions: &["User.Read"],
        routes: &[("POST", "/v1.0/me/checkMemberGroups"), ("POST", "/v1.0/users/{id}/checkMemberGroups")],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["Application.ReadWrite.OwnedBy"],
        routes: &[("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}")],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["Application.Read.All", "Application.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/servicePrincipals/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/servicePrincipals/{id}/transitiveMemberOf/{cast}"),
            ("POST", "/v1.0/me/checkMemberGroups"),
            ("POST", "/v1.0/me/checkMemberObjects"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberObjects"),
            ("POST", "/v1.0/users/{id}/checkMemberGroups"),
            ("POST", "/v1.0/users/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["User.Read.All"],
        routes: &[
            ("GET", "/v1.0/users/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/users/{id}/transitiveMemberOf/{cast}"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberObjects"),
            ("POST", "/v1.0/users/{id}/checkMemberGroups"),
            ("POST", "/v1.0/users/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: DELEGATED,
        permissions: &["User.Read.All", "User.ReadWrite.All"],
        routes: &[
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: APPLICATION,
        permissions: &["User.ReadWrite.All"],
        routes: &[
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberGroups"),
            ("POST", "/v1.0/servicePrincipals/{id}/checkMemberObjects"),
            ("POST", "/v1.0/users/{id}/checkMemberGroups"),
            ("POST", "/v1.0/users/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: DELEGATED,
        permissions: &["User.Read"],
        routes: &[("POST", "/v1.0/servicePrincipals/{id}/checkMemberObjects")],
    },
    Deviation {
        reason: "The groups of a group are read with what reads groups, as those of somebody are.",
        side: Side::Extra,
        kinds: BOTH,
        permissions: &["Group.ReadWrite.All"],
        routes: &[
            ("GET", "/v1.0/groups/{id}/memberOf"),
            ("GET", "/v1.0/groups/{id}/memberOf/{cast}"),
            ("GET", "/v1.0/groups/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/groups/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "The groups of a group are read with what reads groups, as those of somebody are.",
        side: Side::Extra,
        kinds: APPLICATION,
        permissions: &["Group.Read.All", "GroupMember.Read.All"],
        routes: &[
            ("GET", "/v1.0/groups/{id}/transitiveMemberOf"),
            ("GET", "/v1.0/groups/{id}/transitiveMemberOf/{cast}"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["Application.Read.All", "Application.ReadWrite.All", "User.Read.All"],
        routes: &[
            ("POST", "/v1.0/groups/{id}/getMemberGroups"),
            ("POST", "/v1.0/groups/{id}/getMemberObjects"),
            ("POST", "/v1.0/groups/{id}/checkMemberGroups"),
            ("POST", "/v1.0/groups/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: BOTH,
        permissions: &["User.ReadWrite.All"],
        routes: &[
            ("POST", "/v1.0/groups/{id}/getMemberObjects"),
            ("POST", "/v1.0/groups/{id}/checkMemberGroups"),
            ("POST", "/v1.0/groups/{id}/checkMemberObjects"),
        ],
    },
    Deviation {
        reason: "Stricter: memberships are read and checked with what reads groups, as at the routes above.",
        side: Side::Missing,
        kinds: DELEGATED,
        permissions: &["User.Read"],
        routes: &[
            ("POST", "/v1.0/groups/{id}/getMemberObjects"),
            ("POST", "/v1.0/groups/{id}/checkMemberObjects"),
        ],
    },
];

/// What the tables say about one route and kind: permissions that open it alone, and pairs of them.
struct Listed {
    alone: BTreeSet<String>,
    pairs: BTreeSet<String>,
}

/// Reads the tables' list for a route; `None`: they do not have the route.
fn listed(row: &Row, kind: Kind) -> Option<Listed> {
    let path = row.path.strip_prefix("/v1.0")?.to_ascii_lowercase();
    let path = path
        .replace("({key})", "(appid={value})")
        .replace("{member}", "{id}")
        .replace("{assignment}", "{id}")
        .replace("/$ref", "")
        // The objects of one type in a collection are read with what reads the collection.
        .replace("/{cast}", "");
    let lines = || TABLES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'));
    let mut of_route = lines().filter(|parts| parts.clone().take(2).eq([path.as_str(), row.method]));
    of_route.clone().next()?;
    let list = of_route.find_map(|mut parts| (parts.nth(2) == Some(kind.name())).then(|| parts.next()));
    let mut found = Listed { alone: BTreeSet::new(), pairs: BTreeSet::new() };
    let mut companions = BTreeSet::new();
    for entry in list.flatten().unwrap_or_default().split(' ').filter(|it| !it.is_empty()) {
        let (name, with) = entry.split_once('+').unwrap_or((entry, ""));
        let name = name.trim_end_matches('*');
        if with.is_empty() {
            found.alone.insert(name.to_owned());
        }
        for companion in with.split(',').filter(|it| !it.is_empty()) {
            companions.insert(companion.to_owned());
            let pair = PAIRS.iter().find(|pair| pair.contains(&name) && pair.contains(&companion));
            found.pairs.insert(pair.expect("a caller has this pair of permissions").join(PAIR));
        }
    }
    found.alone.retain(|name| !companions.contains(name));
    Some(found)
}

/// What opened a route in any of its cases: the tables list a permission that is enough for one property, or for the
/// caller's own record. The permission of Microsoft's own clients is another matter.
fn measured(plain: &Row, kind: Kind) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in rows().iter().filter(|row| (row.method, row.path) == (plain.method, plain.path)) {
        let opened = sweep().opened(row);
        names.extend(match kind {
            Kind::Delegated => opened.scopes,
            Kind::Application => opened.roles,
        });
        if kind == Kind::Application && opened.owning {
            names.insert("Application.ReadWrite.OwnedBy".to_owned());
        }
    }
    names.remove(OWN_RIGHTS);
    names
}

fn differences(row: &'static Row, kind: Kind) -> Vec<Difference> {
    let Some(listed) = listed(row, kind) else { return Vec::new() };
    let known = match kind {
        Kind::Delegated => graph_scopes(),
        Kind::Application => graph_roles(),
    };
    let measured = measured(row, kind);
    let alone = |name: &&String| !name.contains(PAIR);
    let missing = listed.alone.iter().filter(|it| known.contains(it) && !measured.contains(*it));
    let no_pair = listed.pairs.iter().filter(|it| !measured.contains(*it));
    let extra = measured.iter().filter(alone).filter(|it| !listed.alone.contains(*it));
    let of = |side| move |name: &String| (side, row.method, row.path, kind, name.clone());
    let missing = missing.chain(no_pair).map(of(Side::Missing));
    missing.chain(extra.map(of(Side::Extra))).collect()
}

fn plain_rows() -> impl Iterator<Item = &'static Row> {
    rows().iter().filter(|row| row.surface == Surface::Graph && row.case.is_empty())
}

#[test]
fn graph_is_opened_by_what_microsofts_tables_list() {
    let found: BTreeSet<Difference> =
        plain_rows().flat_map(|row| BOTH.iter().flat_map(move |kind| differences(row, *kind))).collect();
    let mut expected = BTreeSet::new();
    for it in MEANT {
        for (method, path) in it.routes {
            for kind in it.kinds {
                for permission in it.permissions {
                    let one = (it.side, *method, *path, *kind, (*permission).to_owned());
                    assert!(expected.insert(one.clone()), "written down twice: {one:?}");
                }
            }
        }
    }
    let new: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "differences without a reason: {new:#?}\nno longer there: {gone:#?}"
    );
}

/// Microsoft's own clients act with the person's own rights: their permission opens every operation of Graph.
#[test]
fn the_permission_of_microsofts_own_clients_opens_every_operation() {
    for row in plain_rows().filter(|row| row.path.starts_with("/v1.0")) {
        assert!(sweep().opened(row).scopes.contains(OWN_RIGHTS), "{}", row.title());
    }
}

/// The tables have every path that is served, except where a comment says otherwise.
#[test]
fn the_tables_know_every_served_path() {
    let unknown = |row: &&Row| BOTH.iter().all(|kind| listed(row, *kind).is_none());
    let unknown: Vec<String> = plain_rows().filter(unknown).map(Row::title).collect();
    // The tables leave out the addition of a member; userinfo is no part of them, nor are photos of this part of them.
    let expected = [
        "POST graph /v1.0/groups/{id}/members/$ref",
        "GET graph /v1.0/users/{id}/photo",
        "GET graph /v1.0/users/{id}/photo/$value",
        "GET graph /v1.0/users/{id}/photos/{size}",
        "GET graph /v1.0/users/{id}/photos/{size}/$value",
        "GET graph /v1.0/me/photo",
        "GET graph /v1.0/me/photo/$value",
        "GET graph /v1.0/me/photos/{size}",
        "GET graph /v1.0/me/photos/{size}/$value",
        "GET graph /oidc/userinfo",
        "POST graph /oidc/userinfo",
    ];
    assert_eq!(unknown, expected);
}
