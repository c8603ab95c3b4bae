//! First answers to requests with an id, for a day.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::checksum::Checksum;
use super::{StoreResult, decode, encode};

/// How long an answer is kept: a day.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Old answers deleted for each one that is kept, at the most.
const SWEEP: i64 = 4;

/// What is known of a request.
pub(crate) enum Remembered<T> {
    /// The id is new.
    No,
    /// The same request was answered so.
    Answer(T),
    /// Another request had the id.
    Other,
}

/// Looks for the answer to a request.
pub(crate) fn recall<T: DeserializeOwned>(
    connection: &Connection,
    namespace: i64,
    request_id: &str,
    fingerprint: u64,
    now_ms: i64,
) -> StoreResult<Remembered<T>> {
    let mut statement = connection.prepare_cached(
        "SELECT time, fingerprint, answer, checksum FROM requests
         WHERE namespace = ?1 AND request_id = ?2",
    )?;
    let row = statement
        .query_row((namespace, request_id), |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let Some((time, stored_fingerprint, answer, stored)) = row else {
        return Ok(Remembered::No);
    };
    let place = || format!("requests, {request_id:?}");
    checksum(namespace, request_id, time, stored_fingerprint, &answer).check(stored, place)?;
    if time + KEPT_MS < now_ms {
        Ok(Remembered::No)
    } else if stored_fingerprint == fingerprint.cast_signed() {
        Ok(Remembered::Answer(decode(&answer, &place())?))
    } else {
        Ok(Remembered::Other)
    }
}

/// Keeps the answer to a request.
pub(crate) fn remember<T: Serialize>(
    connection: &Connection,
    namespace: i64,
    request_id: &str,
    fingerprint: u64,
    now_ms: i64,
    answer: &T,
) -> StoreResult<()> {
    let answer = encode(answer);
    let fingerprint = fingerprint.cast_signed();
    let checksum = checksum(namespace, request_id, now_ms, fingerprint, &answer).finish();
    connection
        .prepare_cached("INSERT OR REPLACE INTO requests VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((namespace, request_id, now_ms, fingerprint, answer, checksum))?;
    Ok(())
}

/// Forgets some answers that are too old, after so many have been kept.
pub(crate) fn forget_old(connection: &Connection, now_ms: i64, kept: usize) -> StoreResult<()> {
    connection
        .prepare_cached(
            "DELETE FROM requests WHERE (namespace, request_id) IN
             (SELECT namespace, request_id FROM requests WHERE time < ?1 ORDER BY time LIMIT ?2)",
        )?
        .execute((now_ms - KEPT_MS, SWEEP * kept as i64))?;
    Ok(())
}

fn checksum(
    namespace: i64,
    request_id: &str,
    time: i64,
    fingerprint: i64,
    answer: &[u8],
) -> Checksum {
    let mut checksum = Checksum::new("requests");
    checksum
        .int(namespace)
        .bytes(request_id.as_bytes())
        .int(time)
        .int(fingerprint)
        .bytes(answer);
    checksum
}
