//! Reviews of what has been assigned.

use super::Engine;
use crate::Result;
use crate::api::{At, ReadContext};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::read::review::actors::{ActorsReview, ReviewActorsSpec};
use crate::read::review::categories::{CategoriesReview, ReviewCategoriesSpec};
use crate::read::review::duplicates::{DuplicatesReview, ReviewDuplicatesSpec};
use crate::read::review::impact::{ImpactReview, ReviewImpactSpec};
use crate::read::review::members::{MembersReview, ReviewMembersSpec};
use crate::read::review::rate::{ReviewRateSpec, ReviewRates};

impl Engine {
    /// Lists members that deserve a second look.
    pub fn review_members(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewMembersSpec,
        context: ReadContext,
    ) -> Result<At<MembersReview>> {
        self.ranker().review_members(namespace, spec, context)
    }

    /// Estimates from the members how many matches a person would have to look at.
    pub fn review_rates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewRateSpec,
        context: ReadContext,
    ) -> Result<At<ReviewRates>> {
        self.ranker().review_rates(namespace, spec, context)
    }

    /// Lists members with nearly the same embedding as an earlier one.
    pub fn review_duplicates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewDuplicatesSpec,
        context: ReadContext,
    ) -> Result<At<DuplicatesReview>> {
        self.ranker().review_duplicates(namespace, spec, context)
    }

    /// Lists the influence of each actor on each category.
    pub fn review_actors(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewActorsSpec,
        context: ReadContext,
    ) -> Result<At<ActorsReview>> {
        self.ranker().review_actors(namespace, spec, context)
    }

    /// Measures what some members change in the answers for other items.
    pub fn review_impact(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewImpactSpec,
        context: ReadContext,
    ) -> Result<At<ImpactReview>> {
        self.ranker().review_impact(namespace, spec, context)
    }

    /// Lists the health of categories.
    pub fn review_categories(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewCategoriesSpec,
        context: ReadContext,
    ) -> Result<At<CategoriesReview>> {
        self.ranker().review_categories(namespace, spec, context)
    }
}
