//! Whether the engine takes writes, and why not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ee_store::{FailureLatch, StoreError};

use crate::api::Health;
use crate::{Error, Result};

/// Why nothing is written after a panic.
pub(crate) const DEFECT: &str = "a defect stopped the writer";

/// Whether the engine accepts writes: until it is stopped or the store fails.
pub(crate) struct WriteHealth {
    /// The process that opened the engine and has its threads and locks.
    process: u32,
    stopping: AtomicBool,
    watches_ended: AtomicBool,
    failure: Arc<FailureLatch>,
    /// The data's path, which only the operator may see.
    location: String,
}

impl WriteHealth {
    pub(crate) fn new(failure: Arc<FailureLatch>, location: String) -> Self {
        Self {
            process: std::process::id(),
            stopping: AtomicBool::new(false),
            watches_ended: AtomicBool::new(false),
            failure,
            location,
        }
    }

    /// Refuses writes from now on.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Ends watches, which would otherwise go on for ever.
    pub(crate) fn end_watches(&self) {
        self.watches_ended.store(true, Ordering::Release);
    }

    /// Refuses to go on with a watch while the engine is being closed.
    pub(crate) fn may_watch(&self) -> Result<()> {
        self.own_process()?;
        let ended = self.watches_ended.load(Ordering::Acquire);
        if ended || self.stopping.load(Ordering::Acquire) {
            return Err(Error::ShuttingDown);
        }
        Ok(())
    }

    /// The store failed: acknowledged writes are durable, and no further write is acknowledged.
    pub(crate) fn fail(&self, cause: &str) {
        self.failure.set(cause);
    }

    /// The store failed by an error.
    pub(crate) fn fail_by(&self, error: &Error) {
        match error {
            Error::StoreFailed { cause } => self.fail(cause),
            other => self.fail(&other.to_string()),
        }
    }

    /// The store failed by an error of its own.
    pub(crate) fn fail_by_store(&self, error: StoreError) {
        self.fail_by(&error.into());
    }

    pub(crate) fn failed(&self) -> bool {
        self.failure.is_set()
    }

    /// Refuses queued writes if the store has failed since.
    pub(crate) fn may_write_queued(&self) -> Result<()> {
        match self.failure.cause() {
            Some(cause) => Err(Error::StoreFailed {
                cause: self.without_particulars(&cause),
            }),
            None => Ok(()),
        }
    }

    /// Refuses every call of a forked process, which has neither the engine's threads nor its locks.
    pub(crate) fn own_process(&self) -> Result<()> {
        let (opened, calling) = (self.process, std::process::id());
        match opened == calling {
            true => Ok(()),
            false => Err(Error::Forked { opened, calling }),
        }
    }

    /// Refuses a write that cannot be executed now.
    pub(crate) fn may_write(&self) -> Result<()> {
        self.own_process()?;
        self.may_write_queued()?;
        if self.stopping.load(Ordering::Acquire) {
            return Err(Error::ShuttingDown);
        }
        Ok(())
    }

    /// The error of a queued job without an answer.
    pub(crate) fn unanswered(&self) -> Error {
        match self.may_write() {
            Err(error) => error,
            Ok(()) => {
                // The job was lost in a panic, which may not have been caught yet.
                self.fail(DEFECT);
                Error::StoreFailed {
                    cause: DEFECT.into(),
                }
            }
        }
    }

    /// Whether the engine accepts writes; if not, the full reason, for the operator.
    pub(crate) fn report(&self) -> Health {
        if let Some(cause) = self.failure.cause() {
            return Health::NotServing(Error::StoreFailed { cause }.to_string());
        }
        match self.may_write() {
            Ok(()) => Health::Serving,
            Err(error) => Health::NotServing(error.to_string()),
        }
    }

    /// The part of a failure that every caller may see: without the data's path, and cut before the
    /// first name, since the failure may have come with another caller's write.
    fn without_particulars(&self, cause: &str) -> String {
        let parts = cause.split(": ").take_while(|part| !part.contains('"'));
        let told: Vec<_> = parts
            .filter(|part| self.location.is_empty() || !part.contains(&self.location))
            .collect();
        told.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Options};

    #[test]
    fn callers_get_the_kind_of_a_failure_and_the_operator_gets_all_of_it() {
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
            engine.shared.health.fail(cause);
            match engine.shared.health.may_write() {
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
        engine.shared.health.fail_by(&Error::Corrupted {
            place: "namespace \"alice\": items, row 4711".into(),
            what: "its checksum is another".into(),
        });
        let told = engine.shared.health.may_write().unwrap_err().to_string();
        assert!(
            !told.contains("alice") && told.ends_with("stored data is damaged"),
            "{told}"
        );
    }
}
