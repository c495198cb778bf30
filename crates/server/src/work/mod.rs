//! Slow work on threads of its own.

pub mod hash;
pub mod issuers;
pub mod pace;
pub mod second_factor;
