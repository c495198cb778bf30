//! Standard folders of the current user.

use etcetera::BaseStrategy;
use std::path::PathBuf;

/// The folder for application data: `$XDG_DATA_HOME` or `~/.local/share` on Linux and macOS, `%APPDATA%` on Windows.
/// `None` if the user has no home folder.
#[must_use]
pub fn data() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|folders| folders.data_dir())
}
