//! A query, prepared for ranking.

use std::sync::OnceLock;

use super::sketch::QuerySketch;
use crate::kernels::Kernel;
use crate::kernels::aligned::Aligned;
use crate::kernels::lines::{F32Line, I16Line};

/// A vector to rank categories against: its components as given, and its norm.
#[derive(Clone, Debug)]
pub struct Query {
    dimension: usize,
    pub(crate) lines: Aligned<F32Line>,
    pub(super) norm: f64,
    /// Made by the first scan that needs it: a few rows are scored without it.
    sketch: OnceLock<QuerySketch>,
}

impl Query {
    /// Prepares `values`, of any length and any scale; `None` if their norm is zero or not finite
    /// (a component is NaN or infinite), since they have no direction then.
    pub(crate) fn new(values: &[f32]) -> Option<Self> {
        let lines = F32Line::pack(values);
        let norm = Kernel::best().dot(&lines, &lines).sqrt();
        let has_direction = norm > 0.0 && norm.is_finite();
        has_direction.then(|| Self {
            dimension: values.len(),
            lines,
            norm,
            sketch: OnceLock::new(),
        })
    }

    /// Number of components.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The Euclidean norm, in f64.
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Bytes held, nearly.
    pub fn memory_bytes(&self) -> usize {
        let sketch = self
            .sketch
            .get()
            .map_or(0, |sketch| sketch.lines.len() * size_of::<I16Line>());
        size_of::<Self>() + (self.lines.len() + 1) * size_of::<F32Line>() + sketch
    }

    pub(super) fn sketch(&self) -> &QuerySketch {
        self.sketch
            .get_or_init(|| QuerySketch::of(&self.lines, self.dimension, self.norm))
    }

    /// The score of a row with inner product `dot` and norm `row_norm`.
    pub(crate) fn score(&self, dot: f64, row_norm: f64) -> f64 {
        (dot / (self.norm * row_norm)).clamp(-1.0, 1.0)
    }
}
