//! The prediction probe: how often a first assignment is the category that Match ranks first. It is the
//! metric that says whether a namespace learns.
//!
//! The probe looks at the first category of an item (in a namespace where items may be in several: of a
//! new item), since an item that is moved later was a wrong prediction before. A prediction is what Match
//! ranks first for the item when the request arrives, before any of the request's entries.
//!
//! The probe predicts in the caller's thread, so that no other write waits for it, and costs about the same
//! everywhere: in a namespace of up to [`SHARE`] components it looks at all entries, in a larger one at so
//! many that this is the mean, in one of more than [`MOST`] at no entry.

use std::sync::Arc;

use ee_core::command::{Assignment, Outcome};
use ee_core::kernels::Kernel;
use ee_core::namespace::{MatchOptions, MoreMembers};
use ee_core::scoring::{Query, Scorer};
use ee_core::settings::{MembershipMode, NamespaceSettings, RankingMode};
use ee_store::View;

use crate::catalog::cached_namespace::CachedNamespace;
use crate::metrics::Predictions;
use crate::shared::Shared;

/// Components of rows that the probe reads per entry, in the mean: one or two microseconds, where an entry
/// of a large batch takes some twenty. A probe takes about two instructions a component, more than a long
/// scan: of few rows many can still be first, and these are scored exactly.
const SHARE: u64 = 4 << 10;

/// Components of the largest namespace that the probe looks at: some milliseconds, once in 4,096 entries.
const MOST: u64 = 64 << 20;

/// Components of rows from which on a caller is told that the probe takes long: some 200 microseconds.
const LONG: u64 = 512 << 10;

/// The category that Match ranks first for an entry.
pub(crate) struct Prediction {
    entry: usize,
    category: Arc<str>,
}

/// What LOCAL takes longer, in components.
const LOCAL: u64 = 4 << 20;

/// Predictions for some of the entries, as of now. `waits` is called before this reads the store, waits for a
/// lock, or takes long.
pub(crate) fn predict(
    shared: &Shared,
    loaded: &CachedNamespace,
    assignments: &[Assignment],
    kernel: Kernel,
    waits: &dyn Fn(),
) -> Vec<Prediction> {
    let dimension = u64::from(loaded.settings.dimension);
    let options = MatchOptions {
        limit: 1,
        threads: 1,
        ..MatchOptions::default()
    };
    let cost = {
        let published = loaded.read_after(waits);
        let scan = published.header().categories * dimension;
        match published.ranking_of(&options).mode {
            RankingMode::Cosine => scan,
            RankingMode::Local => scan + LOCAL,
        }
    };
    if cost > MOST {
        return Vec::new();
    }
    let mut view = None;
    let mut asked = Vec::new();
    for (entry, assignment) in assignments.iter().enumerate() {
        if shared.counters.may_probe(SHARE, cost)
            && let Some(query) = query(shared, loaded, assignment, &mut view, waits)
        {
            asked.push((entry, query));
        }
    }
    drop(view);
    if asked.is_empty() {
        return Vec::new();
    }
    if asked.len() as u64 * cost > LONG {
        waits();
    }
    let (entries, queries): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let more = MoreMembers::default();
    let rankings = loaded
        .read_after(waits)
        .rank_with(kernel, &queries, &options, &more, None);
    let Ok(rankings) = rankings else {
        return Vec::new(); // LOCAL needs members that are not in memory.
    };
    let first =
        |ranking: ee_core::namespace::Ranking| Some(ranking.matches.first()?.category.clone());
    let predictions = entries.into_iter().zip(rankings.into_iter().map(first));
    predictions
        .filter_map(|(entry, category)| {
            Some(Prediction {
                entry,
                category: category?,
            })
        })
        .collect()
}

/// The item's direction, if it has one: of the embedding that the entry brings, or of the stored one. If
/// the store cannot be read, the write reports that.
fn query(
    shared: &Shared,
    loaded: &CachedNamespace,
    assignment: &Assignment,
    view: &mut Option<Box<dyn View>>,
    waits: &dyn Fn(),
) -> Option<Query> {
    let scorer = Scorer::of(&loaded.settings);
    if let Some(embedding) = &assignment.item.embedding {
        return scorer.query(embedding);
    }
    if view.is_none() {
        waits();
        *view = Some(shared.backend.view().ok()?);
    }
    let item = view.as_ref()?.item_by_key(loaded.id, &assignment.item.key);
    scorer.query(&item.ok()??.embedding)
}

/// How the predictions compare with the outcome.
pub(crate) fn compare(
    settings: &NamespaceSettings,
    predictions: &[Prediction],
    outcome: &Outcome,
) -> Predictions {
    let mut compared = Predictions::default();
    if let Outcome::Assign(results) = outcome {
        let single = settings.membership == MembershipMode::Single;
        for prediction in predictions {
            let Some(result) = results.get(prediction.entry) else {
                continue; // The reply does not depend on a metric.
            };
            if result.previous.is_none() && (single || result.item_created) {
                let right = result.category == *prediction.category;
                compared.accepted += u64::from(right);
                compared.corrected += u64::from(!right);
            }
        }
    }
    compared
}
