//! Times.

use std::ops::RangeInclusive;

use prost_types::Timestamp;

use super::path::Path;
use super::{number, required};
use crate::call_error::{Result, Violations};

/// The seconds that a Timestamp can have: the years 1 to 9999.
const SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time in milliseconds since the Unix epoch.
pub(crate) fn milliseconds(path: Path<'_>, time: Timestamp) -> Result<i64> {
    let Timestamp { seconds, nanos } = time;
    if !SECONDS.contains(&seconds) {
        let range = format_args!("{} to {}", SECONDS.start(), SECONDS.end());
        return Err(number::out_of_range(path.then("seconds"), range, seconds));
    }
    if !(0..1_000_000_000).contains(&nanos) {
        let range = "0 to 999999999";
        return Err(number::out_of_range(path.then("nanos"), range, nanos));
    }
    Ok(seconds * 1000 + i64::from(nanos / 1_000_000))
}

/// A time that must be set.
pub(crate) fn required_time(path: Path<'_>, time: Option<Timestamp>) -> Result<i64> {
    milliseconds(path, time.ok_or_else(|| required(path, "is not set"))?)
}

/// The ends of a period, of which one or both may be unset.
pub(crate) fn period(
    path: Path<'_>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    violations: &mut Violations,
) -> (Option<i64>, Option<i64>) {
    let mut moment = |field, at: Option<_>| {
        let at = at.map(|at| milliseconds(path.then(field), at));
        violations.check(at.transpose())
    };
    let (start_ms, end_ms) = (moment("start_time", start), moment("end_time", end));
    if let (Some(start), Some(end)) = (start_ms, end_ms)
        && start > end
    {
        let range = format_args!("at or after start_time, {start} ms");
        let error = number::out_of_range(path.then("end_time"), range, format_args!("{end} ms"));
        violations.check(Err::<(), _>(error));
    }
    (start_ms, end_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path<'_> = Path::field("item");

    #[test]
    fn times_beyond_the_years_1_to_9999_are_refused() {
        let time = |seconds, nanos| milliseconds(PATH, Timestamp { seconds, nanos });
        assert_eq!(time(*SECONDS.start(), 0).unwrap(), -62_135_596_800_000);
        let last = time(*SECONDS.end(), 999_999_999).unwrap();
        assert_eq!(last, 253_402_300_799_999);
        for (seconds, nanos) in [
            (SECONDS.start() - 1, 0),
            (SECONDS.end() + 1, 0),
            (i64::MAX / 1000, 0),
            (i64::MIN, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            assert!(time(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
    }
}
