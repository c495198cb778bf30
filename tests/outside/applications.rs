//! Applications that support Entra ID, in their makers' own releases and with their makers' own configuration for
//! Entra ID, in which only the host differs: people sign in to them, with one factor and with two, with more groups
//! than a token can name, refresh and sign out.
//!
//! Where an application contains Microsoft's host names and no setting changes them, it reaches the server through
//! the proxy of its environment ([`proxy::Proxy`]), which is how its runtime is told of any proxy.

mod app_builder;
mod auth_js;
mod browser;
mod dex;
mod django;
mod oauth2_proxy;
mod proxy;
mod stage;
