//! The frame of every page, and what all pages share: server-rendered, without script but where an answer is posted or a
//! sign-out goes on, for a keyboard, a screen reader, light and dark, narrow and wide. Every value is escaped.

use crate::reply::Reply;
use carnet_tenant::text::is_invisible;
use carnet_wire::digest;

const STYLE: &str = include_str!("style.css");

/// Escapes a text for an element or a quoted attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Most characters of a name on a page.
pub const NAME: usize = 256;
/// Most characters of a sentence on a page: it may quote names.
pub const SENTENCE: usize = 1024;

/// A text that somebody else chose, escaped: without characters that cannot be seen or that change the direction
/// of the text around them, and cut after so many characters (`security.md`, row 155).
#[must_use]
pub fn shown(text: &str, limit: usize) -> String {
    let visible = |c: char| match is_invisible(c) {
        false => Some(c),
        // White space such as a line break still separates words.
        true if c.is_whitespace() => Some(' '),
        true => None,
    };
    let mut rest = text.chars().filter_map(visible);
    let mut cut: String = rest.by_ref().take(limit).collect();
    if rest.next().is_some() {
        cut.push('…');
    }
    escape(&cut)
}

/// A name that somebody chose, as text of its own direction, so that it bends nothing around it.
#[must_use]
pub fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", shown(text, NAME))
}

fn hash(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("'sha256-{}'", STANDARD.encode(digest::sha256(&[text.as_bytes()])))
}

/// Where the forms of a page may lead. Browsers hold redirects after a post to it too.
#[derive(Debug, Clone, Copy)]
pub enum Forms {
    /// There is none.
    Nowhere,
    /// To a page of ours, which leads nowhere else.
    Here,
    /// To an application, at once or in the end.
    Application,
}

impl Forms {
    const fn directive(self) -> &'static str {
        match self {
            Self::Nowhere => "; form-action 'none'",
            Self::Here => "; form-action 'self'",
            Self::Application => "",
        }
    }
}

/// A page with this title and body.
#[must_use]
pub fn page(title: &str, body: &str, script: Option<&str>, forms: Forms) -> Reply {
    framed(title, body, (script, forms), &[])
}

/// A page that may hold frames of these origins.
#[must_use]
pub fn framed(title: &str, body: &str, (script, forms): (Option<&str>, Forms), frames: &[&str]) -> Reply {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main>{}</body></html>",
        escape(title),
        script.map_or_else(String::new, |script| format!("<script>{script}</script>")),
    );
    let scripts = script.map_or_else(String::new, |script| format!("; script-src {}", hash(script)));
    let frames = match frames {
        [] => String::new(),
        _ => format!("; frame-src {}", frames.join(" ")),
    };
    let policy = format!(
        "default-src 'none'; style-src {}{scripts}{frames}{}; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        forms.directive(),
    );
    Reply::page(html, &policy)
}

/// A field that is not shown.
#[must_use]
pub fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
}

/// What every step of a sign-in shows and carries.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// Where it is posted.
    pub action: &'a str,
    /// The sealed state.
    pub flow: &'a str,
    /// The application that asks.
    pub application: &'a str,
    /// What was wrong with the last try.
    pub wrong: Option<&'a str>,
}

impl Step<'_> {
    /// A page with a form, which may lead to the application in the end.
    #[must_use]
    pub fn form(&self, title: &str, fields: &str, buttons: &str) -> Reply {
        self.form_to(title, fields, buttons, Forms::Application)
    }

    /// The same, where it is known how far the form may lead. An action that is no path of this host is none.
    #[must_use]
    pub fn form_to(&self, title: &str, fields: &str, buttons: &str, forms: Forms) -> Reply {
        if !is_path(self.action) {
            return page(title, "<h1>There is nothing at this address</h1>", None, Forms::Nowhere);
        }
        let wrong = self.wrong.map_or_else(String::new, |text| {
            format!("<p class=\"bad\" id=\"wrong\" role=\"alert\">{}</p>", shown(text, SENTENCE))
        });
        let whom = match self.application {
            "" => String::new(),
            application => format!("<p class=\"quiet\">to continue to {}</p>", name(application)),
        };
        let body = format!(
            "<h1>{title}</h1>{whom}{wrong}<form method=\"post\" action=\"{}\">{}{fields}<div class=\"buttons\">{buttons}</div></form>",
            escape(self.action),
            hidden("flow", self.flow),
        );
        page(title, &body, None, forms)
    }
}

/// A path on the host that the page came from: browsers read two slashes, and a backslash for one, as another
/// host's name.
fn is_path(action: &str) -> bool {
    action.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']))
}

/// The attributes of a field that the message of [`Step`] is about.
#[must_use]
pub fn described(wrong: Option<&str>) -> &'static str {
    if wrong.is_some() { " aria-invalid=\"true\" aria-describedby=\"wrong\"" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::{escape, is_path, name, shown};

    #[test]
    fn what_names_another_host_is_no_path() {
        assert!(is_path("/contoso.example/login") && is_path("/"));
        for action in [
            "//evil.example/login",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "login",
            "",
        ] {
            assert!(!is_path(action), "{action}");
        }
    }

    #[test]
    fn a_text_of_somebody_elses_is_cut_and_bends_nothing_row_155() {
        assert_eq!(shown("a\u{202e}b\u{200b}\u{feff}c\u{2066}\nd\u{e0041}", 256), "abc d");
        assert_eq!(name("<\u{202e}b>"), "<bdi>&lt;b&gt;</bdi>");
        let long = "\u{202e}ä<".repeat(100_000);
        assert_eq!(shown(&long, 2), "ä&lt;…");
        assert_eq!(shown("ab", 2), "ab");
        assert_eq!(shown("a\u{202e}b\u{202e}", 2), "ab", "what is not shown is not counted");
        assert!(name(&long).chars().count() < 256 * 5);
    }

    #[test]
    fn nothing_that_is_shown_becomes_markup() {
        assert_eq!(escape("<a href='x' on=\"y\">&\n"), "&lt;a href=&#39;x&#39; on=&quot;y&quot;&gt;&amp; ");
    }
}
