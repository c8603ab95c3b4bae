//! Read views, and the pool of connections that they use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::database::open_reader;
use super::reads::Connected;
use crate::{Reads, StoreError, StoreResult, View};

/// Idle connections that are kept for the next view.
const KEPT: usize = 16;

/// The connections that no view uses.
pub(crate) struct Views {
    file: PathBuf,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connected>,
    closed: bool,
}

impl Views {
    pub(crate) fn new(file: &Path) -> Arc<Self> {
        Arc::new(Self {
            file: file.to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Begins a view.
    pub(crate) fn begin(self: &Arc<Self>) -> StoreResult<SqliteView> {
        let idle = {
            let mut idle = self.idle.lock();
            if idle.closed {
                return Err(StoreError::Closed);
            }
            idle.connections.pop()
        };
        let connection = match idle {
            Some(connection) => connection,
            None => Connected(open_reader(&self.file)?),
        };
        connection.0.prepare_cached("BEGIN")?.execute([])?;
        Ok(SqliteView {
            connection: Some(connection),
            views: Arc::clone(self),
        })
    }

    /// Closes the idle connections, and begins no more views. A connection that was opened after the
    /// writer's was closed would recover the WAL, and show what a failed sync has left there and no
    /// caller was told is written.
    pub(crate) fn close(&self) {
        let mut idle = self.idle.lock();
        idle.closed = true;
        idle.connections.clear();
    }
}

/// A view of the database: of the moment of its first read.
pub(crate) struct SqliteView {
    connection: Option<Connected>,
    views: Arc<Views>,
}

impl SqliteView {
    pub(crate) fn connected(&self) -> &Connected {
        self.connection.as_ref().expect("taken only on drop")
    }
}

impl View for SqliteView {
    fn reads(&self) -> &(dyn Reads + 'static) {
        self.connected()
    }
}

impl Drop for SqliteView {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let ended = connection
            .0
            .prepare_cached("ROLLBACK")
            .and_then(|mut statement| statement.execute([]));
        // A connection whose read transaction cannot be ended is not used again.
        if ended.is_ok() {
            let mut idle = self.views.idle.lock();
            if !idle.closed && idle.connections.len() < KEPT {
                idle.connections.push(connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::database::open_writer;

    /// The bound that docs/operations.md gives for planning memory.
    const MOST_KIB: i64 = 32 * 1024;

    #[test]
    fn the_page_caches_of_all_connections_have_a_bound() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("effemb.db");
        let writer = open_writer(&file).unwrap();
        let views = Views::new(&file);
        let open: Vec<SqliteView> = (0..KEPT + 3).map(|_| views.begin().unwrap()).collect();
        drop(open);
        let idle = views.idle.lock();
        assert_eq!(idle.connections.len(), KEPT);
        let kept = idle.connections.iter().map(|each| &each.0).chain([&writer]);
        let kib = kept.map(|connection| {
            // A negative size is in KiB and does not depend on the page size.
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
