//! Reads that wait for a revision. Each holds its caller's thread, so there are few of them.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// Reads that may wait at a time.
pub const MAX_WAITING_READS: u32 = 8;

/// Reads of one caller that may wait at a time.
pub const MAX_WAITING_READS_OF_A_CALLER: u32 = 4;

/// The reads that wait, by caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitingReads(Arc<Mutex<FxHashMap<u64, u32>>>);

/// A place among the reads that wait, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    reads: WaitingReads,
    caller: u64,
}

impl WaitingReads {
    /// Takes a place for a caller. Fails with the name and the value of the limit that is reached.
    pub(crate) fn enter(&self, caller: u64) -> Result<Place, (&'static str, u32)> {
        let mut waiting = self.0.lock();
        if waiting.values().sum::<u32>() >= MAX_WAITING_READS {
            return Err(("waiting_reads", MAX_WAITING_READS));
        }
        let own = waiting.entry(caller).or_default();
        if *own >= MAX_WAITING_READS_OF_A_CALLER {
            return Err(("waiting_reads_of_a_caller", MAX_WAITING_READS_OF_A_CALLER));
        }
        *own += 1;
        Ok(Place {
            reads: self.clone(),
            caller,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.reads.0.lock();
        if let Some(own) = waiting.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_for_a_caller_and_in_all_and_come_back() {
        let reads = WaitingReads::default();
        let take = |caller, count| -> Vec<_> {
            (0..count).map(|_| reads.enter(caller).unwrap()).collect()
        };
        let first = take(1, MAX_WAITING_READS_OF_A_CALLER);
        let limit = ("waiting_reads_of_a_caller", MAX_WAITING_READS_OF_A_CALLER);
        assert_eq!(reads.enter(1).unwrap_err(), limit);
        let others = take(2, MAX_WAITING_READS - MAX_WAITING_READS_OF_A_CALLER);
        let limit = ("waiting_reads", MAX_WAITING_READS);
        assert_eq!(reads.enter(3).unwrap_err(), limit);
        drop((first, others));
        assert!(reads.0.lock().is_empty());
        take(3, MAX_WAITING_READS_OF_A_CALLER);
    }
}
