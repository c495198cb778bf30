//! Pages on which a sign-in or a session ends.

use super::{Step, escape, hidden, page};
use crate::reply::Reply;
use std::fmt::Write;

/// The one script: posts the answer that the page holds.
const POST: &str = "document.forms[0].submit()";

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
