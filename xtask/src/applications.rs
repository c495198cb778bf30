//! Preparation of third-party applications that support Entra ID, in pinned releases: oauth2-proxy, dex, Auth.js,
//! Django with Microsoft's `identity` package, and Flask-AppBuilder.

use crate::{
    go, node, python,
    run::{root, target},
};
use std::path::PathBuf;

/// The prepared applications. An error says why one is not available.
pub struct Applications {
    /// The program oauth2-proxy.
    pub oauth2_proxy: Result<PathBuf, String>,
    /// The program dex.
    pub dex: Result<PathBuf, String>,
    /// The folder with Auth.js and Express.
    pub node: Result<PathBuf, String>,
    /// A Python interpreter with Django, `identity` and Flask-AppBuilder.
    pub python: Result<PathBuf, String>,
}

/// Builds and installs all applications that an earlier run has not installed.
pub fn prepare() -> Applications {
    let source = |name: &str| root().join("tests/outside/applications").join(name);
    let place = |name: &str| target().join("applications").join(name);
    let program = |name: &str, package: &str| go::build(&source("go").join(name), package, &place(name));
    Applications {
        oauth2_proxy: program("oauth2-proxy", "github.com/oauth2-proxy/oauth2-proxy/v7"),
        dex: program("dex", "github.com/dexidp/dex/cmd/dex"),
        node: node::install_packages(&source("node"), &place("node")),
        python: python::install_packages(&source("python/requirements.txt"), &place("python")),
    }
}
