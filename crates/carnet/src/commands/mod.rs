//! One file for each command.

mod routes;
mod up;

use crate::{
    args::{Arguments, Command},
    failure::Failure,
    output::Format,
};

/// How a command prints its data.
#[derive(Debug, Clone)]
pub struct Print {
    format: Format,
    query: Option<String>,
}

impl Print {
    /// Prints data.
    pub fn data(&self, value: &serde_json::Value) -> Result<(), Failure> {
        crate::output::data(self.format, self.query.as_deref(), value)
    }
}

/// Runs the command that was asked for.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let print = Print { format: arguments.output, query: arguments.query };
    match arguments.command {
        Command::Up(up) => up::run(*up).await,
        Command::Routes => routes::run(&print),
        _ => Err(Failure::asked("not yet")),
    }
}
