//! Why a server does not start.

use crate::seed::SeedError;
use carnet_http::listen::{accept::ListenError, tls::TlsError};
use carnet_store::StoreError;
use std::io;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(
        "the data folder {path} cannot be used: {cause}; choose another with --data, or mend its permissions"
    )]
    Data {
        /// The folder.
        path: String,
        /// Why.
        cause: String,
    },
    /// The seal key.
    #[error("the seal key {path} cannot be used: {cause}")]
    SealKey {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A tenant file, or the first tenant.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The public URL.
    #[error("--public-url `{0}` is not an https address without a path, such as https://carnet.example:8443")]
    PublicUrl(String),
    /// The store keeps another public URL.
    #[error(
        "the public URL of this store is {kept}, and this node was started with {given}: start it with --public-url \
         {kept}, or change the URL of the store with `carnet up --public-url {given} --change-public-url`, which ends \
         all tokens that were issued under {kept}"
    )]
    OtherPublicUrl {
        /// The store's.
        kept: String,
        /// This node's.
        given: String,
    },
    /// A SQLite file keeps no public URL.
    #[error(
        "--change-public-url is for PostgreSQL databases, whose nodes share one public URL; with a SQLite file the \
         server calls itself what --public-url says at each start: leave --change-public-url out"
    )]
    NoPublicUrlToChange,
    /// A name of Microsoft's without a surface here.
    #[error(
        "the name `{0}` is Microsoft's, and this server does not serve the API of that host: leave it out of --host"
    )]
    Host(String),
    /// A public URL with a name of Microsoft's.
    #[error(
        "the name `{0}` is Microsoft's and can't be in --public-url: choose a name of your own. The server answers to Microsoft's names beside it, with Microsoft's issuers"
    )]
    MicrosoftPublicUrl(String),
    /// A policy that only this machine may have.
    #[error(
        "the tenant `{tenant}` has {policy} in its policy, which is for loopback addresses only, and --listen is none"
    )]
    LoopbackOnly {
        /// Its domain.
        tenant: String,
        /// The policy.
        policy: &'static str,
    },
    /// The ready file.
    #[error("the ready file {path} cannot be written: {cause}")]
    ReadyFile {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// The machine.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}
