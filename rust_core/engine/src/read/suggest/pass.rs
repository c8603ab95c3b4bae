//! One pass over the inbox at one revision.

use std::sync::Arc;
use std::time::Instant;

use ee_core::namespace::{Filter, Lead, Leads, Match, MatchOptions, Namespace};
use ee_core::scoring::Query;
use ee_core::settings::RankingMode;
use ee_store::Reads;

use super::inbox::{InboxReader, Source};
use super::list::{Found, Kept, List};
use super::{SUGGESTED_PAIRS, SuggestSpec, Suggested, Suggestion, SuggestionGroup};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::catalog::inbox_cache::{Block, BlockLeads, InboxItem, RankedBy};
use crate::clock::check_deadline;
use crate::read::members::ReadMembers;
use crate::read::ranking::Ranker;
use crate::{Error, Result};

/// Components of the items that are ranked between two looks at the deadline.
const RANKED_COMPONENTS: usize = 2 << 20;

/// The most items that are ranked between two looks at the deadline; fewer where LOCAL ranks again.
const RANKED_ITEMS: usize = 8192;
const RANKED_ITEMS_LOCAL: usize = 512;

/// The most bytes of members that are held for the rest of a pass.
const MEMBER_BYTES: usize = 256 << 20;

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) ranker: &'a Ranker<'a>,
    pub(super) loaded: &'a CachedNamespace,
    /// The categories.
    pub(super) copy: &'a Namespace,
    /// A view of the same revision.
    pub(super) reads: &'a dyn Reads,
    pub(super) spec: &'a SuggestSpec,
    pub(super) options: &'a MatchOptions,
    pub(super) deadline: Option<Instant>,
}

/// What a pass has found so far.
struct Progress<'a> {
    list: List<'a>,
    item_count: u64,
    members: ReadMembers<'a>,
    /// By slot, whether suggestions of a category are wanted; `None`: of any.
    wanted: Option<Vec<bool>>,
}

impl<'a> Pass<'a> {
    /// The suggestions.
    pub(super) fn run(self) -> Result<Suggested> {
        let mut progress = Progress {
            list: List::new(&self.spec.order, self.spec.limit),
            item_count: 0,
            members: self.members(),
            wanted: self.wanted()?,
        };
        let shared = self.ranker.shared;
        let reader = InboxReader {
            shared,
            loaded: self.loaded,
            reads: self.reads,
            revision: self.revision(),
            has_dismissals: self.copy.header().dismissals > 0,
            deadline: self.deadline,
        };
        let source = reader.source()?;
        let namespace_bytes = self.loaded.read().memory_bytes();
        shared.cache.grow(self.loaded.account(namespace_bytes));
        match source {
            Source::Memory(inbox) => {
                self.check_inbox(&inbox.blocks)?;
                let by = self.ranked_by();
                let mut leads = inbox.ranked(&by);
                let mut rest = leads.as_mut_slice();
                for blocks in self.groups(&inbox.blocks) {
                    let (own, others) = rest.split_at_mut(blocks.len());
                    self.take(blocks, own, &mut progress)?;
                    rest = others;
                }
                inbox.keep_ranked(by, leads);
            }
            Source::Store => reader.chunks(|blocks| {
                for blocks in self.groups(&blocks) {
                    self.take(blocks, &mut vec![None; blocks.len()], &mut progress)?;
                }
                Ok(true)
            })?,
        }
        let key = |slot| self.copy.key(slot);
        let (suggestion_count, suggestions, groups) = progress.list.finish(key);
        let listed = groups.iter().flat_map(|(_, _, own)| own);
        let listed = suggestions.iter().chain(listed);
        self.calibrate(listed, &mut progress.members)?;
        self.keep(progress.members);
        shared.counters.suggested();
        Ok(Suggested {
            suggestions: self.suggestions(suggestions),
            groups: groups
                .into_iter()
                .map(|(slot, count, suggestions)| SuggestionGroup {
                    category: self.copy.key(slot).into(),
                    count,
                    suggestions: self.suggestions(suggestions),
                })
                .collect(),
            item_count: progress.item_count,
            suggestion_count,
        })
    }

    /// Refuses an inbox of which too much passes the filters, before any of it is ranked.
    fn check_inbox(&self, blocks: &[Arc<Block>]) -> Result<()> {
        let all: usize = blocks.iter().map(|block| block.items.len()).sum();
        self.check_pairs(all as u64).or_else(|_| {
            let items = blocks.iter().flat_map(|block| &block.items);
            let admitted = items.filter(|item| self.spec.admits(item));
            self.check_pairs(admitted.count() as u64)
        })
    }

    fn check_pairs(&self, items: u64) -> Result<()> {
        let categories = self.copy.categories().len() as u64;
        if items.saturating_mul(categories) <= SUGGESTED_PAIRS {
            return Ok(());
        }
        Err(Error::InboxTooLarge {
            items,
            categories,
            limit: SUGGESTED_PAIRS,
        })
    }

    fn revision(&self) -> u64 {
        self.copy.header().revision
    }

    fn members(&self) -> ReadMembers<'a> {
        ReadMembers::new(self.reads, self.loaded.id, self.copy)
    }

    fn wanted(&self) -> Result<Option<Vec<bool>>> {
        if self.spec.categories.is_empty() {
            return Ok(None);
        }
        let mut wanted = vec![false; self.copy.categories().len()];
        for key in &self.spec.categories {
            let slot = self.copy.slot_of(key);
            let slot = slot.ok_or_else(|| Error::CategoryNotFound { key: key.clone() })?;
            wanted[slot as usize] = true;
        }
        Ok(Some(wanted))
    }

    fn ranked_by(&self) -> RankedBy {
        let ranking = self.copy.ranking_of(self.options);
        let categories = self.copy.categories().iter();
        RankedBy {
            mode: ranking.mode,
            fairness: ranking.fairness(),
            categories: categories.map(|category| category.id).collect(),
        }
    }

    /// Blocks that are ranked between two looks at the deadline.
    fn groups<'b>(&self, blocks: &'b [Arc<Block>]) -> impl Iterator<Item = &'b [Arc<Block>]> {
        let most = match self.copy.ranking_of(self.options).mode {
            RankingMode::Cosine => RANKED_ITEMS,
            RankingMode::Local => RANKED_ITEMS_LOCAL,
        };
        let most = most.min(RANKED_COMPONENTS / self.loaded.settings.dimension as usize);
        let mut items = 0;
        blocks.chunk_by(move |_, next| {
            items += next.items.len();
            let together = items < most;
            if !together {
                items = 0;
            }
            together
        })
    }

    /// Takes in blocks, of some of which the leads are known. What is found out is known afterwards.
    fn take(
        &self,
        blocks: &[Arc<Block>],
        known: &mut [BlockLeads],
        progress: &mut Progress<'a>,
    ) -> Result<()> {
        check_deadline(self.deadline)?;
        let spec = self.spec;
        let admitted = |block: &Block| -> Vec<bool> {
            let items = block.items.iter();
            items.map(|item| spec.admits(item)).collect()
        };
        let admitted: Vec<Vec<bool>> = blocks.iter().map(|block| admitted(block)).collect();
        let count = admitted.iter().flatten().filter(|&&admitted| admitted);
        progress.item_count += count.count() as u64;
        self.check_pairs(progress.item_count)?;
        let unknown: Vec<&InboxItem> = blocks
            .iter()
            .zip(&admitted)
            .zip(known.iter())
            .filter(|(_, known)| known.is_none())
            .flat_map(|((block, admitted), _)| chosen(&block.items, admitted))
            .collect();
        let mut found = self.leads(&unknown, &mut progress.members)?.into_iter();
        for ((block, admitted), known) in blocks.iter().zip(&admitted).zip(known) {
            let all = admitted.iter().all(|&admitted| admitted);
            let own: Arc<[Leads]> = match known {
                Some(known) if all => Arc::clone(known),
                Some(known) => chosen(known, admitted).copied().collect(),
                None => {
                    let count = admitted.iter().filter(|&&admitted| admitted).count();
                    found.by_ref().take(count).collect()
                }
            };
            for (item, leads) in chosen(&block.items, admitted).zip(&*own) {
                self.push(item, *leads, progress);
            }
            if all {
                *known = Some(own);
            }
        }
        Ok(())
    }

    fn push(&self, item: &InboxItem, leads: Leads, progress: &mut Progress<'a>) {
        let Some(best) = leads.first else {
            return;
        };
        let found = Found {
            key: &item.key,
            best,
            leads,
        };
        let (spec, margin) = (self.spec, found.margin());
        let wanted = progress.wanted.as_ref();
        if wanted.is_none_or(|wanted| wanted[best.slot as usize])
            && spec.min_score.is_none_or(|least| best.score >= least)
            && spec.max_score.is_none_or(|most| best.score <= most)
            && spec.min_margin.is_none_or(|least| margin >= least)
            && spec.max_margin.is_none_or(|most| margin <= most)
            && self.is_as_sure(best)
        {
            progress.list.push(&found);
        }
    }

    /// Whether the confidence of a lead passes.
    fn is_as_sure(&self, lead: Lead) -> bool {
        let spec = self.spec;
        if !spec.chooses_by_confidence() {
            return true;
        }
        let confidence = self.copy.confidence(lead);
        let reaches = |level: f64| confidence.is_some_and(|own| own >= level);
        spec.min_confidence.is_none_or(reaches) && !spec.below_confidence.is_some_and(reaches)
    }

    /// Calibrates the categories of suggestions whose confidences are returned.
    fn calibrate<'k>(
        &self,
        listed: impl Iterator<Item = &'k Kept>,
        members: &mut ReadMembers<'a>,
    ) -> Result<()> {
        if !self.options.confidence {
            return Ok(());
        }
        let leads = listed.flat_map(|kept| [Some(kept.best), kept.leads.second]);
        let slots = leads.flatten().map(|lead| lead.slot);
        let Err(missing) = self.copy.calibrated(slots) else {
            return Ok(());
        };
        for category in missing.uncalibrated {
            check_deadline(self.deadline)?;
            members.calibrate(category)?;
        }
        let published = self.loaded.read();
        if published.header().revision == self.revision() {
            published.add_calibrations(self.copy);
        }
        Ok(())
    }

    /// The leads of each item, among the categories that it was not dismissed from.
    fn leads(&self, items: &[&InboxItem], members: &mut ReadMembers<'a>) -> Result<Vec<Leads>> {
        let mut leads = self.leads_with(self.options, items, members)?;
        for (item, own) in items.iter().zip(&mut leads) {
            if item.dismissed.is_empty() {
                continue;
            }
            let keys = item.dismissed.iter().filter_map(|&id| self.copy.key_of(id));
            let options = MatchOptions {
                filter: Filter {
                    exclude: keys.map(|key| key.to_string()).collect(),
                    ..Filter::default()
                },
                ..self.options.clone()
            };
            let found = self.leads_with(&options, std::slice::from_ref(item), members)?;
            *own = found.first().copied().unwrap_or_default();
        }
        Ok(leads)
    }

    fn leads_with(
        &self,
        options: &MatchOptions,
        items: &[&InboxItem],
        members: &mut ReadMembers<'a>,
    ) -> Result<Vec<Leads>> {
        let queries: Vec<&Query> = items
            .iter()
            .filter_map(|item| item.query.as_ref())
            .collect();
        if queries.is_empty() {
            return Ok(vec![Leads::default(); items.len()]);
        }
        let shared = self.ranker.shared;
        let (kernel, tally) = (self.ranker.kernel, Some(&shared.counters.tally));
        shared.counters.ranked_inbox(queries.len());
        let leads = loop {
            check_deadline(self.deadline)?;
            let ranked = members
                .until_ranked(|more| self.copy.leads(kernel, &queries, options, more, tally))?;
            if let Some(ranked) = ranked {
                break ranked;
            }
        };
        if members.bytes() > MEMBER_BYTES {
            self.keep(std::mem::replace(members, self.members()));
        }
        if leads.len() == items.len() {
            return Ok(leads);
        }
        let mut leads = leads.into_iter();
        let each = |item: &&InboxItem| {
            let found = item.query.as_ref().and_then(|_| leads.next());
            found.unwrap_or_default()
        };
        Ok(items.iter().map(each).collect())
    }

    /// Keeps members that were read, unless a write has come since.
    fn keep(&self, members: ReadMembers<'_>) {
        let (more, count) = members.finish();
        if count == 0 {
            return;
        }
        let shared = self.ranker.shared;
        shared.counters.members_read(count);
        let published = self.loaded.read();
        if published.header().revision == self.revision() {
            shared.keep_members(self.loaded, &published, more);
        }
    }

    fn matched(&self, lead: Lead) -> Match {
        let confidence = self.options.confidence.then(|| self.copy.confidence(lead));
        Match {
            confidence: confidence.flatten(),
            ..self.copy.matched(lead)
        }
    }

    fn suggestions(&self, kept: Vec<Kept>) -> Vec<Suggestion> {
        let suggestion = |kept: Kept| Suggestion {
            item: kept.key.into(),
            best: self.matched(kept.best),
            runner_up: kept.leads.second.map(|lead| self.matched(lead)),
            margin: kept.leads.margin,
        };
        kept.into_iter().map(suggestion).collect()
    }
}

/// Those of a block that are chosen.
fn chosen<'b, T>(of: &'b [T], admitted: &'b [bool]) -> impl Iterator<Item = &'b T> {
    let pairs = of.iter().zip(admitted);
    pairs.filter_map(|(one, &admitted)| admitted.then_some(one))
}
