//! The attacks. Each ends after its time; what it was answered is counted by status.

use crate::{
    client::{self, Client, Gone, Manner, Streams, Unfinished},
    tenant,
};
use bytes::Bytes;
use carnet_tests::process::Ports;
use futures_util::future::join_all;
use http::{Request, header};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::Read,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// An attack of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// A member fills the directory with text and reads long pages of it.
    Text,
    /// Many request bodies that never end, without credentials.
    Bodies,
    /// Connections that only ping, and connections that read no answers.
    Connections,
    /// Token requests that leave something in the store although they prove nothing.
    Records,
    /// A filter with a thousand values over all users.
    Filter,
}

/// All of them.
pub const ALL: [Attack; 5] =
    [Attack::Text, Attack::Bodies, Attack::Connections, Attack::Records, Attack::Filter];

impl Attack {
    /// The row of the attack catalogue.
    pub const fn row(self) -> u16 {
        match self {
            Self::Text => 143,
            Self::Bodies => 144,
            Self::Connections => 145,
            Self::Records => 148,
            Self::Filter => 149,
        }
    }

    /// The attack of a row.
    pub fn of_row(row: u16) -> Option<Self> {
        ALL.into_iter().find(|attack| attack.row() == row)
    }

    /// Its name in the table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Text => "143 long texts and long pages",
            Self::Bodies => "144 bodies that never end",
            Self::Connections => "145 pings and unread answers",
            Self::Records => "148 records without proof",
            Self::Filter => "149 expensive filters",
        }
    }

    /// The shortest time that shows whether it is defended against: a connection may be idle for a minute, and its
    /// last ping be unanswered for a third of one.
    pub const fn shortest(self) -> Duration {
        match self {
            Self::Connections => Duration::from_secs(90),
            Self::Text | Self::Bodies | Self::Records | Self::Filter => Duration::ZERO,
        }
    }
}

/// What is attacked, and how long.
pub struct Target {
    /// The server.
    pub ports: Ports,
    /// Its CA.
    pub ca: PathBuf,
    /// The time.
    pub time: Duration,
}

/// How often each status was answered; 0 counts closed connections and refused ones.
#[derive(Debug, Clone, Default)]
struct Answers(Rc<RefCell<BTreeMap<u16, usize>>>);

impl Answers {
    fn count(&self, status: u16) {
        *self.0.borrow_mut().entry(status).or_default() += 1;
    }

    fn of<T>(&self, answer: Result<T, Gone>, status: impl FnOnce(&T) -> u16) -> Option<T> {
        self.count(answer.as_ref().map_or(0, status));
        answer.ok()
    }

    fn told(&self) -> String {
        let all = self.0.borrow();
        let name = |status: &u16| if *status == 0 { "closed".to_owned() } else { status.to_string() };
        let each: Vec<String> =
            all.iter().map(|(status, count)| format!("{} x{count}", name(status))).collect();
        each.join(", ")
    }
}

/// An attack under way.
struct Run {
    ports: Ports,
    tls: TlsConnector,
    end: Instant,
    answers: Answers,
}

impl Run {
    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

/// Runs an attack to its end, or until the standard input is closed; what it was answered.
pub fn run(attack: Attack, target: &Target) -> String {
    client::on_one_thread(async {
        let answers = Answers::default();
        let run = Run {
            ports: target.ports,
            tls: client::tls(&target.ca),
            end: Instant::now() + target.time,
            answers: answers.clone(),
        };
        let left = run.left();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            // Nothing is written into it: it is closed when the attack is to end.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        });
        let under_way = async {
            match attack {
                Attack::Text => text(&run).await,
                Attack::Bodies => bodies(&run).await,
                Attack::Connections => connections(&run).await,
                Attack::Records => records(&run).await,
                Attack::Filter => filter(&run).await,
            }
        };
        // Whatever still waits for an answer is dropped.
        tokio::select! {
            _ = timeout(left, under_way) => {}
            _ = stopped => {}
        }
        answers.told()
    })
}

/// Sends requests over several HTTP/1.1 connections; each request is made from its number.
async fn flood<'a>(
    run: &'a Run,
    connections: usize,
    send: impl AsyncFn(&mut Client, usize) -> Result<client::Answer, Gone> + 'a,
) {
    let each = (0..connections).map(|first| {
        let send = &send;
        async move {
            let mut number = first;
            let mut open = None;
            while !run.is_over() {
                if open.is_none() {
                    open = Client::open(run.ports.plain, None).await.ok();
                }
                let Some(client) = open.as_mut() else {
                    run.answers.count(0);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                if run.answers.of(send(client, number).await, |answer| answer.status).is_none() {
                    open = None;
                }
                number += connections;
            }
        }
    });
    join_all(each).await;
}

/// The member's token at Graph.
async fn member(run: &Run) -> String {
    let mut client = Client::open(run.ports.plain, None).await.expect("the server answers");
    let answer = client.form(tenant::TOKEN, tenant::MEMBER_GRANT).await.expect("the server answers");
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {body}")).to_owned()
}

/// Registrations with as much text as fits into a request, in every place that takes one, and the list of all.
async fn text(run: &Run) {
    let token = member(run).await;
    let long = "x".repeat(1_000_000);
    flood(run, 6, async |client, number| {
        // Every sixth request reads a page.
        if number % 6 == 5 {
            return client.get("/v1.0/applications?$top=999", Some(&token)).await;
        }
        let body = registration(number, &long);
        client.json("/v1.0/applications", &token, &body).await
    })
    .await;
}

/// A registration; every seventh has nothing unusual about it.
fn registration(number: usize, long: &str) -> Value {
    let name = format!("soak {number}");
    let id = format!("00000000-0000-4000-8000-{number:012}");
    match number % 7 {
        0 => json!({ "displayName": name, "description": long }),
        1 => json!({ "displayName": name, "notes": long }),
        2 => json!({ "displayName": name, "tags": vec![&long[..1000]; 900] }),
        3 => json!({ "displayName": name, "api": { "oauth2PermissionScopes": [{
            "id": id, "value": "Read", "type": "User", "isEnabled": true,
            "adminConsentDisplayName": "Read", "adminConsentDescription": long,
        }] } }),
        4 => json!({ "displayName": name, "appRoles": [{
            "id": id, "value": "Read", "isEnabled": true, "displayName": "Read",
            "description": long, "allowedMemberTypes": ["Application"],
        }] }),
        5 => json!({ "displayName": name, "web": { "redirectUris":
            (0..900).map(|at| format!("https://soak.example/{}/{at}", &long[..1000])).collect::<Vec<_>>() } }),
        _ => json!({ "displayName": name }),
    }
}

/// HTTP/2 connections with a hundred bodies each, all but their last byte sent.
async fn bodies(run: &Run) {
    const CONNECTIONS: usize = 48;
    const STREAMS: usize = 100;
    let form = Bytes::from(format!("client_id={}&state={}", tenant::PUBLIC, "x".repeat(60_000)));
    let json = Bytes::from(format!("{{\"displayName\":\"{}\"", "x".repeat(900_000)));
    let login = format!("/{}/login", tenant::TENANT);
    let devices = format!("/{}/oauth2/v2.0/devicecode", tenant::TENANT);
    let places = [
        (tenant::TOKEN, "application/x-www-form-urlencoded", &form),
        (login.as_str(), "application/x-www-form-urlencoded", &form),
        (devices.as_str(), "application/x-www-form-urlencoded", &form),
        ("/v1.0/applications", "application/json", &json),
    ];
    let one = async |connection: usize| {
        while !run.is_over() {
            let Ok(open) = Streams::open(run.ports.tls, &run.tls, Manner::READS).await else {
                run.answers.count(0);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let stream = async |number: usize| {
                let mut open = open.clone();
                let (path, media, first) = places[(connection + number) % places.len()];
                let request = Request::post("/")
                    .header(header::CONTENT_TYPE, media)
                    .header(header::CONTENT_LENGTH, first.len() + 1);
                let body = Unfinished::after(first.clone());
                run.answers.of(open.send(request, path, body, Duration::ZERO).await, |status| *status);
            };
            join_all((0..STREAMS).map(stream)).await;
            // A server that answers at once is not asked without end.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    join_all((0..CONNECTIONS).map(one)).await;
}

/// Connections that ask once and ping, connections that allow the server to send one byte of each answer, and
/// connections that stop reading. None is opened again.
async fn connections(run: &Run) {
    const PINGING: usize = 400;
    const NARROW: usize = 20;
    const DEAF: usize = 20;
    let keys = format!("/{}/discovery/v2.0/keys", tenant::TENANT);
    let ping = Manner { ping: Some(Duration::from_secs(1)), ..Manner::READS };
    let pinging = (0..PINGING).map(async |_| {
        let Some(mut open) = opened(run, ping).await else { return };
        run.answers
            .of(open.send(Request::get("/"), &keys, Unfinished::none(), Duration::ZERO).await, |it| *it);
        // The connection pings as long as it is held.
        tokio::time::sleep(run.left()).await;
    });
    let page = format!("/{}/oauth2/deviceauth", tenant::TENANT);
    let unread = |manner: Manner| {
        let page = &page;
        async move {
            let Some(open) = opened(run, manner).await else { return };
            // The server's settings arrive with the first answer.
            let mut first = open.clone();
            let answer = first.send(Request::get("/"), page, Unfinished::none(), Duration::ZERO).await;
            run.answers.of(answer, |status| *status);
            if manner.deaf {
                open.fall_silent();
            }
            let stream = async |_| {
                let mut open = open.clone();
                let hold = run.left();
                run.answers.of(open.send(Request::get("/"), page, Unfinished::none(), hold).await, |it| *it);
            };
            join_all((0..100).map(stream)).await;
            tokio::time::sleep(run.left()).await;
        }
    };
    let narrow = (0..NARROW).map(|_| unread(Manner { window: 1, ..ping }));
    let deaf = (0..DEAF).map(|_| unread(Manner { deaf: true, ..Manner::READS }));
    tokio::join!(join_all(pinging), join_all(narrow), join_all(deaf));
}

async fn opened(run: &Run, manner: Manner) -> Option<Streams> {
    let open = Streams::open(run.ports.tls, &run.tls, manner).await;
    if open.is_err() {
        run.answers.count(0);
    }
    open.ok()
}

/// Token requests that are malformed, name unknown applications or show wrong secrets, and device codes that nobody
/// answers.
async fn records(run: &Run) {
    let devices = format!("/{}/oauth2/v2.0/devicecode", tenant::TENANT);
    let application = tenant::APPLICATION;
    let public = tenant::PUBLIC;
    let long = "x".repeat(30_000);
    flood(run, 8, async |client, number| {
        let scope = "scope=https%3A%2F%2Fapi.powerplatform.com%2F.default";
        let body = match number % 5 {
            0 => format!("client_id={long}&grant_type={number}"),
            1 => format!(
                "client_id=a0000000-0000-4000-8000-{number:012}&client_secret=x&grant_type=client_credentials&{scope}"
            ),
            2 => format!(
                "client_id={application}&client_secret=wrong-{number}&grant_type=client_credentials&{scope}"
            ),
            3 => format!("client_id={application}&grant_type=refresh_token&refresh_token={number}&{scope}"),
            _ => return client.form(&devices, &format!("client_id={public}&{scope}")).await,
        };
        client.form(tenant::TOKEN, &body).await
    })
    .await;
}

/// A thousand values, none of which is a user.
async fn filter(run: &Run) {
    let token = member(run).await;
    let values: Vec<String> = (0..1000).map(|number| format!("'{}'", number % 10)).collect();
    let path = format!("/v1.0/users?$filter=id%20in%20({})", values.join(","));
    flood(run, 8, async |client, _| client.get(&path, Some(&token)).await).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_is_found_by_its_row() {
        for attack in ALL {
            assert_eq!(Attack::of_row(attack.row()), Some(attack));
            assert!(attack.title().starts_with(&attack.row().to_string()));
        }
        assert_eq!(Attack::of_row(142), None);
    }

    #[test]
    fn answers_are_told_by_status() {
        let answers = Answers::default();
        for status in [201, 400, 400, 0] {
            answers.count(status);
        }
        assert_eq!(answers.told(), "closed x1, 201 x1, 400 x2");
    }
}
