//! The engine's metrics as Python values.

use ee_engine::{Kind, METRICS, Stats, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Returns the metrics by name: a whole number, or the sum and the buckets of a histogram.
pub(crate) fn dict(py: Python<'_>, stats: Option<Stats>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let Some(stats) = stats else {
        return Ok(dict);
    };
    for (metric, value) in stats.values() {
        match value {
            Value::Number(number) => dict.set_item(metric.name, number)?,
            Value::Distribution(found) => {
                dict.set_item(metric.name, (found.sum, found.buckets.clone()))?;
            }
        }
    }
    Ok(dict)
}

/// Returns name, kind and help of every metric.
pub(crate) fn table(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let kind = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let rows = METRICS
        .iter()
        .map(|each| (each.name, kind(each.kind), each.help));
    PyTuple::new(py, rows.collect::<Vec<_>>())
}
