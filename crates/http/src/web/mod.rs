//! What the pages of all hosts are made of.

pub mod error_page;
pub mod page;
