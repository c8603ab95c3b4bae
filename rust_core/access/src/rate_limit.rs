//! Rates: a token bucket, which holds a burst and fills with time.

use std::time::{Duration, Instant};

/// A rate in events per second, after a burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Events per second on average; more than 0.
    pub per_second: f64,
    /// Events at once; at least 1.
    pub burst: f64,
}

impl Rate {
    /// A rate with a burst; 0: the calls of one second. A burst is at least 1.
    pub fn new(per_second: f64, burst: f64) -> Self {
        let burst = if burst > 0.0 { burst } else { per_second };
        Self {
            per_second,
            burst: burst.max(1.0),
        }
    }
}

/// The events that a rate still allows.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    level: f64,
    updated: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            level: rate.burst,
            updated: now,
        }
    }

    /// Takes one event, or returns the time until the next one can be taken.
    pub fn try_take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        // Threads may bring their times in another order than they read them in.
        let elapsed = now.saturating_duration_since(self.updated);
        self.updated = self.updated.max(now);
        let filled = self.level + elapsed.as_secs_f64() * rate.per_second;
        self.level = filled.min(rate.burst);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.level) / rate.per_second;
        Err(Duration::try_from_secs_f64(missing).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_is_at_least_one_and_otherwise_a_second() {
        assert_eq!(Rate::new(20.0, 0.0).burst, 20.0);
        assert_eq!(Rate::new(20.0, 5.0).burst, 5.0);
        assert_eq!(Rate::new(0.5, 0.0).burst, 1.0);
    }

    #[test]
    fn an_empty_bucket_returns_the_time_until_the_next_token() {
        let rate = Rate::new(10.0, 2.0);
        let begin = Instant::now();
        let mut bucket = TokenBucket::full(rate, begin);
        assert!(bucket.try_take(rate, begin).is_ok());
        assert!(bucket.try_take(rate, begin).is_ok());
        let wait = bucket.try_take(rate, begin).unwrap_err();
        assert!((wait.as_secs_f64() - 0.1).abs() < 1e-6, "{wait:?}");
        let early = begin + wait - Duration::from_millis(1);
        assert!(bucket.try_take(rate, early).is_err());
        // A time that was read before the last one changes nothing.
        assert!(bucket.try_take(rate, begin).is_err());
        let later = begin + wait + Duration::from_micros(1);
        assert!(bucket.try_take(rate, later).is_ok());
        assert!(bucket.try_take(rate, later).is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_never_exceeds_the_burst_and_the_rate(
            per_second in 0.1..1000.0f64,
            burst in 0.0..50.0f64,
            gaps in prop::collection::vec(0..200_000u64, 1..300),
        ) {
            let rate = Rate::new(per_second, burst);
            let begin = Instant::now();
            let mut bucket = TokenBucket::full(rate, begin);
            let (mut now, mut taken) = (begin, 0u32);
            for gap in gaps {
                now += Duration::from_micros(gap);
                match bucket.try_take(rate, now) {
                    Ok(()) => taken += 1,
                    // After the wait that is told there is one, and not much earlier.
                    Err(wait) => {
                        let mut other = bucket;
                        prop_assert!(other.try_take(rate, now + wait + Duration::from_micros(1)).is_ok());
                        let mut other = bucket;
                        prop_assert!(other.try_take(rate, now + wait.mul_f64(0.99)).is_err());
                    }
                }
                let allowed = rate.burst + (now - begin).as_secs_f64() * rate.per_second;
                prop_assert!(f64::from(taken) <= allowed + 1e-6);
            }
        }
    }
}
