//! The data folder and the seal key in it.

use super::{Config, StartError};
use carnet_os::private;
use carnet_wire::{entropy::Entropy, secret::SecretBytes};
use std::{fs, io, path::Path};

/// Makes the data folder, for its owner alone.
pub(super) fn prepare(path: &Path) -> Result<(), StartError> {
    let wrong =
        |error: io::Error| StartError::Data { path: path.display().to_string(), cause: error.to_string() };
    private::ensure_folder(path).map_err(wrong)
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
    match private::create_whole(&path, &bytes) {
        Ok(()) => Ok(SecretBytes::new(bytes)),
        // Another first start on this folder was faster; its key counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_seal_key(&path),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A seal key that is there.
pub(crate) fn read_seal_key(path: &Path) -> Result<SecretBytes, StartError> {
    let wrong = |cause: String| StartError::SealKey { path: path.display().to_string(), cause };
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() != 32 {
        return Err(wrong(format!("it has {} bytes and not 32", bytes.len())));
    }
    if private::is_private(path).map_err(|error| wrong(error.to_string()))? {
        Ok(SecretBytes::new(bytes))
    } else {
        Err(wrong("others can read it; allow only its owner to (on Linux and macOS: chmod 600)".into()))
    }
}
