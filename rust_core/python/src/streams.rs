//! Calls of more than one message.

use ee_wire::{RestoreStream, SnapshotStream, Status, status_of};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::Detached;
use crate::error::Refused;

/// The serialized messages of a snapshot.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct SnapshotIterator(Detached<Mutex<SnapshotStream>>);

impl SnapshotIterator {
    pub(crate) fn new(stream: SnapshotStream) -> Self {
        Self(Detached::new(Mutex::new(stream)))
    }
}

#[pymethods]
impl SnapshotIterator {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyBytes>>, Refused> {
        let next = py.detach(|| self.0.get().and_then(|stream| stream.lock().next()));
        Ok(next.transpose()?.map(|message| PyBytes::new(py, &message)))
    }
}

/// A Restore call that has begun. Without `finish` nothing is left of it.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Restore(Detached<Mutex<Option<RestoreStream>>>);

impl Restore {
    pub(crate) fn new(stream: RestoreStream) -> Self {
        Self(Detached::new(Mutex::new(Some(stream))))
    }

    /// Ends it; what is returned is to be dropped or finished.
    fn take(&self) -> Option<RestoreStream> {
        self.0.get().and_then(|stream| stream.lock().take())
    }
}

#[pymethods]
impl Restore {
    /// Takes the next serialized message.
    fn push(&self, py: Python<'_>, request: &[u8]) -> Result<(), Refused> {
        py.detach(|| {
            let Some(stream) = self.0.get() else {
                return Err(over());
            };
            let mut stream = stream.lock();
            stream.as_mut().ok_or_else(over)?.push(request)
        })?;
        Ok(())
    }

    /// Checks the whole and makes the namespace; returns the serialized reply.
    fn finish<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>, Refused> {
        let reply = py.detach(|| self.take().ok_or_else(over)?.finish())?;
        Ok(PyBytes::new(py, &reply))
    }

    /// Leaves nothing behind. Idempotent, and without effect after `finish`.
    fn abort(&self, py: Python<'_>) {
        py.detach(|| drop(self.take()));
    }
}

/// The refusal of a restore that has ended.
fn over() -> Status {
    status_of(ee_engine::Error::InvalidSnapshot {
        reason: "the restore has ended".to_owned(),
    })
}
