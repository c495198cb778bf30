//! Implementation for Linux, macOS and other Unix systems.

use crate::{process::GiveWay, signal::Signal};
use rustix::{
    io::Errno,
    process::{Pid, Resource, Rlimit, setrlimit, test_kill_process},
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.mode(0o600).open(path)
}

pub(crate) fn open_shared(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.mode(0o644).open(path)
}

/// Syncs the folder of a file, so that the file's name survives a power failure.
pub(crate) fn keep_names(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

/// On Linux, each thread has a nice value of its own.
#[cfg(target_os = "linux")]
pub(crate) fn give_way(how: GiveWay) {
    let _ = rustix::process::nice(match how {
        GiveWay::ToFew => 5,
        GiveWay::ToAll => 10,
    });
}

/// On other systems, `nice` affects the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_way(how: GiveWay) {
    crate::process::lower_thread(how);
}

pub(crate) fn no_core_files() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(Errno::SRCH)))
}

pub(crate) struct Signals {
    interrupt: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}
