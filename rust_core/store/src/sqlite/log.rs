//! The table of log entries.

use ee_core::command::record::Entry;
use rusqlite::{Connection, Row};

use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::{decode, encode};

/// Calls `each` with the entries of a namespace after a revision, the newest first.
pub(crate) fn entries_after(
    connection: &Connection,
    namespace: i64,
    revision: u64,
    mut each: impl FnMut(Entry) -> StoreResult<()>,
) -> StoreResult<()> {
    let mut statement = connection.prepare_cached(
        "SELECT namespace, revision, sequence, entry, checksum FROM log
         WHERE namespace = ?1 AND revision > ?2 ORDER BY revision DESC",
    )?;
    let mut rows = statement.query((namespace, revision.cast_signed()))?;
    while let Some(row) = rows.next()? {
        each(RawEntry::read(row)?.check()?)?;
    }
    Ok(())
}

/// A row of `log`.
pub(super) struct RawEntry {
    namespace: i64,
    revision: i64,
    sequence: i64,
    entry: Vec<u8>,
    checksum: i64,
}

impl RawEntry {
    pub(super) fn new(namespace: i64, sequence: u64, entry: &Entry) -> Self {
        Self {
            namespace,
            revision: entry.revision.cast_signed(),
            sequence: sequence.cast_signed(),
            entry: encode(entry),
            checksum: 0,
        }
    }

    /// Bytes of what has no bound of its own.
    pub(super) fn bytes(&self) -> usize {
        self.entry.len()
    }

    pub(super) fn insert(&self, connection: &Connection) -> StoreResult<()> {
        connection
            .prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute((
                self.namespace,
                self.revision,
                self.sequence,
                &self.entry,
                self.checksum().finish(),
            ))?;
        Ok(())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            namespace: row.get(0)?,
            revision: row.get(1)?,
            sequence: row.get(2)?,
            entry: row.get(3)?,
            checksum: row.get(4)?,
        })
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("log");
        checksum
            .int(self.namespace)
            .int(self.revision)
            .int(self.sequence)
            .bytes(&self.entry);
        checksum
    }

    fn check(self) -> StoreResult<Entry> {
        let place = || {
            format!(
                "log, namespace {}, revision {}",
                self.namespace, self.revision
            )
        };
        self.checksum().check(self.checksum, place)?;
        decode(&self.entry, &place())
    }
}
