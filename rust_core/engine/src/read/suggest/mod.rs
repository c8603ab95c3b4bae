//! Suggestions: the inbox against all categories.
//!
//! A call ranks the inbox at one revision, some thousand items at a time, by a copy of the categories, so
//! that no write waits for it. What it finds for each item is kept beside the items until the next write:
//! so the next page of the same revision only chooses among it.

mod inbox;
mod list;
mod pass;

use std::sync::Arc;

use ee_core::namespace::{Match, MatchOptions, Namespace};
use ee_core::settings::{Metadata, RankingMode};
use ee_store::View;
use parking_lot::MutexGuard;

pub use self::inbox::INBOX_BYTES;
pub use self::list::{Place, SuggestOrder};
use self::pass::Pass;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::{CachedNamespace, NamespaceHandle};
use crate::catalog::inbox_cache::InboxItem;
use crate::clock::check_deadline;
use crate::read::members::ReadMembers;
use crate::read::ranking::Ranker;
use crate::{Error, Result};

/// The most pairs of an item and a category that one call ranks.
pub const SUGGESTED_PAIRS: u64 = 1_000_000_000;

/// Bytes of categories of which any number of copies may be in use at a time. Of larger ones there is one
/// copy at a time.
const SMALL_COPY_BYTES: usize = 64 << 20;

/// What to suggest.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestSpec {
    /// The order, and where to continue.
    pub order: SuggestOrder,
    /// Largest number of suggestions, or of groups.
    pub limit: usize,
    /// Only suggestions of these categories; empty: of any.
    pub categories: Vec<String>,
    /// Least score.
    pub min_score: Option<f64>,
    /// Largest score.
    pub max_score: Option<f64>,
    /// Least margin.
    pub min_margin: Option<f64>,
    /// Largest margin.
    pub max_margin: Option<f64>,
    /// Only items whose key begins with this.
    pub key_prefix: String,
    /// Only items with these entries of metadata.
    pub metadata: Metadata,
    /// The order of an item's categories; `None`: that of the namespace.
    pub ranking: Option<RankingMode>,
    /// How much fairness counts; `None`: as in a Match.
    pub fairness: Option<f64>,
    /// Whether to report confidences.
    pub confidence: bool,
    /// Least confidence.
    pub min_confidence: Option<f64>,
    /// Only suggestions that do not have this confidence.
    pub below_confidence: Option<f64>,
}

impl SuggestSpec {
    /// Whether the confidence of every suggestion decides about it.
    fn chooses_by_confidence(&self) -> bool {
        self.min_confidence.is_some() || self.below_confidence.is_some()
    }

    /// The slots of the categories of which suggestions are wanted.
    fn slots(&self, namespace: &Namespace) -> Vec<u32> {
        if self.categories.is_empty() {
            return (0..namespace.categories().len() as u32).collect();
        }
        let keys = self.categories.iter();
        keys.filter_map(|key| namespace.slot_of(key)).collect()
    }

    fn admits(&self, item: &InboxItem) -> bool {
        let has = |(key, value): (&String, &String)| item.metadata.get(key) == Some(value);
        item.key.starts_with(&self.key_prefix) && self.metadata.iter().all(has)
    }
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
    /// Its place.
    pub fn place(&self) -> Place {
        Place {
            margin: self.margin.unwrap_or(f64::INFINITY),
            rank_score: self.best.rank_score,
            item: self.item.clone(),
        }
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

/// Suggestions.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// In order; empty if they are grouped.
    pub suggestions: Vec<Suggestion>,
    /// In order; empty unless suggestions are grouped.
    pub groups: Vec<SuggestionGroup>,
    /// Items of the inbox that pass the filters of items.
    pub item_count: u64,
    /// Suggestions that pass all filters.
    pub suggestion_count: u64,
}

impl Ranker<'_> {
    /// Suggests a category for each item of the inbox.
    pub(crate) fn suggest(
        &self,
        namespace: &NamespaceHandle,
        spec: &SuggestSpec,
        context: ReadContext,
    ) -> Result<At<Suggested>> {
        let shared = self.shared;
        let options = MatchOptions {
            ranking: spec.ranking,
            fairness: spec.fairness,
            confidence: spec.confidence || spec.chooses_by_confidence(),
            threads: shared.threads,
            ..MatchOptions::default()
        };
        shared.reading(|| {
            let loaded = shared.at(&namespace.0, context)?;
            let _place = self.place_for_copy(&loaded, context)?;
            loop {
                let opened = shared.read_both(&loaded, |published, view| {
                    self.copy(&loaded, published, view, spec, &options)
                })?;
                let revision = opened.revision;
                if let Some((copy, view)) = opened.value {
                    let pass = Pass {
                        ranker: self,
                        loaded: &loaded,
                        copy: &copy,
                        reads: view.reads(),
                        spec,
                        options: &options,
                        deadline: context.deadline,
                    };
                    let value = pass.run()?;
                    return Ok(At { value, revision });
                }
                check_deadline(context.deadline)?;
            }
        })
    }

    /// Waits while there is a copy of many categories, if there are many here.
    fn place_for_copy(
        &self,
        loaded: &CachedNamespace,
        context: ReadContext,
    ) -> Result<Option<MutexGuard<'_, ()>>> {
        let copies = &self.shared.large_copies;
        if loaded.namespace_bytes() <= SMALL_COPY_BYTES {
            return Ok(None);
        }
        let place = match context.deadline {
            Some(deadline) => copies.try_lock_until(deadline),
            None => Some(copies.lock()),
        };
        place.map(Some).ok_or(Error::DeadlineExceeded)
    }

    /// A copy of the categories, with what fairness and filters of confidence need to know. `None`: so much
    /// was read for this that other work comes first; the next call goes on from there, so that writes
    /// in between do not make it begin again.
    fn copy(
        &self,
        loaded: &CachedNamespace,
        published: &Namespace,
        view: Box<dyn View>,
        spec: &SuggestSpec,
        options: &MatchOptions,
    ) -> Result<Option<(Namespace, Box<dyn View>)>> {
        let mut members = ReadMembers::new(view.reads(), loaded.id, published);
        let known = members
            .until_ranked(|more| {
                published.leads(self.kernel, &[], options, more, None)?;
                if spec.chooses_by_confidence() {
                    published.calibrated(spec.slots(published))?;
                }
                Ok(())
            })?
            .is_some();
        let (more, count) = members.finish();
        if count > 0 {
            self.shared.counters.members_read(count);
            self.shared.keep_members(loaded, published, more);
        }
        let mode = published.ranking_of(options).mode;
        Ok(known.then(|| (published.copy_to_rank(mode, options.confidence), view)))
    }
}
