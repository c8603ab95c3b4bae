//! Members that deserve a second look.

use std::sync::Arc;

use ee_core::kernels::Kernel;
use ee_core::namespace::{MemberFit, Origin, ReviewMember, SumOverflow};

use super::first::{First, ReviewPlace};
use super::{Member, MemberFilter, Reviewed};
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::ranking::Ranker;
use crate::{Error, Result};

/// The order of reviewed members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewOrder {
    /// Those that fit another category best, compared with their own, first.
    Misfit,
    /// Those whose leaving would move their category most first.
    Influence,
}

/// Which members to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewMembersSpec {
    /// The order.
    pub order: ReviewOrder,
    /// The members that are reviewed.
    pub filter: MemberFilter,
    /// Lists only members with at least this difference; `None`: of misfits those above 0, in other
    /// orders any.
    pub min_difference: Option<f64>,
    /// The value of the order, the item's key and the category's key of the last member before the
    /// page; `None`: the first page.
    pub after: Option<ReviewPlace>,
    /// The most members that are listed.
    pub limit: usize,
}

/// A reviewed member.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberReview {
    /// The item's key.
    pub item: String,
    /// Its category.
    pub category: Arc<str>,
    /// Its weight.
    pub weight: f32,
    /// Whether it counts in the category.
    pub counts: bool,
    /// How well it fits its own category without itself, and the others.
    pub fit: MemberFit,
    /// How far its leaving would move the category.
    pub movement: f64,
    /// The actor, time and reason of its assignment.
    pub origin: Origin,
    /// Its place in the order.
    pub place: ReviewPlace,
}

/// A page of reviewed members.
#[derive(Clone, Debug, PartialEq)]
pub struct MembersReview {
    /// The members, in order.
    pub members: Vec<MemberReview>,
    /// Members that pass the filter, and were reviewed.
    pub member_count: u64,
    /// Those of them that are listed, on all pages.
    pub listed_count: u64,
}

/// By how much another category fits a member better than its own does without it; `None`: there is no
/// other, or its own would have no embedding.
pub fn difference(fit: &MemberFit) -> Option<f64> {
    let (_, other) = fit.other.as_ref()?;
    Some(other - fit.own?)
}

/// A member while other members pass by: what the order does not need is found at the end.
struct Listed {
    item: i64,
    key: String,
    category: Arc<str>,
    weight: f32,
    counts: bool,
    sequence: u64,
    fit: Option<MemberFit>,
    movement: Option<f64>,
    origin: Origin,
}

impl Listed {
    fn of(member: &Member) -> Self {
        Self {
            item: member.item.id,
            key: member.item.key.clone(),
            category: Arc::clone(&member.category),
            weight: member.item.weight,
            counts: member.counts,
            sequence: member.membership.sequence,
            fit: None,
            movement: None,
            origin: member.membership.origin.clone(),
        }
    }
}

impl Ranker<'_> {
    /// Lists members that deserve a second look.
    pub(crate) fn review_members(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewMembersSpec,
        context: ReadContext,
    ) -> Result<At<MembersReview>> {
        self.shared.reading(|| {
            let reviewed = self.shared.to_review(namespace, context)?;
            let review = Review {
                ranker: self,
                reviewed: &reviewed,
                spec,
            };
            Ok(reviewed.at(review.run()?))
        })
    }
}

struct Review<'a> {
    ranker: &'a Ranker<'a>,
    reviewed: &'a Reviewed,
    spec: &'a ReviewMembersSpec,
}

impl Review<'_> {
    fn run(&self) -> Result<MembersReview> {
        let spec = self.spec;
        let mut first = First::new(spec.limit, spec.after.as_ref());
        let (mut member_count, mut listed_count) = (0, 0);
        self.reviewed.each_chunk(&spec.filter, |members| {
            member_count += members.len() as u64;
            let to_review: Vec<_> = members.iter().map(Member::to_review).collect();
            match spec.order {
                ReviewOrder::Misfit => {
                    for (member, fit) in members.iter().zip(self.fits(&to_review)?) {
                        let Some(value) = difference(&fit).filter(|d| self.lists(*d)) else {
                            continue;
                        };
                        listed_count += 1;
                        if first.may_take(value) {
                            first.push(place(member, value), || Listed {
                                fit: Some(fit),
                                ..Listed::of(member)
                            });
                        }
                    }
                }
                ReviewOrder::Influence => {
                    for (member, movement) in members.iter().zip(self.movements(&to_review)?) {
                        if !member.counts {
                            continue;
                        }
                        listed_count += 1;
                        if first.may_take(movement) {
                            first.push(place(member, movement), || Listed {
                                movement: Some(movement),
                                ..Listed::of(member)
                            });
                        }
                    }
                }
            }
            Ok(())
        })?;
        let listed = first.into_sorted().into_iter();
        let members = listed.map(|(place, listed)| self.complete(place, listed));
        Ok(MembersReview {
            members: members.collect::<Result<_>>()?,
            member_count,
            listed_count,
        })
    }

    fn lists(&self, difference: f64) -> bool {
        match self.spec.min_difference {
            Some(least) => difference >= least,
            None => difference > 0.0,
        }
    }

    /// Finds what the order has not needed.
    fn complete(&self, place: ReviewPlace, listed: Listed) -> Result<MemberReview> {
        let (mut fit, mut movement) = (listed.fit, listed.movement);
        if fit.is_none() || movement.is_none() {
            let member = self
                .reviewed
                .member_at(&listed.category, listed.sequence, listed.item)?;
            let to_review = [member.to_review()];
            if fit.is_none() {
                fit = self.fits(&to_review)?.pop();
            }
            if movement.is_none() {
                movement = self.movements(&to_review)?.pop();
            }
        }
        Ok(MemberReview {
            item: listed.key,
            category: listed.category,
            weight: listed.weight,
            counts: listed.counts,
            fit: fit.expect("one member has one fit"),
            movement: movement.expect("one member has one movement"),
            origin: listed.origin,
            place,
        })
    }

    fn fits(&self, members: &[ReviewMember<'_>]) -> Result<Vec<MemberFit>> {
        let Ranker { shared, kernel } = self.ranker;
        let tally = Some(&shared.counters.tally);
        let namespace = &self.reviewed.namespace;
        let kernel: Kernel = *kernel;
        let found = namespace.fits(kernel, members, shared.threads, tally);
        found.map_err(overflow)
    }

    fn movements(&self, members: &[ReviewMember<'_>]) -> Result<Vec<f64>> {
        let threads = self.ranker.shared.threads;
        let found = self.reviewed.namespace.movements(members, threads);
        found.map_err(overflow)
    }
}

pub(super) fn overflow(overflow: SumOverflow) -> Error {
    Error::Rejected(ee_core::command::Rejection::SumOverflow(overflow))
}

fn place(member: &Member, value: f64) -> ReviewPlace {
    ReviewPlace {
        value,
        first: member.item.key.clone(),
        second: member.category.to_string(),
    }
}
