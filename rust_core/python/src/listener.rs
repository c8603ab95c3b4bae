//! The gRPC listener, as the process around it starts, observes and stops it. No call passes here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ee_listener::{Address, Config, Event, ListenError, MethodCounts, TlsFiles};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::admission::Admission;
use crate::detached::Detached;
use crate::engine::Engine;
use crate::error::Refused;

/// Lines for the log and spans, which the listener makes and Python takes.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Events(Arc<ee_listener::Events>);

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
pub(crate) struct AuditLog(Arc<ee_listener::AuditLog>);

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

/// Serves the contract over gRPC.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Listener(Detached<ee_listener::Listener>);

/// Calls begun, calls ended by code, calls ended by bucket, and seconds.
type Counts = (u64, Vec<(&'static str, u64)>, Vec<u64>, f64);

#[pymethods]
impl Listener {
    #[new]
    #[pyo3(signature = (
        admission, events, *, audit, addresses, unix_socket, tls, io_threads, workers,
        max_connections, max_streams_per_connection, max_message_bytes, stall_seconds,
        idle_seconds, age_seconds, reflection, debug, traces, seed
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one call")]
    fn new(
        py: Python<'_>,
        admission: &Admission,
        events: &Events,
        audit: Option<&AuditLog>,
        addresses: Vec<String>,
        unix_socket: Option<PathBuf>,
        tls: Option<(PathBuf, PathBuf, Option<PathBuf>)>,
        io_threads: usize,
        workers: usize,
        max_connections: usize,
        max_streams_per_connection: u32,
        max_message_bytes: usize,
        stall_seconds: f64,
        idle_seconds: f64,
        age_seconds: f64,
        reflection: Option<Vec<Vec<u8>>>,
        debug: bool,
        traces: bool,
        seed: u64,
    ) -> PyResult<Self> {
        let config = Config {
            address: address(&addresses, unix_socket)?,
            tls: tls.map(|(cert, key, client_ca)| TlsFiles {
                cert,
                key,
                client_ca,
            }),
            io_threads,
            workers,
            max_connections,
            max_streams_per_connection,
            max_message_bytes,
            stall_timeout: seconds(stall_seconds)?,
            max_idle: seconds(idle_seconds)?,
            max_age: seconds(age_seconds)?,
            reflection,
            debug,
            traces,
            seed,
        };
        let audit = audit.map(|audit| Arc::clone(&audit.0));
        let (admission, events) = (Arc::clone(&admission.0), Arc::clone(&events.0));
        let bound = py.detach(|| ee_listener::Listener::bind(config, admission, audit, events));
        match bound {
            Ok(listener) => Ok(Self(Detached::new(listener))),
            // With its number, which Python programs look at.
            Err(ListenError::Bind(error)) => Err(match error.raw_os_error() {
                Some(number) => PyOSError::new_err((number, error.to_string())),
                None => error.into(),
            }),
            Err(ListenError::Certificate(message)) => Err(PyValueError::new_err(message)),
            Err(ListenError::Other(message)) => Err(PyOSError::new_err(message)),
        }
    }

    /// The port that was taken; None: a Unix socket.
    #[getter]
    fn port(&self) -> Option<u16> {
        self.0.get()?.port()
    }

    /// Serves health, and refuses calls until `open`.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(listener) = self.0.get() {
            py.detach(|| listener.start())?;
        }
        Ok(())
    }

    /// Answers calls from now on.
    fn open(&self, py: Python<'_>, engine: &Engine) -> Result<(), Refused> {
        let service = py.detach(|| engine.service())?;
        if let Some(listener) = self.0.get() {
            listener.open(service);
        }
        Ok(())
    }

    fn set_serving(&self, serving: bool) {
        if let Some(listener) = self.0.get() {
            listener.set_serving(serving);
        }
    }

    /// Whether no call is in flight, and no reply under way.
    #[getter]
    fn is_idle(&self) -> bool {
        self.0.get().is_none_or(ee_listener::Listener::is_idle)
    }

    /// Ends the connections once their calls have ended, and all others after `grace_seconds`.
    fn stop(&self, py: Python<'_>, grace_seconds: f64) -> PyResult<()> {
        let grace = seconds(grace_seconds)?;
        if let Some(listener) = self.0.get() {
            py.detach(|| listener.stop(grace));
        }
        Ok(())
    }

    /// The counts of calls, by (kind, service, method).
    fn counts(&self) -> Vec<((&'static str, &'static str, &'static str), Counts)> {
        let counts = |each: MethodCounts| (each.started, each.handled, each.buckets, each.seconds);
        let listener = self.0.get().into_iter();
        listener
            .flat_map(ee_listener::Listener::counts)
            .map(|(kind, service, method, found)| ((kind, service, method), counts(found)))
            .collect()
    }

    /// Refused calls, by reason.
    fn refused(&self) -> Vec<(&'static str, u64)> {
        self.0
            .get()
            .map(ee_listener::Listener::refused)
            .unwrap_or_default()
    }

    /// Calls that were cancelled because their clients stalled.
    #[getter]
    fn stalled(&self) -> u64 {
        self.0.get().map_or(0, ee_listener::Listener::stalled)
    }
}

/// Checks that the files of a certificate can be used.
#[pyfunction]
#[pyo3(signature = (cert, key, client_ca))]
pub(crate) fn check_certificate(
    py: Python<'_>,
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
) -> PyResult<()> {
    let files = TlsFiles {
        cert,
        key,
        client_ca,
    };
    py.detach(|| ee_listener::check_certificate(&files))
        .map_err(PyValueError::new_err)
}

fn address(addresses: &[String], unix_socket: Option<PathBuf>) -> PyResult<Address> {
    if let Some(path) = unix_socket {
        return Ok(Address::Unix(path));
    }
    let parsed = addresses.iter().map(|text| text.parse::<SocketAddr>());
    let parsed = parsed.collect::<Result<_, _>>();
    parsed
        .map(Address::Tcp)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

fn seconds(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}
