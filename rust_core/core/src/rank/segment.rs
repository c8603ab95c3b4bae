//! Where rows live: a run of at most a fixed number of them.

use std::ops::Range;

use super::unit_row::UnitRow;
use crate::kernels::lines::{F32Line, I8Line};

/// The error of an absent row: its upper bound is −∞, so no scan finds it.
const ABSENT: f32 = f32::NEG_INFINITY;

/// A run of rows: full rows, sketches and one number per row of each kind, end to end.
#[derive(Debug, Default)]
pub(super) struct Segment {
    rows: Vec<F32Line>,
    sketches: Vec<I8Line>,
    /// Norms of `rows`; 0 for an absent row.
    norms: Vec<f64>,
    /// Scales and errors of `sketches`.
    scales: Vec<f32>,
    errors: Vec<f32>,
}

/// The part of a segment that a sketch scan reads, for some of its rows.
pub(super) struct SketchBlock<'a> {
    pub(super) sketches: &'a [I8Line],
    pub(super) scales: &'a [f32],
    pub(super) errors: &'a [f32],
}

impl Segment {
    /// Number of rows, absent ones included.
    pub(super) fn len(&self) -> usize {
        self.norms.len()
    }

    /// Number of rows that fit without growing.
    pub(super) fn capacity(&self) -> usize {
        self.norms.capacity()
    }

    /// Makes room for exactly `rows` more rows of `dimension` components.
    pub(super) fn reserve(&mut self, rows: usize, dimension: usize) {
        self.rows.reserve_exact(rows * F32Line::count(dimension));
        self.sketches.reserve_exact(rows * I8Line::count(dimension));
        self.norms.reserve_exact(rows);
        self.scales.reserve_exact(rows);
        self.errors.reserve_exact(rows);
    }

    /// Adds an absent row of `dimension` components.
    pub(super) fn push(&mut self, dimension: usize) {
        self.rows
            .resize(self.rows.len() + F32Line::count(dimension), F32Line::ZERO);
        self.sketches
            .resize(self.sketches.len() + I8Line::count(dimension), I8Line::ZERO);
        self.norms.push(0.0);
        self.scales.push(0.0);
        self.errors.push(ABSENT);
    }

    /// Drops the last row.
    pub(super) fn pop(&mut self, dimension: usize) {
        self.rows
            .truncate(self.rows.len() - F32Line::count(dimension));
        self.sketches
            .truncate(self.sketches.len() - I8Line::count(dimension));
        self.norms.pop();
        self.scales.pop();
        self.errors.pop();
    }

    /// Stores `row` at `at`, or makes that row absent.
    pub(super) fn set(&mut self, at: usize, row: Option<&UnitRow>, dimension: usize) {
        let row_lines = lines_of(at, F32Line::count(dimension));
        let sketch_lines = lines_of(at, I8Line::count(dimension));
        match row {
            Some(row) => {
                self.rows[row_lines].copy_from_slice(&row.lines);
                self.sketches[sketch_lines].copy_from_slice(&row.sketch.lines);
                self.norms[at] = row.norm;
                self.scales[at] = row.sketch.scale;
                self.errors[at] = row.sketch.error;
            }
            None => {
                self.rows[row_lines].fill(F32Line::ZERO);
                self.sketches[sketch_lines].fill(I8Line::ZERO);
                self.norms[at] = 0.0;
                self.scales[at] = 0.0;
                self.errors[at] = ABSENT;
            }
        }
    }

    /// Copies row `from` of `other` over row `at`.
    pub(super) fn copy_from(&mut self, at: usize, other: &Self, from: usize, dimension: usize) {
        let (rows, sketches) = (F32Line::count(dimension), I8Line::count(dimension));
        self.rows[lines_of(at, rows)].copy_from_slice(&other.rows[lines_of(from, rows)]);
        self.sketches[lines_of(at, sketches)]
            .copy_from_slice(&other.sketches[lines_of(from, sketches)]);
        self.norms[at] = other.norms[from];
        self.scales[at] = other.scales[from];
        self.errors[at] = other.errors[from];
    }

    /// Copies row `from` over row `at`.
    pub(super) fn copy_within(&mut self, at: usize, from: usize, dimension: usize) {
        let (rows, sketches) = (F32Line::count(dimension), I8Line::count(dimension));
        self.rows.copy_within(lines_of(from, rows), at * rows);
        self.sketches
            .copy_within(lines_of(from, sketches), at * sketches);
        self.norms[at] = self.norms[from];
        self.scales[at] = self.scales[from];
        self.errors[at] = self.errors[from];
    }

    /// The components and the norm of a row; `None` if it is absent.
    #[inline]
    pub(super) fn row(&self, at: usize, dimension: usize) -> Option<(&[F32Line], f64)> {
        let norm = self.norms[at];
        let lines = F32Line::count(dimension);
        (norm != 0.0).then(|| (&self.rows[lines_of(at, lines)], norm))
    }

    /// The sketches of some rows.
    pub(super) fn sketches(&self, rows: Range<usize>, dimension: usize) -> SketchBlock<'_> {
        let lines = I8Line::count(dimension);
        SketchBlock {
            sketches: &self.sketches[rows.start * lines..rows.end * lines],
            scales: &self.scales[rows.clone()],
            errors: &self.errors[rows],
        }
    }

    /// Bytes allocated.
    pub(super) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<F32Line>()
            + self.sketches.capacity() * size_of::<I8Line>()
            + self.norms.capacity() * size_of::<f64>()
            + (self.scales.capacity() + self.errors.capacity()) * size_of::<f32>()
    }
}

/// The lines of row `at`, `count` lines a row.
#[inline]
fn lines_of(at: usize, count: usize) -> Range<usize> {
    at * count..(at + 1) * count
}
