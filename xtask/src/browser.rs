//! Installation of Chromium from Debian's packages, with a font and the tool that makes it trust a CA.

use crate::run::{found, has, install};
use std::path::PathBuf;

/// Required programs and the packages that contain them.
const NEEDED: [(&str, &str); 2] = [("chromium", "chromium"), ("certutil", "libnss3-tools")];

/// Installs Chromium if it is missing, and returns its path.
pub fn chromium() -> Result<PathBuf, String> {
    let mut missing: Vec<&str> = NEEDED.into_iter().filter(|it| !has(it.0)).map(|it| it.1).collect();
    if !PathBuf::from("/usr/share/fonts/truetype/dejavu").is_dir() {
        missing.push("fonts-dejavu-core");
    }
    if !missing.is_empty() {
        install(&missing)?;
    }
    found("chromium").ok_or_else(|| "chromium was installed, but is not on the path".into())
}
