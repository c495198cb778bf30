//! What each test of an application needs: a tenant with its people, the proxy, and the running application.

use super::{browser::Browser, proxy::Proxy};
use crate::kit::{PASSWORD, Server, TENANT, contoso, run, until};
use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
};

/// The application's client id.
pub const CLIENT: &str = "c0000000-0000-4000-8000-000000000001";
/// The application's secret.
pub const SECRET: &str = "s3cret-value~application";
/// More groups than a token names.
pub const GROUPS: u16 = 250;

/// Somebody who signs in.
pub struct Person {
    /// The user name.
    pub name: &'static str,
    /// The password that they type.
    pub password: &'static str,
    /// The key of their authenticator, if they have one.
    pub totp: Option<&'static str>,
}

/// Has a password, and is in the first group.
pub const ADA: Person = Person { name: "ada@contoso.example", password: PASSWORD, totp: None };
/// Has an authenticator, and is in the first group.
pub const GRACE: Person = Person {
    name: "grace@contoso.example",
    password: PASSWORD,
    totp: Some("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
};
/// Is in all groups.
pub const MANY: Person = Person { name: "many@contoso.example", password: PASSWORD, totp: None };
/// Is in no group.
pub const ALONE: Person = Person { name: "alone@contoso.example", password: PASSWORD, totp: None };

/// Is at home in the other tenant, where there are two.
pub const VISITOR: Person = Person { name: "zoe@fabrikam.example", password: PASSWORD, totp: None };

const MISTYPED: Person = Person { name: ADA.name, password: "Wrong-horse-7", totp: None };
const WITHOUT_CODE: Person = Person { totp: None, ..GRACE };
const DISABLED: Person = Person { name: "disabled@contoso.example", password: PASSWORD, totp: None };
const UNASSIGNED: Person = Person { name: "unassigned@contoso.example", password: PASSWORD, totp: None };

/// Azure CLI, as which the administrator calls Graph.
const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The tenants of the server. The application is registered in the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tenants {
    /// Only the application's.
    One,
    /// The application's, and that of the visitor.
    Two,
}

/// The id of a group, counted from one.
pub fn group(number: u16) -> String {
    format!("d0000000-0000-4000-8000-{number:012}")
}

/// A server with its tenant, and what leads to it.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// Leads Microsoft's names to it.
    pub proxy: Proxy,
    /// Its own address.
    pub login: String,
    /// Its CA's file.
    pub ca_file: String,
    tenants: Tenants,
}

impl Stage {
    /// Starts a server with the people and an application that has these further lines in the tenant file. People
    /// have to be assigned to it.
    pub fn with(tenants: Tenants, lines: &str) -> Self {
        let mut file = contoso("");
        for (name, more) in [
            (ADA.name, "given_name = \"Ada\"\nsurname = \"Lovelace\""),
            (GRACE.name, "totp = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\""),
            (MANY.name, ""),
            (ALONE.name, ""),
            (DISABLED.name, "enabled = false"),
            (UNASSIGNED.name, ""),
        ] {
            let _ = write!(
                file,
                "[[user]]\nname = \"{name}\"\nmail = \"{name}\"\npassword = \"{PASSWORD}\"\n{more}\n"
            );
        }
        for number in 1..=GROUPS {
            let members = if number == 1 { vec![MANY.name, ADA.name, GRACE.name] } else { vec![MANY.name] };
            let id = group(number);
            let _ =
                write!(file, "[[group]]\nname = \"group {number}\"\nid = \"{id}\"\nmembers = {members:?}\n");
        }
        let _ = write!(
            file,
            "[[application]]\nname = \"Application\"\nclient_id = \"{CLIENT}\"\nassignment_required = true\n\
             secrets = [{{ name = \"good\", value = \"{SECRET}\", expires = 2099-01-01 }}]\n{lines}\n"
        );
        if !lines.contains("assignments") {
            let all = [ADA.name, GRACE.name, MANY.name, ALONE.name, DISABLED.name];
            let all: Vec<String> = all.iter().map(|name| format!("{{ to = \"{name}\" }}")).collect();
            let _ = writeln!(file, "assignments = [{}]", all.join(", "));
        }
        let folder = tempfile::tempdir().unwrap();
        let name = VISITOR.name;
        let other = format!(
            "version = 1\n[tenant]\nid = \"b7a1c0de-0000-4000-8000-000000000002\"\ndomain = \"fabrikam.example\"\n\
             [[user]]\nname = \"{name}\"\nmail = \"{name}\"\npassword = \"{PASSWORD}\"\n"
        );
        fs::write(folder.path().join("other.toml"), other).unwrap();
        let more = if tenants == Tenants::Two { &["--tenant-file", "FOLDER/other.toml"][..] } else { &[] };
        let server = Server::start_in(folder, &file, more);
        let text = |name: &str| server.ready()[name].as_str().unwrap().to_owned();
        let (login, ca_file) = (text("public_url"), text("ca_file"));
        let proxy = Proxy::start(&server.address());
        Self { server, proxy, login, ca_file, tenants }
    }

    /// The tenant's authority.
    pub fn authority(&self) -> String {
        format!("{}/{TENANT}", self.login)
    }

    /// A browser in which nobody is signed in.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.login, &fs::read(&self.ca_file).unwrap(), &self.proxy)
    }

    /// Starts an application that will listen on this port, with the CA and the proxy in its environment.
    pub fn run(&self, command: &mut Command, port: u16) -> Application {
        let log = self.server.path("application.log");
        let file = fs::File::create(&log).unwrap();
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "https_proxy", "no_proxy"] {
            command.env_remove(name);
        }
        for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
            command.env(name, &self.ca_file);
        }
        command.env("HTTPS_PROXY", &self.proxy.url).env("NO_PROXY", "localhost,127.0.0.1");
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().expect("the application starts");
        let application = Application { child: RefCell::new(child), log: log.clone() };
        until("the application does not listen", || {
            let ended = application.child.borrow_mut().try_wait().is_ok_and(|status| status.is_some());
            assert!(!ended, "{}", said(&log));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        application
    }

    /// What the application said so far.
    pub fn log(&self) -> String {
        said(&self.server.path("application.log"))
    }

    /// Calls Graph as the administrator.
    pub fn administer(&self, call: &[&str]) {
        let told =
            run(&mut self.server.admin(&[&["api"], call, &["--to", "graph", "--client-id", CLI]].concat()));
        assert_eq!(told.code, Some(0), "{}", told.err);
    }

    /// The administrator ends somebody's sessions and refresh tokens.
    pub fn revoke(&self, person: &Person) {
        self.administer(&["POST", &format!("/v1.0/users/{}/revokeSignInSessions", person.name)]);
    }

    /// Somebody who is not at home in the application's tenant ends at the server, when the sign-in begins at this
    /// address of the application: in a server with their tenant they are told where they are.
    pub async fn turns_visitors_away(&self, start: &str) {
        let number = if self.tenants == Tenants::Two { 50020 } else { 50126 };
        self.refuses(start, &VISITOR, number).await;
    }

    /// A sign-in that begins at this address of the application ends at the server with this number.
    pub async fn refuses(&self, start: &str, person: &Person, number: u32) {
        let browser = self.browser();
        let page = browser.sign_in(start, person).await;
        assert!(browser.is_login(&page.url) && page.refuses(number), "{page:?}");
    }

    /// A wrong password, no code of the authenticator and a disabled account end at the server, when the sign-in begins
    /// at this address of the application. The refusal of somebody who is not assigned reaches the application; the
    /// browser in which it did is the result.
    pub async fn turns_others_away(&self, start: &str) -> Browser {
        for (person, number) in [(MISTYPED, 50126), (WITHOUT_CODE, 500121), (DISABLED, 50057)] {
            self.refuses(start, &person, number).await;
        }
        let browser = self.browser();
        let page = browser.sign_in(start, &UNASSIGNED).await;
        assert!(!browser.is_login(&page.url), "{page:?}");
        let told =
            page.url.query().is_some_and(|query| query.contains("AADSTS50105") && !query.contains("code="));
        assert!(told || self.log().contains("AADSTS50105"), "{page:?}");
        browser
    }
}

fn said(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

/// A running application. It ends with this value.
pub struct Application {
    child: RefCell<Child>,
    log: PathBuf,
}

impl Drop for Application {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = io::stderr().write_all(said(&self.log).as_bytes());
        }
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A port that is free now, for an application that takes a number and no socket.
pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("it is bound").port()
}
