//! Where the records of calls go: events for the log and traces, and the audit log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ee_listener::Event;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Lines for the log and spans, which the listener makes and Python takes.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Events(pub(crate) Arc<ee_listener::Events>);

/// Level and message.
type LogLine = (&'static str, String);
/// Name, trace context, begin and end in nanoseconds since 1970, status code, reason, call's id.
type SpanFields = (
    String,
    (Option<String>, Option<String>),
    u64,
    u64,
    usize,
    &'static str,
    String,
);

#[pymethods]
impl Events {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Waits for events and takes all of them; None once the events are closed and taken.
    fn take(
        &self,
        py: Python<'_>,
        longest_seconds: f64,
    ) -> PyResult<Option<(Vec<LogLine>, Vec<SpanFields>)>> {
        let longest = seconds(longest_seconds)?;
        let taken = py.detach(|| self.0.take(longest));
        Ok(taken.map(|events| {
            let (mut lines, mut spans) = (Vec::new(), Vec::new());
            for event in events {
                match event {
                    Event::Log(level, message) => lines.push((level.name(), message)),
                    Event::Span(span) => spans.push(fields(*span)),
                }
            }
            (lines, spans)
        }))
    }

    fn close(&self) {
        self.0.close();
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

fn fields(span: ee_listener::Span) -> SpanFields {
    let since = span
        .begin
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let [parent, state] = span.context;
    (
        span.name,
        (parent, state),
        nanos(since),
        nanos(since + span.duration),
        span.code,
        span.reason,
        span.request_id,
    )
}

/// The audit log.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct AuditLog(pub(crate) Arc<ee_listener::AuditLog>);

#[pymethods]
impl AuditLog {
    #[new]
    fn new(path: PathBuf, events: &Events, refuse: bool) -> PyResult<Self> {
        let log = ee_listener::AuditLog::open(path, refuse, Arc::clone(&events.0))?;
        Ok(Self(log))
    }

    #[getter]
    fn failure(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.failure())
    }

    #[getter]
    fn refusal(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.refusal())
    }

    #[getter]
    fn lost(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.0.lost())
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

/// A number of seconds that Python gives.
pub(crate) fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}
