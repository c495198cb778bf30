//! How long a client secret lives.

use super::bad;
use crate::{access::Caller, directory::Directory, refusal::Refusal};
use carnet_wire::time::Timestamp;

/// Seconds for which a secret is valid when no end is asked for: two years, as at Graph.
const SECRET_LIFETIME: i64 = 2 * 365 * DAY;
/// A day, in seconds.
const DAY: i64 = 24 * 3600;
/// Seconds by which a client's clock may be ahead when it computes the end of a secret.
const SKEW: i64 = 300;

/// When a secret ends, within what the tenant allows (`security.md`, row 162). An end that is asked for is never
/// shortened. The operator is exempt.
///
/// # Errors
/// [`Refusal::BadRequest`] names the latest end.
pub(super) fn of(
    caller: &Caller,
    directory: &Directory,
    (start, wanted): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let two_years = start.plus_seconds(SECRET_LIFETIME);
    if matches!(caller, Caller::Operator { .. }) {
        return Ok(wanted.unwrap_or(two_years));
    }
    let days = directory.tenant.policy.secret_max_days;
    let latest = now.plus_seconds(i64::from(days.get()) * DAY);
    let end = wanted.unwrap_or(two_years.min(latest));
    if end > latest.plus_seconds(SKEW) {
        let message = format!(
            "endDateTime may be {} at the latest: a secret of this tenant is valid for at most {days} days",
            latest.iso()
        );
        return Err(bad("endDateTime", message));
    }
    if start >= latest {
        let message = format!("startDateTime must lie before {}, the latest end of a secret", latest.iso());
        return Err(bad("startDateTime", message));
    }
    if end <= start || end <= now {
        return Err(bad("endDateTime", "endDateTime must lie after startDateTime and in the future".into()));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use crate::fixture::{admin, directory, everyone, moment, operator};

    #[test]
    fn a_secret_lives_as_long_as_the_tenant_allows_row_162() {
        let mut directory = directory();
        let app =
            create(&everyone(), &directory, New { display_name: "mine".into(), ..New::default() }, &moment())
                .unwrap();
        directory.apply(app.changes);
        let id = app.value.id;
        let now = moment().now;
        let with = |directory: &Directory, caller: &Caller, start: Option<i64>, end: Option<i64>| {
            let at = |days: i64| now.plus_seconds(days * DAY);
            let wanted = NewSecret { start: start.map(at), end: end.map(at), ..NewSecret::default() };
            add_secret(caller, directory, id, wanted, &moment()).map(|it| it.value.0.end)
        };
        assert_eq!(with(&directory, &everyone(), None, None), Ok(now.plus_seconds(SECRET_LIFETIME)));
        assert_eq!(with(&directory, &everyone(), None, Some(731)), Ok(now.plus_seconds(731 * DAY)));
        // A start in the future makes no secret live longer.
        assert_eq!(with(&directory, &everyone(), Some(100), None), Ok(now.plus_seconds(731 * DAY)));
        assert_eq!(with(&directory, &everyone(), Some(-100), Some(731)), Ok(now.plus_seconds(731 * DAY)));
        let latest = now.plus_seconds(731 * DAY).iso();
        for caller in [everyone(), admin()] {
            for (start, end) in
                [(None, Some(732)), (Some(1), Some(732)), (Some(800), None), (None, Some(3_000_000))]
            {
                let told = with(&directory, &caller, start, end).unwrap_err().to_string();
                assert!(told.contains(&latest), "{start:?} {end:?}: {told}");
            }
            for (start, end) in [
                (Some(3), Some(2)),
                (Some(2), Some(2)),
                (None, Some(-1)),
                (Some(-800), None),
                (None, Some(0)),
            ] {
                let told = with(&directory, &caller, start, end).unwrap_err().to_string();
                assert!(told.contains("after startDateTime"), "{start:?} {end:?}: {told}");
            }
        }
        // A client's clock may be ahead a little.
        let ahead = |seconds: i64| {
            let end = Some(now.plus_seconds(731 * DAY + seconds));
            add_secret(&everyone(), &directory, id, NewSecret { end, ..NewSecret::default() }, &moment())
                .is_ok()
        };
        assert_eq!([300, 301].map(ahead), [true, false]);
        let operator = operator();
        assert_eq!(with(&directory, &operator, None, Some(90_000)), Ok(now.plus_seconds(90_000 * DAY)));
        assert_eq!(with(&directory, &operator, None, None), Ok(now.plus_seconds(SECRET_LIFETIME)));
        // A shorter limit is the default, too.
        let days = std::num::NonZeroU32::new(30).unwrap();
        let policy = crate::tenant::Policy { secret_max_days: days, ..Default::default() };
        directory.tenant = crate::tenant::Tenant { policy, ..(*directory.tenant).clone() }.into();
        assert_eq!(with(&directory, &everyone(), None, None), Ok(now.plus_seconds(30 * DAY)));
        let told = with(&directory, &everyone(), None, Some(31)).unwrap_err().to_string();
        assert!(told.contains(&now.plus_seconds(30 * DAY).iso()) && told.contains("30 days"), "{told}");
        let long = NewSecret { name: Some("x".repeat(257)), ..NewSecret::default() };
        assert!(add_secret(&everyone(), &directory, id, long, &moment()).is_err());
    }
}
