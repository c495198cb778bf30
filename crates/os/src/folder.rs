//! Standard folders of the person who runs the program.

use etcetera::BaseStrategy;
use std::path::PathBuf;

/// The folder for a program's data: `$XDG_DATA_HOME` or `~/.local/share` on Linux and macOS, `%APPDATA%` on Windows.
/// `None`: the person has no home folder.
#[must_use]
pub fn data() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|folders| folders.data_dir())
}
