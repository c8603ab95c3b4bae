//! The pace of a stream.

use std::time::Duration;

/// How fast a client must send or take the messages of a stream, so that it does not hold the
/// stream's permit indefinitely by sending little. Only the time during which the service waits for
/// the client counts.
#[derive(Clone, Copy, Debug)]
pub struct StreamPace {
    bytes_per_second: f64,
    stall: Duration,
    waited: Duration,
    bytes: u64,
}

impl StreamPace {
    /// A stream that begins.
    ///
    /// A single message may take as long as `stall`. Over the whole stream the client may make
    /// the service wait for `stall` and for the time that its bytes take at `bytes_per_second`.
    pub fn new(bytes_per_second: f64, stall: Duration) -> Self {
        Self {
            bytes_per_second,
            stall,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// How long the client may take for the next message; zero: the stream is to be cancelled.
    pub fn allowance(&self) -> Duration {
        let earned = self.bytes as f64 / self.bytes_per_second;
        let earned = Duration::try_from_secs_f64(earned).unwrap_or(Duration::MAX);
        self.stall
            .saturating_add(earned)
            .saturating_sub(self.waited)
            .min(self.stall)
    }

    /// A message of so many bytes came or was taken after the service had waited for it.
    pub fn advance(&mut self, waited: Duration, bytes: u64) {
        self.waited = self.waited.saturating_add(waited);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_drips_is_out_of_time_and_a_steady_one_never_is() {
        let stall = Duration::from_secs(30);
        let mut drip = StreamPace::new(1024.0, stall);
        assert_eq!(drip.allowance(), stall);
        drip.advance(Duration::from_secs(29), 100);
        assert!(drip.allowance() < Duration::from_secs(2));
        drip.advance(Duration::from_secs(2), 100);
        assert_eq!(drip.allowance(), Duration::ZERO);

        let mut steady = StreamPace::new(1024.0, stall);
        for _ in 0..1000 {
            steady.advance(Duration::from_secs(10), 11_000);
            assert_eq!(steady.allowance(), stall);
        }
    }
}
