//! What the environment says, read here alone. A flag beats `CARNET_*`, which beats the names the
//! ecosystem uses.

use std::path::PathBuf;

/// One environment variable; empty counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
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
