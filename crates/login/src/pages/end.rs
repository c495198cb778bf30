//! Pages on which a sign-in or a session ends.

use super::explain::explain;
use carnet_http::{
    reply::Reply,
    web::page::{Forms, Step, escape, framed, hidden, page},
};
use carnet_wire::aadsts::Row;
use std::fmt::Write;

/// Posts the answer that the page holds.
const POST: &str = "document.forms[0].submit()";
/// Goes on once every frame has loaded, and at the latest after three seconds.
const GO_ON: &str = "const go=()=>location.replace(document.getElementById('go').href);addEventListener('load',go);setTimeout(go,3000)";

/// Explains an error code (`error_uri`).
pub fn explained(row: &Row) -> Reply {
    let (what, advice) = explain(row);
    let body = format!(
        "<h1>{what}</h1><p>{advice}</p><p class=\"quiet\">If you ask for help, include these details:</p>\
         <dl><dt>Error code</dt><dd>AADSTS{}</dd><dt>OAuth error</dt><dd>{}</dd></dl>",
        row.number,
        escape(row.error),
    );
    page(what, &body, None, Forms::Nowhere)
}

/// Says that a code is not one that this server knows.
pub fn unknown_code() -> Reply {
    let body =
        "<h1>This error code isn't known</h1><p>Check the number. Error codes look like AADSTS50126.</p>";
    page("This error code isn't known", body, None, Forms::Nowhere)
}

/// An empty page, at which native applications read their answer from the address.
pub fn empty() -> Reply {
    Reply::page(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign-in</title></head><body></body></html>"
            .to_owned(),
        "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    )
}

/// Asks whether the session is to end.
pub fn sign_out(action: &str, flow: &str) -> Reply {
    let step = Step { action, flow, application: "", wrong: None };
    step.form("Sign out", "<p>Do you want to sign out in this browser?</p>", "<button>Sign out</button>")
}

/// The session is over. Each frame tells an application that asked to hear of it; then it goes on, where
/// there is somewhere to go on to.
pub fn signed_out(frames: &[String], to: Option<&str>) -> Reply {
    let mut body = String::from("<h1>You have signed out</h1>");
    let script = to.map(|uri| {
        let _ = write!(
            body,
            "<p>Your applications are being told.</p><p><a id=\"go\" href=\"{}\">Continue to the application</a></p>",
            escape(uri)
        );
        GO_ON
    });
    if to.is_none() {
        body.push_str("<p>Close the browser if others use this computer.</p>");
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
        "<h1>One moment</h1><form method=\"post\" action=\"{}\">{inputs}<noscript><p>Continue to the application.</p>\
         <div class=\"buttons\"><button>Continue</button></div></noscript></form>",
        escape(action)
    );
    page("One moment", &body, Some(POST), Forms::Application)
}
