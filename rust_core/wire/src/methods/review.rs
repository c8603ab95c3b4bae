//! Reviews.

use std::sync::Arc;

use ee_engine::{
    ActorInfluence, Answer, At, CategoryReview, CategorySplit, ChangedAnswer, Duplicate,
    DuplicateScope, IMPACT_ITEMS, MemberFilter, MovedSince, REVIEWED_MEMBERS, ReviewActorsSpec,
    ReviewCategoriesSpec, ReviewDuplicatesSpec, ReviewImpactSpec, ReviewMembersSpec, ReviewOrder,
    ReviewPlace, difference,
};
use prost::Message;

use super::page::Page;
use crate::call::NamespaceCall;
use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, required, text, time};
use crate::encode::timestamp;
use crate::limits::{
    ACTOR_BYTES, DEFAULT_IMPACT_CHANGES, DEFAULT_IMPACT_ITEMS, DEFAULT_REVIEW_MEMBERS,
    IMPACT_CHANGES, KEY_BYTES,
};
use crate::page_token::{Binding, invalid};
use crate::proto::v1::review_categories_request::Since;
use crate::proto::v1::{
    self, ErrorReason, ReviewActorsRequest, ReviewActorsResponse, ReviewCategoriesRequest,
    ReviewCategoriesResponse, ReviewDuplicatesRequest, ReviewDuplicatesResponse,
    ReviewImpactRequest, ReviewImpactResponse, ReviewMembersRequest, ReviewMembersResponse,
};

/// The least cosine of duplicates if the request does not say.
const DEFAULT_SIMILARITY: f64 = 0.98;

pub(crate) fn members(
    call: &NamespaceCall<'_>,
    mut request: ReviewMembersRequest,
) -> Result<ReviewMembersResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(std::mem::take(&mut request.page_size)));
    let token = std::mem::take(&mut request.page_token);
    let min_revision = std::mem::take(&mut request.min_revision);
    let epoch = std::mem::take(&mut request.epoch);
    let named = hex(&request);
    let binding = Binding([call.method, call.namespace.name(), &named]);
    let after = violations.check(binding.cursor(&token));
    let after = violations.check(after.map(|cursor| read_place(&cursor)).transpose());
    let order = violations.check(order(request.order).map(Some));
    let least = min_difference(request.min_difference, order);
    let min_difference = violations.check(least);
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewMembersSpec {
        order: order.unwrap_or(ReviewOrder::Misfit),
        filter,
        min_difference,
        after,
        limit: size + 1,
    };
    let context = call.read_context(min_revision, epoch)?;
    let found = call
        .engine
        .review_members(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let (member_count, listed_count) = (found.value.member_count, found.value.listed_count);
    let mut places: Vec<_> = found
        .value
        .members
        .iter()
        .map(|m| m.place.clone())
        .collect();
    let page = Page::new(
        At {
            value: found.value.members,
            revision: found.revision,
        },
        size,
        member,
    );
    let last = page.entries.len().saturating_sub(1);
    Ok(ReviewMembersResponse {
        next_page_token: page.next(|_| binding.token(&write_place(&places.swap_remove(last)))),
        revision: page.revision,
        members: page.entries,
        member_count,
        listed_count,
        epoch: call.epoch(),
    })
}

pub(crate) fn duplicates(
    call: &NamespaceCall<'_>,
    mut request: ReviewDuplicatesRequest,
) -> Result<ReviewDuplicatesResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(std::mem::take(&mut request.page_size)));
    let token = std::mem::take(&mut request.page_token);
    let min_revision = std::mem::take(&mut request.min_revision);
    let epoch = std::mem::take(&mut request.epoch);
    let named = hex(&request);
    let binding = Binding([call.method, call.namespace.name(), &named]);
    let after = violations.check(binding.cursor(&token));
    let after = after.map(|cursor| read_sequence(&cursor)).transpose();
    let after = violations.check(after);
    let scope = violations.check(scope(request.scope).map(Some));
    let min_similarity = request.min_similarity.unwrap_or(DEFAULT_SIMILARITY);
    if !(0.5..=1.0).contains(&min_similarity) {
        let path = Path::field("min_similarity");
        let error = number::out_of_range(path, "0.5 to 1", min_similarity);
        violations.check(Err::<(), _>(error));
    }
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewDuplicatesSpec {
        filter,
        scope: scope.unwrap_or(DuplicateScope::Same),
        min_similarity,
        after,
        limit: size,
    };
    let context = call.read_context(min_revision, epoch)?;
    let found = call
        .engine
        .review_duplicates(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let next = found.value.next;
    Ok(ReviewDuplicatesResponse {
        duplicates: found.value.duplicates.into_iter().map(duplicate).collect(),
        next_page_token: next.map_or_else(String::new, |(category, sequence)| {
            binding.token(&write_sequence(&category, sequence))
        }),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

pub(crate) fn actors(
    call: &NamespaceCall<'_>,
    mut request: ReviewActorsRequest,
) -> Result<ReviewActorsResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(std::mem::take(&mut request.page_size)));
    let token = std::mem::take(&mut request.page_token);
    let min_revision = std::mem::take(&mut request.min_revision);
    let epoch = std::mem::take(&mut request.epoch);
    let named = hex(&request);
    let binding = Binding([call.method, call.namespace.name(), &named]);
    let after = violations.check(binding.cursor(&token));
    let after = violations.check(after.map(|cursor| read_place(&cursor)).transpose());
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewActorsSpec {
        filter,
        after,
        limit: size + 1,
    };
    let context = call.read_context(min_revision, epoch)?;
    let found = call
        .engine
        .review_actors(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let influence_count = found.value.influence_count;
    let influences = found.value.influences;
    let mut places: Vec<_> = influences.iter().map(|own| own.place.clone()).collect();
    let answer = At {
        value: influences,
        revision: found.revision,
    };
    let page = Page::new(answer, size, influence);
    let last = page.entries.len().saturating_sub(1);
    Ok(ReviewActorsResponse {
        next_page_token: page.next(|_| binding.token(&write_place(&places.swap_remove(last)))),
        revision: page.revision,
        influences: page.entries,
        influence_count,
        epoch: call.epoch(),
    })
}

pub(crate) fn categories(
    call: &NamespaceCall<'_>,
    mut request: ReviewCategoriesRequest,
) -> Result<ReviewCategoriesResponse> {
    let mut violations = Violations::default();
    let size = violations.check(number::page_size(std::mem::take(&mut request.page_size)));
    let token = std::mem::take(&mut request.page_token);
    let min_revision = std::mem::take(&mut request.min_revision);
    let epoch = std::mem::take(&mut request.epoch);
    let named = hex(&request);
    let binding = Binding([call.method, call.namespace.name(), &named]);
    let after = violations.check(binding.key(&token));
    if !request.category.is_empty() {
        violations.check(text::key(Path::field("category"), &request.category));
    }
    let since = match request.since {
        Some(Since::SinceRevision(revision)) => {
            let path = Path::field("since_revision");
            let revision = violations.check(number::from_one(path, u64::MAX, revision));
            Some(MovedSince::Revision(revision))
        }
        Some(Since::SinceTime(time)) => {
            let time = time::milliseconds(Path::field("since_time"), time);
            Some(MovedSince::Time(violations.check(time)))
        }
        None => None,
    };
    let member_limit = request.member_limit.unwrap_or(DEFAULT_REVIEW_MEMBERS);
    if !(1..=REVIEWED_MEMBERS).contains(&member_limit) {
        let range = format_args!("1 to {REVIEWED_MEMBERS}");
        let error = number::out_of_range(Path::field("member_limit"), range, member_limit);
        violations.check(Err::<(), _>(error));
    }
    violations.finish(Ok(()))?;
    let spec = ReviewCategoriesSpec {
        category: (!request.category.is_empty()).then_some(request.category),
        since,
        member_limit,
        after,
        limit: size,
    };
    let context = call.read_context(min_revision, epoch)?;
    let found = call
        .engine
        .review_categories(&call.namespace, &spec, context)?;
    let categories: Vec<_> = found.value.categories.into_iter().map(category).collect();
    let next = categories.last().filter(|_| found.value.more);
    let next = next.map(|last| binding.token(last.category.as_bytes()));
    Ok(ReviewCategoriesResponse {
        next_page_token: next.unwrap_or_default(),
        categories,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

pub(crate) fn impact(
    call: &NamespaceCall<'_>,
    request: ReviewImpactRequest,
) -> Result<ReviewImpactResponse> {
    let mut violations = Violations::default();
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    if filter.actor.is_none() {
        let path = Path::field("filter");
        let error = required(path.then("actor"), "is not set");
        violations.check(Err::<(), _>(error));
    }
    let item_limit = request.item_limit.unwrap_or(DEFAULT_IMPACT_ITEMS);
    if !(1..=IMPACT_ITEMS).contains(&item_limit) {
        let range = format_args!("1 to {IMPACT_ITEMS}");
        let error = number::out_of_range(Path::field("item_limit"), range, item_limit);
        violations.check(Err::<(), _>(error));
    }
    let change_limit = request.change_limit.unwrap_or(DEFAULT_IMPACT_CHANGES);
    if change_limit > IMPACT_CHANGES {
        let range = format_args!("0 to {IMPACT_CHANGES}");
        let error = number::out_of_range(Path::field("change_limit"), range, change_limit);
        violations.check(Err::<(), _>(error));
    }
    violations.finish(Ok(()))?;
    let spec = ReviewImpactSpec {
        filter,
        item_limit,
        change_limit: change_limit as usize,
    };
    let context = call.read_context(request.min_revision, request.epoch)?;
    let found = call
        .engine
        .review_impact(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let review = found.value;
    let key = |category: Option<Arc<str>>| category.map_or_else(String::new, |c| c.to_string());
    Ok(ReviewImpactResponse {
        member_count: review.members,
        item_count: review.items,
        changed_count: review.changed,
        changes: review.changes.into_iter().map(changed).collect(),
        flows: review
            .flows
            .into_iter()
            .map(|flow| v1::AnswerFlow {
                category_without: key(flow.without),
                category: key(flow.with),
                count: flow.count,
            })
            .collect(),
        categories: review
            .categories
            .into_iter()
            .map(|(category, movement)| v1::CategoryMovement {
                category: category.to_string(),
                movement,
            })
            .collect(),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn changed(found: ChangedAnswer) -> v1::ChangedAnswer {
    let answer = |answer: Answer| answer.map(|(key, score)| (key.to_string(), score)).unzip();
    let ((category, score), (category_without, score_without)) =
        (answer(found.with), answer(found.without));
    v1::ChangedAnswer {
        item: found.item,
        category: category.unwrap_or_default(),
        score,
        category_without: category_without.unwrap_or_default(),
        score_without,
    }
}

fn scope(scope: i32) -> Result<DuplicateScope> {
    use v1::DuplicateScope as S;
    match S::try_from(scope) {
        Ok(S::Unspecified | S::SameCategory) => Ok(DuplicateScope::Same),
        Ok(S::OtherCategory) => Ok(DuplicateScope::Other),
        Ok(S::AnyCategory) => Ok(DuplicateScope::Any),
        Err(_) => Err(number::out_of_range(Path::field("scope"), "0 to 3", scope)),
    }
}

fn write_sequence(category: &str, sequence: u64) -> Vec<u8> {
    let mut cursor = sequence.to_le_bytes().to_vec();
    cursor.extend(category.as_bytes());
    cursor
}

fn read_sequence(cursor: &[u8]) -> Result<(String, u64)> {
    let (sequence, category) = cursor.split_first_chunk().ok_or_else(invalid)?;
    let category = String::from_utf8(category.to_vec()).map_err(|_| invalid())?;
    Ok((category, u64::from_le_bytes(*sequence)))
}

fn duplicate(found: Duplicate) -> v1::Duplicate {
    v1::Duplicate {
        item: found.item,
        category: found.category.to_string(),
        original: found.original,
        original_category: found.original_category.to_string(),
        similarity: found.similarity,
        duplicate_count: found.count,
        assign_time: timestamp(found.origin.time_ms),
        actor: found.origin.actor,
        reason: found.origin.reason,
    }
}

fn influence(found: ActorInfluence) -> v1::ActorInfluence {
    let (first, last) = found.times_ms;
    v1::ActorInfluence {
        actor: found.actor,
        category: found.category.to_string(),
        member_count: found.members,
        counting_count: found.counting,
        weight: found.weight,
        weight_share: found.share,
        movement: found.movement,
        first_assign_time: timestamp(first),
        last_assign_time: timestamp(last),
    }
}

fn category(found: CategoryReview) -> v1::CategoryReview {
    let (nearest_category, nearest_similarity) = match found.nearest {
        Some((category, similarity)) => (category.to_string(), Some(similarity)),
        None => (String::new(), None),
    };
    let confused = found.confused.into_iter().map(|(category, count)| {
        let category = category.to_string();
        v1::ConfusedCategory { category, count }
    });
    v1::CategoryReview {
        category: found.view.key,
        member_count: found.view.member_count,
        counting_count: found.view.counting_count,
        movement: found.movement,
        drift: found.view.drift,
        spread: found.view.spread,
        cohesion: found.cohesion,
        nearest_category,
        nearest_similarity,
        reviewed_count: found.reviewed,
        misfit_count: found.misfits,
        confused: confused.collect(),
        split: found.split.map(split),
    }
}

fn split(found: CategorySplit) -> v1::CategorySplit {
    let halves = found.halves.into_iter();
    v1::CategorySplit {
        gain: found.gain,
        similarity: found.similarity,
        halves: halves
            .map(|(member_count, items)| v1::SplitHalf {
                member_count,
                items,
            })
            .collect(),
    }
}

/// A text that differs for each request.
fn hex(request: &impl Message) -> String {
    let bytes = request.encode_to_vec();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn order(order: i32) -> Result<ReviewOrder> {
    match v1::ReviewOrder::try_from(order) {
        Ok(v1::ReviewOrder::Unspecified | v1::ReviewOrder::Misfit) => Ok(ReviewOrder::Misfit),
        Ok(v1::ReviewOrder::Influence) => Ok(ReviewOrder::Influence),
        Err(_) => Err(number::out_of_range(Path::field("order"), "0 to 2", order)),
    }
}

fn min_difference(least: Option<f64>, order: Option<ReviewOrder>) -> Result<Option<f64>> {
    let path = Path::field("min_difference");
    match least {
        Some(least) if order == Some(ReviewOrder::Influence) => {
            Err(number::out_of_range(path, "unset in this order", least))
        }
        Some(least) if !(-2.0..=2.0).contains(&least) => {
            Err(number::out_of_range(path, "-2 to 2", least))
        }
        least => Ok(least),
    }
}

/// The filter of a request.
fn filter(filter: v1::MemberFilter, violations: &mut Violations) -> MemberFilter {
    let path = Path::field("filter");
    if !filter.category.is_empty() {
        violations.check(text::key(path.then("category"), &filter.category));
    }
    violations.check(text::text(path.then("actor"), &filter.actor, ACTOR_BYTES));
    violations.check(text::text(
        path.then("key_prefix"),
        &filter.key_prefix,
        KEY_BYTES,
    ));
    let (start_ms, end_ms) = time::period(path, filter.start_time, filter.end_time, violations);
    MemberFilter {
        category: (!filter.category.is_empty()).then_some(filter.category),
        actor: (!filter.actor.is_empty()).then_some(filter.actor),
        start_ms,
        end_ms,
        key_prefix: filter.key_prefix,
    }
}

/// The refusal of a review, whose filter names one category.
#[cold]
fn refusal(error: ee_engine::Error) -> CallError {
    match error {
        ee_engine::Error::CategoryNotFound { ref key } => {
            let text = error.to_string();
            CallError::at(ErrorReason::CategoryNotFound, "filter.category", text)
                .with("category", key)
        }
        other => other.into(),
    }
}

fn write_place(place: &ReviewPlace) -> Vec<u8> {
    let mut cursor = place.value.to_le_bytes().to_vec();
    cursor.extend((place.first.len() as u32).to_le_bytes());
    cursor.extend(place.first.as_bytes());
    cursor.extend(place.second.as_bytes());
    cursor
}

fn read_place(cursor: &[u8]) -> Result<ReviewPlace> {
    let (value, rest) = cursor.split_first_chunk().ok_or_else(invalid)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(invalid)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (first, second) = rest.split_at_checked(length).ok_or_else(invalid)?;
    let key = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| invalid());
    Ok(ReviewPlace {
        value: f64::from_le_bytes(*value),
        first: key(first)?,
        second: key(second)?,
    })
}

fn member(found: ee_engine::MemberReview) -> v1::MemberReview {
    let difference = difference(&found.fit);
    let (other_category, other_score) = match found.fit.other {
        Some((category, score)) => (category.to_string(), Some(score)),
        None => (String::new(), None),
    };
    v1::MemberReview {
        item: found.item,
        category: found.category.to_string(),
        weight: found.weight,
        counts: found.counts,
        score: found.fit.own,
        other_category,
        other_score,
        difference,
        movement: found.movement,
        assign_time: timestamp(found.origin.time_ms),
        actor: found.origin.actor,
        reason: found.origin.reason,
    }
}
