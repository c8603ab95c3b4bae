//! The best suggestions after a place in their order, kept while the inbox passes by.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use ee_core::namespace::{Match, Ranking};
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

/// An item of the inbox and the category that a Match lists first for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The item's key.
    pub item: String,
    /// The category.
    pub best: Match,
    /// The category that a Match lists second.
    pub runner_up: Option<Match>,
    /// The lead of the first category over the second, as in a Match.
    pub margin: Option<f64>,
}

impl Suggestion {
    /// What a ranking of two categories suggests for an item.
    pub(super) fn of(item: &str, ranking: Ranking) -> Option<Self> {
        let mut matches = ranking.matches.into_iter();
        Some(Self {
            best: matches.next()?,
            runner_up: matches.next(),
            margin: ranking.margin,
            item: item.to_owned(),
        })
    }

    /// Its place.
    pub fn place(&self) -> Place {
        Place {
            margin: self.margin(),
            rank_score: self.best.rank_score,
            item: self.item.clone(),
        }
    }

    /// The margin; infinite if only one category is ranked.
    pub(super) fn margin(&self) -> f64 {
        self.margin.unwrap_or(f64::INFINITY)
    }
}

/// The suggestions of one category.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestionGroup {
    /// The category's key.
    pub category: Arc<str>,
    /// Number of its suggestions.
    pub count: u64,
    /// The surest of them, in order.
    pub suggestions: Vec<Suggestion>,
}

/// Whether the largest margins and rank scores come first (−1) or the smallest (1).
type Sign = f64;
const LARGEST_FIRST: Sign = -1.0;
const SMALLEST_FIRST: Sign = 1.0;

/// A suggestion in its order; the top of a heap is the last one.
struct Kept {
    numbers: [f64; 2],
    suggestion: Suggestion,
}

impl Kept {
    fn new(suggestion: Suggestion, sign: Sign) -> Self {
        let numbers = numbers(sign, suggestion.margin(), suggestion.best.rank_score);
        Self {
            numbers,
            suggestion,
        }
    }

    fn in_order(&self, numbers: &[f64; 2], item: &str) -> Ordering {
        let [margin, rank_score] = [0, 1].map(|at| self.numbers[at].total_cmp(&numbers[at]));
        let by_item = || self.suggestion.item.as_str().cmp(item);
        margin.then(rank_score).then_with(by_item)
    }

    fn is_after(&self, place: &Place, sign: Sign) -> bool {
        let numbers = numbers(sign, place.margin, place.rank_score);
        self.in_order(&numbers, &place.item).is_gt()
    }
}

/// The numbers by which suggestions are ordered, ascending; zeros are positive.
fn numbers(sign: Sign, margin: f64, rank_score: f64) -> [f64; 2] {
    [sign * margin + 0.0, sign * rank_score + 0.0]
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.in_order(&other.numbers, &other.suggestion.item)
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

/// The first suggestions in order, at most so many.
struct First {
    most: usize,
    heap: BinaryHeap<Kept>,
}

impl First {
    fn new(most: usize) -> Self {
        let heap = BinaryHeap::new();
        Self { most, heap }
    }

    fn push(&mut self, kept: Kept) {
        if self.heap.len() < self.most {
            self.heap.push(kept);
        } else if let Some(mut last) = self.heap.peek_mut()
            && kept < *last
        {
            *last = kept;
        }
    }

    fn into_sorted(self) -> Vec<Suggestion> {
        let kept = self.heap.into_sorted_vec().into_iter();
        kept.map(|kept| kept.suggestion).collect()
    }
}

/// The part of a list of suggestions that one call returns, while the inbox passes by.
pub(super) struct List<'a> {
    order: &'a SuggestOrder,
    limit: usize,
    count: u64,
    first: First,
    groups: FxHashMap<Arc<str>, (u64, First)>,
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

    pub(super) fn push(&mut self, suggestion: Suggestion) {
        self.count += 1;
        let (sign, after) = match self.order {
            SuggestOrder::Surest(after) => (LARGEST_FIRST, after),
            SuggestOrder::MostDoubtful(after) => (SMALLEST_FIRST, after),
            SuggestOrder::Grouped { size, .. } => {
                let category = Arc::clone(&suggestion.best.category);
                let group = self.groups.entry(category);
                let (count, first) = group.or_insert_with(|| (0, First::new(*size)));
                *count += 1;
                first.push(Kept::new(suggestion, LARGEST_FIRST));
                return;
            }
        };
        let kept = Kept::new(suggestion, sign);
        if after
            .as_ref()
            .is_none_or(|after| kept.is_after(after, sign))
        {
            self.first.push(kept);
        }
    }

    /// The number of all suggestions, those to return, and the groups to return.
    pub(super) fn finish(self) -> (u64, Vec<Suggestion>, Vec<SuggestionGroup>) {
        let suggestions = self.first.into_sorted();
        let SuggestOrder::Grouped { after, .. } = self.order else {
            return (self.count, suggestions, Vec::new());
        };
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_unstable_by(|(a, (more, _)), (b, (less, _))| less.cmp(more).then(a.cmp(b)));
        let is_after = |category: &str, count: u64| {
            after.as_ref().is_none_or(|(before, key)| {
                count < *before || count == *before && category > key.as_str()
            })
        };
        let groups = groups
            .into_iter()
            .filter(|(category, (count, _))| is_after(category, *count))
            .take(self.limit)
            .map(|(category, (count, first))| SuggestionGroup {
                category,
                count,
                suggestions: first.into_sorted(),
            });
        (self.count, suggestions, groups.collect())
    }
}
