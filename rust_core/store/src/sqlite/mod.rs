//! SQLite: one data directory, one writer, any number of views.
//!
//! The only place that speaks SQL. Every page carries a checksum that is verified when the page is
//! read, so that an index hides no row, and every row one that is verified when the row is used. An
//! error of SQLite ends writing, and is never tried again.

mod backup;
mod checkpoint;
mod checkpointer;
mod copy;
mod database;
mod directory;
mod dismissals;
mod epoch;
mod errors;
mod head;
mod idempotency;
mod inbox;
mod integrity;
mod listings;
mod lock;
mod log;
mod lookup;
mod members;
mod namespaces;
mod parts;
mod pending;
mod purge;
mod reads;
mod rows;
mod salvage;
mod schema;
mod shrink;
mod sums;
mod trims;
mod verify_files;
mod views;
mod watermark;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;

pub use backup::{copy_directory, namespace_names};
use checkpoint::wal_frames;
use database::{checkpointed_sequence, open_writer};
use directory::Directory;
pub use epoch::forget_epoch;
use head::Head;
pub use salvage::{Damaged, Salvage};
use views::Views;
use watermark::Watermarks;
use writer::SqliteWriter;

use crate::backend::Wake;
use crate::failpoints::{Failpoint, reach};
use crate::{
    Backend, Description, FailureLatch, FilesReport, Sizes, StoreError, StoreResult, View,
    WriteSession,
};

/// Version of the bundled SQLite.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// A data directory, open.
pub struct Sqlite {
    shared: Arc<Shared>,
    epoch: u64,
    /// The connection of the writer, until the writer is taken.
    writer: Mutex<Option<Connection>>,
}

/// The state that views, writer and checkpointer share.
struct Shared {
    directory: Directory,
    views: Arc<Views>,
    failure: Arc<FailureLatch>,
    acknowledged: AtomicU64,
    log_rows: AtomicU64,
    log_bytes: AtomicU64,
    free_bytes: AtomicU64,
}

impl Shared {
    fn checkpoint_failed(&self, error: &StoreError) {
        self.failure
            .set(&format!("cannot checkpoint the WAL: {error}"));
    }

    /// The log has changed.
    fn logged(&self, head: Head) {
        let log = head.log.unwrap_or_default();
        self.log_rows.store(log.rows, Ordering::Relaxed);
        self.log_bytes.store(log.bytes, Ordering::Relaxed);
    }

    /// So many bytes of the database file are free.
    fn freed(&self, bytes: u64) {
        self.free_bytes.store(bytes, Ordering::Relaxed);
    }

    fn acknowledge(&self, sequence: u64) -> io::Result<()> {
        self.acknowledged.store(sequence, Ordering::Relaxed);
        self.directory.watermark().raise_acknowledged(sequence)
    }
}

impl Sqlite {
    /// Opens a data directory, or creates it. Fails if it is open already, if another
    /// version's format is found, or if an acknowledged entry is missing.
    pub fn open(directory: &Path) -> StoreResult<Self> {
        let directory = Directory::lock(directory)?;
        reach(Failpoint::OpenDatabase)?;
        let database = directory.database();
        let watermarks = directory.watermark().get();
        if watermarks.acknowledged > 0 && directory.is_empty() {
            // Opening would create a new database, and throw away a WAL that may exist.
            return Err(lost("the database file", 0, watermarks.acknowledged));
        }
        let file = (watermarks.checkpointed > 0).then(|| checkpointed_sequence(&database));
        if let Some(Some(file)) = file
            && file < watermarks.checkpointed
        {
            return Err(lost(
                "the database file by itself",
                file,
                watermarks.checkpointed,
            ));
        }
        let had_wal = directory.has_wal();
        let opened = open_writer(&database).and_then(|connection| {
            directory.lock_database()?;
            Ok((Head::load(&connection)?, connection))
        });
        let (head, connection) = opened.map_err(|error| explained(error, had_wal, watermarks))?;
        if head.sequence < watermarks.acknowledged {
            return Err(lost("the WAL", head.sequence, watermarks.acknowledged));
        }
        // Without a WAL the file must be as it was at the last complete checkpoint: a checkpoint that
        // was cut off leaves a mixture that only the WAL makes whole.
        if watermarks != Watermarks::default()
            && wal_frames(&connection)?.written == 0
            && head.sequence != watermarks.checkpointed
        {
            return Err(lost("the WAL", watermarks.checkpointed, head.sequence));
        }
        reach(Failpoint::OpenAbandon)?;
        purge::abandon_restores(&connection)?;
        Ok(Self {
            epoch: epoch::epoch(directory.path()),
            shared: Arc::new(Shared {
                views: Views::new(&database),
                directory,
                failure: Arc::default(),
                acknowledged: AtomicU64::new(head.sequence),
                log_rows: AtomicU64::new(0),
                log_bytes: AtomicU64::new(0),
                free_bytes: AtomicU64::new(0),
            }),
            writer: Mutex::new(Some(connection)),
        })
    }
}

/// Damage in a directory without a WAL, with what another SQLite may have done: as it closes, it
/// copies the WAL into the file and deletes it, and its pages have no checksums.
fn explained(error: StoreError, had_wal: bool, watermarks: Watermarks) -> StoreError {
    match error {
        StoreError::Damaged { what } if !had_wal && watermarks.acknowledged > 0 => {
            StoreError::corrupted(
                "database file without a write-ahead log (another SQLite program may have opened it \
                 after a crash; `effemb repair DAMAGED NEW` recovers its rows)",
                what,
            )
        }
        error => error,
    }
}

/// The error for missing acknowledged writes.
fn lost(place: &str, found: u64, marked: u64) -> StoreError {
    StoreError::corrupted(
        place,
        format!("ends at entry {found}, but entry {marked} was there: a part is lost or old"),
    )
}

impl Backend for Sqlite {
    fn view(&self) -> StoreResult<Box<dyn View>> {
        Ok(Box::new(self.shared.views.begin()?))
    }

    fn write_session(&self, wake: Wake) -> StoreResult<Box<dyn WriteSession>> {
        let connection = self.writer.lock().take().ok_or(StoreError::Closed)?;
        let writer = SqliteWriter::new(connection, Arc::clone(&self.shared), wake)?;
        Ok(Box::new(writer))
    }

    fn failure(&self) -> &Arc<FailureLatch> {
        &self.shared.failure
    }

    fn describe(&self) -> Description {
        Description {
            version: sqlite_version().to_owned(),
            location: self.shared.directory.path().display().to_string(),
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    fn sizes(&self) -> Sizes {
        let shared = &self.shared;
        let file = shared.directory.database_file();
        let bytes = file.map_or(0, |file| ee_sqlite_vfs::disk_bytes(file).unwrap_or(0));
        Sizes {
            log_entries: shared.log_rows.load(Ordering::Relaxed),
            log_bytes: shared.log_bytes.load(Ordering::Relaxed),
            database_bytes: bytes,
            free_bytes: shared.free_bytes.load(Ordering::Relaxed),
        }
    }

    fn verify_files(&self) -> StoreResult<FilesReport> {
        verify_files::verify_files(self.shared.directory.database_file()?, &self.shared.views)
    }
}
