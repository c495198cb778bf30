//! Access to the operating system. All calls that differ between systems are in this package, in one file for Unix
//! and one for Windows.
//!
//! Linux is tested. The code for macOS and Windows is written and not tested yet.

pub mod folder;
pub mod private;
pub mod process;
pub mod signal;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;
