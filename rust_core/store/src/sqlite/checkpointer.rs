//! Checkpoints beside the writer.
//!
//! The checkpoint of a long WAL takes a tenth of a second, during which no write could go on. So a
//! thread copies most of it, on a connection of its own. The writer copies the frames written meanwhile;
//! then the database file is complete, the watermarks say so, and the WAL restarts.
//!
//! Invariant: the thread never copies all of the WAL, since the next write would restart it before
//! the watermarks say that the file is complete. The thread holds a view, beyond which SQLite does not
//! copy, and copies only after something was written behind that view.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Shared;
use super::checkpoint::{checkpoint_passive, wal_frames};
use super::database::open_checkpointer;
use super::head::Head;
use crate::backend::Wake;
use crate::failpoints::{Failpoint, reach};
use crate::{StoreError, StoreResult};

/// Passes over the WAL: the second one copies the frames written during the first.
const ROUNDS: usize = 2;

/// Longest wait for the next write. Without one, the writer is idle and can do the checkpoint.
const WRITE_WAIT: Duration = Duration::from_millis(5);

/// Pause between two looks for a write.
const PAUSE: Duration = Duration::from_micros(200);

/// The checkpoint thread, as the writer sees it.
pub(crate) struct Checkpointer {
    /// `None`: stopped.
    request: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    running: AtomicBool,
}

impl Checkpointer {
    /// Starts the thread, which calls `wake` after each checkpoint.
    pub(crate) fn start(shared: Arc<Shared>, wake: Wake) -> StoreResult<Self> {
        let database = shared.directory.database();
        let connection = open_checkpointer(&database)?;
        let (request, requests) = sync_channel(1);
        let work = move || {
            for () in requests {
                let copied = catch_unwind(AssertUnwindSafe(|| copy(&connection, &shared)));
                match copied {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => shared.checkpoint_failed(&error),
                    Err(_) => shared.failure.set("a defect stopped the checkpointer"),
                }
                wake();
            }
        };
        let thread = thread::Builder::new()
            .name("ee-checkpointer".into())
            .spawn(work)
            .map_err(|error| StoreError::failed(error.to_string()))?;
        Ok(Self {
            request: Some(request),
            thread: Some(thread),
            running: AtomicBool::new(false),
        })
    }

    /// Whether a checkpoint runs, or waits for the writer to complete it.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Begins a checkpoint.
    pub(crate) fn begin(&self) {
        if !self.running.swap(true, Ordering::Relaxed)
            && let Some(request) = &self.request
        {
            let _ = request.try_send(());
        }
    }

    /// The writer has completed the checkpoint.
    pub(crate) fn completed(&self) {
        self.running.store(false, Ordering::Relaxed);
    }

    /// Waits for the running checkpoint, and ends the thread.
    pub(crate) fn stop(&mut self) {
        self.request = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn copy(connection: &Connection, shared: &Shared) -> StoreResult<()> {
    for _ in 0..ROUNDS {
        if shared.failure.is_set() {
            return Ok(());
        }
        reach(Failpoint::CheckpointAhead)?;
        // A view is of the moment of its first read. Without a view, leave the whole checkpoint to
        // the writer.
        let Ok(view) = shared.views.begin() else {
            return Ok(());
        };
        if Head::load(&view.connected().0).is_err() {
            return Ok(());
        }
        let mut written = None;
        let asked = Instant::now();
        loop {
            // Not known while a commit is under way: that is no write behind the view yet.
            let known = Some(wal_frames(connection)?.written).filter(|frames| *frames >= 0);
            if known.is_some() && written.is_some() && known != written {
                break;
            }
            written = written.or(known);
            if asked.elapsed() >= WRITE_WAIT {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        checkpoint_passive(connection)?;
        drop(view);
        if shared.failure.is_set() {
            return Ok(());
        }
        // SQLite syncs once everything is copied: then little is left to sync.
        let file = shared.directory.database_file()?;
        file.sync_data()
            .map_err(|error| StoreError::failed(error.to_string()))?;
    }
    Ok(())
}
