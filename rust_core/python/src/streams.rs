//! Calls of more than one message.

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detached::Detached;
use crate::error::Refused;

/// Serialized replies, one at a time.
type Replies = Box<dyn Iterator<Item = Result<Vec<u8>, Refused>> + Send>;

/// The serialized replies of a server-streaming call.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct ReplyStream(Detached<Mutex<Replies>>);

impl ReplyStream {
    pub(crate) fn new(
        replies: impl Iterator<Item = Result<Vec<u8>, Refused>> + Send + 'static,
    ) -> Self {
        Self(Detached::new(Mutex::new(Box::new(replies))))
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

/// What takes the serialized requests of a call.
pub(crate) trait Requests: Send {
    /// Takes the next one.
    fn push(&mut self, request: &[u8]) -> Result<(), Refused>;

    /// Ends the call; returns the serialized reply.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, Refused>;
}

impl Requests for ee_wire::RequestStream {
    fn push(&mut self, request: &[u8]) -> Result<(), Refused> {
        Ok(Self::push(self, request)?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Refused> {
        Ok(Self::finish(*self)?)
    }
}

impl Requests for ee_listener::Requests {
    fn push(&mut self, request: &[u8]) -> Result<(), Refused> {
        Ok(Self::push(self, request)?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Refused> {
        Ok(Self::finish(*self)?)
    }
}

/// A client-streaming call that has begun. It has no effect without `finish`.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct RequestStream(Detached<Mutex<Option<Box<dyn Requests>>>>);

impl RequestStream {
    pub(crate) fn new(requests: impl Requests + 'static) -> Self {
        Self(Detached::new(Mutex::new(Some(Box::new(requests)))))
    }

    /// Ends the call; the caller finishes or drops the requests.
    fn take(&self) -> Option<Box<dyn Requests>> {
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
            stream.lock().as_mut().ok_or_else(ended)?.push(request)
        })
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
fn ended() -> Refused {
    ee_wire::RequestStream::ended().into()
}
