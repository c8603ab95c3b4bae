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
    /// Active namespaces; counted when the head is loaded.
    pub(crate) namespaces: u64,
}

impl Head {
    pub(super) fn first() -> Self {
        Self {
            sequence: 0,
            next_id: 1,
            time_ms: 0,
            namespaces: 0,
        }
    }

    /// Takes an identifier.
    pub(crate) fn take_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        id
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
                namespaces: 0,
            };
            Ok((head, row.get(3)?, row.get::<_, Option<Vec<u8>>>(4)?))
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
            .prepare_cached("INSERT OR REPLACE INTO head VALUES (1, ?1, ?2, ?3, ?4, NULL)")?
            .execute((
                self.sequence.cast_signed(),
                self.next_id,
                self.time_ms,
                self.checksum().finish(),
            ))?;
        Ok(())
    }

    fn checksum(&self) -> Checksum {
        let mut checksum = Checksum::new("head");
        checksum
            .int(self.sequence.cast_signed())
            .int(self.next_id)
            .int(self.time_ms);
        checksum
    }
}
