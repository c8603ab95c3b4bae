//! Copying the write-ahead log back while others write.
//!
//! A long log takes a tenth of a second to copy back, in which nobody could write. So most of it is
//! copied by a thread of its own, on a connection of its own. What was written meanwhile is left to
//! whoever has the pen next: then the file is complete, the marks say so, and the log begins anew.
//!
//! Invariant: the copier never copies all of the log, since a writer would begin it anew before the
//! marks say that the file does without it. It holds a view of the store, beyond which SQLite does
//! not copy, and copies once something has been written after that.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::failpoints::{Step, reach};
use crate::shared::Shared;
use crate::store::{self, Head};
use crate::write::queue::{Job, Queue};
use crate::write::worker::DEFECT;
use crate::{Error, Result};

/// Times that what is there is copied: the second time it is what was written during the first.
const ROUNDS: usize = 2;

/// How long the next write is waited for. If none comes nobody minds who copies.
const PATIENCE: Duration = Duration::from_millis(5);

/// Pause between two looks whether one has come.
const PAUSE: Duration = Duration::from_micros(200);

/// The thread, as the writer sees it.
pub(crate) struct Copier {
    /// None: it was stopped.
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    copying: AtomicBool,
}

impl Copier {
    pub(crate) fn start(shared: Arc<Shared>, queue: Arc<Queue>) -> Result<Self> {
        let database = shared.directory.database();
        let connection = store::open_copier(&database)?;
        let file = File::open(&database).map_err(|error| failed(&error.to_string()))?;
        let (ask, asked) = sync_channel(1);
        let work = move || {
            for () in asked {
                let copied = catch_unwind(AssertUnwindSafe(|| copy(&connection, &file, &shared)));
                match copied {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => shared.fail(&format!("cannot copy the log back: {error}")),
                    Err(_) => shared.fail(DEFECT),
                }
                // If the queue is closed, the end copies the rest.
                let _ = queue.push(Job::CopyBack);
            }
        };
        let thread = thread::Builder::new()
            .name("ee-copier".into())
            .spawn(work)
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Self {
            ask: Some(ask),
            thread: Some(thread),
            copying: AtomicBool::new(false),
        })
    }

    /// Whether it copies, or what it has copied waits to be completed.
    pub(crate) fn is_copying(&self) -> bool {
        self.copying.load(Ordering::Relaxed)
    }

    /// Begins to copy, and in the end queues the job to complete it.
    pub(crate) fn begin(&self) {
        if !self.copying.swap(true, Ordering::Relaxed)
            && let Some(ask) = &self.ask
        {
            let _ = ask.try_send(());
        }
    }

    /// What it has begun was completed.
    pub(crate) fn completed(&self) {
        self.copying.store(false, Ordering::Relaxed);
    }

    /// Waits until it is done, and ends it.
    pub(crate) fn stop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn copy(connection: &Connection, file: &File, shared: &Shared) -> Result<()> {
    for _ in 0..ROUNDS {
        if shared.failed() {
            return Ok(());
        }
        reach(Step::CopyAhead)?;
        // A view is as of its first read. Who cannot read leaves all of it to the pen.
        let Ok(view) = shared.readers.begin() else {
            return Ok(());
        };
        if Head::load(&view).is_err() {
            return Ok(());
        }
        let written = store::log_frames(connection)?.written;
        let asked = Instant::now();
        while store::log_frames(connection)?.written == written {
            if asked.elapsed() >= PATIENCE {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        store::copy_back(connection)?;
        drop(view);
        if shared.failed() {
            return Ok(());
        }
        // SQLite syncs when all is copied: then there is little left to sync.
        file.sync_data()
            .map_err(|error| failed(&error.to_string()))?;
    }
    Ok(())
}

fn failed(cause: &str) -> Error {
    Error::StoreFailed {
        cause: cause.to_owned(),
    }
}
