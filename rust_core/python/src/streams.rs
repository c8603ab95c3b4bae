//! Calls of more than one message.

use ee_wire::Status;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::Detached;
use crate::error::Refused;

/// The serialized replies of a server-streaming call.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct ReplyStream(Detached<Mutex<ee_wire::ReplyStream>>);

impl ReplyStream {
    pub(crate) fn new(stream: ee_wire::ReplyStream) -> Self {
        Self(Detached::new(Mutex::new(stream)))
    }
}

#[pymethods]
impl ReplyStream {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyBytes>>, Refused> {
        let next = py.detach(|| self.0.get().and_then(|stream| stream.lock().next()));
        Ok(next.transpose()?.map(|message| PyBytes::new(py, &message)))
    }
}

/// A client-streaming call that has begun. It has no effect without `finish`.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct RequestStream(Detached<Mutex<Option<ee_wire::RequestStream>>>);

impl RequestStream {
    pub(crate) fn new(stream: ee_wire::RequestStream) -> Self {
        Self(Detached::new(Mutex::new(Some(stream))))
    }

    /// Ends the call; the caller finishes or drops the stream.
    fn take(&self) -> Option<ee_wire::RequestStream> {
        self.0.get().and_then(|stream| stream.lock().take())
    }
}

#[pymethods]
impl RequestStream {
    /// Takes the next serialized request.
    fn push(&self, py: Python<'_>, request: &[u8]) -> Result<(), Refused> {
        py.detach(|| {
            let Some(stream) = self.0.get() else {
                return Err(ended());
            };
            let mut stream = stream.lock();
            stream.as_mut().ok_or_else(ended)?.push(request)
        })?;
        Ok(())
    }

    /// Ends the call; returns the serialized reply.
    fn finish<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>, Refused> {
        let reply = py.detach(|| self.take().ok_or_else(ended)?.finish())?;
        Ok(PyBytes::new(py, &reply))
    }

    /// Ends the call without a reply. Idempotent, and without effect after `finish`.
    fn abort(&self, py: Python<'_>) {
        py.detach(|| drop(self.take()));
    }
}

/// The refusal of a message to a call that has ended.
fn ended() -> Status {
    ee_wire::RequestStream::ended()
}
