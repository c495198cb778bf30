//! Black-box tests inside one process.

mod architecture;
mod laws;
