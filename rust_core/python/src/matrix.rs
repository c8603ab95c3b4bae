//! The in-process matrix: [`ee_core::matrix`] with NumPy arrays.

use ee_core::arithmetic::limits::{MAX_DIMENSION, MAX_WEIGHT, MIN_WEIGHT};
use ee_core::kernels::Kernel;
use ee_core::matrix::{self, Change, MatrixError};
use numpy::ndarray::ArrayView2;
use numpy::{Element, PyArray1, PyArray2};
use parking_lot::RwLock;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
use pyo3::prelude::*;

use crate::arrays::{Vectors, copy_column};

type Found<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f64>>);

/// Categories in memory, without keys and without a store: row numbers, exact sums and ranking.
/// Safe to use from any thread; every method releases the GIL.
///
/// Args:
///     dimension: Components of each vector, 1 to 16384.
///     kernel: "scalar", "avx2", "avx512" or "neon"; None: the fastest of this CPU. The results do
///         not depend on it.
///     threads: Largest number of threads of a search.
///
/// Raises:
///     ValueError: The dimension is out of range, or this CPU lacks the kernel.
#[pyclass(frozen, module = "effective_embeddings._core")]
pub(crate) struct CategoryMatrix {
    dimension: usize,
    matrix: RwLock<matrix::CategoryMatrix>,
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
            matrix: RwLock::new(matrix::CategoryMatrix::new(dimension, kernel, threads)),
        })
    }

    /// Number of rows.
    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.matrix.read().len())
    }

    /// Adds rows with these bases, of base weight 1; a base of zeros stands for no base. Returns the
    /// number of the first row.
    ///
    /// Args:
    ///     bases: (n, d) float32; each finite, of a norm of at least 1e-4, components up to ±32768.
    ///
    /// Raises:
    ///     ValueError: The shape is wrong or a base is invalid; no row was added.
    fn add_rows(&self, py: Python<'_>, bases: &Bound<'_, PyAny>) -> PyResult<usize> {
        let bases = Vectors::copy(bases, self.dimension, false)?;
        let added = py.detach(|| self.matrix.write().add_rows(&bases.values));
        added.map_err(raised)
    }

    /// Rows absorb vectors: either all of them or none.
    ///
    /// Args:
    ///     rows: (n,) int64, the row that absorbs each vector.
    ///     vectors: (n, d) float32; each finite, of a norm of at least 1e-4, components up to ±32768.
    ///     weights: (n,) float32, 2⁻¹⁰ to 2²⁰; default 1.
    ///
    /// Raises:
    ///     IndexError: A row does not exist.
    ///     ValueError: A shape, a vector or a weight is invalid.
    ///     OverflowError: A component of a sum would leave ±2²³.
    #[pyo3(signature = (rows, vectors, weights=None))]
    fn add(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.change(py, rows, vectors, weights, Change::Absorb)
    }

    /// Rows forget vectors that they have absorbed, exactly: either all of them or none. Arguments
    /// and errors are those of `add`; a row with nothing left to forget is a ValueError too.
    #[pyo3(signature = (rows, vectors, weights=None))]
    fn remove(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.change(py, rows, vectors, weights, Change::Forget)
    }

    /// The sum of the weighted vectors that a row has absorbed: (d,) int64 in units of 2⁻⁴⁰.
    ///
    /// Raises:
    ///     IndexError: The row does not exist.
    fn sums<'py>(&self, py: Python<'py>, row: i64) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let sum = py.detach(|| self.matrix.read().sum(row));
        Ok(PyArray1::from_vec(py, sum.map_err(raised)?))
    }

    /// The effective embedding of a row: (d,) float32.
    ///
    /// Raises:
    ///     IndexError: The row does not exist.
    ///     ValueError: The row has no embedding.
    fn effective<'py>(&self, py: Python<'py>, row: i64) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let effective = py.detach(|| self.matrix.read().effective(row));
        Ok(PyArray1::from_vec(py, effective.map_err(raised)?))
    }

    /// The rows with the largest cosines for each query, best first (ties by row number), and their
    /// scores: two (m, r) arrays, int64 and float64, r the smaller of `k` and the number of rows with
    /// an embedding.
    ///
    /// Args:
    ///     queries: (m, d) or (d,) float32, of any length but 0.
    ///     k: Largest number of rows a query; 0: all.
    ///
    /// Raises:
    ///     ValueError: The shape is wrong, or a query has no direction.
    #[pyo3(signature = (queries, k=10))]
    fn top_k<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        k: usize,
    ) -> PyResult<Found<'py>> {
        let queries = Vectors::copy(queries, self.dimension, true)?;
        let count = queries.rows;
        let found = py.detach(|| self.matrix.read().top_k(&queries.values, k));
        let found = found.map_err(raised)?;
        let found: Vec<_> = found.into_iter().flatten().collect();
        let shape = (count, found.len().checked_div(count).unwrap_or(0));
        let rows: Vec<_> = found.iter().map(|row| i64::from(row.slot)).collect();
        let scores: Vec<_> = found.iter().map(|row| row.score.total()).collect();
        Ok((array(py, shape, &rows)?, array(py, shape, &scores)?))
    }
}

impl CategoryMatrix {
    fn change(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        vectors: &Bound<'_, PyAny>,
        weights: Option<&Bound<'_, PyAny>>,
        change: Change,
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
            let mut matrix = self.matrix.write();
            matrix.change(&rows, &vectors.values, &weights, change)
        });
        changed.map_err(raised)
    }
}

/// A NumPy array with a copy of these elements, row by row: for the few numbers of an answer a copy costs
/// less than a transfer of ownership.
fn array<'py, T: Element>(
    py: Python<'py>,
    shape: (usize, usize),
    elements: &[T],
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let view = ArrayView2::from_shape(shape, elements)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(PyArray2::from_array(py, &view))
}

fn raised(error: MatrixError) -> PyErr {
    let text = error.to_string();
    match error {
        MatrixError::NoRow { .. } => PyIndexError::new_err(text),
        MatrixError::Overflow { .. } => PyOverflowError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}
