//! An amount, and the part that each principal holds.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shortage;

/// An amount that is shared out among principals.
#[derive(Debug)]
pub(super) struct Capacity {
    whole: Shortage,
    share: Shortage,
    pub(super) taken: u64,
    /// By principal; without the principals that hold nothing.
    pub(super) held: HashMap<Arc<str>, u64>,
}

impl Capacity {
    pub(super) fn new(whole: (&'static str, u64), share: (&'static str, u64)) -> Self {
        let shortage = |(limit, value)| Shortage { limit, value };
        Self {
            whole: shortage(whole),
            share: shortage(share),
            taken: 0,
            held: HashMap::new(),
        }
    }

    fn held(&self, principal: &str) -> u64 {
        self.held.get(principal).copied().unwrap_or(0)
    }

    /// The limit that an amount would exceed.
    pub(super) fn shortage(&self, principal: &str, amount: u64) -> Option<Shortage> {
        if self.taken.saturating_add(amount) > self.whole.value {
            return Some(self.whole);
        }
        let held = self.held(principal);
        let share = self.share_beside(self.taken - held);
        (held.saturating_add(amount) > share.value).then_some(share)
    }

    /// The share of a principal while others hold so much.
    ///
    /// A fixed share would keep one principal from taking the whole, but not two. So a principal may
    /// hold half of what the others leave (more, if the share is more than half of the whole, and
    /// never more than the share). Then n principals that take what they can get hold equal parts,
    /// and one such part stays free for the next: the dynamic thresholds by which switches share
    /// their buffers (Choudhury and Hahne, 1998).
    fn share_beside(&self, others: u64) -> Shortage {
        let (whole, share) = (u128::from(self.whole.value), u128::from(self.share.value));
        let left = whole - u128::from(others);
        let part = (left * share.max(whole.div_ceil(2))).div_ceil(whole.max(1));
        let value = u64::try_from(part.min(share)).unwrap_or(self.share.value);
        Shortage {
            value,
            ..self.share
        }
    }

    pub(super) fn take(&mut self, principal: &Arc<str>, amount: u64) {
        self.taken += amount;
        match self.held.get_mut(principal) {
            Some(held) => *held += amount,
            None => {
                self.held.insert(Arc::clone(principal), amount);
            }
        }
    }

    pub(super) fn give_back(&mut self, principal: &str, amount: u64) {
        self.taken -= amount;
        if let Some(held) = self.held.get_mut(principal) {
            *held -= amount;
            if *held == 0 {
                self.held.remove(principal);
            }
        }
    }
}
