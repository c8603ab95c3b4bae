//! What the engine's threads have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::api::Health;
use crate::catalog::namespace_cache::Registry;
use crate::failpoints::{Step, reach};
use crate::metrics::Counters;
use crate::store::Readers;
use crate::store::directory::Directory;
use crate::write::worker::DEFECT;
use crate::{Error, Result};

/// What the engine's threads have in common.
pub(crate) struct Shared {
    pub(crate) directory: Directory,
    pub(crate) readers: Arc<Readers>,
    pub(crate) registry: Registry,
    pub(crate) counters: Arc<Counters>,
    /// Threads that large work may be split over.
    pub(crate) threads: usize,
    stopping: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Shared {
    pub(crate) fn new(
        directory: Directory,
        readers: Arc<Readers>,
        registry: Registry,
        threads: usize,
    ) -> Self {
        Self {
            directory,
            readers,
            counters: registry.counters(),
            registry,
            threads,
            stopping: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Refuses writes from now on.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// The store failed: what was acknowledged is durable, nothing more will be acknowledged.
    /// A failed sync is never tried again, since the kernel may have dropped what it could not
    /// write; only a restart, which reads what is really there, goes on.
    pub(crate) fn fail(&self, cause: &str) {
        self.failure.lock().get_or_insert_with(|| cause.to_owned());
    }

    /// The store failed by an error.
    pub(crate) fn fail_by(&self, error: &Error) {
        match error {
            Error::StoreFailed { cause } => self.fail(cause),
            other => self.fail(&other.to_string()),
        }
    }

    /// Marks steps as acknowledged, which are durable. If that fails the next ones are not: their
    /// loss could go unseen.
    pub(crate) fn acknowledge(&self, sequence: u64, [before, after]: [Step; 2]) {
        let marked = reach(before)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                let marked = self.directory.mark_acknowledged(sequence);
                marked.map_err(|error| error.to_string())
            })
            .and_then(|()| reach(after).map_err(|error| error.to_string()));
        self.counters.steps.store(sequence, Ordering::Relaxed);
        if let Err(error) = marked {
            self.fail(&format!("cannot write the watermark: {error}"));
        }
    }

    /// Refuses what was queued before, if it cannot be written any more.
    pub(crate) fn may_write_queued(&self) -> Result<()> {
        match &*self.failure.lock() {
            Some(cause) => Err(Error::StoreFailed {
                cause: self.without_particulars(cause),
            }),
            None => Ok(()),
        }
    }

    /// Refuses what cannot be written now.
    pub(crate) fn may_write(&self) -> Result<()> {
        self.may_write_queued()?;
        if self.stopping.load(Ordering::Acquire) {
            return Err(Error::ShuttingDown);
        }
        Ok(())
    }

    /// Why a job that was handed over got no answer.
    pub(crate) fn unanswered(&self) -> Error {
        match self.may_write() {
            Err(error) => error,
            Ok(()) => {
                // The job went down with the panic, which may not have been caught yet.
                self.fail(DEFECT);
                Error::StoreFailed {
                    cause: DEFECT.into(),
                }
            }
        }
    }

    /// An error of reading, as a caller is told it. One of the disk is that of this read alone,
    /// unless the writer has met one too: what was not read may be read the next time, or from
    /// another place.
    pub(crate) fn read_error(&self, error: Error) -> Error {
        let error = match error {
            Error::StoreFailed { cause } if !self.failed() => Error::ReadFailed { cause },
            other => other,
        };
        if matches!(error, Error::ReadFailed { .. } | Error::Corrupted { .. }) {
            self.counters.read_failures.fetch_add(1, Ordering::Relaxed);
        }
        error
    }

    pub(crate) fn failed(&self) -> bool {
        self.failure.lock().is_some()
    }

    /// Whether it takes writes; if not, all that is known of why, which is for the operator.
    pub(crate) fn health(&self) -> Health {
        if let Some(cause) = self.failure.lock().clone() {
            return Health::NotServing(Error::StoreFailed { cause }.to_string());
        }
        match self.may_write() {
            Ok(()) => Health::Serving,
            Err(error) => Health::NotServing(error.to_string()),
        }
    }

    /// What every caller is told of a failure that may have come with another's write: all but where
    /// the data is, and nothing from the first name on.
    fn without_particulars(&self, cause: &str) -> String {
        let database = self.directory.database();
        let folder = database.parent().unwrap_or(&database);
        let folder = folder.display().to_string();
        let parts = cause.split(": ").take_while(|part| !part.contains('"'));
        let told: Vec<_> = parts.filter(|part| !part.contains(&folder)).collect();
        told.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options};

    #[test]
    fn callers_are_told_the_kind_of_a_failure_and_the_operator_all_of_it() {
        for (particular, cause) in [
            (
                "cannot write DATA/watermark: ",
                "Input/output error (os error 5)",
            ),
            ("", "database or disk is full"),
            ("", "disk I/O error"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let engine = Engine::open(folder.path(), Options::default()).unwrap();
            let particular = particular.replace("DATA", &folder.path().display().to_string());
            let told = format!("cannot write the watermark: {cause}");
            let cause = &format!("cannot write the watermark: {particular}{cause}");
            engine.shared.fail(cause);
            match engine.shared.may_write() {
                Err(Error::StoreFailed { cause }) => assert_eq!(cause, told),
                other => panic!("{other:?}"),
            }
            match engine.health() {
                Health::NotServing(reason) => assert!(reason.ends_with(cause), "{reason}"),
                Health::Serving => panic!("it serves"),
            }
        }
    }

    #[test]
    fn a_damaged_namespace_is_not_named_to_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(folder.path(), Options::default()).unwrap();
        engine.shared.fail_by(&Error::Corrupted {
            place: "namespace \"alice\": items, row 4711".into(),
            what: "its checksum is another".into(),
        });
        let told = engine.shared.may_write().unwrap_err().to_string();
        assert!(
            !told.contains("alice") && told.ends_with("stored data is damaged"),
            "{told}"
        );
    }
}
