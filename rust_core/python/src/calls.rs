//! The calls of a server: their admission, their answers, and what is recorded of them.
//!
//! A call begins and ends attached: that takes microseconds and locks that are held for less, and
//! each time that a thread gives up the GIL it waits for others to get it back.

use std::sync::Arc;

use ee_listener::{ForeignCall, MethodCounts, Recording};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyBytes;

use crate::admission::Admission;
use crate::engine::{Engine, deadline};
use crate::error::Refused;
use crate::recording::{AuditLog, Events};
use crate::streams::{ReplyStream, RequestStream};

/// The metadata that is looked at: the token and the W3C trace context.
const NAMES: [&str; 3] = ["authorization", "traceparent", "tracestate"];

/// The calls of one server.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Calls(pub(crate) Arc<ee_listener::Calls>);

/// Calls begun, calls ended by code, calls ended by bucket, and seconds.
type Counts = (u64, Vec<(&'static str, u64)>, Vec<u64>, f64);

#[pymethods]
impl Calls {
    #[new]
    #[pyo3(signature = (admission, events, *, audit, debug, traces, seed))]
    fn new(
        admission: &Admission,
        events: &Events,
        audit: Option<&AuditLog>,
        debug: bool,
        traces: bool,
        seed: u64,
    ) -> Self {
        let recording = Recording {
            events: Arc::clone(&events.0),
            audit: audit.map(|audit| Arc::clone(&audit.0)),
            debug,
            traces,
        };
        let admission = Arc::clone(&admission.0);
        Self(ee_listener::Calls::new(admission, recording, seed))
    }

    /// Answers calls from now on.
    fn open(&self, py: Python<'_>, engine: &Engine) -> Result<(), Refused> {
        py.detach(|| {
            self.0.open(engine.service()?);
            Ok(())
        })
    }

    /// Lets go of the engine.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    #[pyo3(signature = (method, metadata, peer, timeout=None))]
    fn begin(
        &self,
        method: &str,
        metadata: Vec<(PyBackedStr, Bound<'_, PyAny>)>,
        peer: &str,
        timeout: Option<f64>,
    ) -> PyResult<Call> {
        let deadline = deadline(timeout);
        let known = metadata
            .iter()
            .filter(|(name, _)| NAMES.contains(&&**name))
            .map(|(name, value)| Ok((name.to_string(), bytes(value)?)))
            .collect::<PyResult<Vec<_>>>()?;
        let begun = self.0.begin(method, &known, peer, deadline);
        Ok(Call(begun.map_err(Refused::from)?))
    }

    /// The counts of calls, by (kind, service, method).
    fn counts(&self) -> Vec<((&'static str, &'static str, &'static str), Counts)> {
        let counts = |each: MethodCounts| (each.started, each.handled, each.buckets, each.seconds);
        let found = self.0.counts().into_iter();
        found
            .map(|(kind, service, method, found)| ((kind, service, method), counts(found)))
            .collect()
    }

    /// Refused calls, by reason.
    fn refused(&self) -> Vec<(&'static str, u64)> {
        self.0.refused()
    }
}

fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = value.extract::<PyBackedStr>() {
        return Ok(text.as_bytes().to_vec());
    }
    Ok(value.extract::<PyBackedBytes>()?.to_vec())
}

/// An admitted call.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Call(ForeignCall);

#[pymethods]
impl Call {
    #[getter]
    fn request_id(&self) -> &str {
        self.0.id()
    }

    /// Answers a unary call.
    fn unary<'py>(
        &self,
        py: Python<'py>,
        request: Option<&[u8]>,
    ) -> Result<Bound<'py, PyBytes>, Refused> {
        let reply = py.detach(|| self.0.unary(request))?;
        Ok(PyBytes::new(py, &reply))
    }

    /// Answers a server-streaming call.
    fn server_stream(
        &self,
        py: Python<'_>,
        request: Option<&[u8]>,
    ) -> Result<ReplyStream, Refused> {
        let replies = py.detach(|| self.0.server_stream(request))?;
        Ok(ReplyStream::new(
            replies.map(|each| each.map_err(Refused::from)),
        ))
    }

    /// Begins to take the requests of a client-streaming call.
    fn client_stream(&self, py: Python<'_>) -> Result<RequestStream, Refused> {
        let requests = py.detach(|| self.0.client_stream())?;
        Ok(RequestStream::new(requests))
    }

    /// Notes that the call is over.
    fn leave(&self) {
        self.0.leave();
    }
}
