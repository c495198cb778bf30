//! To be written.

/// Placeholder.
#[derive(Debug)]
pub struct Catalogue;
