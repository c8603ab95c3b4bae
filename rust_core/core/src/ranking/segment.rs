//! Storage of a run of rows, at most a fixed number of them.

use std::ops::Range;

use super::lines::Lines;
use super::unit_row::UnitRow;
use crate::kernels::lines::{F32Line, I8Line};

/// The error of an absent row: its upper bound is −∞, so no scan finds it.
const ABSENT: f32 = f32::NEG_INFINITY;

/// A run of rows: full rows, sketches and one number per row of each kind, end to end.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    lines: Lines,
    /// Norms of the rows; 0 for an absent row.
    norms: Vec<f64>,
    /// Scales and errors of the sketches.
    scales: Vec<f32>,
    errors: Vec<f32>,
    /// How far each row has grown, for handicaps; empty: no row has.
    growths: Vec<f64>,
}

/// The part of a segment that a sketch scan reads, for some of its rows.
pub(super) struct SketchBlock<'a> {
    pub(super) sketches: &'a [I8Line],
    pub(super) scales: &'a [f32],
    pub(super) errors: &'a [f32],
    /// Empty: all are 0.
    pub(super) growths: &'a [f64],
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

    /// Reserves memory for exactly `rows` rows of `dimension` components in all; `whole`: the segment
    /// will never have more.
    pub(super) fn make_room(&mut self, rows: usize, dimension: usize, whole: bool) {
        let (row, sketch) = (F32Line::count(dimension), I8Line::count(dimension));
        self.lines.make_room(rows * row, rows * sketch, whole);
        let more = rows - self.len();
        self.norms.reserve_exact(more);
        self.scales.reserve_exact(more);
        self.errors.reserve_exact(more);
    }

    /// Adds an absent row of `dimension` components.
    pub(super) fn push(&mut self, dimension: usize) {
        let at = self.len();
        self.norms.push(0.0);
        self.scales.push(0.0);
        self.errors.push(ABSENT);
        if !self.growths.is_empty() {
            self.growths.push(0.0);
        }
        self.resize_lines(dimension);
        self.set(at, None, dimension);
    }

    /// Drops the last row.
    pub(super) fn pop(&mut self, dimension: usize) {
        self.norms.pop();
        self.scales.pop();
        self.errors.pop();
        self.growths.pop();
        self.resize_lines(dimension);
    }

    fn resize_lines(&mut self, dimension: usize) {
        let (row, sketch) = (F32Line::count(dimension), I8Line::count(dimension));
        self.lines.resize(self.len() * row, self.len() * sketch);
    }

    /// Stores `row` at `at`, or makes that row absent.
    pub(super) fn set(&mut self, at: usize, row: Option<&UnitRow>, dimension: usize) {
        let (rows, sketches) = self.lines.both_mut();
        let lines = &mut rows[lines_of(at, F32Line::count(dimension))];
        let sketch = &mut sketches[lines_of(at, I8Line::count(dimension))];
        match row {
            Some(row) => {
                lines.copy_from_slice(&row.lines);
                sketch.copy_from_slice(&row.sketch.lines);
                self.norms[at] = row.norm;
                self.scales[at] = row.sketch.scale;
                self.errors[at] = row.sketch.error;
            }
            None => {
                lines.fill(F32Line::ZERO);
                sketch.fill(I8Line::ZERO);
                self.norms[at] = 0.0;
                self.scales[at] = 0.0;
                self.errors[at] = ABSENT;
            }
        }
    }

    /// How far a row has grown.
    pub(super) fn growth(&self, at: usize) -> f64 {
        self.growths.get(at).copied().unwrap_or(0.0)
    }

    /// Says how far a row has grown.
    pub(super) fn set_growth(&mut self, at: usize, growth: f64) {
        if self.growths.is_empty() {
            if growth == 0.0 {
                return;
            }
            self.growths.reserve_exact(self.norms.capacity());
            self.growths.resize(self.len(), 0.0);
        }
        self.growths[at] = growth;
    }

    /// Copies row `from` of `other` over row `at`.
    pub(super) fn copy_from(&mut self, at: usize, other: &Self, from: usize, dimension: usize) {
        let (row, sketch) = (F32Line::count(dimension), I8Line::count(dimension));
        let (rows, sketches) = self.lines.both_mut();
        rows[lines_of(at, row)].copy_from_slice(&other.lines.rows()[lines_of(from, row)]);
        sketches[lines_of(at, sketch)]
            .copy_from_slice(&other.lines.sketches()[lines_of(from, sketch)]);
        self.norms[at] = other.norms[from];
        self.scales[at] = other.scales[from];
        self.errors[at] = other.errors[from];
        self.set_growth(at, other.growth(from));
    }

    /// Copies row `from` over row `at`.
    pub(super) fn copy_within(&mut self, at: usize, from: usize, dimension: usize) {
        let (row, sketch) = (F32Line::count(dimension), I8Line::count(dimension));
        let (rows, sketches) = self.lines.both_mut();
        rows.copy_within(lines_of(from, row), at * row);
        sketches.copy_within(lines_of(from, sketch), at * sketch);
        self.norms[at] = self.norms[from];
        self.scales[at] = self.scales[from];
        self.errors[at] = self.errors[from];
        self.set_growth(at, self.growth(from));
    }

    /// The components and the norm of a row; `None` if it is absent.
    #[inline]
    pub(super) fn row(&self, at: usize, dimension: usize) -> Option<(&[F32Line], f64)> {
        let norm = self.norms[at];
        let lines = lines_of(at, F32Line::count(dimension));
        (norm != 0.0).then(|| (&self.lines.rows()[lines], norm))
    }

    /// The sketches of some rows.
    pub(super) fn sketches(&self, rows: Range<usize>, dimension: usize) -> SketchBlock<'_> {
        let lines = I8Line::count(dimension);
        SketchBlock {
            sketches: &self.lines.sketches()[rows.start * lines..rows.end * lines],
            scales: &self.scales[rows.clone()],
            errors: &self.errors[rows.clone()],
            growths: self.growths.get(rows).unwrap_or_default(),
        }
    }

    /// Bytes allocated.
    pub(super) fn memory_bytes(&self) -> usize {
        self.lines.memory_bytes()
            + (self.norms.capacity() + self.growths.capacity()) * size_of::<f64>()
            + (self.scales.capacity() + self.errors.capacity()) * size_of::<f32>()
    }
}

/// The lines of row `at`, `count` lines a row.
#[inline]
fn lines_of(at: usize, count: usize) -> Range<usize> {
    at * count..(at + 1) * count
}
