//! The first suggestions after a place in their order, kept while the inbox passes by.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ee_core::namespace::{Lead, Leads};
use rustc_hash::FxHashMap;

/// The order of suggestions.
#[derive(Clone, Debug, PartialEq)]
pub enum SuggestOrder {
    /// The largest margin first, then the largest rank score, then by key; after a place.
    Surest(Option<Place>),
    /// The smallest margin first, then the smallest rank score, then by key; after a place.
    MostDoubtful(Option<Place>),
    /// By category, the largest group first, then by its key; each the surest first.
    Grouped {
        /// Number of suggestions and key of the group before the first one.
        after: Option<(u64, String)>,
        /// Largest number of suggestions of a group to return.
        size: usize,
    },
}

/// The place of a suggestion in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The margin; infinite if only one category is ranked.
    pub margin: f64,
    /// The rank score of the category.
    pub rank_score: f64,
    /// The item's key.
    pub item: String,
}

/// An item and the categories that a Match lists first and second for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) key: &'a str,
    pub(super) best: Lead,
    pub(super) leads: Leads,
}

impl Found<'_> {
    /// The margin; infinite if only one category is ranked.
    pub(super) fn margin(&self) -> f64 {
        self.leads.margin.unwrap_or(f64::INFINITY)
    }
}

/// Whether the largest margins and rank scores come first (−1) or the smallest (1).
type Sign = f64;
const LARGEST_FIRST: Sign = -1.0;
const SMALLEST_FIRST: Sign = 1.0;

/// The numbers by which suggestions are ordered, ascending; zeros are positive.
fn numbers(sign: Sign, margin: f64, rank_score: f64) -> [f64; 2] {
    [sign * margin + 0.0, sign * rank_score + 0.0]
}

/// Where a suggestion stands in its order.
#[derive(Clone, Copy)]
struct Standing<'a>([f64; 2], &'a str);

impl Standing<'_> {
    fn cmp(&self, other: &Standing<'_>) -> Ordering {
        let [margin, rank_score] = [0, 1].map(|at| self.0[at].total_cmp(&other.0[at]));
        margin.then(rank_score).then_with(|| self.1.cmp(other.1))
    }
}

/// A suggestion that is kept; the top of a heap is the last one in order.
pub(super) struct Kept {
    numbers: [f64; 2],
    pub(super) key: Box<str>,
    pub(super) best: Lead,
    pub(super) leads: Leads,
}

impl Kept {
    fn new(found: &Found<'_>, numbers: [f64; 2]) -> Self {
        Self {
            numbers,
            key: found.key.into(),
            best: found.best,
            leads: found.leads,
        }
    }

    fn standing(&self) -> Standing<'_> {
        Standing(self.numbers, &self.key)
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.standing().cmp(&other.standing())
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Kept {}

/// The first suggestions in order, at most so many. Only what is among them is copied.
struct First {
    most: usize,
    heap: BinaryHeap<Kept>,
}

impl First {
    fn new(most: usize) -> Self {
        let heap = BinaryHeap::new();
        Self { most, heap }
    }

    fn push(&mut self, found: &Found<'_>, sign: Sign) {
        let numbers = numbers(sign, found.margin(), found.best.rank_score);
        if self.heap.len() < self.most {
            self.heap.push(Kept::new(found, numbers));
        } else if let Some(mut last) = self.heap.peek_mut()
            && Standing(numbers, found.key).cmp(&last.standing()).is_lt()
        {
            *last = Kept::new(found, numbers);
        }
    }

    fn into_sorted(self) -> Vec<Kept> {
        self.heap.into_sorted_vec()
    }
}

/// A group of suggestions: their category by slot, their number, and the surest of them.
pub(super) type Group = (u32, u64, Vec<Kept>);

/// The part of a list of suggestions that one call returns, while the inbox passes by.
pub(super) struct List<'a> {
    order: &'a SuggestOrder,
    limit: usize,
    count: u64,
    first: First,
    groups: FxHashMap<u32, (u64, First)>,
}

impl<'a> List<'a> {
    /// An empty list, of which at most `limit` suggestions or groups are returned.
    pub(super) fn new(order: &'a SuggestOrder, limit: usize) -> Self {
        Self {
            order,
            limit,
            count: 0,
            first: First::new(limit),
            groups: FxHashMap::default(),
        }
    }

    pub(super) fn push(&mut self, found: &Found<'_>) {
        self.count += 1;
        let (sign, after) = match self.order {
            SuggestOrder::Surest(after) => (LARGEST_FIRST, after),
            SuggestOrder::MostDoubtful(after) => (SMALLEST_FIRST, after),
            SuggestOrder::Grouped { size, .. } => {
                let group = self.groups.entry(found.best.slot);
                let (count, first) = group.or_insert_with(|| (0, First::new(*size)));
                *count += 1;
                first.push(found, LARGEST_FIRST);
                return;
            }
        };
        let is_after = |after: &Place| {
            let own = numbers(sign, found.margin(), found.best.rank_score);
            let place = numbers(sign, after.margin, after.rank_score);
            let place = Standing(place, &after.item);
            Standing(own, found.key).cmp(&place).is_gt()
        };
        if after.as_ref().is_none_or(is_after) {
            self.first.push(found, sign);
        }
    }

    /// The number of all suggestions, those to return, and the groups to return; `key` is that of a
    /// category by slot.
    pub(super) fn finish<'k>(self, key: impl Fn(u32) -> &'k str) -> (u64, Vec<Kept>, Vec<Group>) {
        let suggestions = self.first.into_sorted();
        let SuggestOrder::Grouped { after, .. } = self.order else {
            return (self.count, suggestions, Vec::new());
        };
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_unstable_by(|(a, (more, _)), (b, (less, _))| {
            less.cmp(more).then_with(|| key(*a).cmp(key(*b)))
        });
        let is_after = |slot: u32, count: u64| {
            after.as_ref().is_none_or(|(before, after)| {
                count < *before || count == *before && key(slot) > after.as_str()
            })
        };
        let groups = groups
            .into_iter()
            .filter(|(slot, (count, _))| is_after(*slot, *count))
            .take(self.limit)
            .map(|(slot, (count, first))| (slot, count, first.into_sorted()));
        (self.count, suggestions, groups.collect())
    }
}
