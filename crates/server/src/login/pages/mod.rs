//! The pages people see while signing in: server-rendered, without script but where an answer is posted or a
//! sign-out goes on, for a keyboard, a screen reader, light and dark, narrow and wide. Every value is escaped. The
//! frame is here.

pub mod consent;
mod device;
mod end;
mod entry;

pub use device::{confirm_device, device_done, user_code};
pub use end::{form_post, refused, sign_out, signed_out};
pub use entry::{Account, choose_account, enrol, new_password, recovery_codes};

use crate::reply::Reply;
use carnet_wire::digest;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--quiet:#55565e;--line:#8a8b93;--accent:#1d5c8a;--on:#fff;--bad:#a4262c}\
@media(prefers-color-scheme:dark){:root{--ink:#f2f2f4;--paper:#1c1d21;--quiet:#b9bac2;--line:#7c7d86;--accent:#8cc4ee;--on:#10212e;--bad:#ff9a9f}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{max-width:26rem;margin:0 auto;padding:3rem 1.25rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1rem;margin:1.25rem 0 0}h2+dl{margin-top:.5rem}\
p{margin:.5rem 0}.quiet{color:var(--quiet);overflow-wrap:anywhere}.bad{color:var(--bad);font-weight:600}\
label{display:block;margin:1rem 0 .25rem;font-weight:600}\
input[type=text],input[type=email],input[type=password]{width:100%;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.3rem}\
.row{display:flex;gap:.5rem;align-items:center;margin:1rem 0}.row label{margin:0;font-weight:400}\
.choice,.codes{list-style:none;margin:1rem 0;padding:0}.choice button{width:100%;margin:.25rem 0;text-align:start}.choice span{display:block}\
.codes{columns:2;font-family:ui-monospace,monospace}.key{font-family:ui-monospace,monospace;font-size:1rem}\
.qr{display:block;width:12rem;max-width:100%;margin:1rem 0}a{color:var(--accent)}\
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}\
button{font:inherit;padding:.55rem 1.4rem;border-radius:.3rem;border:1px solid var(--accent);background:var(--accent);color:var(--on)}\
button.second{background:transparent;color:var(--accent)}\
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
dl{margin:1.5rem 0 0;font-size:.875rem}dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}";

/// Escapes a text for an element or a quoted attribute.
fn escape(text: &str) -> String {
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

/// A name that somebody chose, as text of its own direction, so that it bends nothing around it.
fn name(text: &str) -> String {
    let cut: String = text.chars().take(256).collect();
    format!("<bdi>{}</bdi>", escape(&cut))
}

fn hash(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("'sha256-{}'", STANDARD.encode(digest::sha256(&[text.as_bytes()])))
}

fn page(title: &str, body: &str, script: Option<&str>) -> Reply {
    framed(title, body, script, &[])
}

/// A page that may hold frames of these origins.
fn framed(title: &str, body: &str, script: Option<&str>, frames: &[&str]) -> Reply {
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
        "default-src 'none'; style-src {}{scripts}{frames}; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE)
    );
    Reply::page(html, &policy)
}

fn hidden(name: &str, value: &str) -> String {
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
    fn form(&self, title: &str, fields: &str, buttons: &str) -> Reply {
        let wrong = self.wrong.map_or_else(String::new, |text| {
            format!("<p class=\"bad\" id=\"wrong\" role=\"alert\">{}</p>", escape(text))
        });
        let whom = match self.application {
            "" => String::new(),
            application => format!("<p class=\"quiet\">to go on to {}</p>", name(application)),
        };
        let body = format!(
            "<h1>{title}</h1>{whom}{wrong}<form method=\"post\" action=\"{}\">{}{fields}<div class=\"buttons\">{buttons}</div></form>",
            escape(self.action),
            hidden("flow", self.flow),
        );
        page(title, &body, None)
    }
}

fn described(wrong: Option<&str>) -> &'static str {
    if wrong.is_some() { " aria-invalid=\"true\" aria-describedby=\"wrong\"" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_is_shown_becomes_markup() {
        assert_eq!(escape("<a href='x' on=\"y\">&\n"), "&lt;a href=&#39;x&#39; on=&quot;y&quot;&gt;&amp; ");
    }
}
