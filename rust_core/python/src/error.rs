//! A status becomes an exception, in one place.

use ee_wire::Status;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

create_exception!(
    effective_embeddings._core,
    StatusError,
    PyException,
    "A refused call: code, message, details (a serialized google.rpc.Status), and internal_detail, \
     which is for the service's log and never for the caller."
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
            let filled = value
                .setattr("code", status.code as i32)
                .and_then(|()| value.setattr("message", status.message))
                .and_then(|()| value.setattr("details", PyBytes::new(py, &status.details)))
                .and_then(|()| value.setattr("internal_detail", status.internal_detail));
            match filled {
                Ok(()) => error,
                Err(failed) => failed,
            }
        })
    }
}
