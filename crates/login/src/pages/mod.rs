//! The pages that people see while signing in.

mod about;
pub mod consent;
mod device;
mod end;
mod entry;
mod explain;

pub use about::{About, about};
pub use device::{confirm_device, device_done, user_code};
pub use end::{empty, explained, form_post, sign_out, signed_out, unknown_code};
pub use entry::{
    Account, choose_account, enrol, new_password, password, recovery, recovery_codes, second_factor,
    user_name,
};
