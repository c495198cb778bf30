//! `carnet api` and a claims challenge: what happens to a user between the token and the call.

use crate::kit::{PASSWORD, Server, Told, contoso, run, run_with};
use std::{
    fs, io,
    net::{Shutdown, TcpListener, TcpStream},
};

const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const ADA: &str = "[[user]]\nname = \"ada@contoso.example\"\npassword = \"Correct-horse-7\"\n";

/// Calls Graph as Ada, with this call made by the administrator after she has her token and before she uses it.
fn called_after(server: &Server, between: &[&str]) -> Told {
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ready = server.ready();
    ready["endpoints"]["graph"] = format!("https://localhost:{}", relay.local_addr().unwrap().port()).into();
    fs::write(server.path("relayed.json"), ready.to_string()).unwrap();
    let address = server.address();
    let mut meddling = server.admin(&[&["api"], between, &["--to", "graph", "--client-id", CLI]].concat());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (client, _) = relay.accept().unwrap();
            assert_eq!(run(&mut meddling).code, Some(0));
            let server = TcpStream::connect(address).unwrap();
            pass(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass(server, client);
        });
        let mut call = crate::kit::carnet(&["api", "GET", "/v1.0/me", "--to", "graph", "--client-id", CLI]);
        call.args(["--username", "ada@contoso.example", "--password-stdin", "--ready-file"]);
        run_with(call.arg(server.path("relayed.json")), PASSWORD)
    })
}

/// Passes bytes on until one side ends.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
fn whoever_was_signed_out_in_between_gets_another_token_and_the_call_is_made_again() {
    let server = Server::start(&contoso(ADA));
    let told = called_after(&server, &["POST", "/v1.0/users/ada@contoso.example/revokeSignInSessions"]);
    assert!(told.err.contains("newer sign-in"), "{}", told.err);
    assert_eq!(told.json()["userPrincipalName"], "ada@contoso.example");
}

#[test]
fn whoever_was_disabled_in_between_gets_none_and_is_told_what_it_takes() {
    let server = Server::start(&contoso(ADA));
    fs::write(server.path("off.json"), r#"{"accountEnabled": false}"#).unwrap();
    let off = server.path("off.json").display().to_string();
    let told = called_after(&server, &["PATCH", "/v1.0/users/ada@contoso.example", "--body", &off]);
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.err.contains("AADSTS50057") && told.err.contains("sign in again"), "{}", told.err);
}
