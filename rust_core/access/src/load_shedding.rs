//! Load shedding: while a queue of calls stands, every principal gets the same number of calls
//! admitted, and the rest are refused.
//!
//! A queue may be long for a moment: a burst that is over soon is admitted whole. That a queue may
//! be long but must not stay so is the idea of CoDel (RFC 8289).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long a queue may stand before calls are refused.
const GRACE: Duration = Duration::from_millis(20);
/// The same for a queue that comes back within [`RECENT`] after calls were refused.
const GRACE_AGAIN: Duration = Duration::from_millis(3);
const RECENT: Duration = Duration::from_millis(200);
/// Calls that are admitted in each period even so: of a flood that the service can only just
/// refuse, no call would be answered otherwise.
const ADMITTED: u64 = 64;
const PERIOD: Duration = Duration::from_millis(10);

/// Decides over the calls of one method.
#[derive(Debug, Default)]
pub struct LoadShedder {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when the queue stands.
    standing: Option<Instant>,
    /// When the current period began.
    period: Option<Instant>,
    /// When a call was last refused.
    refused: Option<Instant>,
    /// Calls admitted in the current period, by principal.
    admitted: HashMap<Arc<str>, u64>,
}

/// A call that is to be refused, since its principal had its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed;

impl LoadShedder {
    /// A shedder whose queue does not stand.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the queue does not stand.
    pub fn queue_is_short(&self) {
        let mut state = self.state.lock();
        if state.standing.take().is_some() {
            state.admitted.clear();
        }
    }

    /// Decides over a call that came while more than [`MAX_QUEUED_CALLS`](crate::limits::MAX_QUEUED_CALLS) waited.
    pub fn try_admit(&self, principal: &Arc<str>, now: Instant) -> Result<(), Shed> {
        let mut state = self.state.lock();
        let standing = *state.standing.get_or_insert(now);
        let recently = state
            .refused
            .is_some_and(|refused| now.saturating_duration_since(refused) < RECENT);
        let grace = if recently { GRACE_AGAIN } else { GRACE };
        if now.saturating_duration_since(standing) < grace {
            return Ok(());
        }
        let over = state
            .period
            .is_none_or(|period| now.saturating_duration_since(period) > PERIOD);
        if over {
            state.period = Some(now);
            state.admitted.clear();
        }
        let principals = state.admitted.len() as u64;
        let own = state.admitted.get(principal).copied().unwrap_or(0);
        if own * principals >= ADMITTED {
            state.refused = Some(now);
            return Err(Shed);
        }
        match state.admitted.get_mut(principal) {
            Some(admitted) => *admitted += 1,
            None => {
                state.admitted.insert(Arc::clone(principal), 1);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> HashMap<char, Arc<str>> {
        ('a'..='h')
            .map(|name| (name, Arc::from(name.to_string())))
            .collect()
    }

    /// Admitted calls by principal, of calls that come at one time.
    fn admitted(shedder: &LoadShedder, calls: &str, now: Instant) -> HashMap<char, u64> {
        let names = names();
        let mut admitted = HashMap::new();
        for call in calls.chars() {
            if shedder.try_admit(&names[&call], now).is_ok() {
                *admitted.entry(call).or_default() += 1;
            }
        }
        admitted
    }

    #[test]
    fn a_burst_that_is_over_soon_is_admitted_whole() {
        let shedder = LoadShedder::new();
        let mut now = Instant::now();
        for _ in 0..3 {
            assert_eq!(admitted(&shedder, &"a".repeat(1000), now)[&'a'], 1000);
            now += Duration::from_millis(30);
            shedder.queue_is_short();
        }
    }

    #[test]
    fn of_a_queue_that_stands_every_principal_gets_as_much() {
        let shedder = LoadShedder::new();
        let begin = Instant::now();
        admitted(&shedder, "a", begin);
        let calls = format!("ab{}c", "aaaab".repeat(100));
        let found = admitted(&shedder, &calls, begin + Duration::from_millis(30));
        assert_eq!(found[&'a'], found[&'b']);
        assert!((20..64).contains(&found[&'a']), "{found:?}");
        assert_eq!(found[&'c'], 1);
    }

    #[test]
    fn a_queue_that_comes_back_has_less_grace_than_a_new_one() {
        let shedder = LoadShedder::new();
        let begin = Instant::now();
        admitted(&shedder, "a", begin);
        let later = begin + Duration::from_millis(30);
        assert!(admitted(&shedder, &"a".repeat(100), later)[&'a'] < 100);
        shedder.queue_is_short();
        admitted(&shedder, "a", later);
        let again = later + Duration::from_millis(10);
        assert!(admitted(&shedder, &"a".repeat(100), again)[&'a'] < 100);
    }

    proptest! {
        /// Principals that always have a call waiting are admitted equally often, and all together
        /// as often as a period allows.
        #[test]
        fn shedding_admits_equally(principals in 1..8usize, greed in 1..20usize) {
            let shedder = LoadShedder::new();
            let begin = Instant::now();
            admitted(&shedder, "a", begin);
            let names: String = ('a'..='h').take(principals).collect();
            // The first principal is greedy; the others call once each time.
            let round = format!("{}{names}", "a".repeat(greed));
            let found = admitted(&shedder, &(names.clone() + &round.repeat(100)), begin + GRACE);
            let least = found.values().min().copied().unwrap_or(0);
            let most = found.values().max().copied().unwrap_or(0);
            prop_assert_eq!(found.len(), principals);
            prop_assert!(most <= least + 1, "{:?}", found);
            let all: u64 = found.values().sum();
            prop_assert!(all >= ADMITTED && all < ADMITTED + principals as u64 + 1, "{:?}", found);
        }
    }
}
