//! Points in time: milliseconds since 1970 in the store, seconds in tokens, and Microsoft's two text formats. Nothing
//! in this package reads a clock; the current time is an argument.

use serde::{Deserialize, Serialize};
use std::fmt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A point in time, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The last point in time that can be formatted: the end of the year 9999.
const LAST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Makes a point in time from milliseconds since 1970, limited to the years 1970 to 9999.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 {
            0
        } else if millis > LAST {
            LAST
        } else {
            millis
        })
    }

    /// Makes a point in time from seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as `exp`, `nbf` and `iat` count them.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// This time plus a number of seconds, which may be negative.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time plus a number of milliseconds, which may be negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Parses an ISO 8601 time with any offset, as Graph accepts it.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
        (0..=LAST).contains(&millis).then_some(Self(millis))
    }

    /// Formats as `2026-11-23T02:23:05Z`, with milliseconds only if there are any, as Graph does.
    #[must_use]
    pub fn iso(self) -> String {
        let whole = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        let text = self.date_time().format(&whole).unwrap_or_default();
        match self.0 % 1000 {
            0 => format!("{text}Z"),
            millis => format!("{text}.{millis:03}Z"),
        }
    }

    /// Formats as `2026-11-23 02:23:05Z`, as in the error bodies of the token service.
    #[must_use]
    pub fn plain(self) -> String {
        let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
        self.date_time().format(&form).unwrap_or_default()
    }

    /// Converts to the type of the `time` crate.
    #[must_use]
    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in 0..=LAST) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse_iso(&moment.iso()), Some(moment));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = Timestamp::parse_iso(&text);
        }
    }

    #[test]
    fn the_two_texts_are_microsofts() {
        let moment = Timestamp::from_seconds(1_741_382_744);
        assert_eq!(moment.plain(), "2025-03-07 21:25:44Z");
        assert_eq!(moment.iso(), "2025-03-07T21:25:44Z");
    }

    #[test]
    fn arithmetic_stays_inside_the_calendar() {
        assert_eq!(Timestamp::from_seconds(i64::MAX).plus_seconds(i64::MAX).millis(), LAST);
        assert_eq!(Timestamp::from_millis(-5).millis(), 0);
    }
}
