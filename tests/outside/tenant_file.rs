//! A tenant file against a running tenant: planned, applied, applied again, and refused whole.

use crate::kit::{Server, contoso, run};
use serde_json::Value;
use std::fs;

const PLANNED: &str = "[[application]]\nname = \"planned\"\npublic_client = true\nadmin_consent = true\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    secrets = [{ name = \"ci\" }]\npower_platform_admin = true\n";
const PACKAGES: &str = "/appmanagement/environments/Default-b7a1c0de-0000-4000-8000-000000000001/applicationPackages?api-version=2022-03-01-preview";
const ENVIRONMENT: &str = "[[environment]]\nname = \"Default\"\nid = \"Default-b7a1c0de-0000-4000-8000-000000000001\"\nsku = \"Default\"\n";

fn verb(server: &Server, verb: &str, more: &str) -> crate::kit::Told {
    let file = server.path("wanted.toml");
    fs::write(&file, contoso(more)).unwrap();
    run(&mut server.admin(&[verb, &file.display().to_string()]))
}

/// The state of the object with this name.
fn state<'a>(rows: &'a Value, name: &str) -> &'a str {
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name);
    row.unwrap_or_else(|| panic!("no row {name}: {rows}"))["state"].as_str().unwrap()
}

fn applications(server: &Server) -> usize {
    run(&mut server.admin(&["app", "list"])).json().as_array().unwrap().len()
}

#[test]
fn a_plan_changes_nothing_and_applying_twice_is_applying_once() {
    let server = Server::start(&contoso(ENVIRONMENT));
    let planned = verb(&server, "plan", PLANNED).json();
    assert_eq!(state(&planned, "planned"), "to create");
    assert_eq!(applications(&server), 0);

    let applied = verb(&server, "apply", PLANNED).json();
    assert_eq!((state(&applied, "planned"), state(&applied, "ci")), ("created", "created"));
    let secret = applied.as_array().unwrap().iter().find(|row| row["name"] == "ci").unwrap()["value"].clone();
    let listed = run(&mut server.admin(&["app", "show", "planned"])).json();
    let call = ["api", "GET", PACKAGES, "--as", "app", "--client-id", listed["appId"].as_str().unwrap()];
    let mut call = server.verb(&[&call[..], &["--secret-env", "SECRET"]].concat());
    assert_eq!(run(call.env("SECRET", secret.as_str().unwrap())).code, Some(0));

    let again = verb(&server, "apply", PLANNED);
    assert!(!again.out.contains("\"value\""), "{}", again.out);
    assert_eq!(state(&again.json(), "planned"), "unchanged");
    let changed = PLANNED.replace("public_client = true", "public_client = false");
    assert_eq!(state(&verb(&server, "plan", &changed).json(), "planned"), "to change");
    assert_eq!(state(&verb(&server, "apply", &changed).json(), "planned"), "changed");
    assert_eq!(state(&verb(&server, "plan", &changed).json(), "planned"), "unchanged");
}

#[test]
fn what_cannot_be_set_over_graph_stops_everything() {
    let server = Server::start(&contoso(ENVIRONMENT));
    for (more, named) in [
        ("client_id = \"a0000000-0000-4000-8000-00000000000a\"\n", "client ids"),
        ("secrets = [{ name = \"ci\", value = \"s3cret-value~fixed\" }]\n", "`ci`"),
    ] {
        let both = format!("{PLANNED}[[application]]\nname = \"fixed\"\n{more}");
        assert_eq!(state(&verb(&server, "plan", &both).json(), "fixed"), "not settable here");
        let told = verb(&server, "apply", &both);
        assert_eq!(told.code, Some(2));
        assert!(told.err.contains(named) && told.err.contains("nothing was changed"), "{}", told.err);
        assert!(!told.err.contains("s3cret-value"), "{}", told.err);
        assert_eq!(applications(&server), 0);
    }
    let unknown = verb(&server, "apply", "[[application]]\nnmae = \"typo\"\n");
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("nmae") && unknown.err.contains("line"), "{}", unknown.err);
}
