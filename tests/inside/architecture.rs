//! The map and the house agree: the table of routes in `ARCHITECTURE.md` is the table that the server
//! answers by, and every file that the page names is there.

use std::{collections::BTreeSet, path::Path};

const PAGE: &str = include_str!("../../ARCHITECTURE.md");

#[test]
fn the_page_lists_the_routes_that_are_served() {
    let row = |route: &carnet_server::route::Route| {
        let method = route.method.map_or("any", |method| method.as_str());
        format!("| {} | {method} | `{}` | `{}` |", route.surface.name(), route.path, route.module)
    };
    let served: BTreeSet<String> = carnet_server::routes().iter().map(row).collect();
    let table = PAGE.split("| Host | Method | Path | Module |").nth(1).unwrap_or_default();
    let written: BTreeSet<String> =
        table.lines().skip(2).filter(|line| line.starts_with('|')).map(str::to_owned).collect();
    assert_eq!(written, served);
}

#[test]
fn every_module_of_a_route_is_a_file() {
    let server = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/server/src"));
    for route in carnet_server::routes() {
        assert!(server.join(route.module).with_extension("rs").is_file(), "{}", route.module);
    }
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
    let named = PAGE.split('`').filter(|word| word.ends_with(".rs") && word.contains('/'));
    let mut seen = 0;
    for name in named {
        let (room, rest) = name.split_once('/').unwrap_or((name, ""));
        let file = crates.join(room).join("src").join(rest);
        assert!(file.is_file(), "{name}");
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}
