//! Work that is no rule and no store: hashes and searches on threads of their own, keys of outside issuers, one-time
//! passwords, counts of how often is asked, and the memory of request bodies.

pub mod bodies;
pub mod hash;
pub mod issuers;
pub mod pace;
pub mod search;
pub mod second_factor;
