//! The pages people see while signing in: server-rendered, without script but for the one that posts an answer,
//! for a keyboard, a screen reader, light and dark, narrow and wide. Every value is escaped.

use crate::reply::Reply;
use carnet_wire::digest;
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--quiet:#55565e;--line:#8a8b93;--accent:#1d5c8a;--on:#fff;--bad:#a4262c}\
@media(prefers-color-scheme:dark){:root{--ink:#f2f2f4;--paper:#1c1d21;--quiet:#b9bac2;--line:#7c7d86;--accent:#8cc4ee;--on:#10212e;--bad:#ff9a9f}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{max-width:26rem;margin:0 auto;padding:3rem 1.25rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}\
p{margin:.5rem 0}.quiet{color:var(--quiet);overflow-wrap:anywhere}.bad{color:var(--bad);font-weight:600}\
label{display:block;margin:1rem 0 .25rem;font-weight:600}\
input[type=text],input[type=email],input[type=password]{width:100%;padding:.6rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.3rem}\
.row{display:flex;gap:.5rem;align-items:center;margin:1rem 0}.row label{margin:0;font-weight:400}\
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}\
button{font:inherit;padding:.55rem 1.4rem;border-radius:.3rem;border:1px solid var(--accent);background:var(--accent);color:var(--on)}\
button.second{background:transparent;color:var(--accent)}\
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
dl{margin:1.5rem 0 0;font-size:.875rem}dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}";

/// The one script: posts the answer that the page holds.
const POST: &str = "document.forms[0].submit()";

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

fn hash(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("'sha256-{}'", STANDARD.encode(digest::sha256(&[text.as_bytes()])))
}

fn page(title: &str, body: &str, script: Option<&str>) -> Reply {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main>{}</body></html>",
        escape(title),
        script.map_or_else(String::new, |script| format!("<script>{script}</script>")),
    );
    let scripts = script.map_or_else(String::new, |script| format!("; script-src {}", hash(script)));
    let policy = format!(
        "default-src 'none'; style-src {}{scripts}; base-uri 'none'; frame-ancestors 'none'",
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
            name => format!("<p class=\"quiet\">to go on to {}</p>", escape(name)),
        };
        let body = format!(
            "<h1>{title}</h1>{whom}{wrong}<form method=\"post\" action=\"{}\">{}{fields}<div class=\"buttons\">{buttons}</div></form>",
            escape(self.action),
            hidden("flow", self.flow),
        );
        page(title, &body, None)
    }

    /// Asks for the account.
    pub fn account(&self, hint: &str) -> Reply {
        let fields = format!(
            "<label for=\"username\">User name</label><input type=\"text\" id=\"username\" name=\"username\" value=\"{}\" \
             autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus{}>",
            escape(hint),
            described(self.wrong),
        );
        self.form("Sign in", &fields, "<button>Next</button><button class=\"second\" name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>")
    }

    /// Asks for the code of the authenticator.
    pub fn second_factor(&self, user: &str) -> Reply {
        let fields = format!(
            "<p>{}</p><label for=\"otc\">Code of your authenticator</label><input type=\"text\" id=\"otc\" name=\"otc\" \
             inputmode=\"numeric\" autocomplete=\"one-time-code\" required autofocus{}>\
             <div class=\"row\"><input type=\"checkbox\" id=\"stay\" name=\"stay\" value=\"1\"><label for=\"stay\">Stay signed in</label></div>",
            escape(user),
            described(self.wrong),
        );
        self.form(
            "Prove that it is you",
            &fields,
            "<button>Verify</button><button class=\"second\" name=\"again\" value=\"1\" formnovalidate>Back</button>",
        )
    }

    /// Asks for the password.
    pub fn password(&self, user: &str) -> Reply {
        let fields = format!(
            "<p>{}</p><input type=\"text\" name=\"username\" value=\"{0}\" autocomplete=\"username\" readonly hidden>\
             <label for=\"passwd\">Password</label><input type=\"password\" id=\"passwd\" name=\"passwd\" \
             autocomplete=\"current-password\" required autofocus{}>\
             <div class=\"row\"><input type=\"checkbox\" id=\"stay\" name=\"stay\" value=\"1\"><label for=\"stay\">Stay signed in</label></div>",
            escape(user),
            described(self.wrong),
        );
        self.form("Enter password", &fields, "<button>Sign in</button><button class=\"second\" name=\"again\" value=\"1\" formnovalidate>Back</button>")
    }
}

/// Asks for the code that a device shows.
pub fn user_code(step: &Step<'_>) -> Reply {
    let fields = format!(
        "<p>Enter the code that your device or program shows. Never enter a code that somebody sent you.</p>\
         <label for=\"user_code\">Code</label><input type=\"text\" id=\"user_code\" name=\"user_code\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" required autofocus{}>",
        described(step.wrong),
    );
    step.form("Sign in on another device", &fields, "<button>Next</button>")
}

/// Asks whether this very application, on that device, is meant.
pub fn confirm_device(step: &Step<'_>, user: &str, address: &str) -> Reply {
    let fields = format!(
        "<p>Are you trying to sign in to <strong>{}</strong>?</p>\
         <dl><dt>Account</dt><dd>{}</dd><dt>The request came from</dt><dd>{}</dd></dl>\
         <p>Go on only if you started this yourself just now. Whoever sent you a code gets into your account with it.</p>",
        escape(step.application),
        escape(user),
        escape(address),
    );
    let buttons = "<button name=\"answer\" value=\"yes\">Continue</button>\
        <button class=\"second\" name=\"answer\" value=\"no\">Cancel</button>";
    Step { application: "", ..*step }.form("Is this you?", &fields, buttons)
}

/// The end of a sign-in on another device.
pub fn device_done(application: &str, yes: bool) -> Reply {
    let (title, text) = match yes {
        true => ("You have signed in", "on your device. You may close this window."),
        false => ("Nothing was allowed", "did not get in. You may close this window."),
    };
    let body = format!("<h1>{title}</h1><p>{} {text}</p>", escape(application));
    page(title, &body, None)
}

/// Asks whether an application may have what it asks for: by name, host and every permission in words.
pub fn consent(
    step: &Step<'_>,
    (user, host): (&str, &str),
    scopes: &[(&str, &str)],
    for_everyone: bool,
) -> Reply {
    let mut list = String::new();
    for (value, name) in scopes {
        let _ = write!(list, "<dt>{}</dt><dd class=\"quiet\">{}</dd>", escape(name), escape(value));
    }
    let everyone = match for_everyone {
        true => {
            "<div class=\"row\"><input type=\"checkbox\" id=\"everyone\" name=\"everyone\" value=\"1\">\
             <label for=\"everyone\">Consent on behalf of everyone in the organisation</label></div>"
        }
        false => "",
    };
    let fields = format!(
        "<p><strong>{}</strong> would like, as {}:</p><dl>{list}</dl>\
         <p class=\"quiet\">It keeps this access until you take it back. Unverified publisher; the answer goes to {}.</p>{everyone}",
        escape(step.application),
        escape(user),
        escape(host),
    );
    let buttons = "<button name=\"answer\" value=\"yes\">Accept</button>\
        <button class=\"second\" name=\"answer\" value=\"no\">Cancel</button>";
    Step { application: "", ..*step }.form("Permissions requested", &fields, buttons)
}

fn described(wrong: Option<&str>) -> &'static str {
    if wrong.is_some() { " aria-invalid=\"true\" aria-describedby=\"wrong\"" } else { "" }
}

/// Says that it does not go on, with the number and the ids by which an administrator finds it.
pub fn refused(number: u32, sentence: &str, ids: &[(&str, String)]) -> Reply {
    let mut list = String::new();
    for (name, value) in ids {
        let _ = write!(list, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    let body = format!(
        "<h1>Sign-in does not go on</h1><p class=\"bad\">AADSTS{number}</p><p>{}</p>\
         <p class=\"quiet\">Whoever looks after the application can mend this; the ids below name this attempt.</p><dl>{list}</dl>",
        escape(sentence)
    );
    page("Sign-in does not go on", &body, None)
}

/// Asks whether the session is to end.
pub fn sign_out(action: &str, flow: &str) -> Reply {
    let step = Step { action, flow, application: "", wrong: None };
    step.form("Sign out", "<p>Do you want to sign out in this browser?</p>", "<button>Sign out</button>")
}

/// The session is over.
pub fn signed_out() -> Reply {
    let body = "<h1>You have signed out</h1><p>It is a good idea to close the browser.</p>";
    page("You have signed out", body, None)
}

/// Posts an answer to the client (`response_mode=form_post`).
pub fn form_post(action: &str, fields: &[(&str, String)]) -> Reply {
    let inputs: String = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    let body = format!(
        "<h1>One moment</h1><form method=\"post\" action=\"{}\">{inputs}<noscript><p>Go on to the application.</p>\
         <div class=\"buttons\"><button>Continue</button></div></noscript></form>",
        escape(action)
    );
    page("One moment", &body, Some(POST))
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_is_shown_becomes_markup() {
        assert_eq!(escape("<a href='x' on=\"y\">&\n"), "&lt;a href=&#39;x&#39; on=&quot;y&quot;&gt;&amp; ");
    }
}
