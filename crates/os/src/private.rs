//! Files and folders that only their owner can read.
//!
//! On Unix they have the modes 0600 and 0700. On Windows their access control list names the owner, the system and
//! the administrators, and inherits nothing.

use crate::system;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The users who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Only the owner.
    Owner,
    /// All users of this machine.
    Everybody,
}

/// Creates a private file, which must not exist yet.
///
/// # Errors
/// Errors of the file system; [`io::ErrorKind::AlreadyExists`] if the file exists.
pub fn create_new(path: &Path) -> io::Result<File> {
    system::open_private(OpenOptions::new().write(true).create_new(true), path)
}

/// Creates an empty private file, if it does not exist. An existing file keeps its content and its readers.
///
/// # Errors
/// Errors of the file system.
pub fn create(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Replaces a file atomically: writes a temporary file in the same folder and renames it.
///
/// # Errors
/// Errors of the file system. The temporary file is removed.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let temporary = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let written = write_temporary(&temporary, bytes, readers).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| system::keep_names(path))
}

/// Creates a private file with its content atomically. An existing file is not replaced.
///
/// # Errors
/// Errors of the file system; [`io::ErrorKind::AlreadyExists`] if the file exists.
pub fn create_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let written =
        write_temporary(&temporary, bytes, Readers::Owner).and_then(|()| fs::hard_link(&temporary, path));
    let _ = fs::remove_file(&temporary);
    written.and_then(|()| system::keep_names(path))
}

fn write_temporary(temporary: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = match readers {
        Readers::Owner => create_new(temporary)?,
        Readers::Everybody => {
            system::open_shared(OpenOptions::new().write(true).create_new(true), temporary)?
        }
    };
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates a private folder, which must not exist yet.
///
/// # Errors
/// Errors of the file system; [`io::ErrorKind::AlreadyExists`] if the path exists.
pub fn create_folder(path: &Path) -> io::Result<()> {
    system::create_private_folder(path)
}

/// Creates a private folder and its parents, if it does not exist. An existing folder is made private.
///
/// # Errors
/// Errors of the file system; [`io::ErrorKind::NotADirectory`] if the path is not a folder.
pub fn ensure_folder(path: &Path) -> io::Result<()> {
    if !path.exists() {
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        match create_folder(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    if !fs::metadata(path)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a folder"));
    }
    if is_private(path)? {
        return Ok(());
    }
    system::make_private(path)
}

/// Whether only the owner can read a file or folder. On Windows, the system and the administrators are ignored.
///
/// # Errors
/// Errors of the file system, and on Windows of the program that reads access control lists.
pub fn is_private(path: &Path) -> io::Result<bool> {
    system::is_private(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_its_owners_alone_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_new(&path).unwrap().write_all(b"one").unwrap();
        assert!(is_private(&path).unwrap());
        assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        create(&folder.path().join("other")).unwrap();
        assert!(is_private(&folder.path().join("other")).unwrap());
    }

    #[test]
    fn a_whole_file_is_created_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        create_whole(&path, b"one").unwrap();
        assert!(is_private(&path).unwrap());
        assert_eq!(create_whole(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for (text, readers) in [("one", Readers::Everybody), ("two", Readers::Owner)] {
            replace(&path, text.as_bytes(), readers).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(is_private(&path).unwrap(), readers == Readers::Owner);
        }
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inner")).unwrap();
        assert!(replace(&taken, b"x", Readers::Owner).is_err());
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "nothing is left behind: {left:?}");
    }

    #[test]
    fn a_folder_is_created_with_those_above_it_and_taken_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        ensure_folder(&path).unwrap();
        assert!(is_private(&path).unwrap());
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        ensure_folder(&open).unwrap();
        assert!(is_private(&open).unwrap());
        assert_eq!(create_folder(&open).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(ensure_folder(&file).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }
}
