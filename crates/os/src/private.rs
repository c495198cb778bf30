//! Files and folders that only their owner can read.
//!
//! On Unix they have the modes 0600 and 0700. On Windows their access control list names the owner, the system and the
//! administrators, and nothing is inherited from the folder above.

use crate::system;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody on this machine.
    Everybody,
}

/// Creates a file that must not exist yet, for its owner alone.
///
/// # Errors
/// The file system's; [`io::ErrorKind::AlreadyExists`] where the file exists.
pub fn create_new(path: &Path) -> io::Result<File> {
    system::open_private(OpenOptions::new().write(true).create_new(true), path)
}

/// Creates a file for its owner alone where none exists. An existing file keeps its content and its readers.
///
/// # Errors
/// The file system's.
pub fn create(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// Replaces a file as a whole: writes the text beside it and moves it there, so that nobody reads half of it.
///
/// # Errors
/// The file system's. Nothing is left behind then.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let beside = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let written = write_beside(&beside, bytes, readers).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.and_then(|()| system::keep_names(path))
}

/// Creates a file for its owner alone, with its content: nobody reads half of it, and a file that is there stays.
///
/// # Errors
/// The file system's; [`io::ErrorKind::AlreadyExists`] where the file exists.
pub fn create_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("new{}", std::process::id()));
    let _ = fs::remove_file(&beside);
    let written = write_beside(&beside, bytes, Readers::Owner).and_then(|()| fs::hard_link(&beside, path));
    let _ = fs::remove_file(&beside);
    written.and_then(|()| system::keep_names(path))
}

fn write_beside(beside: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = match readers {
        Readers::Owner => create_new(beside)?,
        Readers::Everybody => system::open_shared(OpenOptions::new().write(true).create_new(true), beside)?,
    };
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates a folder for its owner alone; it must not exist yet.
///
/// # Errors
/// The file system's; [`io::ErrorKind::AlreadyExists`] where something exists there.
pub fn create_folder(path: &Path) -> io::Result<()> {
    system::create_private_folder(path)
}

/// Makes sure that a folder exists, with the folders above it, and takes it away from everybody but its owner.
///
/// # Errors
/// The file system's; [`io::ErrorKind::NotADirectory`] where it is no folder.
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
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"));
    }
    if is_private(path)? {
        return Ok(());
    }
    system::make_private(path)
}

/// Nobody but the owner can read a file or folder. On Windows the system and the administrators do not count.
///
/// # Errors
/// The file system's, and on Windows those of the program that reads access control lists.
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
