//! The documents and the code agree: `docs/routes.md` is the table of routes that the server answers by, every file that
//! `ARCHITECTURE.md` names is there, and packages depend only on those below them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../ARCHITECTURE.md");

/// `docs/routes.md`, as the routes say it.
fn routes_page() -> String {
    let row = |route: &carnet_http::route::Route| {
        let method = route.method.map_or("any", |method| method.as_str());
        let access = route.access().map_or_else(|| "everyone".to_owned(), ToString::to_string);
        format!(
            "| {} | {method} | `{}` | {access} | `{}` |\n",
            route.surface.name(),
            route.path,
            route.module
        )
    };
    let rows: String = carnet_server::routes().iter().map(row).collect();
    format!(
        "# Routes\n\nThe routes that the server answers, in the order in which they are looked up. The first part of a module \
         is its package: `graph/users` is `crates/graph/src/users.rs`. Who may call names an operation of \
         `crates/tenant/src/access`, which has its permissions and roles. `carnet routes` prints this table.\n\n\
         This file is generated: `CARNET_UPDATE=1 cargo test -p carnet-tests --test inside architecture` writes it.\n\n\
         | Host | Method | Path | Who may call | Module |\n|---|---|---|---|---|\n{rows}"
    )
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a test is run is told by its environment")]
fn the_page_of_routes_is_the_table_that_is_served() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/routes.md"));
    if std::env::var_os("CARNET_UPDATE").is_some() {
        fs::write(file, routes_page()).unwrap();
    }
    assert_eq!(fs::read_to_string(file).unwrap(), routes_page());
}

#[test]
fn every_module_of_a_route_is_a_file() {
    let crates = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates"));
    for route in carnet_server::routes() {
        let (package, file) = route.module.split_once('/').unwrap();
        assert!(
            crates.join(package).join("src").join(file).with_extension("rs").is_file(),
            "{}",
            route.module
        );
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
        ("http", &["os", "store", "tenant", "wire"]),
        ("login", &["http", "store", "tenant", "wire"]),
        ("graph", &["http", "tenant", "wire"]),
        ("platform", &["http", "tenant", "wire"]),
        ("server", &["graph", "http", "login", "os", "platform", "store", "tenant", "wire"]),
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
