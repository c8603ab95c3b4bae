//! The formula, computed in f64 from every member each time.

use super::actor_share::Counting;
use super::{Model, ModelCategory};

/// A number of the oracle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Undefined.
    None,
    /// This number, up to rounding.
    Near(f64),
    /// Parts cancel out so nearly that rounding decides.
    Unsure,
}

impl Model {
    pub(super) fn counting(&self, category: &ModelCategory) -> Vec<Counting<'_>> {
        if category.settings.frozen {
            return Vec::new();
        }
        let after_anchor = category.members.range(category.anchor + 1..).rev();
        let window = match category.settings.window {
            0 => usize::MAX,
            window => window as usize,
        };
        let newest = after_anchor.take(window);
        let counting = |(place, item): (&u64, &String)| Counting {
            item: &self.items[item],
            actor: &self.actors[place],
        };
        newest.map(counting).collect()
    }

    /// (counting members, sum of their weights)
    pub(crate) fn weight(&self, key: &str) -> (u64, f64) {
        let counting = self.counting(&self.categories[key]);
        let weight = counting.iter().map(|own| f64::from(own.item.weight)).sum();
        (counting.len() as u64, weight)
    }

    /// (numerator, weight of the whole); `None` without base and counting members.
    fn mean(&self, key: &str) -> Option<(Vec<f64>, f64)> {
        let category = &self.categories[key];
        let counting = self.counting(category);
        if category.base.is_none() && counting.is_empty() {
            return None;
        }
        let (base_weight, weights) = category.weights(&counting);
        let mut numerator: Vec<f64> = match &category.base {
            Some(base) => base.iter().map(|&b| base_weight * f64::from(b)).collect(),
            None => vec![0.0; counting[0].item.embedding.len()],
        };
        for (own, weight) in counting.iter().zip(&weights) {
            for (total, &x) in numerator.iter_mut().zip(&own.item.embedding) {
                *total += weight * f64::from(x);
            }
        }
        Some((numerator, base_weight + weights.iter().sum::<f64>()))
    }

    /// Whether every number is a small multiple of 1/8, so that f64 and fixed point are both exact.
    fn is_exact(&self, category: &ModelCategory) -> bool {
        let eighths = |x: &f32| (x * 8.0).fract() == 0.0;
        category.settings.min_base_share == 0.0
            && category.settings.max_actor_share.is_none()
            && category.base.iter().flatten().all(eighths)
            && eighths(&category.settings.base_weight)
            && self
                .counting(category)
                .iter()
                .all(|own| eighths(&own.item.weight) && own.item.embedding.iter().all(eighths))
    }

    /// The effective embedding; `Err`: parts cancel out, and rounding decides whether to 0.
    pub(crate) fn effective(&self, key: &str) -> Result<Option<Vec<f64>>, Vec<f64>> {
        let Some((numerator, whole)) = self.mean(key) else {
            return Ok(None);
        };
        let length = norm(&numerator);
        let category = &self.categories[key];
        let mean = numerator.iter().map(|v| v / whole).collect();
        if length >= 1e-4 {
            Ok(Some(mean))
        } else if length == 0.0 && self.is_exact(category) {
            Ok(None)
        } else {
            Err(mean)
        }
    }

    /// Cosine of a vector with a category.
    pub(crate) fn score(&self, asked: &[f32], key: &str) -> Number {
        let asked: Vec<f64> = asked.iter().map(|&x| f64::from(x)).collect();
        match self.effective(key) {
            Ok(None) => Number::None,
            Err(_) => Number::Unsure,
            Ok(Some(mean)) => {
                let dot: f64 = mean.iter().zip(&asked).map(|(a, b)| a * b).sum();
                Number::Near(dot / (norm(&mean) * norm(&asked)))
            }
        }
    }

    /// Cosine of the effective embeddings of two categories.
    pub(crate) fn likeness(&self, one: &str, other: &str) -> Number {
        match (self.effective(one), self.effective(other)) {
            (Ok(None), _) | (_, Ok(None)) => Number::None,
            (Ok(Some(one)), Ok(Some(other))) => {
                let dot: f64 = one.iter().zip(&other).map(|(a, b)| a * b).sum();
                Number::Near(dot / (norm(&one) * norm(&other)))
            }
            _ => Number::Unsure,
        }
    }

    /// 1 − cos(base, effective).
    pub(crate) fn drift(&self, key: &str) -> Number {
        match &self.categories[key].base {
            None => Number::None,
            Some(base) => match self.score(base, key) {
                Number::Near(score) => Number::Near(1.0 - score),
                other => other,
            },
        }
    }

    /// Root mean square distance of the counting members from their weighted mean, computed from each
    /// of them.
    pub(crate) fn spread(&self, key: &str) -> Number {
        let counting = self.counting(&self.categories[key]);
        let (count, whole) = self.weight(key);
        if count == 0 {
            return Number::None;
        }
        let mut mean = vec![0.0; counting[0].item.embedding.len()];
        for Counting { item, .. } in &counting {
            for (total, &x) in mean.iter_mut().zip(&item.embedding) {
                *total += f64::from(item.weight) * f64::from(x) / whole;
            }
        }
        let squares = counting.iter().map(|Counting { item, .. }| {
            let apart = item.embedding.iter().zip(&mean);
            let squared: f64 = apart.map(|(&x, m)| (f64::from(x) - m).powi(2)).sum();
            f64::from(item.weight) * squared
        });
        Number::Near((squares.sum::<f64>() / whole).sqrt())
    }
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}
