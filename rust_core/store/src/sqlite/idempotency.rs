//! The table of first answers to requests with an id.

use rusqlite::{Connection, OptionalExtension};

use crate::StoreResult;
use crate::StoredRequest;
use crate::checksum::Checksum;
use crate::idempotency::RETENTION_MS;

/// The stored answer to a request.
pub(super) fn get(
    connection: &Connection,
    namespace: i64,
    request_id: &str,
) -> StoreResult<Option<StoredRequest>> {
    let mut statement = connection.prepare_cached(
        "SELECT time, fingerprint, answer, checksum FROM idempotency_keys
         WHERE namespace = ?1 AND request_id = ?2",
    )?;
    let row = statement
        .query_row((namespace, request_id), |row| {
            let request = StoredRequest {
                time_ms: row.get(0)?,
                fingerprint: row.get::<_, i64>(1)?.cast_unsigned(),
                answer: row.get(2)?,
            };
            Ok((request, row.get::<_, i64>(3)?))
        })
        .optional()?;
    let Some((request, stored)) = row else {
        return Ok(None);
    };
    checksum(namespace, request_id, &request)
        .check(stored, || format!("idempotency_keys, {request_id:?}"))?;
    Ok(Some(request))
}

/// Stores the answer to a request, in place of an expired one with the same id.
pub(super) fn put(
    connection: &Connection,
    namespace: i64,
    request_id: &str,
    request: &StoredRequest,
) -> StoreResult<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO idempotency_keys VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((
            namespace,
            request_id,
            request.time_ms,
            request.fingerprint.cast_signed(),
            &request.answer,
            checksum(namespace, request_id, request).finish(),
        ))?;
    Ok(())
}

/// Deletes at most `limit` expired answers, the oldest first.
pub(super) fn expire(connection: &Connection, now_ms: i64, limit: usize) -> StoreResult<()> {
    connection
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE (namespace, request_id) IN
             (SELECT namespace, request_id FROM idempotency_keys
              WHERE time < ?1 ORDER BY time LIMIT ?2)",
        )?
        .execute((now_ms - RETENTION_MS, limit as i64))?;
    Ok(())
}

/// Deletes at most `limit` answers from a clock that was ahead, and has gone back since: they would stay
/// until that time has come. Returns how many.
pub(super) fn expire_ahead(
    connection: &Connection,
    now_ms: i64,
    limit: usize,
) -> StoreResult<usize> {
    let deleted = connection
        .prepare_cached(
            "DELETE FROM idempotency_keys WHERE (namespace, request_id) IN
             (SELECT namespace, request_id FROM idempotency_keys
              WHERE time > ?1 ORDER BY time DESC LIMIT ?2)",
        )?
        .execute((now_ms, limit as i64))?;
    Ok(deleted)
}

fn checksum(namespace: i64, request_id: &str, request: &StoredRequest) -> Checksum {
    let mut checksum = Checksum::new("idempotency_keys");
    checksum
        .int(namespace)
        .bytes(request_id.as_bytes())
        .int(request.time_ms)
        .int(request.fingerprint.cast_signed())
        .bytes(&request.answer);
    checksum
}
