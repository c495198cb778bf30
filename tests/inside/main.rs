//! Black-box tests inside one process.

mod laws;
