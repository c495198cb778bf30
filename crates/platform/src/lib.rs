//! The Power Platform's APIs: the Power Platform API and its administration API (BAP).

pub mod bap;
pub mod power_platform;
