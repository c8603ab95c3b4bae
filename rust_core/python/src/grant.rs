//! What a caller may do.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What a caller may do: rules of a scope ("read", "write" or "admin", each with those before it)
/// and a namespace pattern (a name, "prefix*" or "*"). Immutable.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct Grant(pub(crate) Arc<ee_access::Grant>);

#[pymethods]
impl Grant {
    #[new]
    fn new(principal: &str, rules: Vec<(String, String)>) -> PyResult<Self> {
        let rules = rules
            .iter()
            .map(|(scope, pattern)| (scope.as_str(), pattern.as_str()));
        made(ee_access::Grant::new(principal, rules))
    }

    /// A grant of everything.
    #[staticmethod]
    fn unrestricted(principal: &str) -> PyResult<Self> {
        made(ee_access::Grant::unrestricted(principal))
    }
}

fn made(grant: Result<ee_access::Grant, ee_access::grant::InvalidRule>) -> PyResult<Grant> {
    grant
        .map(|grant| Grant(Arc::new(grant)))
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
