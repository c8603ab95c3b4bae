//! ReviewDuplicates.

use ee_engine::{Duplicate, DuplicateScope, ReviewDuplicatesSpec};

use super::{filter, refusal};
use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::decode::number;
use crate::decode::path::Path;
use crate::encode::timestamp;
use crate::methods::paging::Paging;
use crate::page_token::{invalid, key};
use crate::proto::v1::{self, ReviewDuplicatesRequest, ReviewDuplicatesResponse};

/// The least cosine of duplicates if the request does not say.
const DEFAULT_SIMILARITY: f64 = 0.98;

pub(crate) fn review(
    call: &NamespaceCall<'_>,
    mut request: ReviewDuplicatesRequest,
) -> Result<ReviewDuplicatesResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let after = paging.after(&mut violations, read_sequence);
    let scope = violations.check(scope(request.scope).map(Some));
    let min_similarity = request.min_similarity.unwrap_or(DEFAULT_SIMILARITY);
    if !(0.5..=1.0).contains(&min_similarity) {
        let path = Path::field("min_similarity");
        let error = number::out_of_range(path, "0.5 to 1", number::Float(min_similarity));
        violations.check(Err::<(), _>(error));
    }
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewDuplicatesSpec {
        filter,
        scope: scope.unwrap_or(DuplicateScope::Same),
        min_similarity,
        after,
        limit: paging.size,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .review_duplicates(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let next = found.value.next;
    Ok(ReviewDuplicatesResponse {
        duplicates: found.value.duplicates.into_iter().map(duplicate).collect(),
        next_page_token: next.map_or_else(String::new, |(category, sequence)| {
            paging.token(&write_sequence(&category, sequence))
        }),
        revision: found.revision,
        epoch: call.epoch(),
    })
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
    Ok((key(category)?, u64::from_le_bytes(*sequence)))
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
