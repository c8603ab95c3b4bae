//! NumPy arguments: copied in C order and with the element type of the callee.

use numpy::{Element, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods, dtype};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Vectors copied from an array.
pub(crate) struct Vectors {
    /// The components, row by row.
    pub(crate) values: Vec<f32>,
    /// Number of rows.
    pub(crate) rows: usize,
}

impl Vectors {
    /// Copies an array of shape (n, dimension), or (dimension,) if `one` vector is allowed.
    pub(crate) fn copy(array: &Bound<'_, PyAny>, dimension: usize, one: bool) -> PyResult<Self> {
        let array = in_order::<f32>(array)?;
        let shape = array.shape();
        let rows = match *shape {
            [columns] if one && columns == dimension => 1,
            [rows, columns] if columns == dimension => rows,
            _ => {
                let form = if one { "(n, d) or (d,)" } else { "(n, d)" };
                return Err(PyValueError::new_err(format!(
                    "vectors have the shape {shape:?}, not {form} with d = {dimension}"
                )));
            }
        };
        Ok(Self {
            values: array.to_vec()?,
            rows,
        })
    }
}

/// Copies an array of shape (rows,).
pub(crate) fn copy_column<T: Element>(
    array: &Bound<'_, PyAny>,
    rows: usize,
    name: &str,
) -> PyResult<Vec<T>> {
    let array = in_order::<T>(array)?;
    let shape = array.shape();
    if *shape == [rows] {
        return Ok(array.to_vec()?);
    }
    Err(PyValueError::new_err(format!(
        "{name} has the shape {shape:?}, not ({rows},)"
    )))
}

/// The array itself if it is in C order with the element type, otherwise a converted copy.
fn in_order<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    if let Ok(array) = array.cast::<PyArrayDyn<T>>()
        && array.is_c_contiguous()
    {
        return Ok(array.clone());
    }
    let py = array.py();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "dtype"), dtype::<T>(py))?;
    let array = py.import(intern!(py, "numpy"))?.call_method(
        intern!(py, "ascontiguousarray"),
        (array,),
        Some(&options),
    )?;
    Ok(array.cast_into()?)
}
