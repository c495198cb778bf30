//! Pages of a sign-in on another device (`security.md`, S19).

use carnet_http::{
    reply::Reply,
    web::page::{Forms, Step, described, escape, name, page},
};

/// Asks for the code that a device shows.
pub fn user_code(step: &Step<'_>) -> Reply {
    let fields = format!(
        "<p>Enter the code that your device or program shows. Never enter a code that somebody sent you.</p>\
         <label for=\"user_code\">Code</label><input type=\"text\" id=\"user_code\" name=\"user_code\" autocomplete=\"off\" \
         autocapitalize=\"characters\" spellcheck=\"false\" required autofocus{}>",
        described(step.wrong),
    );
    step.form_to("Sign in on another device", &fields, "<button>Next</button>", Forms::Here)
}

/// Asks whether this very application, on that device, is meant.
pub fn confirm_device(step: &Step<'_>, user: &str, address: &str) -> Reply {
    let fields = format!(
        "<p>Are you trying to sign in to <strong>{}</strong>?</p>\
         <dl><dt>Account</dt><dd>{}</dd><dt>The request came from</dt><dd>{}</dd></dl>\
         <p>Go on only if you started this yourself just now. Whoever sent you a code gets into your account with it.</p>",
        name(step.application),
        name(user),
        escape(address),
    );
    let buttons = "<button name=\"answer\" value=\"yes\">Continue</button>\
        <button class=\"second\" name=\"answer\" value=\"no\">Cancel</button>";
    Step { application: "", ..*step }.form_to("Is this you?", &fields, buttons, Forms::Here)
}

/// The end of a sign-in on another device.
pub fn device_done(application: &str, yes: bool) -> Reply {
    let name = name(application);
    let (title, text) = match yes {
        true => ("You have signed in", format!("You are signed in to {name} on your device.")),
        false => ("Nothing was allowed", format!("{name} did not get in.")),
    };
    let body = format!("<h1>{title}</h1><p>{text} You may close this window.</p>");
    page(title, &body, None, Forms::Nowhere)
}
