//! Pages on which a sign-in or a session ends.

use super::{Forms, SENTENCE, Step, escape, framed, hidden, page, shown};
use crate::{context::Envelope, reply::Reply};
use carnet_tenant::token::Denial;
use std::fmt::Write;

/// Posts the answer that the page holds.
const POST: &str = "document.forms[0].submit()";
/// Goes on once every frame has loaded, and at the latest after three seconds.
const GO_ON: &str = "const go=()=>location.replace(document.getElementById('go').href);addEventListener('load',go);setTimeout(go,3000)";

/// Says why a sign-in does not go on, and what to do.
pub fn refused(denial: &Denial, envelope: &Envelope) -> Reply {
    let (row, sentence) = denial.entry();
    let ids = [
        ("Trace id", envelope.trace.to_string()),
        ("Correlation id", envelope.correlation.to_string()),
        ("Time", envelope.now.plain()),
    ];
    let mut list = String::new();
    for (name, value) in ids {
        let _ = write!(list, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    let mend = match denial {
        Denial::Service(_) => "Wait a moment, then go back to the application and begin again.",
        _ => "Whoever looks after the application can mend this.",
    };
    let body = format!(
        "<h1>Sign-in does not go on</h1><p class=\"bad\">AADSTS{}</p><p>{}</p>\
         <p class=\"quiet\">{mend} The ids below name this attempt.</p><dl>{list}</dl>",
        row.number,
        shown(&sentence, SENTENCE)
    );
    page("Sign-in does not go on", &body, None, Forms::Nowhere).refused(denial)
}

/// Asks whether the session is to end.
pub fn sign_out(action: &str, flow: &str) -> Reply {
    let step = Step { action, flow, application: "", wrong: None };
    step.form("Sign out", "<p>Do you want to sign out in this browser?</p>", "<button>Sign out</button>")
}

/// The session is over. Each frame tells an application that asked to hear of it; then it goes on, where
/// there is somewhere to go on to. An address that is only offered is a link.
pub fn signed_out(frames: &[String], to: Option<&str>, offered: Option<&str>) -> Reply {
    let mut body = String::from("<h1>You have signed out</h1>");
    let script = to.map(|uri| {
        let _ = write!(
            body,
            "<p>Applications are told.</p><p><a id=\"go\" href=\"{}\">Go on to the application</a></p>",
            escape(uri)
        );
        GO_ON
    });
    if let Some(uri) = offered {
        let _ = write!(body, "<p><a href=\"{}\">Go back to the application</a></p>", escape(uri));
    }
    if to.is_none() {
        body.push_str("<p>It is a good idea to close the browser.</p>");
    }
    for uri in frames {
        let _ =
            write!(body, "<iframe hidden title=\"Tells an application\" src=\"{}\"></iframe>", escape(uri));
    }
    let mut origins: Vec<&str> = frames.iter().filter_map(|uri| origin(uri)).collect();
    origins.sort_unstable();
    origins.dedup();
    framed("You have signed out", &body, (script, Forms::Nowhere), &origins)
}

/// Scheme, host and port of an address.
fn origin(uri: &str) -> Option<&str> {
    let host = uri.find("://")? + 3;
    let end = uri.get(host..)?.find(['/', '?', '#']).map_or(uri.len(), |at| host + at);
    uri.get(..end)
}

/// Posts an answer to the client (`response_mode=form_post`).
pub fn form_post(action: &str, fields: &[(&str, String)]) -> Reply {
    let inputs: String = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    let body = format!(
        "<h1>One moment</h1><form method=\"post\" action=\"{}\">{inputs}<noscript><p>Go on to the application.</p>\
         <div class=\"buttons\"><button>Continue</button></div></noscript></form>",
        escape(action)
    );
    page("One moment", &body, Some(POST), Forms::Application)
}
