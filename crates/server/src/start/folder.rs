//! The data folder and the seal key in it.

use super::{Config, StartError};
use crate::listen::ca;
use carnet_wire::{entropy::Entropy, secret::SecretBytes};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// Makes the data folder, for its owner alone.
pub(super) fn prepare(path: &Path) -> Result<(), StartError> {
    let wrong =
        |error: io::Error| StartError::Data { path: path.display().to_string(), cause: error.to_string() };
    if !path.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(wrong)?;
    }
    let found = fs::metadata(path).map_err(wrong)?;
    if !found.is_dir() {
        return Err(wrong(io::Error::other("it is not a folder")));
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(wrong)?;
    }
    Ok(())
}

/// Reads the seal key; the first start makes it.
pub(super) fn seal_key(config: &Config, entropy: &dyn Entropy) -> Result<SecretBytes, StartError> {
    let path = config.seal_key.clone().unwrap_or_else(|| config.data.join("seal.key"));
    if path.exists() || config.seal_key.is_some() {
        return read_seal_key(&path);
    }
    let wrong = |cause: String| StartError::SealKey { path: path.display().to_string(), cause };
    if config.data.join("carnet.db").exists() {
        return Err(wrong("it is missing, though the store is there; put it back".into()));
    }
    let mut bytes = vec![0; 32];
    entropy.fill(&mut bytes);
    ca::write(&path, &bytes, 0o600).map_err(|error| wrong(error.to_string()))?;
    Ok(SecretBytes::new(bytes))
}

/// A seal key that is there.
pub(crate) fn read_seal_key(path: &Path) -> Result<SecretBytes, StartError> {
    let wrong = |cause: String| StartError::SealKey { path: path.display().to_string(), cause };
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() != 32 {
        return Err(wrong(format!("it has {} bytes and not 32", bytes.len())));
    }
    let mode = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(SecretBytes::new(bytes)),
        _ => Err(wrong("others can read it; chmod 600 it".into())),
    }
}
