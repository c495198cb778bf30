//! What an error code means, for somebody who opens its `error_uri`: what happened, and what to do.

use carnet_wire::aadsts::{Row, Step};

/// The heading and the advice for a code.
pub(super) fn explain(row: &Row) -> (&'static str, &'static str) {
    match row.number {
        50_126 | 50_034 => (
            "The user name or password isn't right",
            "Check both and try again. If you forgot the password, ask your administrator for a new one.",
        ),
        50_053 => (
            "The account is locked for a while",
            "There were too many wrong passwords. Wait a few minutes and try again, or ask your administrator.",
        ),
        50_055 | 50_144 => {
            ("The password has expired", "Sign in with a browser: it asks you to choose a new password.")
        }
        50_057 => ("The account is disabled", "Ask your administrator to enable it."),
        50_058 | 16_000 => (
            "Nobody could be signed in without asking",
            "Sign in again from the application. Applications: send the person to sign in with a page.",
        ),
        50_076 | 50_079 | 50_074 => (
            "A second factor is needed",
            "Sign in with a browser: it asks for the code of your authenticator app.",
        ),
        50_105 => (
            "The account is not assigned to the application",
            "Ask your administrator to assign you, or a group that you are in, to the application.",
        ),
        50_020 | 90_072 => (
            "The account belongs to another organisation",
            "Sign in with an account of the organisation whose application this is.",
        ),
        53_003 => (
            "A rule of the organisation blocked the sign-in",
            "Ask your administrator which rule it is; the details of the error name it.",
        ),
        65_001 => (
            "The application has no consent yet",
            "Sign in with a browser and accept what the application asks for, or ask your administrator to consent.",
        ),
        65_004 => (
            "The request was declined",
            "Somebody chose Cancel. If that was a mistake, go back to the application and start again.",
        ),
        90_094 | 90_095 => (
            "An administrator has to approve the application",
            "It asks for permissions that only an administrator can grant. Ask your administrator to consent.",
        ),
        50_011 | 500_113 | 500_117 => (
            "The redirect URI is not registered",
            "Register the redirect URI of the request with the application, exactly as it is sent.",
        ),
        700_016 => (
            "The application isn't known in this tenant",
            "Check the client id and the tenant of the request, or register the application.",
        ),
        90_002 | 900_023 => {
            ("The tenant isn't known", "Check the tenant id or domain in the address of the request.")
        }
        50_059 | 50_128 => (
            "The request names no tenant",
            "Use the address of your tenant instead of common or organizations.",
        ),
        7_000_215 | 7_000_222 => (
            "The client secret is wrong or has expired",
            "Send the value of a current secret, not its id, or create a new one.",
        ),
        7_000_218 => (
            "The request has no client secret or assertion",
            "Turn the public client switch of the application on, or send a credential.",
        ),
        54_005 | 70_000 | 70_008 | 50_173 | 700_082 => {
            ("The code or refresh token can't be used any more", "Sign in again from the application.")
        }
        70_016 => (
            "The device still waits for somebody to sign in",
            "Open the page that the device shows and enter its code.",
        ),
        70_018..=70_020 | 7_000_014 => {
            ("The device code isn't known or has expired", "Get a new code on the device and enter that one.")
        }
        _ => by_step(row.step),
    }
}

const fn by_step(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Registration => (
            "The application registration doesn't fit the request",
            "Ask the administrator of the application to check its registration.",
        ),
        Step::Permissions => (
            "A permission or its consent is missing",
            "Ask your administrator to check the permissions of the application and to consent to them.",
        ),
        Step::PublicClient => (
            "The kind of client doesn't fit the request",
            "Check the public client switch of the application.",
        ),
        Step::Credentials => (
            "The application could not prove who it is",
            "Check its secrets, certificates and federated credentials.",
        ),
        Step::RequestToken => (
            "The request can't be answered as it was sent",
            "The description of the error names the parameter or value that has to change.",
        ),
        Step::Account => (
            "The account can't be signed in as asked",
            "Sign in again with a browser. If that doesn't help, ask your administrator.",
        ),
        Step::Service => ("The service can't answer right now", "Wait a moment and try again."),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use carnet_wire::aadsts::ALL;

    #[test]
    fn every_code_has_a_heading_and_an_advice() {
        for row in ALL {
            let (what, advice) = explain(row);
            assert!(!what.ends_with('.') && advice.ends_with('.'), "{}", row.number);
        }
    }
}
