//! The gRPC listener, as the process around it starts, observes and stops it. No call passes here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ee_listener::{Address, Config, ListenError, TlsFiles};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::calls::Calls;
use crate::detached::Detached;
use crate::engine::Engine;
use crate::error::Refused;
use crate::recording::seconds;

/// Serves the contract over gRPC.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Listener(Detached<ee_listener::Listener>);

#[pymethods]
impl Listener {
    #[new]
    #[pyo3(signature = (
        calls, *, addresses, unix_socket, tls, io_threads, workers, idle_poll_us,
        max_connections, max_streams_per_connection, max_message_bytes, stall_seconds, idle_seconds, age_seconds,
        reflection
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one call")]
    fn new(
        py: Python<'_>,
        calls: &Calls,
        addresses: Vec<String>,
        unix_socket: Option<PathBuf>,
        tls: Option<(PathBuf, PathBuf, Option<PathBuf>)>,
        io_threads: usize,
        workers: usize,
        idle_poll_us: u64,
        max_connections: usize,
        max_streams_per_connection: u32,
        max_message_bytes: usize,
        stall_seconds: f64,
        idle_seconds: f64,
        age_seconds: f64,
        reflection: Option<Vec<Vec<u8>>>,
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
            idle_poll: Duration::from_micros(idle_poll_us),
            max_connections,
            max_streams_per_connection,
            max_message_bytes,
            stall_timeout: seconds(stall_seconds)?,
            max_idle: seconds(idle_seconds)?,
            max_age: seconds(age_seconds)?,
            reflection,
        };
        let calls = Arc::clone(&calls.0);
        let bound = py.detach(|| ee_listener::Listener::bind(config, calls));
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
