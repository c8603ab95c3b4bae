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

/// The search for expired answers: rounds over the table, a few rows at a time. An index by time would
/// find them at once, and cost every new answer one more page.
#[derive(Default)]
pub(super) struct Sweep {
    /// The last row that the round has looked at; `None`: the next round has not begun.
    at: Option<(i64, String)>,
    /// Time of the oldest answer that the round has kept, or at which it began.
    oldest_ms: i64,
    /// No answer expires before this time, unless the clock goes back.
    due_ms: i64,
}

impl Sweep {
    /// Looks at up to `limit` answers, and deletes the expired ones among them: those that are too old,
    /// and those from a clock that was ahead and has gone back since, which would stay until that time
    /// has come.
    pub(super) fn go_on(
        &mut self,
        connection: &Connection,
        now_ms: i64,
        limit: usize,
    ) -> StoreResult<()> {
        if self.at.is_none() {
            if now_ms < self.due_ms {
                return Ok(());
            }
            self.oldest_ms = now_ms;
        }
        let (namespace, request_id) = self.at.take().unwrap_or((i64::MIN, String::new()));
        let mut looked = 0;
        let mut expired = Vec::new();
        let mut statement = connection.prepare_cached(
            "SELECT namespace, request_id, time FROM idempotency_keys
             WHERE (namespace, request_id) > (?1, ?2) ORDER BY namespace, request_id LIMIT ?3",
        )?;
        let mut rows = statement.query((namespace, request_id, limit as i64))?;
        while let Some(row) = rows.next()? {
            let key: (i64, String) = (row.get(0)?, row.get(1)?);
            let time_ms: i64 = row.get(2)?;
            if (now_ms - RETENTION_MS..=now_ms).contains(&time_ms) {
                self.oldest_ms = self.oldest_ms.min(time_ms);
            } else {
                expired.push(key.clone());
            }
            self.at = Some(key);
            looked += 1;
        }
        if looked < limit {
            self.at = None;
            self.due_ms = self.oldest_ms + RETENTION_MS + 1;
        }
        let mut delete = connection.prepare_cached(
            "DELETE FROM idempotency_keys WHERE namespace = ?1 AND request_id = ?2",
        )?;
        for key in expired {
            delete.execute(key)?;
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::database::open_writer;

    const DAY: i64 = RETENTION_MS;

    fn answer_at(connection: &Connection, id: &str, time_ms: i64) {
        let request = StoredRequest {
            time_ms,
            fingerprint: 0,
            answer: Vec::new(),
        };
        put(connection, 1, id, &request).unwrap();
    }

    fn kept(connection: &Connection) -> String {
        let sql = "SELECT coalesce(group_concat(request_id, ' '), '') FROM idempotency_keys";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn rounds_delete_what_has_expired_and_what_is_from_a_time_ahead() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open_writer(&directory.path().join("effemb.db")).unwrap();
        for (id, time_ms) in [("a", 5), ("b", 3), ("c", 900 * DAY), ("d", 9), ("e", DAY)] {
            answer_at(&connection, id, time_ms);
        }
        let mut sweep = Sweep::default();
        sweep.go_on(&connection, DAY + 4, 2).unwrap();
        assert_eq!(kept(&connection), "a c d e");
        for _ in 0..2 {
            sweep.go_on(&connection, DAY + 4, 2).unwrap();
        }
        assert_eq!(kept(&connection), "a d e");
        // The round is over. The next one begins when the oldest answer expires.
        answer_at(&connection, "f", DAY + 4);
        sweep.go_on(&connection, DAY + 5, 9).unwrap();
        assert_eq!(
            (kept(&connection).as_str(), sweep.due_ms),
            ("a d e f", DAY + 6)
        );
        sweep.go_on(&connection, DAY + 6, 9).unwrap();
        assert_eq!(
            (kept(&connection).as_str(), sweep.due_ms),
            ("d e f", DAY + 10)
        );
        sweep.go_on(&connection, 3 * DAY, 9).unwrap();
        assert_eq!(
            (kept(&connection).as_str(), sweep.due_ms),
            ("", 4 * DAY + 1)
        );
    }
}
