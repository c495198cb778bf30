//! Reading tenant files and what they name: password files, secret files, environment variables and
//! certificates, relative to the file. Everything is read before anything is changed.

use super::SeedError;
use carnet_wire::{
    jose::Certificate,
    secret::{ClientSecret, Password},
    tenant_file::TenantFile,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A file with everything it names in place.
#[derive(Debug)]
pub struct Loaded {
    /// Where it is.
    pub path: PathBuf,
    /// What it says; every password and secret value is in it.
    pub file: TenantFile,
    /// The bytes whose digest tells whether it changed: its text and what it names.
    pub digested: Vec<u8>,
    /// Certificates, by application in the file's order.
    pub certificates: Vec<Vec<Certificate>>,
}

impl Loaded {
    /// The identifier URIs that the file gives applications.
    #[must_use]
    pub fn identifier_uris(&self) -> Vec<String> {
        self.file.applications.iter().flat_map(|it| it.exposes.identifier_uris.clone()).collect()
    }
}

/// Reads files. `variable` gives environment variables.
///
/// # Errors
/// [`SeedError::File`] names the file, the place and the mend.
pub fn read(paths: &[PathBuf], variable: fn(&str) -> Option<String>) -> Result<Vec<Loaded>, SeedError> {
    paths.iter().map(|path| one(path, variable)).collect()
}

fn one(path: &Path, variable: fn(&str) -> Option<String>) -> Result<Loaded, SeedError> {
    let wrong = |cause: String| SeedError::File { path: path.display().to_string(), cause };
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| wrong(error.to_string()))?;
    let mut file = TenantFile::parse(&text).map_err(|error| wrong(error.to_string()))?;
    let mut source = Source {
        folder: path.parent().unwrap_or(Path::new("")),
        variable,
        digested: text.as_bytes().to_vec(),
    };
    for user in &mut file.users {
        let place = format!("user `{}`", user.name);
        let given = (user.password_file.as_deref(), user.password_env.as_deref());
        if let Some(value) = source
            .value(given, ("password_file", "password_env"))
            .map_err(|why| wrong(format!("{place}: {why}")))?
        {
            user.password = Some(Password::new(value));
        }
    }
    let mut certificates = Vec::new();
    for application in &mut file.applications {
        let place = format!("application `{}`", application.name);
        for secret in &mut application.secrets {
            let given = (secret.value_file.as_deref(), secret.value_env.as_deref());
            let value = source.value(given, ("value_file", "value_env"));
            if let Some(value) =
                value.map_err(|why| wrong(format!("{place}, secret `{}`: {why}", secret.name)))?
            {
                secret.value = Some(ClientSecret::new(value));
            }
        }
        let read = application.certificates.iter().map(|name| source.certificate(name));
        certificates.push(read.collect::<Result<_, _>>().map_err(|why| wrong(format!("{place}: {why}")))?);
    }
    Ok(Loaded { path: path.to_path_buf(), file, digested: source.digested, certificates })
}

struct Source<'a> {
    folder: &'a Path,
    variable: fn(&str) -> Option<String>,
    digested: Vec<u8>,
}

impl Source<'_> {
    /// A value from a file (without its last line end) or from a variable.
    fn value(
        &mut self,
        given: (Option<&str>, Option<&str>),
        keys: (&str, &str),
    ) -> Result<Option<String>, String> {
        let value = match given {
            (Some(name), _) => {
                let text = fs::read_to_string(self.folder.join(name))
                    .map_err(|error| format!("{} {name}: {error}", keys.0))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, Some(name)) => (self.variable)(name)
                .ok_or_else(|| format!("{}: the environment variable {name} is not set", keys.1))?,
            (None, None) => return Ok(None),
        };
        if value.is_empty() {
            return Err(format!("{}: it is empty", if given.0.is_some() { keys.0 } else { keys.1 }));
        }
        self.digested.extend_from_slice(value.as_bytes());
        Ok(Some(value))
    }

    fn certificate(&mut self, name: &str) -> Result<Certificate, String> {
        let bytes =
            fs::read(self.folder.join(name)).map_err(|error| format!("certificate {name}: {error}"))?;
        let certificate =
            Certificate::read(&bytes).map_err(|error| format!("certificate {name}: {error}"))?;
        self.digested.extend_from_slice(&certificate.der);
        Ok(certificate)
    }
}
