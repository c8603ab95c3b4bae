//! The parts of a cosine: what a category's base and each of its members contribute.
//!
//! With V = w_b'·b + Σ wᵢ·xᵢ, the numerator of the weighted mean (see `centroid.rs`):
//!
//! ```text
//! cos(q, V) = w_b'·(q·b)/(|q|·|V|) + Σ wᵢ·(q·xᵢ)/(|q|·|V|)
//! ```
//!
//! Both V and the sum of the members are at hand, so the part of all members together is exact
//! without reading one of them: the members that are read are taken off it, and what remains is the
//! part of the others.
//!
//! A score is computed from a row of f32 and from a sum in fixed point. It differs from the sum of
//! these parts by the error that `centroid.rs` bounds: [`CosineParts::rounding`].

use super::centroid::CentroidSum;
use crate::arithmetic::fixed;
use crate::kernels::Kernel;
use crate::kernels::lines::F32Line;
use crate::ranking::Query;

/// The parts of the cosine of a query with a category. `base + members + rounding` is the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineParts {
    /// What the base contributes; 0 without a base.
    pub base: f64,
    /// What all counting members contribute together.
    pub members: f64,
    /// The score less the other parts.
    pub rounding: f64,
    /// |q|·|V|.
    norms: f64,
}

impl CosineParts {
    /// The parts of a score, which is that of the query with this category; `None` if the category
    /// has no embedding.
    pub fn of(query: &Query, centroid: &CentroidSum<'_>, score: f64) -> Option<Self> {
        let numerator = centroid.numerator()?;
        let components = numerator.components.iter();
        let squares: f64 = components.map(|&v| numerator.to_f64(v).powi(2)).sum();
        let norms = query.norm() * squares.sqrt();
        let base = centroid.base.map_or(0.0, |base| {
            centroid.base_weight() * dot(query, base) / norms
        });
        let values: &[f32] = bytemuck::cast_slice(&query.lines);
        let members: f64 = match centroid.actor_cap() {
            None => {
                let products = values.iter().zip(centroid.sum);
                products
                    .map(|(&q, &s)| f64::from(q) * fixed::to_f64(s))
                    .sum()
            }
            Some(cap) => {
                let sum = centroid.capped_sum(&cap);
                let products = values.iter().zip(&sum.components);
                products.map(|(&q, &s)| f64::from(q) * sum.to_f64(s)).sum()
            }
        };
        let members = members / norms;
        Some(Self {
            base,
            members,
            rounding: score - base - members,
            norms,
        })
    }

    /// What one counting member contributes, with its weight under a cap.
    pub fn member(&self, query: &Query, weight: f64, embedding: &[f32]) -> f64 {
        weight * dot(query, embedding) / self.norms
    }
}

/// The cosine of a query with a vector of any length; 0 if the vector has no direction.
pub fn similarity(query: &Query, vector: &[f32]) -> f64 {
    let lines = F32Line::pack(vector);
    let norm = Kernel::best().dot(&lines, &lines).sqrt();
    if norm > 0.0 {
        query.score(Kernel::best().dot(&query.lines, &lines), norm)
    } else {
        0.0
    }
}

fn dot(query: &Query, vector: &[f32]) -> f64 {
    Kernel::best().dot(&query.lines, &F32Line::pack(vector))
}

#[cfg(test)]
mod tests;
