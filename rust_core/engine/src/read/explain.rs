//! Why a query scores as it does: the parts of a score, and what it would be without some of them.
//!
//! Ranks and drafts are of one moment under the namespace's lock; members are read afterwards, from
//! a view of the same revision, so that a long explanation keeps no writer waiting.

use std::sync::Arc;

use ee_core::namespace::{CategoryDraft, Item, Match, MatchOptions, Membership, Namespace, Origin};
use ee_core::namespace::{Parts, Ranking};
use ee_core::scoring::{CosineParts, Query, Scorer, similarity};
use ee_core::settings::{NamespaceSettings, RankingMode};
use ee_store::{ItemReads, View};

use crate::api::{At, QuerySpec, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::clock::check_deadline;
use crate::read::consistent;
use crate::read::members::ReadMembers;
use crate::read::overlay::OverlayNamespace;
use crate::read::ranking::Ranker;
use crate::read::what_if::{self, WhatIf, WhatIfResult};
use crate::{Error, Result};

/// The newest counting members of a category that an explanation reads. The part of the others is
/// known from the sum.
pub const EXPLAINED_MEMBERS: usize = 10_000;

/// The most members whose leaving is tried, largest part first, to change the first category.
pub const FLIP_MEMBERS: usize = 100;

/// Members read at a time.
const SCAN: usize = 512;

/// What to explain.
#[derive(Clone, Debug)]
pub struct ExplainSpec {
    /// The query.
    pub query: QuerySpec,
    /// Keys of the categories; empty: the best `limit`.
    pub categories: Vec<String>,
    /// Number of categories if none is named.
    pub limit: usize,
    /// The most members that are listed for each category.
    pub member_limit: usize,
    /// The order; `None`: that of the namespace.
    pub ranking: Option<RankingMode>,
    /// How much fairness counts; `None`: as in a Match.
    pub fairness: Option<f64>,
}

/// A category's score, by its parts: `base + Σ members + other_members + rounding` is `score`, and
/// that plus fairness, pulls and `held_back` is `rank_score`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The category's key.
    pub category: Arc<str>,
    /// Its place in the ranking of all categories, from 1, and its rank score; `None`: a Match leaves
    /// it out, because it has no embedding or because of its own least score.
    pub ranked: Option<(u64, f64)>,
    /// Its score; `None`: it has no embedding.
    pub score: Option<f64>,
    /// Number of its counting members.
    pub count: u64,
    /// The base's part.
    pub base: Option<BasePart>,
    /// The members with the largest parts, positive or negative, the largest first.
    pub members: Vec<MemberPart>,
    /// What the counting members that are not listed contribute together, and their number.
    pub other_members: (f64, u64),
    /// The score less the parts above.
    pub rounding: f64,
    /// The parts of the rank score beyond the score.
    pub further: Parts,
    /// If the query is a stored item that counts in the category: its score against the category
    /// without it; the inner `None`: without it the category has no embedding.
    pub without_query: Option<Option<f64>>,
    /// If the query is a stored item that is dismissed from the category: by whom, when and why.
    pub dismissed: Option<Origin>,
}

/// What a base contributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BasePart {
    /// Its weight in the mean.
    pub weight: f64,
    /// Its cosine with the query.
    pub similarity: f64,
    /// Its part of the score.
    pub part: f64,
}

/// What a member contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPart {
    /// The item's key.
    pub item: String,
    /// Its weight.
    pub weight: f32,
    /// Its cosine with the query.
    pub similarity: f64,
    /// Its part of the score.
    pub part: f64,
    /// The score without the member; `None`: without it the category has no embedding.
    pub score_without: Option<f64>,
    /// The actor, time and reason of its assignment.
    pub origin: Origin,
}

/// The change that puts the second category first.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// The first category, and the one that it would fall behind.
    pub categories: [Arc<str>; 2],
    /// Keys of the members of the first that would have to leave, the largest part first.
    pub items: Vec<String>,
    /// The first category's score without them; `None`: it has no embedding then.
    pub score: Option<f64>,
}

/// An explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// By rank; unranked categories last, in the order of the request.
    pub explanations: Vec<Explanation>,
    /// The lead of the first category over the second, as in a Match.
    pub margin: Option<f64>,
    /// What would have to leave the first category for the second to have the higher score; `None`:
    /// nothing that was tried, or the second has the higher score already.
    pub flip: Option<Flip>,
}

/// A category that is explained, at the revision of its ranking.
struct Chosen {
    draft: CategoryDraft,
    ranked: Option<(u64, Match)>,
}

/// A counting member that was read.
struct Read {
    item: Item,
    membership: Membership,
    part: f64,
}

impl Ranker<'_> {
    /// Explains the scores of some categories.
    pub(crate) fn explain(
        &self,
        namespace: &NamespaceHandle,
        spec: &ExplainSpec,
        context: ReadContext,
    ) -> Result<At<Explained>> {
        let loaded = self
            .shared
            .reading(|| self.shared.at(&namespace.0, context))?;
        let (id, settings) = (loaded.id, &loaded.settings);
        let queries = std::slice::from_ref(&spec.query);
        let choose = |published: &Namespace, view: Box<dyn View>| {
            let mut resolved = consistent::resolve(Some(view.reads()), id, settings, queries)?;
            let Some(ranking) = self.ranked_in(published, view.reads(), id, &resolved, spec)?
            else {
                return Ok(None);
            };
            let chosen = choose(published, &ranking, spec)?;
            Ok(Some((
                resolved.swap_remove(0),
                ranking.margin,
                chosen,
                view,
            )))
        };
        let ((query, margin, chosen, view), revision) = loop {
            let At { value, revision } = self
                .shared
                .reading(|| self.shared.read_both(&loaded, choose))?;
            if let Some(value) = value {
                break (value, revision);
            }
            check_deadline(context.deadline)?;
        };
        let explain = || {
            let explaining = Explaining::new(view.reads(), id, settings, spec, &query)?;
            explaining.explain(chosen, margin, spec.member_limit)
        };
        let value = self.shared.reading(explain)?;
        Ok(At { value, revision })
    }

    /// Explains the scores of some categories at an earlier revision (`None`: the newest), and what
    /// they would be after changes that are not made.
    pub(crate) fn explain_what_if(
        &self,
        namespace: &NamespaceHandle,
        revision: Option<u64>,
        spec: &ExplainSpec,
        what_ifs: &[WhatIf],
        context: ReadContext,
    ) -> Result<At<(Explained, Vec<WhatIfResult>)>> {
        let (id, settings) = (namespace.0.id, &namespace.0.settings);
        let queries = std::slice::from_ref(&spec.query);
        let explain = || {
            let mut overlay = self.shared.overlay(namespace, revision, context)?;
            let resolved = consistent::resolve(Some(overlay.items()), id, settings, queries)?;
            let rank = |overlay: &OverlayNamespace| loop {
                let (published, items) = (overlay.published(), overlay.items());
                if let Some(ranking) = self.ranked_in(published, items, id, &resolved, spec)? {
                    return Ok(ranking);
                }
                check_deadline(context.deadline)?;
            };
            let ranking = rank(&overlay)?;
            let chosen = choose(overlay.published(), &ranking, spec)?;
            let explaining = Explaining::new(overlay.items(), id, settings, spec, &resolved[0])?;
            let explained = explaining.explain(chosen, ranking.margin, spec.member_limit)?;
            let categories = explained.explanations.iter();
            let categories: Vec<_> = categories.map(|own| Arc::clone(&own.category)).collect();
            let answers = what_if::answers(&mut overlay, what_ifs, &categories, rank)?;
            Ok(At {
                value: (explained, answers),
                revision: overlay.published().header().revision,
            })
        };
        self.shared.reading(explain)
    }

    /// The ranking of all categories, with its parts; `None`: the next call goes on.
    fn ranked_in(
        &self,
        published: &Namespace,
        reads: &dyn ItemReads,
        namespace: i64,
        queries: &[Query],
        spec: &ExplainSpec,
    ) -> Result<Option<Ranking>> {
        let options = MatchOptions {
            ranking: spec.ranking,
            fairness: spec.fairness,
            explain: true,
            threads: self.shared.threads,
            ..MatchOptions::default()
        };
        let mut members = ReadMembers::new(reads, namespace, published);
        let ranked = members
            .until_ranked(|more| published.rank_with(self.kernel, queries, &options, more, None))?;
        Ok(ranked.map(|mut rankings| rankings.swap_remove(0)))
    }
}

/// The categories to explain, in the order of the reply.
fn choose(published: &Namespace, ranking: &Ranking, spec: &ExplainSpec) -> Result<Vec<Chosen>> {
    let places = (1..).zip(&ranking.matches);
    let chosen = |key: &str, ranked: Option<(u64, Match)>| {
        let draft = published.draft_of(key);
        let draft = draft.ok_or_else(|| Error::CategoryNotFound {
            key: key.to_owned(),
        })?;
        Ok(Chosen { draft, ranked })
    };
    if spec.categories.is_empty() {
        let best = places.take(spec.limit);
        return best
            .map(|(place, found)| chosen(&found.category, Some((place, found.clone()))))
            .collect();
    }
    let mut all = Vec::with_capacity(spec.categories.len());
    for (index, key) in spec.categories.iter().enumerate() {
        if spec.categories[..index].contains(key) {
            continue;
        }
        let mut places = places.clone();
        let ranked = places.find(|(_, found)| &*found.category == key.as_str());
        all.push(chosen(
            key,
            ranked.map(|(place, found)| (place, found.clone())),
        )?);
    }
    all.sort_by_key(|chosen| chosen.ranked.as_ref().map_or(u64::MAX, |(place, _)| *place));
    Ok(all)
}

/// An explanation while it is made.
struct Explaining<'a> {
    reads: &'a dyn ItemReads,
    namespace: i64,
    scorer: Scorer,
    query: &'a Query,
    /// The item that is the query.
    own: Option<Item>,
}

impl<'a> Explaining<'a> {
    fn new(
        reads: &'a dyn ItemReads,
        namespace: i64,
        settings: &NamespaceSettings,
        spec: &ExplainSpec,
        query: &'a Query,
    ) -> Result<Self> {
        let own = match &spec.query {
            QuerySpec::Item(key) => reads.item_by_key(namespace, key)?,
            _ => None,
        };
        Ok(Self {
            reads,
            namespace,
            scorer: Scorer::of(settings),
            query,
            own,
        })
    }

    fn explain(
        &self,
        chosen: Vec<Chosen>,
        margin: Option<f64>,
        member_limit: usize,
    ) -> Result<Explained> {
        let mut explanations = Vec::with_capacity(chosen.len());
        let mut flip = None;
        let mut chosen = chosen.into_iter().peekable();
        while let Some(mut one) = chosen.next() {
            let score = self.score(&mut one.draft);
            let parts = score.and_then(|s| CosineParts::of(self.query, &one.draft.centroid(), s));
            let members = match &parts {
                Some(parts) => self.members(&one.draft, parts)?,
                None => Vec::new(),
            };
            if let (Some((1, _)), Some(second)) = (&one.ranked, chosen.peek_mut())
                && let (Some(score), Some(other)) = (score, self.score(&mut second.draft))
                && matches!(second.ranked, Some((2, _)))
                && score >= other
            {
                let behind = (Arc::clone(&second.draft.category.key), other);
                flip = self.flip(&one.draft, behind, &members)?;
            }
            explanations.push(self.explanation(one, score, parts, members, member_limit)?);
        }
        Ok(Explained {
            explanations,
            margin,
            flip,
        })
    }

    fn score(&self, draft: &mut CategoryDraft) -> Option<f64> {
        let row = draft.row()?;
        Some(self.scorer.score(self.query, row).cosine)
    }

    /// The newest counting members, the largest parts first.
    fn members(&self, draft: &CategoryDraft, parts: &CosineParts) -> Result<Vec<Read>> {
        let category = &draft.category;
        if category.settings.frozen {
            return Ok(Vec::new());
        }
        let (id, first) = (category.id, category.counting_from);
        let nth = EXPLAINED_MEMBERS as u64 - 1;
        let oldest = self
            .reads
            .nth_newest_member(self.namespace, id, first - 1, u64::MAX, nth)?;
        let mut from = oldest.map_or(first, |(sequence, _)| sequence);
        let mut read = Vec::new();
        loop {
            let page = self.reads.members(self.namespace, id, from, SCAN)?;
            let more = page.len() == SCAN;
            for membership in page {
                from = membership.sequence + 1;
                let item = self.reads.item_by_id(self.namespace, membership.item)?;
                let part = parts.member(self.query, item.weight, &item.embedding);
                read.push(Read {
                    item,
                    membership,
                    part,
                });
            }
            if !more {
                break;
            }
        }
        read.sort_by(|a, b| {
            let by_key = || a.item.key.cmp(&b.item.key);
            b.part.abs().total_cmp(&a.part.abs()).then_with(by_key)
        });
        Ok(read)
    }

    fn explanation(
        &self,
        chosen: Chosen,
        score: Option<f64>,
        parts: Option<CosineParts>,
        mut members: Vec<Read>,
        member_limit: usize,
    ) -> Result<Explanation> {
        let Chosen { draft, ranked } = chosen;
        let without_query = self.without_query(&draft)?;
        let count = draft.category.stats.counting;
        members.truncate(member_limit);
        let listed: f64 = members.iter().map(|member| member.part).sum();
        let others = count - members.len() as u64;
        let other_members = match &parts {
            Some(parts) if others > 0 => parts.members - listed,
            _ => 0.0,
        };
        let base = parts.as_ref().zip(draft.base.as_deref());
        let base = base.map(|(parts, base)| BasePart {
            weight: draft.centroid().base_weight(),
            similarity: similarity(self.query, base),
            part: parts.base,
        });
        // What the sum of the listed parts lacks of the exact one, where they are all.
        let rounding = parts.map_or(0.0, |parts| {
            let lacking = if others > 0 {
                0.0
            } else {
                parts.members - listed
            };
            parts.rounding + lacking
        });
        let members = members
            .into_iter()
            .map(|member| {
                Ok(MemberPart {
                    score_without: self.without(
                        &draft,
                        &member.item,
                        member.membership.sequence,
                    )?,
                    similarity: similarity(self.query, &member.item.embedding),
                    item: member.item.key,
                    weight: member.item.weight,
                    part: member.part,
                    origin: member.membership.origin,
                })
            })
            .collect::<Result<_>>()?;
        let further = ranked.as_ref().and_then(|(_, found)| found.parts.clone());
        Ok(Explanation {
            category: Arc::clone(&draft.category.key),
            ranked: ranked.map(|(place, found)| (place, found.rank_score)),
            score,
            count,
            base,
            members,
            other_members: (other_members, others),
            rounding,
            further: further.unwrap_or_default(),
            without_query,
            dismissed: self.dismissed(draft.category.id)?,
        })
    }

    /// Who has dismissed the query, a stored item, from a category.
    fn dismissed(&self, category: i64) -> Result<Option<Origin>> {
        let Some(item) = &self.own else {
            return Ok(None);
        };
        let dismissals = self.reads.dismissals_of(self.namespace, item.id)?;
        let mut own = dismissals
            .into_iter()
            .filter(|own| own.category == category);
        Ok(own.next().map(|own| own.origin))
    }

    /// The score of the query, a stored item, without itself.
    fn without_query(&self, draft: &CategoryDraft) -> Result<Option<Option<f64>>> {
        let Some(item) = &self.own else {
            return Ok(None);
        };
        let memberships = self.reads.memberships_of(self.namespace, item.id)?;
        let own = memberships.iter().find(|m| m.category == draft.category.id);
        match own {
            Some(own) if draft.category.counts(own.sequence) => {
                Ok(Some(self.without(draft, item, own.sequence)?))
            }
            _ => Ok(None),
        }
    }

    /// The score against a category that one of its counting members has left, as an Unassign would
    /// leave it: where a window gets a place, the newest member outside it counts again.
    fn without(&self, draft: &CategoryDraft, item: &Item, sequence: u64) -> Result<Option<f64>> {
        let mut draft = draft.clone();
        self.leave(&mut draft, item, sequence)?;
        Ok(self.score(&mut draft))
    }

    fn leave(&self, draft: &mut CategoryDraft, item: &Item, sequence: u64) -> Result<()> {
        let overflow = |e| Error::Rejected(ee_core::command::Rejection::SumOverflow(e));
        draft.forget(sequence, item).map_err(overflow)?;
        let category = &draft.category;
        if category.settings.window == 0 {
            return Ok(());
        }
        let (id, anchor, from) = (category.id, category.anchor, category.counting_from);
        let newest = self
            .reads
            .nth_newest_member(self.namespace, id, anchor, from, 0)?;
        if let Some((sequence, item)) = newest {
            let item = self.reads.item_by_id(self.namespace, item)?;
            draft.absorb(sequence, &item).map_err(overflow)?;
            draft.category.counting_from = sequence;
        }
        Ok(())
    }

    /// The members whose leaving, largest part first, lets the score of `first` fall below another
    /// category's.
    fn flip(
        &self,
        first: &CategoryDraft,
        (second, least): (Arc<str>, f64),
        members: &[Read],
    ) -> Result<Option<Flip>> {
        let mut draft = first.clone();
        let mut items = Vec::new();
        let positive = members.iter().filter(|member| member.part > 0.0);
        for member in positive.take(FLIP_MEMBERS) {
            self.leave(&mut draft, &member.item, member.membership.sequence)?;
            items.push(member.item.key.clone());
            let score = self.score(&mut draft);
            if score.is_none_or(|score| score < least) {
                let categories = [Arc::clone(&first.category.key), second];
                return Ok(Some(Flip {
                    categories,
                    items,
                    score,
                }));
            }
        }
        Ok(None)
    }
}
