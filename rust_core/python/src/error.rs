//! The exception of a refused call.

use ee_access::status::{DETAILS_KEY, RETRY_PUSHBACK_KEY, Status};
use ee_listener::Refusal;
use pyo3::create_exception;
use pyo3::exceptions::{PyBaseException, PyException};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

create_exception!(
    effective_embeddings._core,
    StatusError,
    PyException,
    "A refused call. Its attributes: code (a gRPC status code), reason (as ErrorReason names it), \
     message, details (a serialized google.rpc.Status), retry_delay (seconds; None: a retry does \
     not help), trailing_metadata (the details, the delay and the id of a server's call, as gRPC sends \
     them), and \
     internal_detail (for the service's log and never for the caller)."
);

/// A status on its way to Python, and the id of a server's call.
pub(crate) struct Refused(Box<Status>, Option<String>);

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(Box::new(status), None)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.status, Some(refusal.id))
    }
}

impl From<Refused> for PyErr {
    fn from(Refused(status, id): Refused) -> Self {
        Python::attach(|py| {
            let error = StatusError::new_err(status.message.clone());
            let value = error.value(py);
            match fill(value, *status, id) {
                Ok(()) => error,
                Err(failed) => failed,
            }
        })
    }
}

fn fill(error: &Bound<'_, PyBaseException>, status: Status, id: Option<String>) -> PyResult<()> {
    let py = error.py();
    let details = PyBytes::new(py, &status.details);
    let pushback = status.retry_pushback();
    let delay = status.retry_delay.map(|delay| delay.as_secs_f64());
    let mut trailing = vec![(intern!(py, DETAILS_KEY), details.clone().into_any())];
    for (key, value) in [
        (intern!(py, RETRY_PUSHBACK_KEY), pushback),
        (intern!(py, "x-request-id"), id),
    ] {
        if let Some(value) = value {
            trailing.push((key, PyString::new(py, &value).into_any()));
        }
    }
    let trailing = PyTuple::new(py, trailing)?;
    error.setattr(intern!(py, "code"), status.code as i32)?;
    error.setattr(intern!(py, "reason"), status.reason)?;
    error.setattr(intern!(py, "message"), status.message)?;
    error.setattr(intern!(py, "details"), &details)?;
    error.setattr(intern!(py, "retry_delay"), delay)?;
    error.setattr(intern!(py, "trailing_metadata"), trailing)?;
    error.setattr(intern!(py, "internal_detail"), status.internal_detail)
}
