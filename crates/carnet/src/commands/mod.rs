//! The commands, one file for each.

mod api;
mod app;
mod keys;
mod quickstart;
mod register_admin;
mod routes;
mod session;
mod setup;
mod signals;
mod tenant_file;
mod token;
mod up;

use crate::{
    args::{Arguments, Command},
    failure::Failure,
    output::Format,
};

/// The output options of a command.
#[derive(Debug, Clone)]
pub struct Print {
    format: Format,
    query: Option<String>,
}

impl Print {
    /// Prints data on standard output.
    pub fn data(&self, value: &serde_json::Value) -> Result<(), Failure> {
        crate::output::data(self.format, self.query.as_deref(), value)
    }
}

/// Runs a command.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let print = Print { format: arguments.output, query: arguments.query };
    match arguments.command {
        Command::Up(up) => up::run(*up).await,
        Command::Keys { verb } => keys::run(&print, verb).await,
        Command::Routes => routes::run(&print),
        Command::Quickstart(quickstart) => quickstart::run(quickstart).await,
        Command::Setup(setup) => setup::run(&print, *setup).await,
        Command::App(app) => app::run(&print, *app).await,
        Command::RegisterAdmin(arguments) => register_admin::run(&print, *arguments).await,
        Command::Token(token) => token::run(&print, *token).await,
        Command::Api(api) => api::run(&print, *api).await,
        Command::Plan(arguments) => tenant_file::plan(&print, *arguments).await,
        Command::Apply(arguments) => tenant_file::apply(&print, *arguments).await,
    }
}
