//! Reviews.

pub(crate) mod actors;
pub(crate) mod categories;
pub(crate) mod duplicates;
pub(crate) mod impact;
pub(crate) mod members;
pub(crate) mod rate;

use ee_engine::{MemberFilter, ReviewPlace};
use prost::Message;

use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{text, time};
use crate::limits::{ACTOR_BYTES, KEY_BYTES};
use crate::methods::page::Page;
use crate::methods::paging::Paging;
use crate::page_token::{invalid, key};
use crate::proto::v1::{self, ErrorReason};

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

/// The entries of a page in the order of their places, from an answer of up to one more than its size,
/// and the token of the next page.
fn page<V, T: Message>(
    paging: &Paging<'_>,
    found: Vec<V>,
    place: impl Fn(&V) -> &ReviewPlace,
    encode: impl Fn(V) -> T,
) -> (Vec<T>, String) {
    let places: Vec<ReviewPlace> = found.iter().map(|own| place(own).clone()).collect();
    let page = Page::of(found, paging.size, encode);
    let last = page.entries.len().saturating_sub(1);
    let next = page.next(|_| paging.token(&write_place(&places[last])));
    (page.entries, next)
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
    Ok(ReviewPlace {
        value: f64::from_le_bytes(*value),
        first: key(first)?,
        second: key(second)?,
    })
}
