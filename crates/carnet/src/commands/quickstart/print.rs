//! The quickstart's output: each request with its important fields, and its response, status and time, in lines of at
//! most 100 columns.

use crate::output;
use anstyle::AnsiColor;
use carnet_client::Exchange;
use serde_json::Value;

/// Maximum number of columns.
const WIDTH: usize = 100;
/// Members of a response that are shown, in this order.
const INTERESTING: [&str; 20] = [
    "displayName",
    "appId",
    "id",
    "applicationId",
    "uniqueName",
    "isFallbackPublicClient",
    "clientId",
    "resourceId",
    "consentType",
    "hint",
    "keyId",
    "endDateTime",
    "secretText",
    "token_type",
    "scope",
    "expires_in",
    "ext_expires_in",
    "access_token",
    "code",
    "status",
];

/// Prints on standard output.
#[derive(Debug, Clone, Copy)]
pub struct Printer;

impl Printer {
    /// A printer.
    pub const fn new() -> Self {
        Self
    }

    /// Prints the title of a section.
    pub fn title(&self, head: &str, rest: &str) {
        output::plain(&format!("\n{}  {rest}\n", output::coloured(AnsiColor::Cyan, head)));
    }

    /// Prints an explanation.
    pub fn note(&self, text: &str) {
        for line in wrapped(text, WIDTH - 2) {
            output::plain(&format!("  {line}\n"));
        }
    }

    /// Prints the explanation of an error that is expected next.
    pub fn early(&self, text: &str) {
        let mark = output::coloured(AnsiColor::Yellow, "expected error:");
        let lines = wrapped(text, WIDTH - 18);
        for (at, line) in lines.iter().enumerate() {
            match at {
                0 => output::plain(&format!("  {mark} {line}\n")),
                _ => output::plain(&format!("                  {line}\n")),
            }
        }
    }

    /// Prints a request and its response.
    pub fn exchange(&self, exchange: &Exchange) {
        let good = exchange.status < 400;
        let colour = if good { AnsiColor::Green } else { AnsiColor::Yellow };
        for line in asked(exchange) {
            output::plain(&format!("    {line}\n"));
        }
        let status = output::coloured(colour, &exchange.status.to_string());
        let took = format!("{:.0} ms", exchange.took.as_secs_f64() * 1000.0);
        let answer = answered(&exchange.body);
        let mut lines = wrapped(&answer, WIDTH - 6 - 3 - 3 - took.len() - 1).into_iter();
        output::plain(&format!("    → {status} {took} {}\n", lines.next().unwrap_or_default()));
        for line in lines {
            output::plain(&format!("          {line}\n"));
        }
    }
}

/// The lines of a request: method and URL, then fields.
fn asked(exchange: &Exchange) -> Vec<String> {
    let head = format!("{} {}", exchange.method, exchange.url);
    let mut lines: Vec<String> = broken(&head, WIDTH - 4);
    let fields: Vec<String> = exchange.sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.extend(wrapped(&fields.join("  "), WIDTH - 8).into_iter().map(|line| format!("    {line}")));
    lines
}

/// The response in one text.
fn answered(body: &Value) -> String {
    if let Some(error) = body["error"].as_str() {
        let description = body["error_description"].as_str().unwrap_or_default();
        let sentence = description.split(" Trace ID:").next().unwrap_or_default();
        return format!("{error}: {sentence}");
    }
    let inner = if body["innererror"].is_object() { &body["innererror"] } else { &body["error"] };
    if let Some(code) = inner["code"].as_str() {
        return format!("{code}: {}", inner["message"].as_str().unwrap_or_default());
    }
    if let Some(items) = body["value"].as_array() {
        let names: Vec<&str> = items
            .iter()
            .filter_map(|it| {
                ["uniqueName", "displayName", "applicationId", "id"]
                    .iter()
                    .find_map(|name| it[*name].as_str())
            })
            .collect();
        return match items.len() {
            0 => "empty list".to_owned(),
            1 => format!("1 item: {}", names.join(", ")),
            count => format!("{count} items: {}", names.join(", ")),
        };
    }
    let shown = |name: &&str| match &body[*name] {
        Value::Null => None,
        Value::String(text) if *name == "scope" => Some(format!("{name}={}", scopes(text))),
        Value::String(text) => Some(format!("{name}={text}")),
        other => Some(format!("{name}={other}")),
    };
    INTERESTING.iter().filter_map(shown).collect::<Vec<_>>().join("  ")
}

/// Scopes by their short names, at most three.
fn scopes(text: &str) -> String {
    const SHOWN: usize = 3;
    let short = |scope: &str| scope.rsplit('/').next().unwrap_or(scope).to_owned();
    let names: Vec<String> = text.split(' ').map(short).filter(|name| name != ".default").collect();
    match names.len() {
        0..=SHOWN => names.join(" "),
        count => format!("{} and {} more", names[..SHOWN].join(" "), count - SHOWN),
    }
}

/// Wraps text at spaces. Longer words are cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() <= width);
        match lines.last_mut().filter(|_| fits) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.extend(cut(word, width)),
        }
    }
    lines
}

/// Wraps a URL before `/`, `?` or `&`, so that its parts stay whole where possible.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(['/', '?', '&']) {
        let fits = lines.last().is_some_and(|line| line.chars().count() + part.chars().count() <= width);
        match lines.last_mut().filter(|_| fits) {
            Some(line) => line.push_str(part),
            None => lines.extend(cut(&format!("    {part}"), width)),
        }
    }
    lines
}

/// Cuts text into pieces of at most `width` characters.
fn cut(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text = format!("word {} and more words {}", "x".repeat(250), "y ".repeat(200));
        assert!(wrapped(&text, 90).iter().all(|line| line.chars().count() <= 90));
        assert_eq!(wrapped("a b", 90), ["a b"]);
        let address = format!("GET https://localhost:8443/{}/b?{}", "a".repeat(60), "c".repeat(300));
        assert!(broken(&address, 90).iter().all(|line| line.chars().count() <= 90));
    }

    #[test]
    fn an_error_shows_its_sentence_without_the_ids() {
        let body =
            json!({"error": "invalid_grant", "error_description": "AADSTS65001: no consent. Trace ID: x"});
        assert_eq!(answered(&body), "invalid_grant: AADSTS65001: no consent.");
        let gateway =
            json!({"code": "Forbidden", "message": "no", "innererror": {"code": "Inner", "message": "why"}});
        assert_eq!(answered(&gateway), "Inner: why");
    }

    #[test]
    fn lists_and_objects_show_what_helps() {
        assert_eq!(answered(&json!({"value": [{"uniqueName": "a"}, {"uniqueName": "b"}]})), "2 items: a, b");
        assert_eq!(answered(&json!({"id": "1", "other": 2, "displayName": "n"})), "displayName=n  id=1");
        assert_eq!(answered(&Value::Null), "");
    }
}
