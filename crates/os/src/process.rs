//! Process-wide settings: thread priority, core files, and whether a process exists.

use crate::system;
use std::io;

/// How far a thread's priority is lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveWay {
    /// Slightly, so that it runs after the few threads for which many others wait.
    ToFew,
    /// Further, so that it runs after all threads that serve requests.
    ToAll,
}

/// Lowers the priority of the calling thread. If the system refuses, the priority stays, which affects only the
/// speed.
pub fn give_way(how: GiveWay) {
    system::give_way(how);
}

/// Disables core files, which would contain keys. Windows writes none by default.
///
/// # Errors
/// Errors of the operating system.
pub fn no_core_files() -> io::Result<()> {
    system::no_core_files()
}

/// Whether a process with this id exists, also if it belongs to another user.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    system::is_alive(pid)
}

/// Lowers the priority of the calling thread on systems where `nice` would affect the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_thread(how: GiveWay) {
    use thread_priority::{ThreadPriority, set_current_thread_priority};
    let value = match how {
        GiveWay::ToFew => 40u8,
        GiveWay::ToAll => 20,
    };
    if let Ok(value) = value.try_into() {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends() {
        assert!(is_alive(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!is_alive(pid));
        assert!(!is_alive(0) && !is_alive(u32::MAX));
    }
}
