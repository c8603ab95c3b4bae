//! Suggestions: the inbox against all categories.
//!
//! A call ranks the whole inbox at one revision, some thousand items at a time. The namespace is locked
//! against changes only while a part is ranked; if a write comes between two parts, the call begins
//! again, and after a few such times it keeps the lock until it ends.

mod inbox;
mod list;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use ee_core::namespace::{MatchOptions, Namespace, Ranking};
use ee_core::settings::{Metadata, RankingMode};
use ee_store::View;

pub use self::inbox::INBOX_BYTES;
use self::inbox::{InboxReader, Source, chunk_items};
use self::list::List;
pub use self::list::{Place, SuggestOrder, Suggestion, SuggestionGroup};
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::{CachedNamespace, NamespaceHandle};
use crate::catalog::inbox_cache::InboxItem;
use crate::clock::check_deadline;
use crate::read::members::ReadMembers;
use crate::read::ranking::Ranker;
use crate::{Error, Result};

/// How often a call that writes have overtaken begins again before it keeps writes waiting.
const UNLOCKED_PASSES: usize = 3;

/// What to suggest.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestSpec {
    /// The order, and where to continue.
    pub order: SuggestOrder,
    /// Largest number of suggestions, or of groups.
    pub limit: usize,
    /// Only suggestions of this category.
    pub category: Option<String>,
    /// Least score.
    pub min_score: Option<f64>,
    /// Least margin.
    pub min_margin: Option<f64>,
    /// Only items whose key begins with this.
    pub key_prefix: String,
    /// Only items with these entries of metadata.
    pub metadata: Metadata,
    /// The order of an item's categories; `None`: that of the namespace.
    pub ranking: Option<RankingMode>,
    /// How much fairness counts; `None`: as in a Match.
    pub fairness: Option<f64>,
}

impl SuggestSpec {
    fn admits(&self, item: &InboxItem) -> bool {
        let has = |(key, value): (&String, &String)| item.metadata.get(key) == Some(value);
        item.key.starts_with(&self.key_prefix) && self.metadata.iter().all(has)
    }

    fn lists(&self, suggestion: &Suggestion) -> bool {
        let category = self.category.as_deref();
        category.is_none_or(|key| key == &*suggestion.best.category)
            && self
                .min_score
                .is_none_or(|least| suggestion.best.score >= least)
            && self
                .min_margin
                .is_none_or(|least| suggestion.margin() >= least)
    }
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
        shared.reading(|| {
            let mut loaded = shared.at(&namespace.0, context)?;
            for _ in 0..UNLOCKED_PASSES {
                let opened = shared.read_both(&loaded, |_, view| Ok(view))?;
                let revision = opened.revision;
                loaded = shared.published(&loaded, revision)?;
                let pass = self.pass(&loaded, opened.value, revision, spec, context);
                if let Some(value) = pass.run(None)? {
                    return Ok(At { value, revision });
                }
            }
            loop {
                let found = shared.read_both(&loaded, |published, view| {
                    let revision = published.header().revision;
                    let pass = self.pass(&loaded, view, revision, spec, context);
                    pass.run(Some(published))
                })?;
                if let At {
                    value: Some(value),
                    revision,
                } = found
                {
                    return Ok(At { value, revision });
                }
                check_deadline(context.deadline)?;
            }
        })
    }

    fn pass<'a>(
        &'a self,
        loaded: &'a CachedNamespace,
        view: Box<dyn View>,
        revision: u64,
        spec: &'a SuggestSpec,
        context: ReadContext,
    ) -> Pass<'a> {
        Pass {
            ranker: self,
            loaded,
            view,
            revision,
            spec,
            options: MatchOptions {
                // The margin needs two.
                limit: 2,
                ranking: spec.ranking,
                fairness: spec.fairness,
                threads: self.shared.threads,
                ..MatchOptions::default()
            },
            deadline: context.deadline,
        }
    }
}

/// One pass over the inbox at one revision.
struct Pass<'a> {
    ranker: &'a Ranker<'a>,
    loaded: &'a CachedNamespace,
    view: Box<dyn View>,
    revision: u64,
    spec: &'a SuggestSpec,
    options: MatchOptions,
    deadline: Option<Instant>,
}

impl Pass<'_> {
    /// The suggestions; `None`: a write came between, or other work comes first. `held`: the namespace
    /// at the revision, if it is locked.
    fn run(&self, held: Option<&Namespace>) -> Result<Option<Suggested>> {
        let spec = self.spec;
        if let Some(key) = &spec.category {
            let known = held.map_or_else(|| self.loaded.read().contains(key), |n| n.contains(key));
            if !known {
                return Err(Error::CategoryNotFound { key: key.clone() });
            }
        }
        let mut list = List::new(&spec.order, spec.limit);
        let mut item_count = 0;
        let mut take = |items: &[Arc<InboxItem>]| {
            let items = items.iter().filter(|item| spec.admits(item));
            let items: Vec<&InboxItem> = items.map(|item| &**item).collect();
            item_count += items.len() as u64;
            let Some(rankings) = self.rank(held, &items)? else {
                return Ok(ControlFlow::Break(()));
            };
            for (item, ranking) in items.iter().zip(rankings) {
                if let Some(suggestion) = Suggestion::of(&item.key, ranking)
                    && spec.lists(&suggestion)
                {
                    list.push(suggestion);
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        let reader = InboxReader {
            shared: self.ranker.shared,
            loaded: self.loaded,
            reads: self.view.reads(),
            revision: self.revision,
            deadline: self.deadline,
        };
        let source = reader.source()?;
        if held.is_none() {
            let memory = self.loaded.read().memory_bytes();
            reader.shared.cache.grow(self.loaded.account(memory));
        }
        let flow = match source {
            Source::Memory(inbox) => {
                let size = chunk_items(self.loaded.settings.dimension as usize);
                let mut chunks = inbox.items.chunks(size);
                chunks.try_fold(ControlFlow::Continue(()), |_, chunk| take(chunk))?
            }
            Source::Store => reader.chunks(|chunk| take(&chunk))?,
        };
        if flow.is_break() {
            return Ok(None);
        }
        let (suggestion_count, suggestions, groups) = list.finish();
        Ok(Some(Suggested {
            suggestions,
            groups,
            item_count,
            suggestion_count,
        }))
    }

    /// The first two categories of each item; `None`: see [`Pass::run`].
    fn rank(&self, held: Option<&Namespace>, items: &[&InboxItem]) -> Result<Option<Vec<Ranking>>> {
        let vectors: Vec<&[f32]> = items.iter().map(|item| &*item.embedding).collect();
        loop {
            check_deadline(self.deadline)?;
            let locked;
            let published = match held {
                Some(published) => published,
                None => {
                    locked = self.loaded.read();
                    &locked
                }
            };
            if published.header().revision != self.revision {
                return Ok(None);
            }
            let ranked = self.rank_at(published, &vectors)?;
            if ranked.is_some() || held.is_some() {
                return Ok(ranked);
            }
        }
    }

    /// [`Pass::rank`] at a locked revision; `None`: other work comes first.
    fn rank_at(&self, published: &Namespace, vectors: &[&[f32]]) -> Result<Option<Vec<Ranking>>> {
        let shared = self.ranker.shared;
        let (kernel, tally) = (self.ranker.kernel, Some(&shared.counters.tally));
        let mut members = ReadMembers::new(self.view.reads(), self.loaded.id, published);
        let ranked = members.until_ranked(|more| {
            published.rank_vectors(kernel, vectors, &self.options, more, tally)
        })?;
        let (more, count) = members.finish();
        if count > 0 {
            shared.counters.members_read(count);
            shared.keep_members(self.loaded, published, more);
        }
        Ok(ranked)
    }
}
