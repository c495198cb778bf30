//! Pages that say why a request is not answered.

use super::page::{Forms, SENTENCE, escape, page, shown};
use crate::{context::Envelope, reply::Reply};
use carnet_tenant::token::{Denial, denial::SessionNo};
use std::fmt::Write;

/// Says why a sign-in ends here, and what to do. `again` is the address at which the same begins anew.
pub fn refused(denial: &Denial, envelope: &Envelope, again: Option<&str>) -> Reply {
    let (row, sentence) = denial.entry();
    let title = match denial {
        Denial::SignInLost => "This page can't be used any more",
        Denial::Session(SessionNo::PageUsed) => "This page was already used",
        Denial::Session(SessionNo::FlowExpired) => "This page has expired",
        _ => "We couldn't sign you in",
    };
    let advice = match denial {
        Denial::Service(_) => "Wait a moment, then go back to the application and try again.",
        Denial::SignInLost | Denial::Session(SessionNo::PageUsed | SessionNo::FlowExpired) => {
            "Go back to the application and start again."
        }
        _ => "Ask the administrator of the application for help.",
    };
    let again = again.map_or_else(String::new, |address| {
        format!("<p><a href=\"{}\">Start again</a></p>", escape(address))
    });
    let body = format!(
        "<h1>{}</h1><p class=\"bad\">AADSTS{}</p><p>{}</p><p>{advice}</p>{again}{}",
        escape(title),
        row.number,
        shown(&sentence, SENTENCE),
        details(envelope),
    );
    page(title, &body, None, Forms::Nowhere).refused(denial)
}

/// The ids and the time, for whoever helps.
fn details(envelope: &Envelope) -> String {
    let ids = [
        ("Trace id", envelope.trace.to_string()),
        ("Correlation id", envelope.correlation.to_string()),
        ("Time", envelope.now.plain()),
    ];
    let mut list = String::new();
    for (name, value) in ids {
        let _ = write!(list, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    format!("<p class=\"quiet\">If you ask for help, include these details:</p><dl>{list}</dl>")
}

/// Says that there is no page at an address, and what to do.
pub fn no_page(envelope: &Envelope) -> Reply {
    let body = format!(
        "<h1>There is no page at this address</h1><p>Check the address. If you want to sign in, open the application \
         that you want to use: it brings you here.</p><p><a href=\"/devicelogin\">Enter a code from a device</a></p>{}",
        details(envelope),
    );
    page("There is no page at this address", &body, None, Forms::Nowhere)
}

/// Says that an address only takes the posts of our own pages: somebody reloaded it, or went back to it.
pub fn not_by_itself(envelope: &Envelope) -> Reply {
    let body = format!(
        "<h1>This page can't be opened by itself</h1><p>It is one step of a sign-in. Go back to the application and start \
         again.</p><p><a href=\"/devicelogin\">Enter a code from a device</a></p>{}",
        details(envelope),
    );
    page("This page can't be opened by itself", &body, None, Forms::Nowhere)
}

/// Says why a request is not answered, where nothing more particular is known than a sentence.
pub fn unanswered(sentence: &str, envelope: &Envelope) -> Reply {
    let body = format!(
        "<h1>This request can't be answered</h1><p>{}</p><p>Go back to the application and start again. If that doesn't \
         help, ask the administrator of the application.</p>{}",
        shown(sentence, SENTENCE),
        details(envelope),
    );
    page("This request can't be answered", &body, None, Forms::Nowhere)
}
