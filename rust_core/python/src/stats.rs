//! The engine's figures as a dict.

use ee_engine::{Distribution, Stats};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The figures by name: whole numbers, and for a distribution its sum and its buckets.
pub(crate) fn dict(py: Python<'_>, stats: Option<Stats>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let Some(stats) = stats else {
        return Ok(dict);
    };
    for (name, value) in [
        ("matches", stats.matches),
        ("queries", stats.queries),
        ("rows", stats.rows),
        ("assignments", stats.assignments),
        ("moves", stats.moves),
        ("unassignments", stats.unassignments),
        ("suggestions_accepted", stats.suggestions_accepted),
        ("suggestions_corrected", stats.suggestions_corrected),
        ("sketch_rows", stats.sketch_rows),
        ("sketch_survivors", stats.sketch_survivors),
        ("log_steps", stats.log_steps),
        ("read_failures", stats.read_failures),
        ("namespaces_loads", stats.namespaces_loads),
        ("namespaces_evictions", stats.namespaces_evictions),
        ("namespaces_loaded", stats.namespaces_loaded),
        ("memory_bytes", stats.memory_bytes),
        ("serving", u64::from(stats.serving)),
    ] {
        dict.set_item(name, value)?;
    }
    for (name, Distribution { sum, buckets }) in [
        ("commit_seconds", stats.commit_seconds),
        ("commit_writes", stats.commit_writes),
        ("drift", stats.drift),
    ] {
        dict.set_item(name, (sum, buckets))?;
    }
    Ok(dict)
}
