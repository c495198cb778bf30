//! Pages of the way in: account, password, second factor and its registration, a new password.

use carnet_http::{
    reply::Reply,
    web::page::{Step, described, escape, name},
};
use carnet_wire::secret::RecoveryCode;
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;

const BACK: &str = "<button class=\"second\" name=\"again\" value=\"1\" formnovalidate>Back</button>";

/// An account that is signed in.
pub struct Account<'a> {
    /// The session's id.
    pub session: String,
    /// The name people see.
    pub display_name: &'a str,
    /// The user name.
    pub name: &'a str,
}

/// Asks which of the browser's accounts is meant.
pub fn choose_account(step: &Step<'_>, accounts: &[Account<'_>]) -> Reply {
    let mut list = String::from("<ul class=\"choice\">");
    for it in accounts {
        let _ = write!(
            list,
            "<li><button class=\"second\" name=\"account\" value=\"{}\">{}<span class=\"quiet\">{}</span></button></li>",
            escape(&it.session),
            name(it.display_name),
            name(it.name),
        );
    }
    list.push_str("</ul>");
    let buttons = "<button class=\"second\" name=\"again\" value=\"1\">Use another account</button>";
    step.form("Choose an account", &list, buttons)
}

/// Asks for the account.
pub fn user_name(step: &Step<'_>, hint: &str) -> Reply {
    let fields = format!(
        "<label for=\"username\">User name</label><input type=\"text\" id=\"username\" name=\"username\" value=\"{}\" \
         autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus{}>",
        escape(hint),
        described(step.wrong),
    );
    let buttons = "<button>Next</button><button class=\"second\" name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>";
    step.form("Sign in", &fields, buttons)
}

/// Asks for the password, and whether they stay signed in: no page after it asks that again.
pub fn password(step: &Step<'_>, user: &str, stay: bool) -> Reply {
    let stay = format!(
        "<div class=\"row\"><input type=\"checkbox\" id=\"stay\" name=\"stay\" value=\"1\"{}>\
         <label for=\"stay\">Stay signed in</label></div>",
        if stay { " checked" } else { "" },
    );
    let fields = format!(
        "<p>{}</p><input type=\"text\" name=\"username\" value=\"{}\" autocomplete=\"username\" readonly hidden>\
         <label for=\"passwd\">Password</label><input type=\"password\" id=\"passwd\" name=\"passwd\" \
         autocomplete=\"current-password\" required autofocus{}>{stay}",
        name(user),
        escape(user),
        described(step.wrong),
    );
    step.form("Enter password", &fields, &format!("<button>Sign in</button>{BACK}"))
}

/// Asks for the code of the authenticator.
pub fn second_factor(step: &Step<'_>, user: &str) -> Reply {
    let fields = format!(
        "<p>{}</p><label for=\"otc\">Code of your authenticator</label><input type=\"text\" id=\"otc\" name=\"otc\" \
         inputmode=\"numeric\" autocomplete=\"one-time-code\" required autofocus{}>",
        name(user),
        described(step.wrong),
    );
    let buttons = format!(
        "<button>Verify</button>{BACK}\
         <button class=\"second\" name=\"lost\" value=\"1\" formnovalidate>Use a recovery code</button>"
    );
    step.form("Prove that it is you", &fields, &buttons)
}

/// Asks for one of the recovery codes.
pub fn recovery(step: &Step<'_>, user: &str) -> Reply {
    let fields = format!(
        "<p>{}</p><p>Each recovery code works once.</p><label for=\"recovery\">Recovery code</label>\
         <input type=\"text\" id=\"recovery\" name=\"recovery\" autocomplete=\"off\" autocapitalize=\"characters\" \
         spellcheck=\"false\" required autofocus{}>",
        name(user),
        described(step.wrong),
    );
    step.form("Use a recovery code", &fields, &format!("<button>Verify</button>{BACK}"))
}

/// Shows the key for an authenticator, and asks for its first code.
pub fn enrol(step: &Step<'_>, user: &str, (key, address): (&str, &str)) -> Reply {
    let groups: Vec<&str> =
        (0..key.len()).step_by(4).filter_map(|at| key.get(at..(at + 4).min(key.len()))).collect();
    let fields = format!(
        "<p>{}</p><p>Your organisation asks for a second factor. Scan this with an authenticator app, or type the key \
         into it; then enter the code that it shows.</p>{}\
         <dl><dt>Key</dt><dd class=\"key\">{}</dd></dl><p><a href=\"{}\">Open in an authenticator on this device</a></p>\
         <label for=\"otc\">Code of your authenticator</label><input type=\"text\" id=\"otc\" name=\"otc\" \
         inputmode=\"numeric\" autocomplete=\"one-time-code\" required{}>",
        name(user),
        picture(address),
        escape(&groups.join(" ")),
        escape(address),
        described(step.wrong),
    );
    step.form("Add a second factor", &fields, &format!("<button>Verify</button>{BACK}"))
}

/// The picture that authenticators scan, as lines of a drawing; empty where the text is too long for one.
fn picture(text: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return String::new() };
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + 4, y + 4);
        }
    }
    format!(
        "<svg class=\"qr\" role=\"img\" aria-label=\"The key as a QR code\" viewBox=\"0 0 {0} {0}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{0}v{0}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>",
        size + 8
    )
}

/// Shows recovery codes, this once.
pub fn recovery_codes(step: &Step<'_>, codes: &[RecoveryCode]) -> Reply {
    let mut list = String::new();
    for code in codes {
        let text = code.expose();
        let groups: Vec<&str> = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
        let _ = write!(list, "<li>{}</li>", escape(&groups.join("-")));
    }
    let fields = format!(
        "<p>Keep these codes where you find them without your authenticator. Each works once instead of it, and they \
         are not shown again.</p><ul class=\"codes\">{list}</ul>"
    );
    step.form("Your recovery codes", &fields, "<button name=\"kept\" value=\"1\" autofocus>Continue</button>")
}

/// Asks for a new password, in the place of one that has expired. What was wrong has the focus: the new password, or
/// the current one.
pub fn new_password(step: &Step<'_>, user: &str, new_is_wrong: bool) -> Reply {
    let field = |id: &str, label: &str, kind: &str, more: &str| {
        format!(
            "<label for=\"{id}\">{label}</label><input type=\"password\" id=\"{id}\" name=\"{id}\" autocomplete=\"{kind}\" required{more}>"
        )
    };
    let wrong = format!(" autofocus{}", described(step.wrong));
    let (current, new) = match new_is_wrong {
        true => ("", wrong.as_str()),
        false => (wrong.as_str(), ""),
    };
    let fields = format!(
        "<p>{}</p><p>Your password has expired. Choose another, of 8 characters or more.</p>{}{}{}",
        name(user),
        field("passwd", "Current password", "current-password", current),
        field("new_passwd", "New password", "new-password", new),
        field("new_passwd_again", "New password again", "new-password", ""),
    );
    step.form("Choose a new password", &fields, &format!("<button>Sign in</button>{BACK}"))
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_key_becomes_a_drawing_and_a_text_without_end_none() {
        assert!(picture("otpauth://totp/Contoso:ada?secret=GEZDGNBV").contains("viewBox=\"0 0 37 37\""));
        assert_eq!(picture(&"x".repeat(5000)), "");
    }
}
