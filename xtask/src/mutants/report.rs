//! `docs/mutants.md`: two tables that the tool updates, and text around them that it does not change.

use std::{collections::BTreeMap, fmt};

/// The content of the file before the first run.
pub const EMPTY: &str = "\
# Mutation testing

`cargo xtask mutants MODULE…` changes a module in many small ways (\"mutants\") and runs its tests. A mutant is *caught* if
a test fails, and *alive* if all tests pass. *Timeout* means that the tests did not end, which counts as detected.
*Unviable* means that the change does not compile. In modules that make access decisions or verify tokens, every mutant
that is alive should have a reason.

The command updates both tables. Write the last column of the second table by hand: the reason for accepting the mutant.
A reason stays as long as the mutant is alive, and the command exits with 1 if a reason is missing. A mutant is
identified by its file and the text of its mutation, which contains the function's name. If mutations of one function
are equal, they are numbered in parentheses in source order.

## Results

| Module | Commit | Caught | Alive | Timeout | Unviable |
|---|---|---|---|---|---|

## Alive

| Module | File | Mutation | Reason |
|---|---|---|---|
";

const RESULTS: [&str; 6] = ["Module", "Commit", "Caught", "Alive", "Timeout", "Unviable"];
const ALIVE: [&str; 4] = ["Module", "File", "Mutation", "Reason"];

/// The results of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The module's name.
    pub module: String,
    /// The commit that was tested.
    pub commit: String,
    /// Number of mutants that a test caught.
    pub caught: usize,
    /// Number of mutants that no test caught.
    pub alive: usize,
    /// Number of mutants whose tests did not end.
    pub timeout: usize,
    /// Number of mutants that did not compile.
    pub unviable: usize,
}

/// A mutant that no test caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// The module's name.
    pub module: String,
    /// The source file.
    pub file: String,
    /// The change, with the function's name.
    pub mutation: String,
    /// The reason for accepting it; empty if there is none.
    pub reason: String,
}

/// The parsed file.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    before: String,
    results: BTreeMap<String, Tally>,
    between: String,
    alive: Vec<Survivor>,
    after: String,
}

impl Report {
    /// Parses the file.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (before, results, rest) = table(text, &RESULTS)?;
        let (between, alive, after) = table(rest, &ALIVE)?;
        let results = results.iter().map(|row| tally(row)).collect::<Result<Vec<_>, _>>()?;
        let alive = alive.iter().map(|row| survivor(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            before: before.to_owned(),
            results: results.into_iter().map(|tally| (tally.module.clone(), tally)).collect(),
            between: between.to_owned(),
            alive,
            after: after.to_owned(),
        })
    }

    /// The recorded reason for a survivor; empty if there is none.
    pub fn reason(&self, survivor: &Survivor) -> &str {
        let same = |known: &&Survivor| {
            known.file == survivor.file && known.mutation == survivor.mutation && !known.reason.is_empty()
        };
        self.alive.iter().find(same).map_or("", |known| &known.reason)
    }

    /// Replaces the results of a module. Reasons of mutants that still survive are preserved.
    pub fn record(&mut self, tally: Tally, mut alive: Vec<Survivor>) {
        for survivor in &mut alive {
            survivor.reason = self.reason(survivor).to_owned();
        }
        self.alive.retain(|survivor| survivor.module != tally.module);
        self.alive.extend(alive);
        // The sort is stable, so mutants of one file stay in source order.
        self.alive.sort_by(|one, other| (&one.module, &one.file).cmp(&(&other.module, &other.file)));
        self.results.insert(tally.module.clone(), tally);
    }

    /// The survivors of a module.
    pub fn survivors_of(&self, module: &str) -> impl Iterator<Item = &Survivor> {
        self.alive.iter().filter(move |survivor| survivor.module == module)
    }

    /// The number of survivors of a module without a reason.
    pub fn without_reason(&self, module: &str) -> usize {
        self.survivors_of(module).filter(|survivor| survivor.reason.is_empty()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        heading(f, &RESULTS)?;
        for tally in self.results.values() {
            let Tally { module, commit, caught, alive, timeout, unviable } = tally;
            writeln!(f, "| `{module}` | {commit} | {caught} | {alive} | {timeout} | {unviable} |")?;
        }
        f.write_str(&self.between)?;
        heading(f, &ALIVE)?;
        for survivor in &self.alive {
            let Survivor { module, file, mutation, reason } = survivor;
            let (mutation, reason) = (escaped(&mutation.replace('`', "'")), escaped(reason));
            let space = if reason.is_empty() { "" } else { " " };
            writeln!(f, "| `{module}` | `{file}` | `{mutation}` | {reason}{space}|")?;
        }
        f.write_str(&self.after)
    }
}

fn heading(f: &mut fmt::Formatter<'_>, columns: &[&str]) -> fmt::Result {
    writeln!(f, "| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()))
}

/// A table in a text: the text before it, its rows, the text after it.
type TableParts<'a> = (&'a str, Vec<Vec<String>>, &'a str);

/// Finds the table with these columns.
fn table<'a>(text: &'a str, columns: &[&str]) -> Result<TableParts<'a>, String> {
    let title = columns.join(" | ");
    let mut at = 0;
    let mut begin = None;
    let mut rows = Vec::new();
    for line in text.split_inclusive('\n') {
        let is_row = line.starts_with('|');
        match begin {
            None if is_row && cells(line) == columns => begin = Some(at),
            None => {}
            Some(_) if !is_row => break,
            Some(_) => rows.push(cells(line)),
        }
        at += line.len();
    }
    let begin = begin.ok_or_else(|| format!("the table `| {title} |` is missing"))?;
    // The separator line below the header.
    if rows.is_empty() || !rows.remove(0).iter().all(|cell| cell.starts_with("---")) {
        return Err(format!("the table `| {title} |` has no separator line"));
    }
    Ok((&text[..begin], rows, &text[at..]))
}

/// The cells of a row. `\|` is an escaped bar.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = cells.len() - 1;
        match c {
            '\\' if chars.peek() == Some(&'|') => {
                chars.next();
                cells[last].push('|');
            }
            '|' => cells.push(String::new()),
            other => cells[last].push(other),
        }
    }
    // The bar at the end of a row begins no cell.
    if cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

fn tally(row: &[String]) -> Result<Tally, String> {
    let number = |cell: &String| cell.parse().map_err(|_| format!("`{cell}` is not a number"));
    match row {
        [module, commit, caught, alive, timeout, unviable] => Ok(Tally {
            module: code(module),
            commit: commit.clone(),
            caught: number(caught)?,
            alive: number(alive)?,
            timeout: number(timeout)?,
            unviable: number(unviable)?,
        }),
        other => Err(wrong_cells(other)),
    }
}

fn survivor(row: &[String]) -> Result<Survivor, String> {
    match row {
        [module, file, mutation, reason] => Ok(Survivor {
            module: code(module),
            file: code(file),
            mutation: code(mutation),
            reason: reason.clone(),
        }),
        other => Err(wrong_cells(other)),
    }
}

fn wrong_cells(row: &[String]) -> String {
    format!("a row has too many or too few cells: {}", row.join(" | "))
}

/// The parts of a mutant's name that do not depend on line numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The source file.
    pub file: String,
    /// The change, with the function's name.
    pub mutation: String,
}

/// A mutant's name, `FILE:LINE:COLUMN: MUTATION`, in parts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    mutation: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Self {
        let (place, mutation) = name.split_once(": ").unwrap_or(("", name));
        let mut parts = place.rsplitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let (column, line) = (number(), number());
        Self { file: parts.next().unwrap_or(place), line, column, mutation }
    }
}

/// The names and identities of a module's mutants, in source order. Equal changes of one function are numbered.
pub fn identities<'a>(names: impl Iterator<Item = &'a String>) -> Vec<(String, Identity)> {
    let mut names: Vec<(Name<'_>, &String)> = names.map(|name| (Name::parse(name), name)).collect();
    names.sort();
    let equal = |one: &Name<'_>, other: &Name<'_>| (one.file, one.mutation) == (other.file, other.mutation);
    let identity = |(at, (name, full)): (usize, &(Name<'_>, &String))| {
        let all = names.iter().filter(|other| equal(name, &other.0)).count();
        let before = names.iter().take(at).filter(|other| equal(name, &other.0)).count();
        let number = if all > 1 { format!(" ({} of {all})", before + 1) } else { String::new() };
        let mutation = format!("{}{number}", name.mutation);
        ((*full).clone(), Identity { file: name.file.to_owned(), mutation })
    };
    names.iter().enumerate().map(identity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survivor(mutation: &str, reason: &str) -> Survivor {
        Survivor {
            module: "tenant/redirect".into(),
            file: "crates/tenant/src/redirect.rs".into(),
            mutation: mutation.into(),
            reason: reason.into(),
        }
    }

    fn tally(module: &str, alive: usize) -> Tally {
        Tally { module: module.into(), commit: "abc1234".into(), caught: 9, alive, timeout: 1, unviable: 2 }
    }

    #[test]
    fn the_empty_file_is_read_and_written_unchanged() {
        let report = Report::parse(EMPTY).unwrap();
        assert_eq!(report.to_string(), EMPTY);
        assert_eq!(report.without_reason("tenant/redirect"), 0);
    }

    #[test]
    fn what_is_written_is_read_again_with_bars_and_reasons() {
        let mut report = Report::parse(EMPTY).unwrap();
        let or = survivor("replace || with && in matches", "");
        report.record(tally("tenant/redirect", 1), vec![or.clone()]);
        report.alive[0].reason = "a | b, both refused".into();
        let text = report.to_string();
        assert!(text.contains("| `replace \\|\\| with && in matches` | a \\| b, both refused |"), "{text}");
        let again = Report::parse(&text).unwrap();
        assert_eq!(again, report);
        assert_eq!(again.reason(&or), "a | b, both refused");
    }

    #[test]
    fn a_reason_stays_while_its_mutant_is_alive_and_goes_with_it() {
        let mut report = Report::parse(EMPTY).unwrap();
        report.record(tally("tenant/redirect", 2), vec![survivor("one", ""), survivor("two", "")]);
        assert_eq!(report.without_reason("tenant/redirect"), 2);
        report.alive[0].reason = "equal".into();
        report.record(tally("tenant/redirect", 2), vec![survivor("one", ""), survivor("three", "")]);
        assert_eq!(report.alive, [survivor("one", "equal"), survivor("three", "")]);
        assert_eq!(report.without_reason("tenant/redirect"), 1);
        report.record(tally("tenant/redirect", 0), Vec::new());
        report.record(tally("tenant/redirect", 1), vec![survivor("one", "")]);
        assert_eq!(report.without_reason("tenant/redirect"), 1);
    }

    #[test]
    fn other_modules_and_the_text_around_the_tables_are_kept() {
        let text = EMPTY.replace("## Alive\n", "## Alive\n\nWords of a person.\n") + "\nMore words.\n";
        let mut report = Report::parse(&text).unwrap();
        report.record(tally("tenant/redirect", 1), vec![survivor("one", "")]);
        report.record(tally("tenant/consent", 0), Vec::new());
        let written = report.to_string();
        assert!(written.contains("Words of a person.") && written.ends_with("\nMore words.\n"));
        let again = Report::parse(&written).unwrap();
        assert_eq!(again.survivors_of("tenant/redirect").count(), 1);
        assert_eq!(again.results.len(), 2);
    }

    #[test]
    fn a_missing_table_and_a_broken_row_are_errors() {
        assert!(Report::parse("# Mutation testing\n").unwrap_err().contains("is missing"));
        let broken = format!("{EMPTY}| `tenant/redirect` | two cells |\n");
        assert!(Report::parse(&broken).unwrap_err().contains("cells"));
    }

    #[test]
    fn a_name_is_identified_without_its_line() {
        let of = |name: &str| identities([name.to_owned()].iter()).remove(0).1;
        let one = of("crates/tenant/src/redirect.rs:12:5: replace == with != in matches");
        assert_eq!(one, of("crates/tenant/src/redirect.rs:40:9: replace == with != in matches"));
        assert_eq!(one.file, "crates/tenant/src/redirect.rs");
        assert_eq!(one.mutation, "replace == with != in matches");
    }

    #[test]
    fn equal_mutations_of_a_function_are_numbered_in_the_order_of_the_source() {
        let names = [
            "f.rs:100:5: replace == with != in matches",
            "f.rs:12:5: replace == with != in matches",
            "f.rs:12:5: delete ! in matches",
        ]
        .map(str::to_owned);
        let all = identities(names.iter());
        let mutations: Vec<&str> = all.iter().map(|(_, identity)| identity.mutation.as_str()).collect();
        assert_eq!(
            mutations,
            [
                "delete ! in matches",
                "replace == with != in matches (1 of 2)",
                "replace == with != in matches (2 of 2)"
            ]
        );
        assert_eq!(all[2].0, names[0]);
    }
}
