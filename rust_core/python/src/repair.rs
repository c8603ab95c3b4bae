//! Repair: a report as Python's own lists and dicts.

use std::path::PathBuf;

use ee_engine::{Lost, RepairReport, RepairedNamespace};
use ee_wire::status_of;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::Refused;

/// Copies the readable part of a damaged directory into a new one; returns the recovered and the lost
/// parts.
#[pyfunction]
pub(crate) fn repair<'py>(
    py: Python<'py>,
    path: PathBuf,
    into: PathBuf,
) -> PyResult<Bound<'py, PyDict>> {
    let repaired = py.detach(|| ee_engine::repair(&path, &into));
    let report = repaired.map_err(|error| Refused::from(status_of(error)))?;
    let dict = PyDict::new(py);
    dict.set_item("whole", report.whole())?;
    let RepairReport { namespaces, lost } = report;
    let namespaces = namespaces.into_iter().map(|each| namespace(py, each));
    let namespaces = namespaces.collect::<PyResult<Vec<_>>>()?;
    dict.set_item("namespaces", PyList::new(py, namespaces)?)?;
    dict.set_item("lost", lost)?;
    Ok(dict)
}

fn namespace(py: Python<'_>, repaired: RepairedNamespace) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", repaired.name)?;
    dict.set_item("recovered", repaired.recovered.is_some())?;
    if let Some(view) = repaired.recovered {
        dict.set_item("category_count", view.categories)?;
        dict.set_item("item_count", view.items)?;
        dict.set_item("membership_count", view.memberships)?;
    }
    let Lost {
        categories,
        unnamed_categories,
        items,
        unnamed_items,
        memberships,
        unnamed_memberships,
        parts,
        others,
    } = repaired.lost;
    let lost = PyDict::new(py);
    lost.set_item("categories", categories)?;
    lost.set_item("unnamed_categories", unnamed_categories)?;
    lost.set_item("items", items)?;
    lost.set_item("unnamed_items", unnamed_items)?;
    lost.set_item("memberships", memberships)?;
    lost.set_item("unnamed_memberships", unnamed_memberships)?;
    lost.set_item("parts", parts)?;
    lost.set_item("others", others)?;
    dict.set_item("lost", lost)?;
    Ok(dict)
}
