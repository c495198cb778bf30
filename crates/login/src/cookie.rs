//! Cookies of the sign-in pages: this host's alone, over TLS alone, and no script's (`security.md`, S22).

use carnet_http::{context::Context, route::Call};
use carnet_wire::jose::encode_base64url;

/// A cookie's value, the first of that name.
pub(super) fn read<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let all = call.head.headers.get_all(http::header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut found = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    found.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A `Set-Cookie` value; without a life, in seconds, it ends with the browser.
pub(super) fn set(name: &str, value: &str, life: Option<i64>) -> String {
    let life = life.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}")
}

/// 256 random bits as text.
pub(super) fn random(cx: &Context) -> String {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    cx.state.entropy.fill(bytes.as_mut_slice());
    encode_base64url(bytes.as_slice())
}
