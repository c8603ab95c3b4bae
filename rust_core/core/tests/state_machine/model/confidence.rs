//! Confidence in f64, from every member.

use super::Model;
use super::actor_share::Counting;

/// Leave-one-out scores that are within this of a query's may count or not.
const CLOSE: f64 = 2e-6;

impl Model {
    /// The least and the largest confidence of a query with this score that rounding can make; `None`:
    /// no member has a leave-one-out score. `Err`: rounding decides whether one has.
    pub(crate) fn confidence(&self, key: &str, score: f64) -> Result<Option<(f64, f64)>, ()> {
        let category = &self.categories[key];
        let counting = self.counting(category);
        let mut scores = Vec::new();
        for place in 0..counting.len() {
            let mut others = counting.clone();
            let member = others.remove(place);
            match self.left_out(category.base.as_deref(), key, &others, member) {
                LeftOut::Nothing => {}
                LeftOut::Unsure => return Err(()),
                LeftOut::Score(score) => scores.push(score),
            }
        }
        scores.sort_by(f64::total_cmp);
        Ok((!scores.is_empty())
            .then(|| (place(&scores, score - CLOSE), place(&scores, score + CLOSE))))
    }

    fn left_out(
        &self,
        base: Option<&[f32]>,
        key: &str,
        others: &[Counting<'_>],
        left: Counting<'_>,
    ) -> LeftOut {
        let (base_weight, weights) = self.categories[key].weights(others);
        let member = left.item;
        let mut rest = vec![0.0; member.embedding.len()];
        let mut parts = f64::from(member.weight) * length(&member.embedding);
        let mut add = |weight: f64, vector: &[f32]| {
            parts += weight * length(vector);
            for (rest, &x) in rest.iter_mut().zip(vector) {
                *rest += weight * f64::from(x);
            }
        };
        if let Some(base) = base {
            add(base_weight, base);
        }
        for (own, weight) in others.iter().zip(weights) {
            add(weight, &own.item.embedding);
        }
        let dot: f64 = rest
            .iter()
            .zip(&member.embedding)
            .map(|(r, &x)| r * f64::from(x))
            .sum();
        let left = rest.iter().map(|r| r * r).sum::<f64>().sqrt();
        if left < 1e-8 * parts {
            LeftOut::Nothing
        } else if left < 0.03 * parts {
            LeftOut::Unsure
        } else {
            LeftOut::Score(dot / (left * length(&member.embedding)))
        }
    }
}

/// The place of a score among those of the members, over one more than there are.
fn place(scores: &[f64], score: f64) -> f64 {
    let below = scores.iter().filter(|&&own| own <= score + 1e-6).count();
    let places = (scores.len() + 1) as f64;
    if below == 0 {
        1.0 / places
    } else if below == scores.len() {
        1.0
    } else {
        let (last, next) = (scores[below - 1], scores[below]);
        (below as f64 + ((score - last) / (next - last)).max(0.0)) / places
    }
}

enum LeftOut {
    Nothing,
    Unsure,
    Score(f64),
}

fn length(vector: &[f32]) -> f64 {
    vector
        .iter()
        .map(|&x| f64::from(x).powi(2))
        .sum::<f64>()
        .sqrt()
}
