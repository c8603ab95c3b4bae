//! The core without a store: exact sums and ranking in memory.

use ee_core::arithmetic::limits::{MAX_DIMENSION, MAX_WEIGHT, MIN_WEIGHT};
use ee_core::kernels::Kernel;
use numpy::ndarray::ArrayView2;
use numpy::{Element, PyArray1, PyArray2};
use parking_lot::RwLock;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use pyo3::prelude::*;

use crate::numbers::{Vectors, copy_column};
use crate::table::{Fault, Table};

type Found<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f64>>);

/// Categories in memory, without keys and without a store: row numbers, exact sums and ranking.
/// Safe to use from any thread; every method releases the GIL.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct CategoryMatrix {
    dimension: usize,
    table: RwLock<Table>,
}

#[pymethods]
impl CategoryMatrix {
    #[new]
    #[pyo3(signature = (dimension, *, kernel=None, threads=1))]
    fn new(dimension: usize, kernel: Option<&str>, threads: usize) -> PyResult<Self> {
        if !(1..=MAX_DIMENSION).contains(&dimension) {
            return Err(PyValueError::new_err(format!(
                "dimension is {dimension}, it must be 1 to {MAX_DIMENSION}"
            )));
        }
        let kernel = match kernel {
            None => Kernel::best(),
            Some(name) => Kernel::by_name(name)
                .ok_or_else(|| PyValueError::new_err(format!("this CPU has no kernel {name:?}")))?,
        };
        Ok(Self {
            dimension,
            table: RwLock::new(Table::new(dimension, kernel, threads)),
        })
    }

    /// Number of rows.
    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.table.read().len())
    }

    /// Adds rows with these bases, of base weight 1; a base of zeros is none. Returns the number
    /// of the first.
    fn add_rows(&self, py: Python<'_>, bases: &Bound<'_, PyAny>) -> PyResult<usize> {
        let bases = Vectors::copy(bases, self.dimension, false)?;
        let added = py.detach(|| self.table.write().add_rows(&bases.values));
        added.map_err(raised)
    }

    /// Rows take vectors in; all of them, or none.
    #[pyo3(signature = (rows, vectors, weights=None))]
    fn add(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.change(py, rows, vectors, weights, false)
    }

    /// Rows forget vectors that they have taken in, exactly; all of them, or none.
    #[pyo3(signature = (rows, vectors, weights=None))]
    fn remove(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.change(py, rows, vectors, weights, true)
    }

    /// A row's sum of what it has taken in, in units of 2⁻⁴⁰.
    fn sums<'py>(&self, py: Python<'py>, row: i64) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let sum = py.detach(|| self.table.read().sum(row));
        Ok(PyArray1::from_vec(py, sum.map_err(raised)?))
    }

    /// A row's effective embedding.
    fn effective<'py>(&self, py: Python<'py>, row: i64) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let effective = py.detach(|| self.table.read().effective(row));
        Ok(PyArray1::from_vec(py, effective.map_err(raised)?))
    }

    /// The rows nearest to each query, best first (ties by row number), and their scores. `k` of
    /// 0 means all. Rows without an embedding are not found.
    #[pyo3(signature = (queries, k=10))]
    fn top_k<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        k: usize,
    ) -> PyResult<Found<'py>> {
        let queries = Vectors::copy(queries, self.dimension, true)?;
        let count = queries.rows;
        let found = py.detach(|| self.table.read().top_k(&queries.values, k));
        let (rows, scores) = found.map_err(raised)?;
        let shape = (count, rows.len().checked_div(count).unwrap_or(0));
        Ok((matrix(py, shape, &rows)?, matrix(py, shape, &scores)?))
    }
}

impl CategoryMatrix {
    fn change(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
        forget: bool,
    ) -> PyResult<()> {
        let vectors = Vectors::copy(vectors, self.dimension, false)?;
        let rows = copy_column::<i64>(rows, vectors.rows, "rows")?;
        let weights = match weights {
            None => vec![1.0; vectors.rows],
            Some(weights) => copy_column::<f32>(weights, vectors.rows, "weights")?,
        };
        if let Some(wrong) = weights
            .iter()
            .find(|weight| !(MIN_WEIGHT..=MAX_WEIGHT).contains(*weight))
        {
            return Err(PyValueError::new_err(format!(
                "weight {wrong} is not in 2^-10 to 2^20"
            )));
        }
        let changed = py.detach(|| {
            let mut table = self.table.write();
            table.change(&rows, &vectors.values, &weights, forget)
        });
        changed.map_err(raised)
    }
}

/// An array of numpy's own with these elements, row by row. A copy, which for the few numbers of
/// an answer costs less than handing memory over.
fn matrix<'py, T: Element>(
    py: Python<'py>,
    shape: (usize, usize),
    elements: &[T],
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let view = ArrayView2::from_shape(shape, elements)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyArray2::from_array(py, &view))
}

fn raised(fault: Fault) -> PyErr {
    let text = fault.to_string();
    match fault {
        Fault::NoRow { .. } => PyIndexError::new_err(text),
        Fault::Overflow { .. } => PyOverflowError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}
