//! Reviews.

use ee_engine::{MemberFilter, ReviewMembersSpec, ReviewOrder, ReviewPlace, difference};
use prost::Message;

use super::page::Page;
use crate::call::NamespaceCall;
use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, text, time};
use crate::encode::timestamp;
use crate::limits::{ACTOR_BYTES, KEY_BYTES};
use crate::page_token::{Binding, invalid};
use crate::proto::v1::{self, ErrorReason, ReviewMembersRequest, ReviewMembersResponse};

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
        ee_engine::At {
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
