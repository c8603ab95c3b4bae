//! Why a query scores as it does: the parts of a score, and what it would be without some of them.
//!
//! Ranks and drafts are of one moment under the namespace's lock; members are read afterwards, from
//! a view of the same revision, so that a long explanation keeps no writer waiting.

mod parts;

use std::sync::Arc;

use ee_core::namespace::{CategoryDraft, Match, MatchOptions, Namespace, Origin, Parts, Ranking};
use ee_core::scoring::{ActorShare, Query};
use ee_core::settings::RankingMode;
use ee_store::{ItemReads, View};

use self::parts::Explaining;
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
    /// The actors whose members weigh less than their weights say, since the category caps the share of an
    /// actor: the largest weight first.
    pub capped_actors: Vec<ActorShare>,
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
    /// What its weight is scaled by under the category's cap on the share of an actor, at most 1.
    pub scale: f64,
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
