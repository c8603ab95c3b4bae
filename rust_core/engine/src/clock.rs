//! The clock, and deadlines.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::{Error, Result};

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    #[cfg(feature = "failpoints")]
    let now = now.saturating_add(crate::failpoints::clock_offset_ms());
    now
}

/// Refuses work whose deadline has passed.
pub(crate) fn check_deadline(deadline: Option<Instant>) -> Result<()> {
    match deadline {
        Some(deadline) if Instant::now() > deadline => Err(Error::DeadlineExceeded),
        _ => Ok(()),
    }
}
