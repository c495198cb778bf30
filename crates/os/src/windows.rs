//! Implementation for Windows.

use crate::{
    process::{GiveWay, lower_thread},
    signal::Signal,
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
    process::{Command, Output},
};
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

/// The security identifiers that keep access: the owner (OWNER RIGHTS), the system, and the administrators.
const KEPT: [&str; 3] = ["*S-1-3-4", "*S-1-5-18", "*S-1-5-32-544"];

/// Sets the access control list before anything is written to the file.
pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.open(path)?;
    grant(path, "F").inspect_err(|_| drop(fs::remove_file(path)))?;
    Ok(file)
}

/// The file inherits the access control list of its folder.
pub(crate) fn open_shared(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// NTFS logs file names, so nothing has to be synced.
#[expect(clippy::unnecessary_wraps, reason = "other systems fail")]
pub(crate) fn keep_names(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    make_private(path)
}

/// Files and folders in it inherit the list.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    grant(folder, "(OI)(CI)F")
}

fn grant(path: &Path, rights: &str) -> io::Result<()> {
    let mut icacls = Command::new("icacls");
    icacls.arg(path).args(["/inheritance:r", "/grant:r"]);
    icacls.args(KEPT.map(|whom| format!("{whom}:{rights}")));
    run(icacls).map(drop)
}

pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    let mut shell = Command::new("powershell");
    shell.args(["-NoProfile", "-NonInteractive", "-Command", "(Get-Acl -LiteralPath $env:CARNET_PATH).Sddl"]);
    shell.env("CARNET_PATH", path);
    let output = run(shell)?;
    Ok(is_private_list(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Whether a security descriptor (Microsoft Learn, "Security Descriptor String Format") gives access only to the
/// owner, OWNER RIGHTS, the system and the administrators.
fn is_private_list(text: &str) -> bool {
    let owner = text.strip_prefix("O:").and_then(|rest| rest.split("G:").next()).unwrap_or_default();
    let Some((_, list)) = text.split_once("D:") else { return false };
    // Without a list, everyone has access.
    if list.starts_with("NO_ACCESS_CONTROL") {
        return false;
    }
    let entries = list.split("S:(").next().unwrap_or_default().split('(').skip(1);
    let denies = |entry: &&str| ["D;", "XD;", "OD;"].iter().any(|kind| entry.starts_with(kind));
    entries.filter(|entry| !denies(entry)).all(|entry| {
        let whom = entry.trim_end_matches(')').rsplit(';').next().unwrap_or_default();
        [owner, "OW", "SY", "BA", "S-1-3-4"].contains(&whom)
    })
}

fn run(mut command: Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{}: {said}", command.get_program().display())))
}

pub(crate) fn give_way(how: GiveWay) {
    lower_thread(how);
}

#[expect(clippy::unnecessary_wraps, reason = "other systems refuse")]
pub(crate) fn no_core_files() -> io::Result<()> {
    Ok(())
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let mut list = Command::new("tasklist");
    list.args(["/NH", "/FO", "CSV", "/FI", &format!("PID eq {pid}")]);
    // Without a match, the output is a sentence in the system's language instead of a line of CSV.
    run(list).is_ok_and(|output| output.stdout.starts_with(b"\""))
}

pub(crate) struct Signals {
    interrupt: CtrlC,
    terminate: CtrlBreak,
    shutdown: CtrlShutdown,
    close: CtrlClose,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
            shutdown: ctrl_shutdown()?,
            close: ctrl_close()?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.shutdown.recv() => Signal::Terminate,
            _ = self.close.recv() => Signal::Hangup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_names_others_is_not_private() {
        let owner = "S-1-5-21-1-2-3-1001";
        let of = |list: &str| is_private_list(&format!("O:{owner}G:S-1-5-21-1-2-3-513D:{list}"));
        assert!(of("PAI(A;;FA;;;OW)(A;;FA;;;SY)(A;;FA;;;BA)"));
        assert!(of(&format!("P(A;OICI;FA;;;{owner})(D;;FA;;;WD)")));
        assert!(!of("PAI(A;;FA;;;OW)(A;;FR;;;BU)"));
        assert!(!of("AI(A;ID;FA;;;S-1-5-21-1-2-3-1002)"));
        assert!(!of("PAI(XA;;FR;;;WD;(@USER.a == 1))"));
        assert!(!of("NO_ACCESS_CONTROL"));
        assert!(!is_private_list(""));
    }
}
