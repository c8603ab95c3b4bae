//! The first entries of an order, kept while many pass by.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A place in an order: the largest value first, then by two keys.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewPlace {
    /// The value.
    pub value: f64,
    /// The first key.
    pub first: String,
    /// The second key.
    pub second: String,
}

impl ReviewPlace {
    fn in_order(&self, other: &Self) -> Ordering {
        let by_value = other.value.total_cmp(&self.value);
        let by_first = || self.first.cmp(&other.first);
        by_value
            .then_with(by_first)
            .then_with(|| self.second.cmp(&other.second))
    }
}

struct Placed<T> {
    place: ReviewPlace,
    entry: T,
}

impl<T> Ord for Placed<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.in_order(&other.place)
    }
}

impl<T> PartialOrd for Placed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Placed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Placed<T> {}

/// The first entries after a place, at most so many.
pub(super) struct First<'a, T> {
    most: usize,
    after: Option<&'a ReviewPlace>,
    /// The top is the last of them.
    heap: BinaryHeap<Placed<T>>,
}

impl<'a, T> First<'a, T> {
    pub(super) fn new(most: usize, after: Option<&'a ReviewPlace>) -> Self {
        let heap = BinaryHeap::new();
        Self { most, after, heap }
    }

    /// Whether an entry with this value may still be among the first.
    pub(super) fn may_take(&self, value: f64) -> bool {
        let last = self.heap.peek().filter(|_| self.heap.len() >= self.most);
        let is_before = last.is_none_or(|last| value >= last.place.value);
        is_before && self.after.is_none_or(|after| value <= after.value)
    }

    pub(super) fn push(&mut self, place: ReviewPlace, entry: impl FnOnce() -> T) {
        if self
            .after
            .is_some_and(|after| place.in_order(after).is_le())
        {
            return;
        }
        if self.heap.len() < self.most {
            let entry = entry();
            self.heap.push(Placed { place, entry });
        } else if let Some(mut last) = self.heap.peek_mut()
            && place.in_order(&last.place).is_lt()
        {
            let entry = entry();
            *last = Placed { place, entry };
        }
    }

    /// The entries with their places, in order.
    pub(super) fn into_sorted(self) -> Vec<(ReviewPlace, T)> {
        let placed = self.heap.into_sorted_vec().into_iter();
        placed.map(|placed| (placed.place, placed.entry)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(value: f64, first: &str, second: &str) -> ReviewPlace {
        ReviewPlace {
            value,
            first: first.to_owned(),
            second: second.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn pages_follow_each_other_and_are_the_whole_order(
            entries in prop::collection::btree_set(("[ab]{1,3}", "[cd]{1,2}", 0..4_u8), 0..40),
            most in 1..7_usize,
        ) {
            let places: Vec<_> = entries
                .iter()
                .map(|(first, second, value)| place(f64::from(*value) / 2.0, first, second))
                .collect();
            let mut expected = places.clone();
            expected.sort_by(ReviewPlace::in_order);
            expected.dedup();
            let mut listed: Vec<ReviewPlace> = Vec::new();
            loop {
                let mut page = First::new(most, listed.last());
                for place in &places {
                    if page.may_take(place.value) {
                        page.push(place.clone(), || ());
                    }
                }
                let page = page.into_sorted();
                prop_assert!(page.len() <= most);
                let is_last = page.is_empty();
                listed.extend(page.into_iter().map(|(place, ())| place));
                if is_last {
                    break;
                }
            }
            listed.dedup();
            prop_assert_eq!(listed, expected);
        }
    }
}
