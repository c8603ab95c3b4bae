//! Whether calls that are answered together are worth the help of other cores.

use std::time::Duration;

/// Work from which on it is shared. Waking a helper, and its wait for the next piece, take some tens of
/// microseconds of a core that the client may need.
const WORTH: Duration = Duration::from_micros(250);
/// Of so many batches one is not shared, so that the time of a call is known.
const MEASURED: u32 = 32;

/// Decides by the time that calls took on one thread.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// Of one call, in the last batch that was not shared.
    each: Duration,
    /// Batches that were shared since.
    shared: u32,
}

impl Sharing {
    /// The number of threads for the next so many calls, if so many cores are spare beside this one.
    pub(crate) fn threads(&mut self, calls: usize, spare: usize) -> usize {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        if spare == 0 || self.shared >= MEASURED || self.each.saturating_mul(calls) < WORTH {
            self.shared = 0;
            return 1;
        }
        self.shared += 1;
        1 + spare
    }

    /// Notes how long so many calls took on so many threads.
    pub(crate) fn note(&mut self, calls: usize, threads: usize, took: Duration) {
        if threads == 1 && calls > 0 {
            self.each = took / u32::try_from(calls).unwrap_or(u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn much_work_is_shared_and_little_is_not() {
        let mut sharing = Sharing::default();
        assert_eq!(sharing.threads(64, 3), 1, "nothing is known yet");
        sharing.note(64, 1, micros(64 * 40));
        assert_eq!(sharing.threads(64, 3), 4);
        assert_eq!(sharing.threads(64, 0), 1);
        assert_eq!(sharing.threads(6, 3), 1);
        assert_eq!(sharing.threads(7, 3), 4);
        sharing.note(1, 1, micros(3));
        assert_eq!(sharing.threads(64, 3), 1);
    }

    #[test]
    fn the_time_of_a_call_is_measured_now_and_then() {
        let mut sharing = Sharing::default();
        sharing.note(1, 1, micros(1000));
        // On several threads nothing is learned: how well they shared is not known.
        sharing.note(100, 4, micros(1));
        let shared = (0..100).filter(|_| sharing.threads(10, 1) == 2).count();
        assert_eq!(shared, 97);
        assert_eq!(sharing.threads(usize::MAX, 1), 2);
    }
}
