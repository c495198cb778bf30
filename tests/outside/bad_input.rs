//! Starts that cannot be: each says what is wrong and how to mend it, ends with 2, and loses nothing.

use crate::kit::{Server, Told, carnet, contoso, run};
use std::{fs, net::TcpListener, path::Path, process::Command};

fn up(folder: &Path, more: &[&str]) -> Command {
    let mut command = carnet(&["up", "--listen", "127.0.0.1:0"]);
    command
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--ready-file")
        .arg(folder.join("ready.json"))
        .args(more);
    command
}

fn refused(told: &Told, words: &[&str]) {
    assert_eq!(told.code, Some(2), "{}", told.err);
    for word in words {
        assert!(told.err.contains(word), "`{word}` is not in: {}", told.err);
    }
}

fn with_file(text: &str) -> (tempfile::TempDir, Told) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenant.toml");
    fs::write(&file, text).unwrap();
    let told = run(&mut up(folder.path(), &["--tenant-file", &file.display().to_string()]));
    (folder, told)
}

#[test]
fn a_tenant_file_with_an_unknown_key_is_named_with_its_place_and_changes_nothing() {
    let (folder, told) = with_file("version = 1\n[tenant]\ndomain = \"contoso.example\"\ncolour = \"red\"\n");
    refused(&told, &["tenant.toml", "line 4", "colour"]);
    assert!(!folder.path().join("data/carnet.db").exists());
}

#[test]
fn a_tenant_file_that_a_rule_refuses_names_the_object() {
    let bad_role = "[[user]]\nname = \"x@contoso.example\"\nroles = [\"Emperor\"]\n";
    refused(&with_file(&contoso(bad_role)).1, &["user `x@contoso.example`", "Emperor"]);
    let bad_scope = "[[application]]\nname = \"a\"\npermissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"No.Such.Scope\"] }]\n";
    refused(&with_file(&contoso(bad_scope)).1, &["application `a`", "No.Such.Scope"]);
    let weak = "[[user]]\nname = \"y@contoso.example\"\npassword = \"password\"\n";
    refused(&with_file(&contoso(weak)).1, &["user `y@contoso.example`", "tried first"]);
    let unseen = "[[application]]\nname = \"a\"\nsecrets = [{ name = \"ci\" }]\n";
    refused(&with_file(&contoso(unseen)).1, &["`ci`", "value_file"]);
}

#[test]
fn what_a_tenant_file_names_has_to_be_there() {
    let file = "[[user]]\nname = \"x@contoso.example\"\npassword_file = \"nowhere\"\n";
    refused(&with_file(&contoso(file)).1, &["password_file", "nowhere"]);
    let variable = "[[user]]\nname = \"x@contoso.example\"\npassword_env = \"CARNET_TEST_UNSET\"\n";
    refused(&with_file(&contoso(variable)).1, &["CARNET_TEST_UNSET"]);
    let certificate = "[[application]]\nname = \"a\"\ncertificates = [\"nowhere.pem\"]\n";
    refused(&with_file(&contoso(certificate)).1, &["nowhere.pem"]);
}

#[test]
fn log_options_and_names_that_mean_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for more in [["--log", "loud"], ["--log", "nonsense===x"], ["--log-format", "xml"]] {
        refused(&run(&mut up(folder.path(), &more)), &[more[0], more[1]]);
    }
    for (name, word) in [("CARNET_LOG", "trace"), ("CARNET_LOG_FORMAT", "json")] {
        let told = run(up(folder.path(), &[]).env(name, "nonsense===x"));
        refused(&told, &[name, "nonsense===x", word]);
    }
    for url in ["http://a.example", "https://", "https://a.example:0", "https://a@b.example", "https://a/b"] {
        refused(&run(&mut up(folder.path(), &["--public-url", url])), &["--public-url", url]);
    }
    // Names of another cloud's token service and of an API that is not here.
    for name in ["login.microsoftonline.us", "GRAPH.windows.net"] {
        let url = format!("https://{name}");
        for more in [["--host", name], ["--public-url", &url]] {
            refused(&run(&mut up(folder.path(), &more)), &[&name.to_lowercase(), "Microsoft"]);
        }
    }
    let url = ["--public-url", "https://a.example", "--change-public-url"];
    refused(&run(&mut up(folder.path(), &url)), &["--change-public-url", "PostgreSQL"]);
    refused(&run(&mut up(folder.path(), &["--change-public-url"])), &["--public-url"]);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let password = folder.path().join("password");
    fs::write(&password, "Correct-horse-7").unwrap();
    let mut command = carnet(&["up", "--listen", &address, "--data"]);
    command.arg(folder.path().join("data")).arg("--admin-password-file").arg(password);
    refused(&run(&mut command), &[&address, "in use"]);
}

#[test]
fn a_data_folder_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "a file").unwrap();
    refused(&run(&mut up(folder.path(), &[])), &["data", "not a folder"]);
}

#[test]
fn a_folder_in_use_is_named_and_its_server_goes_on() {
    let mut server = Server::start(&contoso(""));
    refused(&run(&mut up(server.folder.path(), &[])), &["in use by another Carnet"]);
    assert!(run(&mut server.admin(&["app", "list"])).json().is_array());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn another_seal_key_and_a_missing_one_are_refused_and_the_right_one_opens() {
    let mut server = Server::start(&contoso(""));
    server.stop();
    let (key, away) = (server.path("data/seal.key"), server.path("kept.key"));
    fs::rename(&key, &away).unwrap();
    refused(&run(&mut up(server.folder.path(), &[])), &["seal.key", "put it back"]);
    fs::copy(&away, &key).unwrap();
    let mut other = fs::read(&key).unwrap();
    other[0] ^= 1;
    fs::write(&key, other).unwrap();
    refused(&run(&mut up(server.folder.path(), &[])), &["seal key does not match"]);
    fs::rename(&away, &key).unwrap();
    server.start_again();
    assert!(run(&mut server.admin(&["app", "list"])).json().is_array());
}

#[test]
fn a_store_of_a_newer_carnet_is_left_alone() {
    let mut server = Server::start(&contoso(""));
    server.stop();
    let path = server.path("data/carnet.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    let newer = "insert into refinery_schema_history(version, name, applied_on, checksum) values (999, 'later', '2026-01-01T00:00:00Z', '1')";
    database.execute(newer, []).unwrap();
    drop(database);
    refused(&run(&mut up(server.folder.path(), &[])), &["999", "newer release"]);
}

#[test]
fn a_store_is_open_in_one_program_at_a_time() {
    let mut server = Server::start(&contoso(""));
    let path = server.path("data/carnet.db");
    let count = |database: &rusqlite::Connection| {
        database.query_row("select count(*) from object", [], |row| row.get::<_, i64>(0))
    };
    let other = rusqlite::Connection::open(&path).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let locked = count(&other).unwrap_err();
    assert_eq!(locked.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    server.stop();
    assert!(count(&other).unwrap() > 0);
    other.execute_batch("begin; select 1 from object").unwrap();
    refused(&run(&mut up(server.folder.path(), &[])), &["another program has its file open"]);
    drop(other);
    server.start_again();
    assert!(run(&mut server.admin(&["app", "list"])).json().is_array());
}

#[test]
fn plain_http_beyond_this_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenant.toml");
    fs::write(&file, contoso("")).unwrap();
    let told = run(&mut up(
        folder.path(),
        &["--danger-plain-http", "0.0.0.0:0", "--tenant-file", &file.display().to_string()],
    ));
    refused(&told, &["loopback"]);
}

#[test]
fn laxer_tenant_policies_are_for_loopback_only() {
    let text = "version = 1\n[tenant]\ndomain = \"contoso.example\"\n[tenant.policy]\nreveal_user = true\n[[user]]\nname = \"a@contoso.example\"\npassword = \"Correct-horse-7\"\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tenant.toml");
    fs::write(&file, text).unwrap();
    let mut command = carnet(&["up", "--listen", "0.0.0.0:0", "--data"]);
    command.arg(folder.path().join("data")).arg("--tenant-file").arg(&file);
    refused(&run(&mut command), &["reveal_user", "loopback"]);
    assert!(!folder.path().join("data/carnet.db").exists());
}

#[test]
fn a_client_without_a_tenant_is_told_how_to_name_one() {
    refused(&run(&mut carnet(&["app", "list"])), &["no tenant specified", "--ready-file"]);
    refused(
        &run(&mut carnet(&["app", "list", "--authority", "http://localhost", "--tenant", "t"])),
        &["https"],
    );
    refused(
        &run(&mut carnet(&["app", "list", "--ready-file", "/nowhere/ready.json"])),
        &["/nowhere/ready.json"],
    );
}

#[test]
fn a_server_that_does_not_answer_is_a_refusal_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "x").unwrap();
    let mut command = carnet(&[
        "app",
        "list",
        "--authority",
        "https://127.0.0.1:1",
        "--tenant",
        "t",
        "--username",
        "a@b.example",
        "--password-file",
    ]);
    let told = run(command.arg(password));
    assert_eq!(told.code, Some(1), "{}", told.err);
    assert!(told.err.contains("cannot reach") && told.err.contains("hint:"), "{}", told.err);
}
