//! The clock, and deadlines.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ee_store::time::MAX_BACK_MS;
use parking_lot::Mutex;

use crate::{Error, Result};

/// How far the clock may get ahead of the time that has passed since the engine was opened, in
/// milliseconds: a day, as it may go back. A wrong clock must neither date writes in another year, nor
/// expire answers to retries, nor trim histories by age.
const MAX_AHEAD_MS: i64 = MAX_BACK_MS;

/// The start of 2026, before this software: a clock before it was not set yet.
const NOT_SET_MS: i64 = 1_767_225_600_000;

/// The clock of an engine. It follows the system's clock, but for a jump ahead beyond [`MAX_AHEAD_MS`]:
/// then it goes on from the time before the jump, until the system's clock is back or the engine is opened
/// again.
pub(crate) struct Clock(Mutex<Option<Start>>);

/// The first reading of a clock that was set.
#[derive(Clone, Copy)]
struct Start {
    system_ms: i64,
    uptime: Duration,
}

impl Clock {
    /// A clock that trusts the system's clock as it is now.
    pub(crate) fn new() -> Self {
        let clock = Self(Mutex::new(None));
        clock.now_ms();
        clock
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        let (system_ms, expected_ms) = self.read();
        if system_ms - expected_ms > MAX_AHEAD_MS {
            expected_ms
        } else {
            system_ms
        }
    }

    /// Seconds that the system's clock is ahead, if it is not followed; otherwise 0.
    pub(crate) fn ahead_seconds(&self) -> u64 {
        let (system_ms, expected_ms) = self.read();
        let ahead = Some(system_ms - expected_ms).filter(|ahead| *ahead > MAX_AHEAD_MS);
        ahead.map_or(0, |ahead| ahead.cast_unsigned() / 1000)
    }

    /// The system's clock, and what it would show if it had gone evenly.
    fn read(&self) -> (i64, i64) {
        let (system_ms, uptime) = (system_ms(), uptime());
        let mut start = self.0.lock();
        if start.is_none() && system_ms >= NOT_SET_MS {
            *start = Some(Start { system_ms, uptime });
        }
        let expected_ms = start.map_or(system_ms, |start| {
            let passed = uptime.saturating_sub(start.uptime).as_millis();
            start.system_ms + i64::try_from(passed).unwrap_or(i64::MAX / 2)
        });
        (system_ms, expected_ms)
    }
}

/// Milliseconds since the Unix epoch, as the system has it.
fn system_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    #[cfg(feature = "failpoints")]
    let now = now.saturating_add(crate::failpoints::clock_offset_ms());
    now
}

/// A time that no one sets, the time asleep included.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// A time that no one sets.
#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    static FIRST: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    FIRST.elapsed()
}

/// Refuses work whose deadline has passed.
pub(crate) fn check_deadline(deadline: Option<Instant>) -> Result<()> {
    match deadline {
        Some(deadline) if Instant::now() > deadline => Err(Error::DeadlineExceeded),
        _ => Ok(()),
    }
}
