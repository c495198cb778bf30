//! Errors of commands, with messages for the user and exit codes.

use carnet_client::{ClientError, Refused};
use carnet_wire::aadsts::Step;

/// Error: a command failed.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    /// What failed, in one line.
    pub title: String,
    /// The cause, in the words of its source.
    pub detail: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused,
    Usage,
    Bug,
    Interrupted,
}

impl Failure {
    /// A usage error; nothing was done.
    pub fn usage(title: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, title: title.into(), detail: None, hint: None }
    }

    /// The server refused or did not respond.
    pub fn refused(title: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, title: title.into(), detail: None, hint: None }
    }

    /// An internal error.
    pub fn bug(title: impl Into<String>) -> Self {
        Self { kind: Kind::Bug, title: title.into(), detail: None, hint: None }
    }

    /// Ctrl+C was pressed. No message is printed.
    pub const fn interrupted() -> Self {
        Self { kind: Kind::Interrupted, title: String::new(), detail: None, hint: None }
    }

    /// Whether a message is printed.
    pub fn has_message(&self) -> bool {
        self.kind != Kind::Interrupted
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code of the process.
    pub const fn code(&self) -> u8 {
        match self.kind {
            Kind::Refused => 1,
            Kind::Usage => 2,
            Kind::Bug => 3,
            Kind::Interrupted => 130,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) => refused(&refusal),
            ClientError::Input(text) => Self::usage(text),
            error @ ClientError::Unreachable { .. } => Self::refused(error.to_string())
                .hint("check that the server is running and that its CA is specified with --ca-file or --ready-file"),
            error @ ClientError::Unexpected { .. } => Self::refused(error.to_string()),
        }
    }
}

fn refused(refusal: &Refused) -> Failure {
    let (subject, code) = match refusal.aadsts {
        Some(number) => ("the sign-in", format!("AADSTS{number}")),
        None => ("the request", format!("{} (HTTP {})", refusal.code, refusal.status)),
    };
    let mut failure = Failure::refused(format!("{subject} was refused: {code}"));
    let trace = refusal.trace.as_ref().map(|id| format!("\n  trace id {id}")).unwrap_or_default();
    failure.detail = Some(format!("{}{trace}", refusal.message));
    failure.hint = refusal.row().and_then(|row| fix(row.step)).or_else(|| inner(refusal)).map(str::to_owned);
    failure
}

/// The hint for a setup step.
const fn fix(step: Step) -> Option<&'static str> {
    match step {
        Step::Registration => {
            Some("check the application registration (step 1): carnet app list, or carnet app create NAME")
        }
        Step::Permissions => Some(
            "add API permissions and grant admin consent (step 2): carnet app permission add, then carnet app consent",
        ),
        Step::PublicClient => {
            Some("enable the public client switch (step 3): carnet app set APP --public-client on")
        }
        Step::Credentials => {
            Some("add a credential (step 4): carnet app secret add, or carnet app certificate add")
        }
        Step::RequestToken => {
            Some("check the tenant, client ID, scope, user name and password of the request (step 5)")
        }
        Step::Account => {
            Some("the cause is the user's account or a policy of its tenant, not the application")
        }
        Step::Service => Some("the service is temporarily unavailable; try again"),
    }
}

fn inner(refusal: &Refused) -> Option<&'static str> {
    match refusal.inner.as_deref()? {
        "ServicePrincipalNotRegistered" => {
            Some("register the service principal as an administrator: carnet register-admin CLIENT_ID")
        }
        "InsufficientDelegatedPermissions" => Some(
            "add the permission and grant admin consent (step 2), then get a new token: carnet app permission add, then carnet app consent",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_names_its_code_and_the_step_that_mends_it() {
        let body = json!({"error": "invalid_client", "error_description": "AADSTS7000218: no.", "error_codes": [7000218]});
        let failure = Failure::from(ClientError::Refused(Box::new(Refused::read(401, &body))));
        assert_eq!((failure.code(), failure.title.as_str()), (1, "the sign-in was refused: AADSTS7000218"));
        assert!(failure.hint.is_some_and(|hint| hint.contains("(step")));
        assert_eq!(Failure::from(ClientError::Input("x".into())).code(), 2);
    }
}
