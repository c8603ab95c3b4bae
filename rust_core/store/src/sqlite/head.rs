//! The head: how many entries the directory has, across namespaces.

use rusqlite::Connection;

use super::namespaces::namespace_count;
use crate::StoreResult;
use crate::checksum::Checksum;
use crate::codec::{Extensions, read_extensions, value};

/// How long the log of all namespaces is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogSize {
    /// Rows.
    pub(crate) rows: u64,
    /// Bytes of the entries in them.
    pub(crate) bytes: u64,
}

impl LogSize {
    /// Counts the rows and bytes, which takes a look at every row.
    fn count(connection: &Connection) -> StoreResult<Self> {
        let sql = "SELECT count(*), coalesce(sum(length(entry)), 0) FROM log";
        Ok(connection.query_row(sql, [], |row| {
            Ok(Self {
                rows: row.get::<_, i64>(0)?.cast_unsigned(),
                bytes: row.get::<_, i64>(1)?.cast_unsigned(),
            })
        })?)
    }
}

/// Counters of the whole directory. The writer owns the live head. Extension 1 of its row: the length of
/// the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Entries appended so far.
    pub(crate) sequence: u64,
    /// Next identifier of a namespace, category or item.
    pub(crate) next_id: i64,
    /// Time of the newest entry. Time never goes back in the log.
    pub(crate) time_ms: i64,
    /// How long the log is; `None`: not counted, in a directory from before these counts.
    pub(crate) log: Option<LogSize>,
    /// Active namespaces; counted when the head is loaded.
    pub(crate) namespaces: u64,
}

impl Head {
    pub(super) fn first() -> Self {
        Self {
            sequence: 0,
            next_id: 1,
            time_ms: 0,
            log: Some(LogSize::default()),
            namespaces: 0,
        }
    }

    /// An entry was appended to the log.
    pub(crate) fn entry_appended(&mut self, bytes: u64) {
        if let Some(log) = &mut self.log {
            log.rows += 1;
            log.bytes += bytes;
        }
    }

    /// Entries of the log were deleted.
    pub(crate) fn entries_deleted(&mut self, entries: u64, bytes: u64) {
        if let Some(log) = &mut self.log {
            log.rows = log.rows.saturating_sub(entries);
            log.bytes = log.bytes.saturating_sub(bytes);
        }
    }

    /// Takes an identifier.
    pub(crate) fn take_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The head of the directory, its log counted if that was not done before.
    pub(crate) fn load_counted(connection: &Connection) -> StoreResult<Self> {
        let mut head = Self::load(connection)?;
        if head.log.is_none() {
            head.log = Some(LogSize::count(connection)?);
        }
        Ok(head)
    }

    pub(crate) fn load(connection: &Connection) -> StoreResult<Self> {
        let mut statement = connection.prepare_cached(
            "SELECT sequence, next_id, time, checksum, extensions FROM head WHERE id = 1",
        )?;
        let (head, checksum, extensions) = statement.query_row([], |row| {
            let head = Self {
                sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                next_id: row.get(1)?,
                time_ms: row.get(2)?,
                log: None,
                namespaces: 0,
            };
            Ok((head, row.get(3)?, row.get::<_, Option<Vec<u8>>>(4)?))
        })?;
        let namespaces = namespace_count(connection)?;
        let mut head = Self { namespaces, ..head };
        let extensions = extensions.as_deref();
        head.checksum(extensions)
            .check(checksum, || "head".into())?;
        let extensions = extensions.unwrap_or_default();
        read_extensions(extensions, "head", 1, "head", |_, bytes| {
            let (rows, bytes) = value(bytes)?;
            head.log = Some(LogSize { rows, bytes });
            Some(())
        })?;
        Ok(head)
    }

    pub(crate) fn save(&self, connection: &Connection) -> StoreResult<()> {
        let extensions = self
            .log
            .map(|log| Extensions::of_row(|out| out.put(1, &(log.rows, log.bytes))));
        connection
            .prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1, ?2, ?3, ?4, ?5)")?
            .execute((
                self.sequence.cast_signed(),
                self.next_id,
                self.time_ms,
                self.checksum(extensions.as_deref()).finish(),
                &extensions,
            ))?;
        Ok(())
    }

    fn checksum(&self, extensions: Option<&[u8]>) -> Checksum {
        let mut checksum = Checksum::new("head");
        checksum
            .int(self.sequence.cast_signed())
            .int(self.next_id)
            .int(self.time_ms)
            .nullable(extensions);
        checksum
    }
}
