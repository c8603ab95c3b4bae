//! The Python extension `effective_embeddings._core`: bytes and NumPy arrays in and out.
//!
//! Invariants: this is the only crate with pyo3, and it has no logic of its own. A method copies or
//! borrows its arguments while attached to Python, detaches, and only then takes a lock; no Python
//! object is held while detached.

mod admission;
mod arrays;
mod calls;
mod detached;
mod engine;
mod error;
mod grant;
mod listener;
mod matrix;
mod recording;
mod repair;
mod stats;
mod streams;

use pyo3::prelude::*;

/// Kernels that this CPU can run, best first.
#[pyfunction]
fn kernels() -> Vec<&'static str> {
    let available = ee_core::kernels::Kernel::available();
    available.iter().rev().map(|kernel| kernel.name()).collect()
}

/// The checksum of a serialized frame of a snapshot, after a frame with the checksum `before`; None:
/// it is not a frame.
#[pyfunction]
fn frame_checksum(frame: &[u8], before: u64) -> Option<u64> {
    ee_wire::serialized_frame_checksum(frame, before)
}

/// The Rust core: bytes and NumPy arrays in and out. A function that may wait releases the GIL.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::admission::{Admission, TokenTable, token_hash};
    #[pymodule_export]
    use super::calls::{Call, Calls};
    #[pymodule_export]
    use super::engine::{Engine, backup};
    #[pymodule_export]
    use super::error::StatusError;
    #[pymodule_export]
    use super::frame_checksum;
    #[pymodule_export]
    use super::grant::Grant;
    #[pymodule_export]
    use super::kernels;
    #[pymodule_export]
    use super::listener::{Listener, check_certificate};
    #[pymodule_export]
    use super::matrix::CategoryMatrix;
    #[pymodule_export]
    use super::recording::{AuditLog, Events};
    #[pymodule_export]
    use super::repair::repair;
    #[pymodule_export]
    use super::streams::{ReplyStream, RequestStream};

    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let methods = ee_wire::METHODS
            .iter()
            .map(|method| (method.name, method.scope.name()));
        module.add("METHODS", PyTuple::new(module.py(), methods)?)?;
        module.add("ENGINE_METRICS", super::stats::table(module.py())?)?;
        module.add("LIMITS", PyTuple::new(module.py(), ee_wire::limits::all())?)?;
        let limits = ee_access::limits::all();
        module.add("ACCESS_LIMITS", PyTuple::new(module.py(), limits)?)?;
        let limits = ee_listener::limits::all();
        module.add("LISTENER_LIMITS", PyTuple::new(module.py(), limits)?)?;
        module.add(
            "CALL_SECONDS_BOUNDS",
            PyTuple::new(module.py(), ee_listener::BOUNDS)?,
        )?;
        module.add("VERSION", ee_wire::VERSION)?;
        module.add("RELEASE_BUILD", ee_wire::RELEASE_BUILD)
    }
}
