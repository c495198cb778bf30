//! Environment variables and default folders. An option has precedence over `CARNET_*` variables, and those over the
//! variables of Azure tools.

use std::path::PathBuf;

/// An environment variable; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "only this function reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first of these variables that is set.
pub fn first(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| variable(name))
}

/// The default data folder.
pub fn data_folder() -> Option<PathBuf> {
    if let Some(own) = variable("CARNET_HOME") {
        return Some(PathBuf::from(own).join("data"));
    }
    carnet_os::folder::data().map(|base| base.join("carnet"))
}
