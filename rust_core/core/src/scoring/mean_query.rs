//! A query that is the mean of several vectors.

use crate::arithmetic::fixed::{self, Overflow};

/// The weighted mean of the parts of a query, summed in the exact arithmetic of a category.
#[derive(Clone, Debug)]
pub struct MeanQuery {
    sum: Vec<i64>,
}

impl MeanQuery {
    /// A mean without parts, of vectors of `dimension` components.
    pub fn new(dimension: usize) -> Self {
        Self {
            sum: vec![0; dimension],
        }
    }

    /// Adds a part. On overflow the mean is as it was.
    pub fn add(&mut self, weight: f32, vector: &[f32]) -> Result<(), Overflow> {
        fixed::add(&mut self.sum, f64::from(weight), vector)
    }

    /// A vector in the direction of the mean: that of the sum.
    pub(super) fn vector(&self) -> Vec<f32> {
        self.sum.iter().map(|&component| component as f32).collect()
    }
}
