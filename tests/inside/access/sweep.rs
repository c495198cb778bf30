//! Every row called by every caller, once for all tests, and the table of the answers.

use super::{
    callers::{Caller, Dimension, PAIR, Tokens, tables},
    graph_rows::{APPLICATIONS, GROUPS, PEOPLE, PRINCIPALS},
    objects::{Kind, Workshop},
    platform_rows::{BAP, POWER_PLATFORM},
    table::Row,
};
use bytes::Bytes;
use carnet_http::route::Surface;
use carnet_tests::{Contoso, FABRIKAM, Reply, setup::Setup};
use http::Request;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::OnceLock,
};

/// Many tokens are asked for in one minute of the clock that stands still.
const POLICY: &str = "requests_per_minute = 1000000\nrepeats_per_minute = 1000000";

/// All rows, in the order of the table.
pub fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| [APPLICATIONS, PRINCIPALS, GROUPS, PEOPLE, POWER_PLATFORM, BAP].concat())
}

/// One answer.
struct Cell {
    dimension: Dimension,
    caller: String,
    pair: bool,
    status: u16,
    /// The error's code; empty in a success.
    code: String,
}

/// The answers to one row.
struct Section {
    title: String,
    cells: Vec<Cell>,
}

/// All answers.
pub struct Sweep {
    sections: Vec<Section>,
    /// Names of the callers of each surface and dimension, for the head of the table.
    callers: Vec<(Surface, Vec<Caller>)>,
}

/// Who was let in at one row.
pub struct Opened {
    /// Delegated permissions, and pairs of them, with which a Global Administrator was let in.
    pub scopes: BTreeSet<String>,
    /// Application permissions, and pairs of them.
    pub roles: BTreeSet<String>,
    /// An application with `Application.ReadWrite.OwnedBy` was let in to what it owns.
    pub owning: bool,
}

impl Opened {
    /// Delegated permissions that open the route alone.
    pub fn single_scopes(&self) -> BTreeSet<String> {
        self.scopes.iter().filter(|it| !it.contains(PAIR)).cloned().collect()
    }

    /// Application permissions that open the route alone.
    pub fn single_roles(&self) -> BTreeSet<String> {
        self.roles.iter().filter(|it| !it.contains(PAIR)).cloned().collect()
    }
}

/// The sweep; whoever asks first does it.
pub fn sweep() -> &'static Sweep {
    static SWEEP: OnceLock<Sweep> = OnceLock::new();
    SWEEP.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Sweep::run())
    })
}

impl Sweep {
    async fn run() -> Self {
        let t = Setup::new(POLICY, &tables()).and(FABRIKAM).start().await;
        let mut callers = Vec::new();
        for surface in [Surface::Graph, Surface::PowerPlatform, Surface::Bap] {
            callers.push((surface, Tokens(&t).for_surface(surface).await));
        }
        let mut workshop = Workshop::new(&t);
        for caller in callers.iter().flat_map(|(_, list)| list) {
            workshop.remember(caller).await;
        }
        let mut sections = Vec::new();
        for row in rows() {
            let surface = if row.surface == Surface::Login { Surface::Graph } else { row.surface };
            let list = callers.iter().filter(|(it, _)| *it == surface).flat_map(|(_, list)| list);
            sections.push(section(&t, &mut workshop, row, list).await);
        }
        Self { sections, callers }
    }

    /// Who was let in at this row.
    pub fn opened(&self, row: &Row) -> Opened {
        let title = row.title();
        let section = self.sections.iter().find(|it| it.title == title).expect("every row has a section");
        let let_in = |it: &&Cell| (200..300).contains(&it.status) || (row.empty && it.status == 404);
        let good = || section.cells.iter().filter(let_in);
        let of =
            |dimension| good().filter(|it| it.dimension == dimension).map(|it| it.caller.clone()).collect();
        let owning = good().any(|it| it.caller.ends_with("with Application.ReadWrite.OwnedBy"));
        Opened { scopes: of(Dimension::Scope), roles: of(Dimension::Application), owning }
    }

    /// The table.
    pub fn text(&self) -> String {
        let mut text = String::from(HEAD);
        for (surface, list) in &self.callers {
            for dimension in Dimension::ALL {
                let single = list.iter().filter(|it| it.dimension == dimension && !it.is_pair());
                let names: Vec<&str> = single.map(|it| it.name.as_str()).collect();
                let (surface, dimension, count) = (surface.name(), dimension.name(), names.len());
                line(&mut text, &format!("{surface}, {dimension} ({count}): {}", names.join(", ")));
            }
        }
        for section in &self.sections {
            line(&mut text, &format!("\n{}", section.title));
            // An object is the same whether its path has its id or its alternate key.
            let by_id = section.title.replace("({key})", "/{id}");
            let same = self.sections.iter().find(|it| it.title == by_id && by_id != section.title);
            match same.filter(|it| it.answers() == section.answers()) {
                Some(same) => line(&mut text, &format!("  as {}", same.title)),
                None => text.push_str(&section.answers()),
            }
        }
        let cells: usize = self.sections.iter().map(|it| it.cells.len()).sum();
        line(&mut text, &format!("\n{} rows, {cells} answers", self.sections.len()));
        text
    }
}

const HEAD: &str = "\
scope        a Global Administrator through an application with exactly this delegated permission
role         a person with exactly this directory role through Microsoft's own client, which holds every permission
application  an application with exactly this application permission
other        everybody else

A pair of permissions is named only where it opens what neither of the two opens alone.

";

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes text");
}

impl Section {
    /// The lines below its title.
    fn answers(&self) -> String {
        let mut text = String::new();
        for dimension in Dimension::ALL {
            let cells: Vec<&Cell> =
                self.cells.iter().filter(|it| it.dimension == dimension && !self.implied(it)).collect();
            let mut answers: BTreeMap<(u16, &str), Vec<&str>> = BTreeMap::new();
            for cell in &cells {
                answers.entry((cell.status, &cell.code)).or_default().push(&cell.caller);
            }
            for ((status, code), names) in &answers {
                let answer = format!("{status} {code}");
                let names = match (names.len(), cells.len()) {
                    (all, of) if all == of => format!("all {all}"),
                    // The larger half is not spelled out where it is refused: the head of the table has everybody.
                    (some, of) if *status >= 400 && some * 2 > of => format!("the other {some}"),
                    _ => names.join(", "),
                };
                line(&mut text, &format!("  {:11}  {}: {names}", dimension.name(), answer.trim_end()));
            }
        }
        text
    }

    /// A pair of permissions that is answered like one of the two alone.
    fn implied(&self, pair: &Cell) -> bool {
        let alone = |it: &&Cell| {
            it.dimension == pair.dimension && pair.caller.split(PAIR).any(|name| name == it.caller)
        };
        let mut alone = self.cells.iter().filter(alone);
        pair.pair && alone.any(|it| (it.status, &it.code) == (pair.status, &pair.code))
    }
}

/// Asks one row with each caller. What the request acts on is made anew after each change.
async fn section<'a>(
    t: &Contoso,
    workshop: &mut Workshop<'_>,
    row: &Row,
    callers: impl Iterator<Item = &'a Caller>,
) -> Section {
    let of_caller = matches!(row.on, Kind::Caller | Kind::CallersClient);
    let mut cells = Vec::new();
    let mut kept = None;
    for caller in callers {
        let target = match kept.take() {
            Some(target) if !caller.owns && !of_caller => target,
            _ => workshop.make(row.on, caller, row.path).await,
        };
        let reply = send(t, row, &row.address(&target), caller, (row.body)(&target)).await;
        let changed = row.writes() && reply.status < 300;
        if changed && row.on == Kind::Caller {
            workshop.restore(caller).await;
        }
        kept = (!changed && !caller.owns).then_some(target);
        let (dimension, name) = (caller.dimension, caller.name.clone());
        let pair = caller.is_pair();
        cells.push(Cell { dimension, caller: name, pair, status: reply.status, code: code(&reply) });
    }
    Section { title: row.title(), cells }
}

async fn send(t: &Contoso, row: &Row, address: &str, caller: &Caller, body: Value) -> Reply {
    let mut request = Request::builder().method(row.method).uri(address).header("host", row.host());
    if !caller.token.is_empty() {
        request = request.header("authorization", format!("Bearer {}", caller.token));
    }
    let mut bytes = Bytes::new();
    if !body.is_null() {
        request = request.header("content-type", "application/json");
        bytes = body.to_string().into();
    }
    t.send(request.body(bytes).expect("a sound request")).await
}

/// The code of an error, in the dialect of any host.
fn code(reply: &Reply) -> String {
    if reply.status < 400 {
        return String::new();
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let places = [&body["error"]["code"], &body["code"], &body["error"]];
    places.iter().find_map(|it| it.as_str()).unwrap_or_default().to_owned()
}
