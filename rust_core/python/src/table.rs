//! Rows of bases, sums and directions: the core's arithmetic, without Python.

use std::cmp::Ordering;
use std::fmt;

use ee_core::arithmetic::fixed::{self, WeightSum};
use ee_core::arithmetic::vector::{VectorError, take_in};
use ee_core::kernels::Kernel;
use ee_core::ranking::{Query, Rows, Search, UnitRow};
use ee_core::scoring::Parts;
use ee_core::settings::{CategorySettings, MembershipMode, NamespaceSettings, Normalization};

/// Why something was not done; nothing was changed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no such row.
    NoRow { row: i64, rows: usize },
    /// A row has neither base nor members.
    NoEmbedding { row: i64 },
    /// A row would forget more than it has taken in.
    NothingLeft { row: i64 },
    /// A sum would leave its range.
    Overflow { row: i64, component: usize },
    /// A vector is none.
    Vector { index: usize, error: VectorError },
    /// A query has no direction.
    Query { index: usize },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow { row, rows } => write!(f, "there is no row {row}, there are {rows}"),
            Self::NoEmbedding { row } => write!(f, "row {row} has no embedding"),
            Self::NothingLeft { row } => write!(f, "row {row} has nothing left to forget"),
            Self::Overflow { row, component } => {
                write!(f, "component {component} of row {row} would leave ±2^23")
            }
            Self::Vector { index, error } => write!(f, "vector {index} {error}"),
            Self::Query { index } => write!(f, "query {index} has no direction"),
        }
    }
}

#[derive(Clone)]
struct Row {
    base: Option<Vec<f32>>,
    sum: Vec<i64>,
    count: u64,
    weight: WeightSum,
}

/// The settings that every row has.
const SETTINGS: CategorySettings = CategorySettings {
    base_weight: 1.0,
    window: 0,
    min_base_share: 0.0,
    frozen: false,
};

impl Row {
    fn parts(&self) -> Parts<'_> {
        Parts {
            settings: &SETTINGS,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.count,
            weight: self.weight,
        }
    }

    fn direction(&self, row: i64) -> Result<Option<UnitRow>, Fault> {
        let overflow = |overflow: fixed::Overflow| Fault::Overflow {
            row,
            component: overflow.component,
        };
        self.parts().row().map_err(overflow)
    }

    fn change(&mut self, row: i64, weight: f32, vector: &[f32], forget: bool) -> Result<(), Fault> {
        if forget && self.count == 0 {
            return Err(Fault::NothingLeft { row });
        }
        let apply = if forget { fixed::subtract } else { fixed::add };
        apply(&mut self.sum, f64::from(weight), vector).map_err(|overflow| Fault::Overflow {
            row,
            component: overflow.component,
        })?;
        if forget {
            self.count -= 1;
            self.weight = self.weight.minus(weight);
        } else {
            self.count += 1;
            self.weight = self.weight.plus(weight);
        }
        Ok(())
    }
}

/// Rows of bases, sums and directions.
pub(crate) struct Table {
    settings: NamespaceSettings,
    kernel: Kernel,
    threads: usize,
    rows: Vec<Row>,
    directions: Rows,
}

impl Table {
    pub(crate) fn new(dimension: usize, kernel: Kernel, threads: usize) -> Self {
        let settings = NamespaceSettings {
            dimension: dimension as u32,
            embedding_model: String::new(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Multiple,
        };
        Self {
            settings,
            kernel,
            threads,
            rows: Vec::new(),
            directions: Rows::new(dimension),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds rows with these bases; zeros are none.
    pub(crate) fn add_rows(&mut self, bases: &[f32]) -> Result<usize, Fault> {
        let first = self.rows.len();
        let mut made = Vec::with_capacity(bases.len() / self.dimension());
        for (index, base) in bases.chunks_exact(self.dimension()).enumerate() {
            let base = if base.iter().all(|&x| x == 0.0) {
                None
            } else {
                let taken = take_in(&self.settings, base.to_vec());
                Some(taken.map_err(|error| Fault::Vector { index, error })?)
            };
            let row = Row {
                base,
                sum: vec![0; self.dimension()],
                count: 0,
                weight: WeightSum::default(),
            };
            let direction = row.direction((first + index) as i64)?;
            made.push((row, direction));
        }
        for (row, direction) in made {
            let slot = self.directions.push();
            self.directions.set(slot, direction.as_ref());
            self.rows.push(row);
        }
        Ok(first)
    }

    /// Rows take vectors in, or forget them; all of them, or none.
    pub(crate) fn change(
        &mut self,
        rows: &[i64],
        vectors: &[f32],
        weights: &[f32],
        forget: bool,
    ) -> Result<(), Fault> {
        let vectors: Vec<&[f32]> = vectors.chunks_exact(self.dimension()).collect();
        let slots = rows.iter().map(|&row| self.slot(row));
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        for (index, vector) in vectors.iter().enumerate() {
            take_in(&self.settings, vector.to_vec())
                .map_err(|error| Fault::Vector { index, error })?;
        }
        let mut done = 0;
        let mut outcome = Ok(());
        for ((&slot, vector), &weight) in slots.iter().zip(&vectors).zip(weights) {
            outcome = self.rows[slot].change(slot as i64, weight, vector, forget);
            if outcome.is_err() {
                break;
            }
            done += 1;
        }
        let mut touched = slots.clone();
        touched.sort_unstable();
        touched.dedup();
        let directions = outcome.and_then(|()| {
            let direction = |&slot: &usize| self.rows[slot].direction(slot as i64);
            touched.iter().map(direction).collect::<Result<Vec<_>, _>>()
        });
        match directions {
            Ok(directions) => {
                for (slot, direction) in touched.into_iter().zip(directions) {
                    self.directions.set(slot as u32, direction.as_ref());
                }
                Ok(())
            }
            Err(fault) => {
                // Backwards: every step back was a step forward, so it fits.
                for index in (0..done).rev() {
                    let (slot, weight) = (slots[index], weights[index]);
                    self.rows[slot].change(slot as i64, weight, vectors[index], !forget)?;
                }
                Err(fault)
            }
        }
    }

    /// A row's sum.
    pub(crate) fn sum(&self, row: i64) -> Result<Vec<i64>, Fault> {
        Ok(self.rows[self.slot(row)?].sum.clone())
    }

    /// A row's effective embedding.
    pub(crate) fn effective(&self, row: i64) -> Result<Vec<f32>, Fault> {
        let effective = self.rows[self.slot(row)?].parts().effective();
        effective.ok_or(Fault::NoEmbedding { row })
    }

    /// The best rows and their scores, query after query; as many for each.
    pub(crate) fn top_k(&self, queries: &[f32], k: usize) -> Result<(Vec<i64>, Vec<f64>), Fault> {
        let prepared = queries
            .chunks_exact(self.dimension())
            .enumerate()
            .map(|(index, query)| Query::new(query).ok_or(Fault::Query { index }))
            .collect::<Result<Vec<_>, _>>()?;
        let search = Search {
            limit: k,
            threads: self.threads,
            ..Search::default()
        };
        let by_number: &(dyn Fn(u32, u32) -> Ordering + Sync) = &|a, b| a.cmp(&b);
        let found = self
            .directions
            .top_k_batch_with(self.kernel, &prepared, &search, by_number);
        let count = found.iter().map(Vec::len).sum();
        let (mut rows, mut scores) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for hit in found.iter().flatten() {
            rows.push(i64::from(hit.slot));
            scores.push(hit.score);
        }
        Ok((rows, scores))
    }

    fn dimension(&self) -> usize {
        self.settings.dimension as usize
    }

    fn slot(&self, row: i64) -> Result<usize, Fault> {
        usize::try_from(row)
            .ok()
            .filter(|&slot| slot < self.rows.len())
            .ok_or(Fault::NoRow {
                row,
                rows: self.rows.len(),
            })
    }
}
