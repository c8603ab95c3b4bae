//! How a category is scored: the one place that turns what a category has absorbed into the
//! direction that queries are compared with.
//!
//! With base b, base weight w_b, floor share α and counting members (wᵢ, xᵢ):
//!
//! ```text
//! w_b' = max(w_b, α/(1−α)·Σ wᵢ)        1 while nothing counts: an empty category is its base
//! V    = w_b'·b + Σ wᵢ·xᵢ              the numerator, in exact fixed point
//! effective = V / (w_b' + Σ wᵢ)
//! score(q)  = cos(q, V)
//! ```
//!
//! A category with neither base nor counting members has no V, and neither has one whose parts
//! cancel out to exactly zero: it is listed, never matched.

use crate::arithmetic::fixed::{self, Overflow, WeightSum};
use crate::ranking::{self, Query, UnitRow};
use crate::settings::CategorySettings;

/// What a category has absorbed, seen as the parts of its weighted mean.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The category's settings.
    pub settings: &'a CategorySettings,
    /// Its base embedding, if it has one.
    pub base: Option<&'a [f32]>,
    /// Σ wᵢ·xᵢ over the counting members, in fixed point.
    pub sum: &'a [i64],
    /// Number of the counting members.
    pub count: u64,
    /// Σ wᵢ over them.
    pub weight: WeightSum,
}

impl Parts<'_> {
    /// w_b', the weight of the base in the mean; 0 without a base.
    pub fn base_weight(&self) -> f64 {
        if self.base.is_none() {
            0.0
        } else if self.count == 0 {
            1.0
        } else {
            let share = self.settings.min_base_share;
            let floor = share / (1.0 - share) * self.weight.to_f64();
            f64::from(self.settings.base_weight).max(floor)
        }
    }

    /// V, or none where the category has no embedding.
    pub fn numerator(&self) -> Result<Option<Vec<i64>>, Overflow> {
        if self.base.is_none() && self.count == 0 {
            return Ok(None);
        }
        let mut numerator = self.sum.to_vec();
        if let Some(base) = self.base {
            fixed::add(&mut numerator, self.base_weight(), base)?;
        }
        Ok(numerator.iter().any(|&v| v != 0).then_some(numerator))
    }

    /// The direction that queries are compared with.
    pub fn row(&self) -> Result<Option<UnitRow>, Overflow> {
        Ok(self
            .numerator()?
            .as_deref()
            .and_then(UnitRow::from_numerator))
    }

    /// The effective embedding, the weighted mean itself; none where there is none. An empty
    /// category's is its base, bit for bit.
    pub fn effective(&self) -> Option<Vec<f32>> {
        if self.count == 0 {
            return self.base.map(<[f32]>::to_vec);
        }
        let numerator = self.numerator().ok().flatten()?;
        let whole = self.base_weight() + self.weight.to_f64();
        Some(
            numerator
                .iter()
                .map(|&v| (fixed::to_f64(v) / whole) as f32)
                .collect(),
        )
    }
}

/// 1 − cos(base, effective), 0 to 2: how far a category has moved from its name.
pub fn drift(base: Option<&[f32]>, row: Option<&UnitRow>) -> Option<f64> {
    let query = Query::new(base?)?;
    Some(1.0 - ranking::score(&query, row?))
}

/// Root mean square distance of the counting members from their own weighted mean:
/// √(Σ wᵢ|xᵢ|²/W − |Σ wᵢxᵢ|²/W²), which needs no look at the members. None while nothing counts;
/// 0 for one member, which is its own mean.
pub fn spread(sum: &[i64], count: u64, weight: WeightSum, squares: f64) -> Option<f64> {
    if count <= 1 {
        return (count == 1).then_some(0.0);
    }
    let whole = weight.to_f64();
    let mean_squared: f64 = sum
        .iter()
        .map(|&s| (fixed::to_f64(s) / whole) * (fixed::to_f64(s) / whole))
        .sum();
    Some((squares / whole - mean_squared).max(0.0).sqrt())
}
