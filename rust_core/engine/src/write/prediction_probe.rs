//! Whether people do what Match would have suggested: the figure that says whether it learns.
//!
//! Looked at is the first category of an item (in a namespace where items may be in several: of a
//! new item), since what is moved later was a suggestion's error before. A suggestion is what
//! Match ranks first for the item when the request arrives, before any of its entries.
//!
//! It is asked in the caller's thread, so that no other write waits for it, and costs about the
//! same wherever it is: of a namespace of up to [`SHARE`] components all entries are looked at, of
//! a larger one so many that this is the mean, of one with more than [`MOST`] none.

use std::sync::Arc;

use ee_core::command::{Assignment, Outcome};
use ee_core::kernels::Kernel;
use ee_core::namespace::{Filter, MatchOptions};
use ee_core::scoring::{Query, Scorer};
use ee_core::settings::{MembershipMode, NamespaceSettings};

use crate::catalog::cached_namespace::Loaded;
use crate::shared::Shared;
use crate::store::{Reader, queries};

/// Components of rows that are read for an entry in the mean: half a microsecond, where an entry of
/// a large batch takes some twenty.
const SHARE: u64 = 16 << 10;

/// Components of the largest namespace that is looked at: some milliseconds, once in 4,096 entries.
const MOST: u64 = 64 << 20;

/// What would have been suggested for an entry.
pub(crate) struct Guess {
    entry: usize,
    category: Arc<str>,
}

/// How often suggestions were right and wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) accepted: u64,
    pub(crate) corrected: u64,
}

/// What would be suggested now for some of the entries.
pub(crate) fn before(
    shared: &Shared,
    loaded: &Loaded,
    assignments: &[Assignment],
    kernel: Kernel,
) -> Vec<Guess> {
    let dimension = u64::from(loaded.settings.dimension);
    let cost = loaded.read().header().categories * dimension;
    if cost > MOST {
        return Vec::new();
    }
    let mut reader = None;
    let mut asked = Vec::new();
    for (entry, assignment) in assignments.iter().enumerate() {
        if shared.counters.takes_turn(SHARE, cost)
            && let Some(query) = query(shared, loaded, assignment, &mut reader)
        {
            asked.push((entry, query));
        }
    }
    drop(reader);
    if asked.is_empty() {
        return Vec::new();
    }
    let options = MatchOptions {
        limit: 1,
        min_score: None,
        filter: Filter::default(),
        threads: 1,
    };
    let (entries, queries): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let rankings = loaded.read().rank_with(kernel, &queries, &options, None);
    let first =
        |ranking: ee_core::namespace::Ranking| Some(ranking.matches.first()?.category.clone());
    let guesses = entries.into_iter().zip(rankings.into_iter().map(first));
    guesses
        .filter_map(|(entry, category)| {
            Some(Guess {
                entry,
                category: category?,
            })
        })
        .collect()
}

/// The item's direction, if it has one: of the embedding that the entry brings, or of the stored
/// one. A store that cannot be read is the write's to tell of.
fn query(
    shared: &Shared,
    loaded: &Loaded,
    assignment: &Assignment,
    reader: &mut Option<Reader>,
) -> Option<Query> {
    let scorer = Scorer::of(&loaded.settings);
    if let Some(embedding) = &assignment.item.embedding {
        return scorer.query(embedding);
    }
    if reader.is_none() {
        *reader = Some(shared.readers.begin().ok()?);
    }
    let item = queries::item_by_key(reader.as_ref()?, loaded.id, &assignment.item.key);
    scorer.query(&item.ok()??.embedding)
}

/// What became of guesses.
pub(crate) fn taken(settings: &NamespaceSettings, guesses: &[Guess], outcome: &Outcome) -> Taken {
    let mut taken = Taken::default();
    if let Outcome::Assign(results) = outcome {
        let single = settings.membership == MembershipMode::Single;
        for guess in guesses {
            let result = &results[guess.entry];
            if result.previous.is_none() && (single || result.item_created) {
                let right = result.category == *guess.category;
                taken.accepted += u64::from(right);
                taken.corrected += u64::from(!right);
            }
        }
    }
    taken
}
