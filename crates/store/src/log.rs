//! Log lines about an unavailable store. Every request fails then, so the number of lines is limited.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(1);

static AWAY: Limit = Limit::new();

/// Logs a failure because of an unavailable store, at most once a second for the whole process. The line has the
/// number of lines that were suppressed since the last one.
pub fn away(what: &str, cause: &dyn Display) {
    if let Some(suppressed) = AWAY.pass(Instant::now()) {
        tracing::warn!(%cause, suppressed, "{what}");
    }
}

/// Lets one line pass each second and counts the others.
#[derive(Debug)]
struct Limit(Mutex<Lines>);

#[derive(Debug)]
struct Lines {
    last: Option<Instant>,
    suppressed: u64,
}

impl Limit {
    const fn new() -> Self {
        Self(Mutex::new(Lines { last: None, suppressed: 0 }))
    }

    /// Whether a line may be logged: the number of lines that were suppressed since the last one, or `None`.
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            lines.suppressed += 1;
            return None;
        }
        lines.last = Some(now);
        Some(std::mem::take(&mut lines.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_says_how_many_were_left_out_row_153() {
        let (limit, begun) = (Limit::new(), Instant::now());
        let told = [0, 1, 500, 999, 1000, 1999, 5000].map(|at| limit.pass(begun + Duration::from_millis(at)));
        assert_eq!(told, [Some(0), None, None, None, Some(3), None, Some(1)]);
    }
}
