//! The health of categories: drift, spread, cohesion, nearest and confused categories, and whether one
//! looks like two.

use std::sync::Arc;

use ee_core::namespace::{Category, CategoryView, MatchOptions, MoreMembers};
use ee_core::scoring::{Split, split};
use ee_core::settings::RankingMode;

use super::members::{difference, overflow};
use super::{Member, MemberFilter, Reviewed};
use crate::Result;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::history::log::first_at;
use crate::read::overlay::OverlayNamespace;
use crate::read::ranking::Ranker;

/// The newest members of a category that are reviewed, at most.
pub const REVIEWED_MEMBERS: u32 = 2000;

/// Members that one page reads, about.
pub const REVIEW_READ: usize = 100_000;

/// Categories that one is confused with that are listed.
pub const CONFUSED_LISTED: usize = 10;

/// Items of each half of a split that are listed.
pub const SPLIT_LISTED: usize = 5;

/// Which categories to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewCategoriesSpec {
    /// Only this one.
    pub category: Option<String>,
    /// Since when movement is measured; `None`: it is not.
    pub since: Option<MovedSince>,
    /// The newest members of each that are reviewed, at most [`REVIEWED_MEMBERS`].
    pub member_limit: u32,
    /// Key of the last category before the page.
    pub after: Option<String>,
    /// The most categories that are listed.
    pub limit: usize,
}

/// Since when movement is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedSince {
    /// A revision, at least 1.
    Revision(u64),
    /// The last revision before a time, in milliseconds since the Unix epoch.
    Time(i64),
}

/// The health of a category.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryReview {
    /// Counts, drift and spread.
    pub view: CategoryView,
    /// 1 − cos of the effective embeddings then and now; `None`: it was not asked for, or the category
    /// lacks one of them.
    pub movement: Option<f64>,
    /// Mean cosine of the reviewed members with the effective embedding.
    pub cohesion: Option<f64>,
    /// The other category with the most similar effective embedding, and the cosine.
    pub nearest: Option<(Arc<str>, f64)>,
    /// Members that were reviewed: the newest ones that count.
    pub reviewed: u64,
    /// Those of them that fit another category better.
    pub misfits: u64,
    /// The categories that these fit best, with their numbers, the most first.
    pub confused: Vec<(Arc<str>, u64)>,
    /// The two halves that the reviewed members fall into.
    pub split: Option<CategorySplit>,
}

/// The two halves of a category.
#[derive(Clone, Debug, PartialEq)]
pub struct CategorySplit {
    /// How much nearer a member is to the mean of its half than to that of all, without itself.
    pub gain: f64,
    /// The cosine of the means of the halves.
    pub similarity: f64,
    /// The halves, the larger first: the number of members, and keys of the items nearest to its mean.
    pub halves: [(u64, Vec<String>); 2],
}

/// A page of categories.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoriesReview {
    /// The categories, by key.
    pub categories: Vec<CategoryReview>,
    /// Whether more follow.
    pub more: bool,
}

impl Ranker<'_> {
    /// Lists the health of categories.
    pub(crate) fn review_categories(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewCategoriesSpec,
        context: ReadContext,
    ) -> Result<At<CategoriesReview>> {
        self.shared.reading(|| {
            let reviewed = self.shared.to_review(namespace, context)?;
            let earlier = match spec.since {
                Some(since) => Some(self.earlier(namespace, &reviewed, since, context)?),
                None => None,
            };
            let filter = MemberFilter {
                category: spec.category.clone(),
                ..MemberFilter::default()
            };
            let after = spec.after.as_deref().unwrap_or_default();
            let all = reviewed.categories(&filter)?;
            let mut left = all.into_iter().filter(|own| &*own.key > after);
            let (mut categories, mut read) = (Vec::new(), 0);
            for category in left.by_ref() {
                let members = reviewed.newest_counting(category, spec.member_limit)?;
                read += members.len();
                let mut review = self.review_category(&reviewed, category, &members)?;
                review.movement = earlier.as_ref().and_then(|earlier| {
                    let now = &reviewed.namespace;
                    now.moved_since(category.id, earlier.published())
                });
                categories.push(review);
                if categories.len() == spec.limit || read >= REVIEW_READ {
                    break;
                }
            }
            let more = left.next().is_some();
            Ok(reviewed.at(CategoriesReview { categories, more }))
        })
    }

    /// The namespace at the revision since which movement is measured.
    fn earlier(
        &self,
        namespace: &NamespaceHandle,
        reviewed: &Reviewed,
        since: MovedSince,
        context: ReadContext,
    ) -> Result<OverlayNamespace> {
        let revision = match since {
            MovedSince::Revision(revision) => revision,
            MovedSince::Time(time_ms) => {
                let row = reviewed.row()?;
                let start = reviewed.reads().history_start(row.id)?;
                // Revision 1 is the empty namespace.
                (first_at(reviewed.reads(), &row, start, time_ms)? - 1).max(1)
            }
        };
        self.shared.overlay(namespace, Some(revision), context)
    }

    fn review_category(
        &self,
        reviewed: &Reviewed,
        category: &Category,
        members: &[Member],
    ) -> Result<CategoryReview> {
        reviewed.check_deadline()?;
        let namespace = &reviewed.namespace;
        let view = namespace.category(&category.key, true);
        let mut view = view.expect("the category is in the namespace");
        let to_review: Vec<_> = members.iter().map(Member::to_review).collect();
        let tally = Some(&self.shared.counters.tally);
        let fits = namespace.fits(self.kernel, &to_review, self.shared.threads, tally);
        let mut confused: Vec<(Arc<str>, u64)> = Vec::new();
        for fit in fits.map_err(overflow)? {
            let is_misfit = difference(&fit).is_some_and(|difference| difference > 0.0);
            let Some((other, _)) = fit.other.filter(|_| is_misfit) else {
                continue;
            };
            match confused.iter_mut().find(|(key, _)| *key == other) {
                Some((_, count)) => *count += 1,
                None => confused.push((other, 1)),
            }
        }
        let misfits = confused.iter().map(|(_, count)| count).sum();
        confused.sort_unstable_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
        confused.truncate(CONFUSED_LISTED);
        let effective = view.effective.take();
        view.base = None;
        let query = effective.and_then(|effective| namespace.scorer().query(&effective));
        let nearest = query.as_ref().and_then(|query| {
            let options = MatchOptions {
                limit: 2,
                ranking: Some(RankingMode::Cosine),
                fairness: Some(0.0),
                ..MatchOptions::default()
            };
            let queries = std::slice::from_ref(query);
            let more = MoreMembers::default();
            let ranked = namespace.rank_with(self.kernel, queries, &options, &more, tally);
            let ranked = ranked.ok()?.pop()?.matches.into_iter();
            let mut others = ranked.filter(|found| found.category != category.key);
            others.next().map(|found| (found.category, found.score))
        });
        let cohesion = query.filter(|_| !members.is_empty()).map(|query| {
            let cosines = members
                .iter()
                .map(|member| ee_core::scoring::similarity(&query, &member.item.embedding));
            cosines.sum::<f64>() / members.len() as f64
        });
        let vectors: Vec<&[f32]> = members
            .iter()
            .map(|member| member.item.embedding.as_slice())
            .collect();
        Ok(CategoryReview {
            view,
            movement: None,
            cohesion,
            nearest,
            reviewed: members.len() as u64,
            misfits,
            confused,
            split: split(&vectors).map(|split| halves(members, split)),
        })
    }
}

fn halves(members: &[Member], split: Split) -> CategorySplit {
    let half = |which: bool| {
        let own = members.iter().zip(&split.second).zip(&split.fits);
        let own = own.filter(|((_, second), _)| **second == which);
        let mut own: Vec<_> = own
            .map(|((member, _), fit)| (*fit, &member.item.key))
            .collect();
        own.sort_unstable_by(|(a, first), (b, second)| b.total_cmp(a).then(first.cmp(second)));
        let nearest = own.iter().take(SPLIT_LISTED);
        let nearest = nearest.map(|(_, key)| (*key).clone()).collect();
        (own.len() as u64, nearest)
    };
    let mut halves = [half(false), half(true)];
    if halves[0].0 < halves[1].0 {
        halves.swap(0, 1);
    }
    CategorySplit {
        gain: split.gain,
        similarity: split.similarity,
        halves,
    }
}
