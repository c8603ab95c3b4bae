//! The engine of one data directory, for Python.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use ee_core::kernels::Kernel;
use ee_engine::{Error, Health, Options};
use ee_wire::{Service, Status, invalid_option, status_of};
use parking_lot::RwLock;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::detached::Detached;
use crate::error::Refused;
use crate::grant::Grant;
use crate::stats;
use crate::streams::{ReplyStream, RequestStream};

/// One data directory. Safe to use from any thread. Every method releases the GIL.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Engine {
    /// `None` once it is closed.
    service: Detached<RwLock<Option<Service>>>,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (path, *, memory_budget=None, kernel=None, threads=None, max_namespaces=None, max_message_bytes=None))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        memory_budget: Option<usize>,
        kernel: Option<&str>,
        threads: Option<usize>,
        max_namespaces: Option<u64>,
        max_message_bytes: Option<usize>,
    ) -> Result<Self, Refused> {
        let opened = py.detach(|| open(path, memory_budget, kernel, threads, max_namespaces))?;
        let opened = opened.with_max_message_bytes(max_message_bytes);
        Ok(Self {
            service: Detached::new(RwLock::new(Some(opened))),
        })
    }

    /// Answers a unary call: a serialized request in, a serialized reply out.
    #[pyo3(signature = (method, request, grant, timeout=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        request: &[u8],
        grant: &Grant,
        timeout: Option<f64>,
    ) -> Result<Bound<'py, PyBytes>, Refused> {
        let deadline = deadline(timeout);
        let grant = &grant.0;
        let reply = py.detach(|| self.service()?.call(method, request, grant, deadline))?;
        Ok(PyBytes::new(py, &reply))
    }

    /// Answers a server-streaming call: an iterator of serialized replies.
    #[pyo3(signature = (method, request, grant, timeout=None))]
    fn server_stream(
        &self,
        py: Python<'_>,
        method: &str,
        request: &[u8],
        grant: &Grant,
        timeout: Option<f64>,
    ) -> Result<ReplyStream, Refused> {
        let deadline = deadline(timeout);
        let grant = &grant.0;
        let stream = py.detach(|| {
            self.service()?
                .server_stream(method, request, grant, deadline)
        })?;
        Ok(ReplyStream::new(
            stream.map(|each| each.map_err(Refused::from)),
        ))
    }

    /// Begins a client-streaming call, which takes serialized requests one at a time.
    fn client_stream(
        &self,
        py: Python<'_>,
        method: &str,
        grant: &Grant,
    ) -> Result<RequestStream, Refused> {
        let grant = &grant.0;
        let stream = py.detach(|| self.service()?.client_stream(method, grant))?;
        Ok(RequestStream::new(stream))
    }

    /// Whether the engine accepts writes, and if not, why.
    fn health(&self, py: Python<'_>) -> (bool, String) {
        py.detach(|| match self.service() {
            Ok(service) => match service.engine().health() {
                Health::Serving => (true, String::new()),
                Health::NotServing(reason) => (false, reason),
            },
            Err(status) => (false, status.message),
        })
    }

    /// The metrics since the engine was opened, by name; empty once it is closed.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = py.detach(|| self.service().ok().map(|service| service.engine().stats()));
        stats::dict(py, found)
    }

    /// Ends streams that have no end of their own; other calls go on.
    fn end_watches(&self, py: Python<'_>) {
        py.detach(|| {
            if let Ok(service) = self.service() {
                service.engine().end_watches();
            }
        });
    }

    /// Refuses new writes; those that have begun are finished.
    fn stop_writes(&self, py: Python<'_>) {
        py.detach(|| {
            if let Ok(service) = self.service() {
                service.engine().stop_writes();
            }
        });
    }

    /// Finishes the calls that have begun and releases the directory. Idempotent.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let service = self.service.get().and_then(|lock| lock.write().take());
            if let Some(service) = service {
                service.engine().close();
            }
        });
    }
}

impl Engine {
    /// The service, unless it is closed.
    pub(crate) fn service(&self) -> Result<Service, Status> {
        let service = self.service.get().and_then(|lock| lock.read().clone());
        service.ok_or_else(|| status_of(Error::ShuttingDown))
    }
}

/// A namespace of a backup: its name, then revision and digest unless it cannot be loaded, and what
/// does not agree in it.
type BackedUp = (String, Option<u64>, Option<[u8; 32]>, Vec<String>);

/// Copies a data directory, which another process may have open, into a new one, and verifies the
/// copy; returns its namespaces by name.
#[pyfunction]
pub(crate) fn backup(py: Python<'_>, path: PathBuf, to: PathBuf) -> Result<Vec<BackedUp>, Refused> {
    let copied = py.detach(|| ee_engine::backup(&path, &to).map_err(status_of))?;
    let told = copied.into_iter().map(|each| {
        let view = each.view.as_ref();
        let (revision, digest) = (view.map(|view| view.revision), view.map(|view| view.digest));
        (each.name, revision, digest, each.findings)
    });
    Ok(told.collect())
}

fn open(
    path: PathBuf,
    memory_budget: Option<usize>,
    kernel: Option<&str>,
    threads: Option<usize>,
    max_namespaces: Option<u64>,
) -> Result<Service, Status> {
    let by_name = |name| {
        let names: Vec<_> = Kernel::available().iter().map(|k| k.name()).collect();
        Kernel::by_name(name).ok_or_else(|| invalid_option("kernel", names.join(", "), name))
    };
    let kernel = kernel.map(by_name).transpose()?;
    if threads == Some(0) {
        return Err(invalid_option("threads", "at least 1", "0"));
    }
    let options = Options {
        memory_budget,
        threads: threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
        kernel,
        max_namespaces,
    };
    let engine = ee_engine::Engine::open(&path, options).map_err(status_of)?;
    Ok(Service::new(engine))
}

/// The caller's deadline; an infinite timeout is no deadline.
pub(crate) fn deadline(timeout: Option<f64>) -> Option<Instant> {
    let timeout = Duration::try_from_secs_f64(timeout?.max(0.0)).ok()?;
    Instant::now().checked_add(timeout)
}
