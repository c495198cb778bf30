//! The page on which somebody consents.

use carnet_http::{
    reply::Reply,
    web::page::{NAME, Step, name, shown},
};
use carnet_tenant::consent::Question;
use std::fmt::Write;

/// Who waits for the answer.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// An application with this redirect URI.
    RedirectUri(&'a str),
    /// A device at this address.
    Device(&'a str),
}

/// What the page shows.
pub struct Asked<'a> {
    /// Who is asked.
    pub user: &'a str,
    /// Their tenant, by name.
    pub organisation: &'a str,
    /// Who waits for the answer.
    pub answer: Answer<'a>,
    /// The application wants refresh tokens.
    pub offline: bool,
    /// The permissions.
    pub question: &'a Question,
}

/// Asks whether an application may have what it asks for: by name, host and every permission in words.
pub fn consent(step: &Step<'_>, asked: &Asked<'_>) -> Reply {
    let question = asked.question;
    let mut list = String::new();
    for api in &question.apis {
        // `offline_access` has a line of its own below.
        let scopes = || api.scopes.iter().filter(|it| it.value != "offline_access");
        if scopes().next().is_none() && api.roles.is_empty() {
            continue;
        }
        let _ = write!(list, "<h2>{}</h2><dl>", name(&api.resource.display_name));
        for it in scopes() {
            permission(&mut list, &it.display_name, (&it.value, "as whoever is signed in"));
        }
        for it in &api.roles {
            permission(&mut list, &it.display_name, (&it.value, "by itself, without anybody signed in"));
        }
        list.push_str("</dl>");
    }
    if asked.offline {
        list.push_str("<dl>");
        permission(
            &mut list,
            "Keep access to data you have given it access to",
            ("offline_access", "refresh tokens"),
        );
        list.push_str("</dl>");
    }
    let whom = match question.admin {
        true => format!("for everyone in {}, asked of {}", name(asked.organisation), name(asked.user)),
        false => format!("as {}", name(asked.user)),
    };
    let everyone = match question.for_everyone && !question.admin {
        true => {
            "<div class=\"row\"><input type=\"checkbox\" id=\"everyone\" name=\"everyone\" value=\"1\">\
             <label for=\"everyone\">Consent on behalf of everyone in the organisation</label></div>"
        }
        false => "",
    };
    let answer = match asked.answer {
        Answer::RedirectUri(uri) => {
            let host = uri.split_once("://").map_or("", |(_, rest)| rest);
            let host = host.split(['/', '?']).next().unwrap_or_default();
            format!("the answer goes to {}.", shown(host, NAME))
        }
        Answer::Device(address) => format!("the request came from {}.", shown(address, NAME)),
    };
    let fields = format!(
        "<p><strong>{}</strong> would like, {whom}:</p>{list}\
         <p class=\"quiet\">It keeps this access until it is taken back. Unverified publisher; {answer}</p>{everyone}",
        name(step.application),
    );
    let buttons = "<button name=\"answer\" value=\"yes\">Accept</button>\
        <button class=\"second\" name=\"answer\" value=\"no\">Cancel</button>";
    let title = match question.admin {
        true => "Permissions requested for your organisation",
        false => "Permissions requested",
    };
    Step { application: "", ..*step }.form(title, &fields, buttons)
}

fn permission(list: &mut String, title: &str, (value, how): (&str, &str)) {
    let value = shown(value, NAME);
    let _ = write!(list, "<dt>{}</dt><dd class=\"quiet\">{value} ({how})</dd>", name(title));
}
