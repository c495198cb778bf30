//! Why a command ends without having done what it was asked, as people and exit codes see it.

use carnet_client::{ClientError, Refused};
use carnet_wire::aadsts::Step;

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    /// One line: what did not happen.
    pub title: String,
    /// Why, in the words of who said so.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused,
    Asked,
    Bug,
    Interrupted,
}

impl Failure {
    /// The request was wrong; nothing was done.
    pub fn asked(title: impl Into<String>) -> Self {
        Self { kind: Kind::Asked, title: title.into(), detail: None, hint: None }
    }

    /// The other side said no, or did not answer.
    pub fn refused(title: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, title: title.into(), detail: None, hint: None }
    }

    /// Our fault.
    pub fn bug(title: impl Into<String>) -> Self {
        Self { kind: Kind::Bug, title: title.into(), detail: None, hint: None }
    }

    /// Ctrl+C was pressed: the person knows, so nothing is said.
    pub const fn interrupted() -> Self {
        Self { kind: Kind::Interrupted, title: String::new(), detail: None, hint: None }
    }

    /// There is something to say about it.
    pub fn is_told(&self) -> bool {
        self.kind != Kind::Interrupted
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The process's exit code.
    pub const fn code(&self) -> u8 {
        match self.kind {
            Kind::Refused => 1,
            Kind::Asked => 2,
            Kind::Bug => 3,
            Kind::Interrupted => 130,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(no) => said_no(&no),
            ClientError::Input(text) => Self::asked(text),
            error @ ClientError::Unreachable { .. } => Self::refused(error.to_string())
                .hint("is the server running, and is its CA given with --ca-file or --ready-file?"),
            error @ ClientError::Unexpected { .. } => Self::refused(error.to_string()),
        }
    }
}

fn said_no(no: &Refused) -> Failure {
    let (who, code) = match no.aadsts {
        Some(number) => ("the sign-in", format!("AADSTS{number}")),
        None => ("the request", format!("{} (HTTP {})", no.code, no.status)),
    };
    let mut failure = Failure::refused(format!("{who} was refused: {code}"));
    let trace = no.trace.as_ref().map(|id| format!("\n  trace id {id}")).unwrap_or_default();
    failure.detail = Some(format!("{}{trace}", no.message));
    failure.hint = no.row().and_then(|row| mend(row.step)).or_else(|| inner(no)).map(str::to_owned);
    failure
}

/// The command that mends a step.
const fn mend(step: Step) -> Option<&'static str> {
    match step {
        Step::Registration => Some(
            "step 1: look at the registration with `carnet app list`, or make one with `carnet app create`",
        ),
        Step::Permissions => Some(
            "step 2: `carnet app permission add` and `carnet app consent` make the API and its permissions available",
        ),
        Step::PublicClient => Some("step 3: `carnet app set APP --public-client on`"),
        Step::Credentials => Some("step 4: `carnet app secret add` or `carnet app certificate add`"),
        Step::RequestToken => {
            Some("step 5: check tenant, client id, scope, user name and password of the request")
        }
        Step::Account => Some("the account or a rule of its tenant stands against it, not the application"),
        Step::Service => Some("the service could not answer; try again"),
    }
}

fn inner(no: &Refused) -> Option<&'static str> {
    match no.inner.as_deref()? {
        "ServicePrincipalNotRegistered" => {
            Some("an administrator user registers the service principal: `carnet register-admin APP`")
        }
        "InsufficientDelegatedPermissions" => {
            Some("step 2: `carnet app permission add` and `carnet app consent`, then get a new token")
        }
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
        assert!(failure.hint.is_some_and(|hint| hint.starts_with("step")));
        assert_eq!(Failure::from(ClientError::Input("x".into())).code(), 2);
    }
}
