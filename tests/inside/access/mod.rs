//! Who may call what: every route of Microsoft Graph, the Power Platform API and BAP, with every kind of caller, in
//! one table that a person can read line by line. Microsoft's published permission tables are the outside witness
//! for Graph.

mod callers;
mod graph_rows;
mod objects;
mod platform_rows;
mod sweep;
mod table;
mod witness;

use carnet_http::route::Surface;
use carnet_tenant::access::{OPERATIONS, OWN_RIGHTS};
use std::collections::BTreeSet;
use sweep::{rows, sweep};

#[test]
fn every_route_has_a_row() {
    let swept = [Surface::Graph, Surface::PowerPlatform, Surface::Bap];
    let wanted =
        |it: &&carnet_http::route::Route| swept.contains(&it.surface) || it.path.ends_with("/userinfo");
    let routes = carnet_server::routes();
    // A preflight has no caller.
    let preflight = |it: &&carnet_http::route::Route| it.module == "login/preflight";
    for route in routes.iter().filter(wanted).filter(|it| !preflight(it)) {
        let plain = rows().iter().filter(|row| row.calls(route) && row.case.is_empty()).count();
        assert_eq!(plain, 1, "{route:?} needs one plain row in tests/inside/access, and has {plain}");
    }
    for row in rows() {
        let served = routes.iter().any(|route| row.calls(route));
        assert!(served, "`{}` is a row of tests/inside/access and no route", row.title());
    }
}

#[test]
fn every_caller_gets_the_answer_of_the_table() {
    insta::assert_snapshot!("table", sweep().text());
}

/// An operation that no route asks for is a rule that nothing obeys. It is recognised by the permissions that open it.
#[test]
fn every_operation_opens_a_route() {
    let known = |names: &[&str], all: Vec<String>| -> BTreeSet<String> {
        all.into_iter().filter(|it| names.contains(&it.as_str())).collect()
    };
    for operation in OPERATIONS {
        let mut scopes = known(operation.scopes, callers::graph_scopes());
        scopes.insert(OWN_RIGHTS.to_owned());
        let roles = known(operation.roles, callers::graph_roles());
        let measured = rows().iter().any(|row| {
            let opened = sweep().opened(row);
            opened.single_scopes() == scopes && opened.single_roles() == roles
        });
        assert!(measured, "no route is opened by what `{}` names: {scopes:?}, {roles:?}", operation.name);
    }
}
