//! Black-box tests inside one process.
