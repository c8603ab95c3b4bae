//! Dirty sums: which sums are newer in memory than in the store.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

/// Effects that a restart replays in a few tens of milliseconds: below, no sums are written.
const CHEAP_TO_REPLAY: u64 = 8_192;

/// Effects in which each sum is written once, if the sums are few enough.
const EFFECTS_PER_ROUND: u64 = 65_536;

/// Effects for each sum that is written along, at least: a sum has about twice the bytes of an item.
const EFFECTS_PER_SUM: u64 = 8;

/// Effects above which sums are written faster than they become dirty: a second of replay.
const DEAR_TO_REPLAY: u64 = 200_000;

/// The categories whose sums in the store are older than in memory, the longest dirty first.
///
/// Writing each touched sum with each commit would cost twice the bytes of the items themselves.
/// Instead a few of the oldest are written along with later commits, so that the cost is spread and
/// the replay after a restart stays bounded.
///
/// Changes are provisional until [`DirtySums::commit`]: a transaction that is not committed takes its
/// changes back with [`DirtySums::rollback`], or the sums that it popped would count as written.
#[derive(Debug, Default)]
pub(crate) struct DirtySums {
    queue: VecDeque<Dirty>,
    members: FxHashSet<i64>,
    effects: u64,
    /// The fraction of a sum that is due, in parts of [`EFFECTS_PER_ROUND`].
    part: u64,
    /// The changes of the transaction, in order.
    edits: Vec<Edit>,
    /// `effects` and `part` before the transaction.
    before: (u64, u64),
}

/// A category whose sum is dirty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dirty {
    category: i64,
    /// The revision that made the sum differ.
    revision: u64,
    /// `effects` at that time.
    since: u64,
}

#[derive(Debug)]
enum Edit {
    /// Appended to the queue.
    Pushed,
    /// Removed from a place in the queue.
    Removed(usize, Dirty),
}

impl DirtySums {
    /// A revision has changed a category's sum.
    pub(crate) fn touch(&mut self, category: i64, revision: u64) {
        if self.members.insert(category) {
            self.queue.push_back(Dirty {
                category,
                revision,
                since: self.effects,
            });
            self.edits.push(Edit::Pushed);
        }
    }

    /// Counts effects.
    pub(crate) fn count(&mut self, effects: u64) {
        self.effects += effects;
    }

    /// How many of the oldest to write along with a commit of so many effects.
    pub(crate) fn due(&mut self, effects: u64) -> usize {
        let Some(Dirty { since, .. }) = self.queue.front() else {
            return 0;
        };
        let waiting = self.queue.len() as u64;
        let due = match self.effects - since {
            ..CHEAP_TO_REPLAY => 0,
            CHEAP_TO_REPLAY..DEAR_TO_REPLAY => {
                let parts = self.part + effects * waiting;
                self.part = parts % EFFECTS_PER_ROUND;
                (parts / EFFECTS_PER_ROUND).min(effects.div_ceil(EFFECTS_PER_SUM))
            }
            _ => 2 * effects,
        };
        due.min(waiting) as usize
    }

    /// Whether every sum in the store is the one in memory.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes the category that has been dirty for longest: its sum is written now.
    pub(crate) fn pop(&mut self) -> Option<i64> {
        let category = self.queue.front()?.category;
        self.remove(0);
        Some(category)
    }

    /// A category's sum was written elsewhere, or the category was deleted.
    pub(crate) fn forget(&mut self, category: i64) {
        if self.members.contains(&category)
            && let Some(place) = self.queue.iter().position(|each| each.category == category)
        {
            self.remove(place);
        }
    }

    /// The revision up to which the store has all sums.
    pub(crate) fn saved_revision(&self, revision: u64) -> u64 {
        self.queue
            .front()
            .map_or(revision, |first| first.revision - 1)
    }

    /// The transaction was committed.
    pub(crate) fn commit(&mut self) {
        self.edits.clear();
        self.before = (self.effects, self.part);
    }

    /// The transaction was not committed: its changes are taken back.
    pub(crate) fn rollback(&mut self) {
        while let Some(edit) = self.edits.pop() {
            match edit {
                Edit::Pushed => {
                    if let Some(pushed) = self.queue.pop_back() {
                        self.members.remove(&pushed.category);
                    }
                }
                Edit::Removed(place, dirty) => {
                    self.members.insert(dirty.category);
                    self.queue.insert(place, dirty);
                }
            }
        }
        (self.effects, self.part) = self.before;
    }

    fn remove(&mut self, place: usize) {
        if let Some(dirty) = self.queue.remove(place) {
            self.members.remove(&dirty.category);
            self.edits.push(Edit::Removed(place, dirty));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(revisions: std::ops::Range<u64>) -> DirtySums {
        let mut sums = DirtySums::default();
        for revision in revisions {
            sums.touch((revision % 7).cast_signed(), revision);
            sums.count(CHEAP_TO_REPLAY);
        }
        sums.commit();
        sums
    }

    #[test]
    fn a_transaction_that_is_not_committed_leaves_the_dirty_sums_as_they_were() {
        let mut sums = touched(1..30);
        let before = format!("{sums:?}");
        for revision in 30..40 {
            sums.touch(revision, revision as u64);
            sums.forget(revision % 5);
            sums.count(9_000);
            for _ in 0..sums.due(9_000) {
                sums.pop();
            }
        }
        assert_ne!(format!("{sums:?}"), before);
        sums.rollback();
        let (queue, members) = (sums.queue.clone(), sums.members.clone());
        assert_eq!((sums.effects, sums.part), sums.before);
        let fresh = touched(1..30);
        assert_eq!((queue, members), (fresh.queue, fresh.members));
        assert_eq!(sums.saved_revision(99), 0);
    }

    #[test]
    fn a_committed_transaction_is_not_taken_back() {
        let mut sums = touched(1..8);
        assert_eq!(sums.pop(), Some(1));
        sums.commit();
        sums.rollback();
        assert_eq!(sums.saved_revision(99), 1);
    }
}
