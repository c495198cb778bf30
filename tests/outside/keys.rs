//! `carnet keys rotate` over a stopped server's folder, and what it says of a running one.

use crate::kit::{PASSWORD, Server, Told, carnet, contoso, run, run_with};

const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn rotate(server: &Server, more: &[&str]) -> Told {
    run(carnet(&["keys", "rotate"]).arg("--data").arg(server.path("data")).args(more))
}

fn kid(server: &Server) -> String {
    let scope = "https://graph.microsoft.com/.default";
    let ask = ["token", "--username", "admin@contoso.example", "--password-stdin", "--client-id", CLI];
    let token = run_with(&mut server.verb(&[&ask[..], &["--scope", scope]].concat()), PASSWORD).json();
    let decoded = run_with(&mut carnet(&["token", "decode"]), &token.to_string()).json();
    decoded["header"]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_rotated_by_hand_while_the_server_stands() {
    let mut server = Server::start(&contoso(""));
    let first = kid(&server);
    let busy = rotate(&server, &[]);
    assert_eq!(busy.code, Some(2));
    assert!(busy.err.contains("running server"), "{}", busy.err);
    server.stop();
    let made = rotate(&server, &[]).json();
    assert_eq!(made[0]["removedKeyIds"], serde_json::json!([]));
    server.start_again();
    assert_eq!(kid(&server), first, "a new key waits for its day");
    server.stop();
    let emergency = rotate(&server, &["--now"]).json();
    assert_eq!(emergency[0]["removedKeyIds"].as_array().unwrap().len(), 2);
    server.start_again();
    assert_eq!(kid(&server), emergency[0]["keyId"].as_str().unwrap());
}

#[test]
fn a_folder_without_a_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let told = run(carnet(&["keys", "rotate"]).arg("--data").arg(folder.path()));
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("--data"), "{}", told.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
