//! Work that is no rule and no store: hashes on threads of their own, keys of outside issuers, one-time passwords, and
//! counts of how often is asked.

pub mod hash;
pub mod issuers;
pub mod pace;
pub mod second_factor;
