//! The exception of a refused call.

use ee_access::status::{DETAILS_KEY, RETRY_PUSHBACK_KEY, Status};
use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

create_exception!(
    effective_embeddings._core,
    StatusError,
    PyException,
    "A refused call. Its attributes: code (a gRPC status code), reason (as ErrorReason names it), \
     message, details (a serialized google.rpc.Status), retry_delay (seconds; None: a retry does \
     not help), trailing_metadata (the details and the delay, as a gRPC server sends them), and \
     internal_detail (for the service's log and never for the caller)."
);

/// A status on its way to Python.
pub(crate) struct Refused(Status);

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl From<Refused> for PyErr {
    fn from(Refused(status): Refused) -> Self {
        Python::attach(|py| {
            let error = StatusError::new_err(status.message.clone());
            let value = error.value(py);
            match fill(value, status) {
                Ok(()) => error,
                Err(failed) => failed,
            }
        })
    }
}

fn fill(error: &Bound<'_, PyBaseException>, status: Status) -> PyResult<()> {
    let py = error.py();
    let details = PyBytes::new(py, &status.details);
    let pushback = status.retry_pushback();
    let delay = status.retry_delay.map(|delay| delay.as_secs_f64());
    let sent = (intern!(py, DETAILS_KEY), &details);
    let trailing = match pushback {
        Some(pushback) => (sent, (intern!(py, RETRY_PUSHBACK_KEY), pushback)).into_pyobject(py)?,
        None => (sent,).into_pyobject(py)?,
    };
    error.setattr(intern!(py, "code"), status.code as i32)?;
    error.setattr(intern!(py, "reason"), status.reason)?;
    error.setattr(intern!(py, "message"), status.message)?;
    error.setattr(intern!(py, "details"), &details)?;
    error.setattr(intern!(py, "retry_delay"), delay)?;
    error.setattr(intern!(py, "trailing_metadata"), trailing)?;
    error.setattr(intern!(py, "internal_detail"), status.internal_detail)
}
