//! An exclusive lock on the data folder, which the operating system releases when the process ends.

use crate::StoreError;
use std::{
    fs::{File, TryLockError},
    path::Path,
};

/// The lock of a data folder. It is released on drop.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> Result<Self, StoreError> {
        let away = |error: std::io::Error| StoreError::Away(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(away)?;
        let path = folder.join("carnet.lock");
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(away)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_path_buf())),
            Err(TryLockError::Error(error)) => Err(away(error)),
        }
    }
}
