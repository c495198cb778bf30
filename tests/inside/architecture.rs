//! The map and the house agree: the table of routes in `ARCHITECTURE.md` is the table that the server
//! answers by, and every file that the page names is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// The packages whose manifest or source names what one system alone has.
fn packages_that_name_a_system() -> BTreeSet<String> {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
    let mut found = BTreeSet::new();
    for file in files(crates) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let names = ["rustix", "os::unix", "os::windows", "signal::unix", "signal::windows", "libc"];
        if file.extension().is_some_and(|it| it == "rs" || it == "toml")
            && text.lines().any(|line| names.iter().any(|name| line.contains(name)))
        {
            let package = file.strip_prefix(crates).unwrap().components().next().unwrap();
            found.insert(package.as_os_str().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn calls_of_the_operating_system_stand_in_one_package() {
    assert_eq!(packages_that_name_a_system(), BTreeSet::from(["os".to_owned()]));
}

#[test]
fn packages_depend_on_those_below_them() {
    let below = [
        ("wire", &[][..]),
        ("tenant", &["wire"]),
        ("os", &[]),
        ("store", &["os", "tenant", "wire"]),
        ("server", &["os", "store", "tenant", "wire"]),
        ("client", &["os", "wire"]),
        ("carnet", &["client", "os", "server", "wire"]),
    ];
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
    let there: BTreeSet<String> = fs::read_dir(crates)
        .unwrap()
        .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, below.iter().map(|(package, _)| (*package).to_owned()).collect());
    for (package, allowed) in below {
        let manifest = fs::read_to_string(crates.join(package).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines() {
            let Some((name, _)) =
                line.strip_prefix("carnet-").and_then(|rest| rest.split_once(['.', ' ', '=']))
            else {
                continue;
            };
            assert!(allowed.contains(&name), "{package} names {name}");
        }
    }
}
