//! What a person sees: command, standard output, standard error and exit code of the verbs, kept as texts.

use crate::kit::{PASSWORD, Server, Told, carnet, contoso, run, run_with};
use std::{fmt::Write, fs};

const TENANT: &str = "[[user]]\nname = \"ada@contoso.example\"\nid = \"c0000000-0000-4000-8000-000000000002\"\ndisplay_name = \"Ada Example\"\npassword = \"Correct-horse-7\"\n\
    [[application]]\nname = \"reader\"\nclient_id = \"a0000000-0000-4000-8000-000000000001\"\nid = \"b0000000-0000-4000-8000-000000000001\"\n\
    service_principal_id = \"d0000000-0000-4000-8000-000000000001\"\nsecrets = [{ name = \"ci\", value = \"s3cret-value~good\", expires = 2099-01-01 }]\n\
    permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\n\
    [[environment]]\nname = \"Default\"\nid = \"Default-b7a1c0de-0000-4000-8000-000000000001\"\nsku = \"Default\"\n";
const READER: &str = "a0000000-0000-4000-8000-000000000001";

/// A run as its reader sees it, without what differs each time: ports, folders, made-up ids, times.
fn transcript(server: &Server, line: &str, told: &Told) -> String {
    let mut text = format!("$ carnet {line}\n{}", told.out);
    if !told.err.is_empty() {
        let _ = write!(text, "--- standard error\n{}", told.err);
    }
    let _ = writeln!(text, "--- exit {}", told.code.map_or("none".into(), |code| code.to_string()));
    let text = text
        .replace(&server.folder.path().display().to_string(), "FOLDER")
        .replace(&server.address(), "localhost:PORT")
        .replace(&server.address().replace("127.0.0.1", "localhost"), "localhost:PORT");
    without_ids(&text)
}

/// Replaces GUIDs that nobody chose, and UTC times, by their kind.
fn without_ids(text: &str) -> String {
    let guid = |text: &str| {
        text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    let time = |text: &str| {
        let digits = |from: usize, to: usize| text.as_bytes()[from..to].iter().all(u8::is_ascii_digit);
        text.is_ascii()
            && text.len() == 19
            && digits(0, 4)
            && digits(5, 7)
            && digits(8, 10)
            && digits(11, 13)
            && text.as_bytes()[4] == b'-'
            && text.as_bytes()[13] == b':'
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(found) = rest.get(..36).filter(|it| guid(it)) {
            // Chosen ids have a run of zeros; nobody else's do.
            out.push_str(if found.contains("-0000-4000-8000-") || found.starts_with("8578e004") {
                found
            } else {
                "GUID"
            });
            rest = &rest[36..];
        } else if rest.get(..19).is_some_and(time) && !rest.starts_with("2099") {
            out.push_str("TIME");
            rest = rest[19..].trim_start_matches(|it: char| it == '.' || it == 'Z' || it.is_ascii_digit());
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

#[test]
fn without_a_server() {
    let server = Server::start(&contoso(TENANT));
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("wrong.toml"),
        "version = 1\n[tenant]\ndomain = \"contoso.example\"\n[[application]]\nnmae = \"x\"\n",
    )
    .unwrap();
    let mut all = String::new();
    for line in [
        "--help",
        "token --help",
        "tokne",
        "token --as app",
        "token --secret s3cret",
        "plan wrong.toml --tenant contoso.example --username a@contoso.example --password-env NOT_SET",
        "api GET https://evil.example/x --tenant contoso.example",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let told = run(carnet(&words).current_dir(folder.path()));
        all.push_str(&transcript(&server, line, &told));
        all.push('\n');
    }
    insta::assert_snapshot!("without_a_server", all);
}

#[test]
fn the_verbs_of_an_application() {
    let server = Server::start(&contoso(TENANT));
    let mut all = String::new();
    for line in [
        "app list --output table",
        "app show reader",
        "app show nobody",
        "app create reader",
        "app permission list reader --output tsv",
        "app consent reader",
        "app permission list reader --output tsv",
        "app set reader --public-client on",
        "app secret list reader --output table",
        "app secret remove reader 00000000-0000-4000-8000-00000000dead",
        "setup --name reader --dry-run",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        all.push_str(&transcript(&server, line, &run(&mut server.admin(&words))));
        all.push('\n');
    }
    insta::assert_snapshot!("the_verbs_of_an_application", all);
}

#[test]
fn refusals_are_explained() {
    let consented = TENANT.replace("[[environment]]", "admin_consent = true\n[[environment]]");
    let server = Server::start(&contoso(&consented));
    let secret = |value: &str| {
        let path = server.path("secret");
        fs::write(&path, value).unwrap();
        path.display().to_string()
    };
    let mut all = String::new();
    let mut say = |line: &str, told: &Told| {
        all.push_str(&transcript(&server, line, told));
        all.push('\n');
    };
    let as_user =
        format!("token --as user --username ada@contoso.example --password-stdin --client-id {READER}");
    let words: Vec<&str> = as_user.split(' ').collect();
    say(&as_user, &run_with(&mut server.verb(&words), PASSWORD));
    say(&as_user, &run_with(&mut server.verb(&words), "Wrong-horse-7"));
    for (value, line) in [
        ("wrong", format!("token --as app --client-id {READER} --secret-file secret")),
        (
            "s3cret-value~good",
            format!(
                "token --as app --client-id {READER} --secret-file secret --output env --query {{type:tokenType}}"
            ),
        ),
        (
            "s3cret-value~good",
            format!(
                "api GET /environmentmanagement/environments --as app --client-id {READER} --secret-file secret"
            ),
        ),
        (
            "s3cret-value~good",
            "token --as app --client-id a0000000-0000-4000-8000-00000000dead --secret-file secret".into(),
        ),
    ] {
        let path = secret(value);
        let words: Vec<&str> =
            line.split(' ').map(|word| if word == "secret" { path.as_str() } else { word }).collect();
        say(&line, &run(&mut server.verb(&words)));
    }
    insta::assert_snapshot!("refusals_are_explained", all);
}
