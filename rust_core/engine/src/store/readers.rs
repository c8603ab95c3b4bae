//! Connections that only read, and the snapshots that they read from.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::database::open_reader;
use super::{StoreError, StoreResult};

/// Connections kept for the next reader.
const KEPT: usize = 16;

/// The connections that are not in use.
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    closed: bool,
}

impl Readers {
    pub(crate) fn new(file: &Path) -> Arc<Self> {
        Arc::new(Self {
            file: file.to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Begins to read: all that is read from it is as of one moment.
    pub(crate) fn begin(self: &Arc<Self>) -> StoreResult<Reader> {
        let idle = {
            let mut idle = self.idle.lock();
            if idle.closed {
                return Err(StoreError::Closed);
            }
            idle.connections.pop()
        };
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.file)?,
        };
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Reader {
            connection: Some(connection),
            readers: Arc::clone(self),
        })
    }

    /// Closes the connections that are not in use, and begins no more. A connection that is
    /// opened after the writer's was closed would recover the log, and show what a failed sync
    /// has left there and nobody has acknowledged.
    pub(crate) fn close(&self) {
        let mut idle = self.idle.lock();
        idle.closed = true;
        idle.connections.clear();
    }
}

/// A view of the store as of one moment: of its first read.
pub(crate) struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("taken only on drop")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let ended = connection
            .prepare_cached("ROLLBACK")
            .and_then(|mut statement| statement.execute([]));
        // A connection that cannot even end its reading is not used again.
        if ended.is_ok() {
            let mut idle = self.readers.idle.lock();
            if !idle.closed && idle.connections.len() < KEPT {
                idle.connections.push(connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open_writer;

    /// docs/operations.md tells it to whoever plans memory.
    const MOST_KIB: i64 = 32 * 1024;

    #[test]
    fn what_all_connections_keep_in_memory_has_a_bound() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("effemb.db");
        let writer = open_writer(&file).unwrap();
        let readers = Readers::new(&file);
        let open: Vec<Reader> = (0..KEPT + 3).map(|_| readers.begin().unwrap()).collect();
        drop(open);
        let idle = readers.idle.lock();
        assert_eq!(idle.connections.len(), KEPT);
        let kept = idle.connections.iter().chain([&writer]);
        let kib = kept.map(|connection| {
            // Below 0 it is in KiB, whatever the size of a page.
            let size: i64 = connection
                .pragma_query_value(None, "cache_size", |row| row.get(0))
                .unwrap();
            -size
        });
        let kib: Vec<i64> = kib.collect();
        assert!(kib.iter().all(|each| *each > 0), "{kib:?}");
        assert!(kib.iter().sum::<i64>() <= MOST_KIB, "{kib:?}");
    }
}
