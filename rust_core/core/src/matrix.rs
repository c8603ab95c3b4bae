//! Categories in memory, without keys and without a store: exact sums and ranking by row number.

use std::cmp::Ordering;

use thiserror::Error;

use crate::arithmetic::fixed::{self, WeightSum};
use crate::arithmetic::vector::{VectorError, normalize};
use crate::kernels::Kernel;
use crate::ranking::{Rows, Search, UnitRow};
use crate::scoring::{CentroidSum, Scored, Scorer};
use crate::settings::{CategorySettings, MembershipMode, NamespaceSettings, Normalization};

/// Why an operation failed; it has changed nothing.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MatrixError {
    /// There is no row of this number.
    #[error("row {row} does not exist, the matrix has {rows} rows")]
    NoRow {
        /// The number.
        row: i64,
        /// Number of rows.
        rows: usize,
    },
    /// A row has neither base nor members.
    #[error("row {row} has no embedding")]
    NoEmbedding {
        /// The row.
        row: i64,
    },
    /// A row would forget more vectors than it has absorbed.
    #[error("row {row} has nothing left to forget")]
    NothingLeft {
        /// The row.
        row: i64,
    },
    /// The sum of a row would leave its range.
    #[error("component {component} of row {row} would leave ±2^23")]
    Overflow {
        /// The row.
        row: i64,
        /// Index of the component.
        component: usize,
    },
    /// A vector is invalid.
    #[error("vector {index} {error}")]
    Vector {
        /// Index of the vector.
        index: usize,
        /// What is wrong with it.
        error: VectorError,
    },
    /// A query has no direction.
    #[error("query {index} has no direction")]
    Query {
        /// Index of the query.
        index: usize,
    },
}

/// Whether rows absorb vectors or forget them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Vectors are added to the sums.
    Absorb,
    /// Vectors are removed from the sums.
    Forget,
}

impl Change {
    fn inverse(self) -> Self {
        match self {
            Self::Absorb => Self::Forget,
            Self::Forget => Self::Absorb,
        }
    }
}

#[derive(Clone, Debug)]
struct Row {
    base: Option<Vec<f32>>,
    sum: Vec<i64>,
    count: u64,
    weight: WeightSum,
}

/// The settings of every row.
const SETTINGS: CategorySettings = CategorySettings::DEFAULT;

impl Row {
    fn centroid(&self) -> CentroidSum<'_> {
        CentroidSum {
            settings: &SETTINGS,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.count,
            weight: self.weight,
            actors: None,
        }
    }

    fn change(
        &mut self,
        row: i64,
        weight: f32,
        vector: &[f32],
        change: Change,
    ) -> Result<(), MatrixError> {
        if change == Change::Forget && self.count == 0 {
            return Err(MatrixError::NothingLeft { row });
        }
        let apply = match change {
            Change::Absorb => fixed::add,
            Change::Forget => fixed::subtract,
        };
        apply(&mut self.sum, f64::from(weight), vector).map_err(|overflow| {
            MatrixError::Overflow {
                row,
                component: overflow.component,
            }
        })?;
        match change {
            Change::Absorb => {
                self.count += 1;
                self.weight = self.weight.plus(weight);
            }
            Change::Forget => {
                self.count -= 1;
                self.weight = self.weight.minus(weight);
            }
        }
        Ok(())
    }
}

/// Rows of bases, exact sums and directions, by number: 0, 1, …
#[derive(Debug)]
pub struct CategoryMatrix {
    settings: NamespaceSettings,
    scorer: Scorer,
    kernel: Kernel,
    threads: usize,
    rows: Vec<Row>,
    directions: Rows,
}

impl CategoryMatrix {
    /// A matrix without rows, of vectors of `dimension` components; a search takes up to `threads`
    /// threads.
    ///
    /// # Panics
    ///
    /// If `dimension` is not in 1..=[`MAX_DIMENSION`](crate::arithmetic::limits::MAX_DIMENSION).
    pub fn new(dimension: usize, kernel: Kernel, threads: usize) -> Self {
        let settings = NamespaceSettings {
            dimension: dimension as u32,
            embedding_model: String::new(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Multiple,
        };
        Self {
            scorer: Scorer::of(&settings),
            settings,
            kernel,
            threads,
            rows: Vec::new(),
            directions: Rows::new(dimension),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds rows with these bases, end to end; a base of zeros stands for no base. Returns the
    /// number of the first row.
    pub fn add_rows(&mut self, bases: &[f32]) -> Result<usize, MatrixError> {
        let first = self.rows.len();
        let mut made = Vec::with_capacity(bases.len() / self.dimension());
        for (index, base) in bases.chunks_exact(self.dimension()).enumerate() {
            let base = if base.iter().all(|&x| x == 0.0) {
                None
            } else {
                let base = normalize(&self.settings, base.to_vec());
                Some(base.map_err(|error| MatrixError::Vector { index, error })?)
            };
            made.push(Row {
                base,
                sum: vec![0; self.dimension()],
                count: 0,
                weight: WeightSum::default(),
            });
        }
        for row in made {
            let slot = self.directions.push();
            let direction = self.scorer.row(&row.centroid());
            self.directions.set(slot, direction.as_ref());
            self.rows.push(row);
        }
        Ok(first)
    }

    /// Rows absorb vectors, or forget them: entry i of `rows` the vector i, end to end in
    /// `vectors`, with the weight i. Either all of them or none.
    pub fn change(
        &mut self,
        rows: &[i64],
        vectors: &[f32],
        weights: &[f32],
        change: Change,
    ) -> Result<(), MatrixError> {
        let vectors: Vec<&[f32]> = vectors.chunks_exact(self.dimension()).collect();
        let slots = rows.iter().map(|&row| self.slot(row));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        for (index, vector) in vectors.iter().enumerate() {
            normalize(&self.settings, vector.to_vec())
                .map_err(|error| MatrixError::Vector { index, error })?;
        }
        let entries: Vec<_> = slots.into_iter().zip(vectors).zip(weights).collect();
        for (done, &((slot, vector), &weight)) in entries.iter().enumerate() {
            if let Err(error) = self.rows[slot].change(slot as i64, weight, vector, change) {
                // In reverse order, each inverse leads back to a state that was in range.
                for &((slot, vector), &weight) in entries[..done].iter().rev() {
                    self.rows[slot].change(slot as i64, weight, vector, change.inverse())?;
                }
                return Err(error);
            }
        }
        let mut touched: Vec<_> = entries.iter().map(|&((slot, _), _)| slot).collect();
        touched.sort_unstable();
        touched.dedup();
        for slot in touched {
            let direction: Option<UnitRow> = self.scorer.row(&self.rows[slot].centroid());
            self.directions.set(slot as u32, direction.as_ref());
        }
        Ok(())
    }

    /// The sum of a row, in units of 2⁻⁴⁰.
    pub fn sum(&self, row: i64) -> Result<Vec<i64>, MatrixError> {
        Ok(self.rows[self.slot(row)?].sum.clone())
    }

    /// The effective embedding of a row.
    pub fn effective(&self, row: i64) -> Result<Vec<f32>, MatrixError> {
        let effective = self.rows[self.slot(row)?].centroid().effective();
        effective.ok_or(MatrixError::NoEmbedding { row })
    }

    /// The best `limit` rows (0: all) for each query, best first, ties by row number. Each query
    /// finds the same number of rows. Rows without an embedding are never found.
    pub fn top_k(&self, queries: &[f32], limit: usize) -> Result<Vec<Vec<Scored>>, MatrixError> {
        let prepared = queries
            .chunks_exact(self.dimension())
            .enumerate()
            .map(|(index, query)| {
                let prepared = self.scorer.query(query);
                prepared.ok_or(MatrixError::Query { index })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let search = Search {
            limit,
            threads: self.threads,
            ..Search::default()
        };
        let by_number: &(dyn Fn(u32, u32) -> Ordering + Sync) = &|a, b| a.cmp(&b);
        Ok(self
            .scorer
            .search(self.kernel, &self.directions, &prepared, &search, by_number))
    }

    fn dimension(&self) -> usize {
        self.settings.dimension as usize
    }

    fn slot(&self, row: i64) -> Result<usize, MatrixError> {
        usize::try_from(row)
            .ok()
            .filter(|&slot| slot < self.rows.len())
            .ok_or(MatrixError::NoRow {
                row,
                rows: self.rows.len(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::limits::MAX_WEIGHT;

    fn matrix(bases: &[f32]) -> CategoryMatrix {
        let mut matrix = CategoryMatrix::new(2, Kernel::best(), 1);
        assert_eq!(matrix.add_rows(bases), Ok(0));
        matrix
    }

    fn found(matrix: &CategoryMatrix, query: &[f32], limit: usize) -> Vec<u32> {
        let found = matrix.top_k(query, limit).unwrap();
        found[0].iter().map(|found| found.slot).collect()
    }

    #[test]
    fn rows_are_found_by_score_then_by_number_and_never_without_an_embedding() {
        let matrix = matrix(&[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0]);
        assert_eq!(found(&matrix, &[1.0, 0.1], 0), [2, 3, 0]);
        assert_eq!(found(&matrix, &[1.0, 0.1], 1), [2]);
        assert_eq!(
            matrix.effective(1),
            Err(MatrixError::NoEmbedding { row: 1 })
        );
    }

    #[test]
    fn forgotten_members_leave_no_trace() {
        let mut matrix = matrix(&[1.0, 0.0, 0.0, 0.0]);
        let before = (matrix.sum(0).unwrap(), matrix.effective(0).unwrap());
        let rows = [0, 1, 0];
        let (vectors, weights) = ([0.3, 0.7, -1.0, 0.1, 9.0, 2.0], [1.0, 2.5, 0.01]);
        matrix
            .change(&rows, &vectors, &weights, Change::Absorb)
            .unwrap();
        assert_ne!(matrix.sum(0).unwrap(), before.0);
        assert_eq!(found(&matrix, &[-1.0, 0.1], 1), [1]);
        matrix
            .change(&rows, &vectors, &weights, Change::Forget)
            .unwrap();
        assert_eq!(
            (matrix.sum(0).unwrap(), matrix.effective(0).unwrap()),
            before
        );
        assert_eq!(found(&matrix, &[-1.0, 0.1], 0), [0]);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let mut matrix = matrix(&[1.0, 0.0, 0.0, 1.0]);
        let state = |matrix: &CategoryMatrix| {
            let top = matrix.top_k(&[0.6, 0.8], 0).unwrap();
            (matrix.sum(0).unwrap(), matrix.sum(1).unwrap(), top)
        };
        matrix
            .change(&[0], &[0.5, 0.5], &[3.0], Change::Absorb)
            .unwrap();
        let before = state(&matrix);
        let too_much = [0.25, 0.5, 1.0, 32_768.0];
        for (rows, vectors, change, error) in [
            (
                [0, 1],
                too_much,
                Change::Absorb,
                MatrixError::Overflow {
                    row: 1,
                    component: 1,
                },
            ),
            (
                [0, 1],
                [0.5, 0.5, 0.5, 0.5],
                Change::Forget,
                MatrixError::NothingLeft { row: 1 },
            ),
            (
                [0, 2],
                [0.5, 0.5, 0.5, 0.5],
                Change::Absorb,
                MatrixError::NoRow { row: 2, rows: 2 },
            ),
            (
                [0, -1],
                [0.5, 0.5, 0.5, 0.5],
                Change::Absorb,
                MatrixError::NoRow { row: -1, rows: 2 },
            ),
        ] {
            let found = matrix.change(&rows, &vectors, &[3.0, MAX_WEIGHT], change);
            assert_eq!(found, Err(error));
            assert_eq!(state(&matrix), before);
        }
        let invalid = matrix.change(
            &[0, 1],
            &[0.5, 0.5, 0.0, f32::NAN],
            &[1.0; 2],
            Change::Absorb,
        );
        assert!(matches!(invalid, Err(MatrixError::Vector { index: 1, .. })));
        let base = matrix.add_rows(&[1.0, 0.0, f32::INFINITY, 0.0]);
        assert!(matches!(base, Err(MatrixError::Vector { index: 1, .. })));
        let query = matrix.top_k(&[1.0, 0.0, 0.0, 0.0], 1);
        assert_eq!(query, Err(MatrixError::Query { index: 1 }));
        assert_eq!((state(&matrix), matrix.len()), (before, 2));
    }
}
