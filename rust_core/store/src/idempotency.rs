//! First answers to requests with an id, kept for a day.

use crate::codec::{self, Answer};
use crate::{Reads, StoreResult};

/// How long an answer is kept, in milliseconds: a day.
pub const RETENTION_MS: i64 = 24 * 60 * 60 * 1000;

/// Expired answers that are deleted for each new one, at most.
pub const EXPIRE_PER_ANSWER: usize = 4;

/// The state of a request id.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// The id is new, or has expired.
    New,
    /// The same request was answered before.
    Answered(Answer),
    /// Another request had the id.
    Reused,
}

/// Looks up the answer to a request.
pub fn get(
    reads: &dyn Reads,
    namespace: i64,
    request_id: &str,
    fingerprint: u64,
    now_ms: i64,
) -> StoreResult<Known> {
    let Some(stored) = reads.idempotency_get(namespace, request_id)? else {
        return Ok(Known::New);
    };
    if stored.time_ms + RETENTION_MS < now_ms {
        return Ok(Known::New);
    }
    if stored.fingerprint != fingerprint {
        return Ok(Known::Reused);
    }
    let place = format!("idempotency_keys, {request_id:?}");
    Ok(Known::Answered(codec::decode(&stored.answer, &place)?))
}
