//! The table of log entries.

use std::ops::ControlFlow;

use ee_core::command::record::Entry;
use memchr::memmem::Finder;
use rusqlite::{Connection, Row};

use crate::checksum::Checksum;
use crate::codec::{decode, encode};
use crate::{LogRange, LogRow, StoreResult};

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

/// Calls `each` with the entries of a namespace in a range, until `each` breaks. Entries that lack
/// one of the texts are not decoded, which takes most of the time of reading them: in a stored
/// entry, each text is a run of its UTF-8 bytes.
pub(crate) fn entries_in(
    connection: &Connection,
    namespace: i64,
    range: &LogRange<'_>,
    mut each: impl FnMut(LogRow) -> StoreResult<ControlFlow<()>>,
) -> StoreResult<()> {
    let order = if range.newest_first { "DESC" } else { "ASC" };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT namespace, revision, sequence, entry, checksum FROM log
         WHERE namespace = ?1 AND revision BETWEEN ?2 AND ?3 ORDER BY revision {order}"
    ))?;
    let texts: Vec<_> = range.containing.iter().map(Finder::new).collect();
    // The largest u64 means "no bound"; the column holds i64.
    let bound = |revision| i64::try_from(revision).unwrap_or(i64::MAX);
    let mut rows = statement.query((namespace, bound(range.first), bound(range.last)))?;
    while let Some(row) = rows.next()? {
        let raw = RawEntry::read(row)?;
        raw.verify()?;
        let has_all = texts.iter().all(|text| text.find(&raw.entry).is_some());
        let row = LogRow {
            revision: raw.revision.cast_unsigned(),
            bytes: raw.entry.len(),
            entry: has_all.then(|| raw.decode()).transpose()?,
        };
        if each(row)?.is_break() {
            break;
        }
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

    /// Bytes of the fields without a bound of their own.
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

    fn place(&self) -> String {
        format!(
            "log, namespace {}, revision {}",
            self.namespace, self.revision
        )
    }

    fn verify(&self) -> StoreResult<()> {
        self.checksum().check(self.checksum, || self.place())
    }

    fn decode(&self) -> StoreResult<Entry> {
        decode(&self.entry, &self.place())
    }

    fn check(&self) -> StoreResult<Entry> {
        self.verify()?;
        self.decode()
    }
}
