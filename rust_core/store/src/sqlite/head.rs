//! The head: how many entries the directory has, across namespaces.

use rusqlite::Connection;

use super::namespaces::namespace_count;
use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::check_extensions;

/// Counters of the whole directory. The writer owns the live head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Entries appended so far.
    pub(crate) sequence: u64,
    /// Next identifier of a namespace, category or item.
    pub(crate) next_id: i64,
    /// Time of the newest entry. Time never goes back in the log.
    pub(crate) time_ms: i64,
    /// Rows of the log.
    pub(crate) log_rows: u64,
    /// Bytes of the entries in them.
    pub(crate) log_bytes: u64,
    /// Active namespaces; counted when the head is loaded.
    pub(crate) namespaces: u64,
}

impl Head {
    pub(super) fn first() -> Self {
        Self {
            sequence: 0,
            next_id: 1,
            time_ms: 0,
            log_rows: 0,
            log_bytes: 0,
            namespaces: 0,
        }
    }

    /// Entries of the log were deleted.
    pub(crate) fn entries_deleted(&mut self, entries: u64, bytes: u64) {
        self.log_rows = self.log_rows.saturating_sub(entries);
        self.log_bytes = self.log_bytes.saturating_sub(bytes);
    }

    /// Takes an identifier.
    pub(crate) fn take_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn load(connection: &Connection) -> StoreResult<Self> {
        let mut statement = connection.prepare_cached(
            "SELECT sequence, next_id, time, log_rows, log_bytes, checksum, extensions FROM head
             WHERE id = 1",
        )?;
        let (head, checksum, extensions) = statement.query_row([], |row| {
            let head = Self {
                sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                next_id: row.get(1)?,
                time_ms: row.get(2)?,
                log_rows: row.get::<_, i64>(3)?.cast_unsigned(),
                log_bytes: row.get::<_, i64>(4)?.cast_unsigned(),
                namespaces: 0,
            };
            Ok((head, row.get(5)?, row.get::<_, Option<Vec<u8>>>(6)?))
        })?;
        let namespaces = namespace_count(connection)?;
        let head = Self { namespaces, ..head };
        let extensions = extensions.as_deref();
        head.checksum()
            .nullable(extensions)
            .check(checksum, || "head".into())?;
        check_extensions(extensions, "head", "head")?;
        Ok(head)
    }

    pub(crate) fn save(&self, connection: &Connection) -> StoreResult<()> {
        connection
            .prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, NULL)")?
            .execute((
                self.sequence.cast_signed(),
                self.next_id,
                self.time_ms,
                self.log_rows.cast_signed(),
                self.log_bytes.cast_signed(),
                self.checksum().finish(),
            ))?;
        Ok(())
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("head");
        checksum
            .int(self.sequence.cast_signed())
            .int(self.next_id)
            .int(self.time_ms)
            .int(self.log_rows.cast_signed())
            .int(self.log_bytes.cast_signed());
        checksum
    }
}
