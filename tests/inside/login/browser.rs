//! A browser without script, for the pages: the kit's.

pub(super) use carnet_tests::browser::{Browser, flow};
