//! This process and others: priorities, core files, and whether a process is alive.

use crate::system;
use std::io;

/// How much a thread gives way to the threads of other priorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveWay {
    /// To the one thread that many others wait for.
    ToFew,
    /// To everything that somebody waits for.
    ToAll,
}

/// Lowers the priority of the calling thread. Where the system refuses, the thread runs as before: nothing depends on
/// it but time.
pub fn give_way(how: GiveWay) {
    system::give_way(how);
}

/// Switches core files off: they would hold keys. Windows writes none by itself.
///
/// # Errors
/// The system's.
pub fn no_core_files() -> io::Result<()> {
    system::no_core_files()
}

/// A process with this id exists. Of a process of somebody else that is enough to know.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    system::is_alive(pid)
}

/// Lowers the calling thread where `nice` would lower the whole process.
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
