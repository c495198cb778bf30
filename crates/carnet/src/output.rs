//! All output (data on standard output, messages on standard error) and the input of secrets.

use crate::{config, failure::Failure};
use anstyle::{AnsiColor, Style};
use carnet_client::failure::printable;
use clap::ValueEnum;
use serde_json::Value;
use std::{
    io::{IsTerminal, Read, Write},
    path::Path,
};
use zeroize::Zeroizing;

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Indented JSON
    Json,
    /// Table
    Table,
    /// Tab-separated values without a header
    Tsv,
    /// `NAME='value'` lines for a shell
    Env,
    /// `$env:NAME = 'value'` lines for PowerShell
    Powershell,
}

/// Prints data in a format. A closed pipe is not an error.
pub fn data(format: Format, query: Option<&str>, value: &Value) -> Result<(), Failure> {
    let chosen = match query {
        Some(text) => search(text, value)?,
        None => value.clone(),
    };
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&chosen).unwrap_or_default() + "\n",
        Format::Table => table(&chosen),
        Format::Tsv => rows(&chosen).1.iter().map(|row| row.join("\t") + "\n").collect(),
        Format::Env => pairs(&chosen)
            .iter()
            .map(|(name, value)| format!("{name}='{}'\n", value.replace('\'', "'\\''")))
            .collect(),
        Format::Powershell => pairs(&chosen)
            .iter()
            .map(|(name, value)| format!("$env:{name} = '{}'\n", value.replace('\'', "''")))
            .collect(),
    };
    plain(&text);
    Ok(())
}

/// Prints text on standard output.
pub fn plain(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Prints a message on standard error.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Whether standard error is a terminal.
pub fn watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Colours a word, if the terminal shows colours.
pub fn coloured(colour: AnsiColor, text: &str) -> String {
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{text}{style:#}")
}

/// Prints the message of a failed command.
pub fn say_failure(failure: &Failure) {
    say(&format!("{} {}", coloured(AnsiColor::Red, "error:"), failure.title));
    for line in failure.detail.iter().flat_map(|detail| detail.lines()).filter(|line| !line.is_empty()) {
        say(&format!("  {}", line.trim()));
    }
    if let Some(hint) = &failure.hint {
        say(&format!("\n{} {hint}", coloured(AnsiColor::Cyan, "hint:")));
    }
}

fn search(query: &str, value: &Value) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::usage(format!("--query `{query}`: {why}"));
    let expression = jmespath::compile(query).map_err(|error| wrong(error.reason.to_string()))?;
    let found = expression.search(value).map_err(|error| wrong(error.reason.to_string()))?;
    serde_json::to_value(&*found).map_err(|error| wrong(error.to_string()))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text, 4096),
        Value::Array(items) if items.iter().all(|item| item.is_string()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => printable(&other.to_string(), 4096),
    }
}

/// The header and rows for a list of objects, one object, a list of values or one value.
fn rows(value: &Value) -> (Vec<String>, Vec<Vec<String>>) {
    let items = match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let mut head: Vec<String> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        for name in item.keys() {
            if !head.contains(name) {
                head.push(name.clone());
            }
        }
    }
    let row = |item: &Value| match item {
        Value::Object(_) => head.iter().map(|name| cell(&item[name])).collect(),
        other => vec![cell(other)],
    };
    let rows = items.iter().map(row).collect();
    (head, rows)
}

fn table(value: &Value) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    if let Value::Object(members) = value {
        for (name, value) in members {
            table.add_row([name.clone(), cell(value)]);
        }
        return trimmed(&table.to_string());
    }
    let (head, rows) = rows(value);
    if rows.is_empty() {
        return String::new();
    }
    table.set_header(head);
    for row in rows {
        table.add_row(row);
    }
    trimmed(&table.to_string())
}

fn trimmed(text: &str) -> String {
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Variable names and values: `accessToken` becomes `ACCESS_TOKEN`, and nested names are joined with an underscore.
fn pairs(value: &Value) -> Vec<(String, String)> {
    fn walk(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = upper(name);
                    let path = if prefix.is_empty() { name } else { format!("{prefix}_{name}") };
                    walk(&path, value, out);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    walk(&format!("{prefix}_{at}"), item, out);
                }
            }
            other => {
                out.push((if prefix.is_empty() { "VALUE".into() } else { prefix.to_owned() }, cell(other)))
            }
        }
    }
    let mut out = Vec::new();
    walk("", value, &mut out);
    out
}

fn upper(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() && !text.ends_with('_') {
            text.push('_');
        }
        text.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    }
    text
}

/// The sources of a secret. It is never an argument, because process lists show those.
#[derive(Debug, Clone, Default)]
pub struct SecretSource<'a> {
    /// A file with the secret.
    pub file: Option<&'a Path>,
    /// An environment variable with the secret.
    pub env: Option<&'a str>,
    /// Whether to read standard input.
    pub stdin: bool,
    /// Environment variables that are used by default.
    pub usual: &'a [&'a str],
    /// The name of the secret, for messages.
    pub what: &'a str,
}

/// Reads a secret. `None` if no source has it and there is no terminal for a prompt.
pub fn secret(source: &SecretSource<'_>) -> Result<Option<String>, Failure> {
    if let Some(path) = source.file {
        let text = std::fs::read_to_string(path);
        let text =
            text.map_err(|error| Failure::usage(format!("{} {}: {error}", source.what, path.display())))?;
        return filled(&text, source.what).map(Some);
    }
    if let Some(name) = source.env {
        let missing = || Failure::usage(format!("the environment variable {name} is not set"));
        return config::variable(name).ok_or_else(missing).map(Some);
    }
    if source.stdin {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
        return filled(&text, source.what).map(Some);
    }
    if let Some(value) = config::first(source.usual) {
        return Ok(Some(value));
    }
    if std::io::stdin().is_terminal() && watched() {
        let question = format!("{}:", source.what);
        let prompt = inquire::Password::new(&question)
            .without_confirmation()
            .with_display_mode(inquire::PasswordDisplayMode::Masked);
        return prompt.prompt().map(Some).map_err(|_| Failure::usage("no input"));
    }
    Ok(None)
}

/// Removes the line end. An empty secret is refused here, because the server's error would be less clear.
fn filled(text: &str, what: &str) -> Result<String, Failure> {
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage(format!("the {what} is empty"))),
        text => Ok(text.to_owned()),
    }
}

/// Asks for confirmation. Without a terminal, the answer is no.
pub fn confirmed(question: &str) -> bool {
    std::io::stdin().is_terminal()
        && watched()
        && inquire::Confirm::new(question).with_default(false).prompt().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn env_lines_quote_what_a_shell_would_read() {
        let pairs = pairs(&json!({"accessToken": "a'b", "list": [1]}));
        assert_eq!(
            pairs,
            [("ACCESS_TOKEN".to_owned(), "a'b".to_owned()), ("LIST_0".to_owned(), "1".to_owned())]
        );
    }

    #[test]
    fn a_query_chooses_and_a_wrong_one_is_named() {
        assert_eq!(search("[].a", &json!([{"a": 1}, {"a": 2}])).ok(), Some(json!([1, 2])));
        assert!(search("[", &json!([])).is_err_and(|failure| failure.code() == 2));
    }

    #[test]
    fn lists_and_objects_become_tables() {
        assert_eq!(table(&json!([{"a": "x", "b": 1}])).lines().count(), 2);
        assert!(table(&json!({"name": "x"})).contains("name"));
        assert_eq!(table(&json!([])), "");
    }
}
