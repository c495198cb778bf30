//! The page on which somebody consents.

use super::{Step, escape, name};
use crate::reply::Reply;
use std::fmt::Write;

/// Asks whether an application may have what it asks for: by name, host and every permission in words.
pub fn consent(
    step: &Step<'_>,
    (user, host): (&str, &str),
    scopes: &[(&str, &str)],
    for_everyone: bool,
) -> Reply {
    let mut list = String::new();
    for (value, title) in scopes {
        let _ = write!(list, "<dt>{}</dt><dd class=\"quiet\">{}</dd>", escape(title), escape(value));
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
        name(step.application),
        name(user),
        escape(host),
    );
    let buttons = "<button name=\"answer\" value=\"yes\">Accept</button>\
        <button class=\"second\" name=\"answer\" value=\"no\">Cancel</button>";
    Step { application: "", ..*step }.form("Permissions requested", &fields, buttons)
}
