//! The time of entries, from a clock that may be wrong.

/// How far a clock may go back while times in the log stand still, in milliseconds: a day. A clock that
/// goes back further was wrong before, and the log follows it.
pub const MAX_BACK_MS: i64 = 24 * 60 * 60 * 1000;

/// The time of new entries, in milliseconds since the Unix epoch: `now_ms` or, if the clock went back,
/// the time of the newest entry.
pub fn entry_time(now_ms: i64, newest_ms: i64) -> i64 {
    if newest_ms.saturating_sub(now_ms) > MAX_BACK_MS {
        now_ms
    } else {
        now_ms.max(newest_ms)
    }
}
