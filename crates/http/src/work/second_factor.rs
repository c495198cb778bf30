//! One-time passwords by time (RFC 6238): six digits, half a minute, SHA-1, as every authenticator has them.

use carnet_wire::time::Timestamp;
use totp_rs::{Builder, Secret};

/// Seconds that a step takes.
pub const STEP: i64 = 30;
/// Half minutes before and after now that count too.
const SKEW: u16 = 1;

/// The step that a code belongs to, if it is one of the key's now. The step can be spent, so that a code that
/// was seen is of no use.
#[must_use]
pub fn step(key: &str, code: &str, now: Timestamp) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let secret = Secret::try_from_base32(key.trim_end_matches('=').to_ascii_uppercase()).ok()?;
    let totp = Builder::new().with_secret(secret).with_skew(SKEW).build_noncompliant();
    totp.check(&code, u64::try_from(now.seconds()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the ASCII digits 1 to 0 twice, of whose eight digits the last six count.
    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_standards_examples_are_right_within_half_a_minute_and_no_longer() {
        for (seconds, code) in
            [(1_111_111_109, "081804"), (2_000_000_000, "279037"), (1_234_567_890, "005924")]
        {
            let at = |offset: i64| step(KEY, code, Timestamp::from_seconds(seconds + offset));
            assert_eq!(at(0), u64::try_from(seconds / 30).ok(), "{seconds}");
            assert_eq!((at(30), at(-30)), (at(0), at(0)), "{seconds}");
            assert_eq!((at(61), at(-61)), (None, None), "{seconds}");
        }
        for wrong in ["287083", "28708", "2870822", "28708a", ""] {
            assert_eq!(step(KEY, wrong, Timestamp::from_seconds(59)), None, "{wrong}");
        }
        assert!(step(&KEY.to_lowercase(), "287 082", Timestamp::from_seconds(59)).is_some());
        assert_eq!(step("not base32!", "287082", Timestamp::from_seconds(59)), None);
    }
}
