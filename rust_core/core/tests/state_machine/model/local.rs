//! Fairness and LOCAL in f64, from every member, without a cut: for as few categories and members
//! as all take part.

use std::collections::BTreeMap;

use super::Model;
use super::actor_share::Counting;

/// A category in a ranking of the oracle.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) key: String,
    pub(crate) cosine: f64,
    pub(crate) rank_score: f64,
}

struct Row {
    owner: usize,
    vector: Vec<f64>,
    noise: f64,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(vector: &[f32]) -> Vec<f64> {
    let wide: Vec<f64> = vector.iter().map(|&x| f64::from(x)).collect();
    let norm = dot(&wide, &wide).sqrt();
    wide.iter().map(|x| x / norm).collect()
}

fn growth(count: usize) -> f64 {
    count as f64 / (count as f64 + 2.0)
}

impl Model {
    /// All categories that have an embedding, by their base scores. `None` where rounding decides.
    pub(crate) fn base_ranking(&self, query: &[f32], fairness: f64) -> Option<Vec<Placed>> {
        let (name, full) = self.expected_own_scores();
        let mut placed = Vec::new();
        for (key, category) in &self.categories {
            let cosine = match self.score(query, key) {
                super::Number::None => continue,
                super::Number::Unsure => return None,
                super::Number::Near(cosine) => cosine,
            };
            let own = name + (full - name) * growth(self.counting(category).len());
            placed.push(Placed {
                key: key.clone(),
                cosine,
                rank_score: cosine - fairness * own,
            });
        }
        placed.sort_by(|a, b| b.rank_score.total_cmp(&a.rank_score));
        Some(placed)
    }

    fn expected_own_scores(&self) -> (f64, f64) {
        let (mut members, mut cosines) = (0.0, 0.0);
        let mut left_out = Vec::new();
        for category in self.categories.values() {
            let counting = self.counting(category);
            let count = counting.len() as f64;
            if counting.is_empty() {
                continue;
            }
            let (base_weight, weights) = category.weights(&counting);
            let (weight, sum) = weighted(&counting, &weights);
            let base = category.base.as_deref().map(unit);
            if let Some(base) = &base {
                members += count;
                cosines += count * dot(&sum, base) / weight;
            }
            if counting.len() >= 2 {
                let mut whole = sum;
                for (whole, base) in whole.iter_mut().zip(base.iter().flatten()) {
                    *whole += base_weight * base;
                }
                left_out.push((counting.len(), leave_one_out(&counting, &weights, &whole)));
            }
        }
        let name = if members > 0.0 {
            cosines / members
        } else {
            0.0
        };
        let (mut above, mut grown) = (0.0, 0.0);
        for (count, score) in left_out {
            let most = count.min(20) as f64;
            above += most * (score - name);
            grown += most * growth(count);
        }
        let full = if grown > 0.0 {
            name + above / grown
        } else {
            name
        };
        (name, full)
    }

    /// The base ranking, ranked again. As many categories and members as here all take part.
    pub(crate) fn local_ranking(
        &self,
        query: &[f32],
        fairness: f64,
        base: &[Placed],
    ) -> Vec<Placed> {
        assert!(base.len() <= 8);
        let query = unit(query);
        let (mut rows, mut owners) = (Vec::new(), Vec::new());
        for placed in base {
            let counting = self.counting(&self.categories[&placed.key]);
            assert!(counting.len() <= 20);
            owners.push(counting.len());
        }
        for (owner, placed) in base.iter().enumerate() {
            let mut distinct: BTreeMap<Vec<u32>, (Vec<f64>, f64)> = BTreeMap::new();
            let category = &self.categories[&placed.key];
            let counting = self.counting(category);
            for (own, weight) in counting.iter().zip(category.weights(&counting).1) {
                let vector = unit(&own.item.embedding);
                let bits = vector.iter().map(|&x| (x as f32).to_bits()).collect();
                distinct.entry(bits).or_insert((vector, 0.0)).1 += weight;
            }
            for (vector, weight) in distinct.into_values() {
                let noise = 0.05 / weight.min(1024.0);
                rows.push(Row {
                    owner,
                    vector,
                    noise,
                });
            }
        }
        let members = rows.len();
        if base.len() < 2 || members == 0 {
            return base.to_vec();
        }
        for (owner, placed) in base.iter().enumerate() {
            let category = &self.categories[&placed.key];
            let (weight, _) = category.weights(&self.counting(category));
            if let Some(base) = category.base.as_deref().filter(|_| weight > 0.0) {
                rows.push(Row {
                    owner,
                    vector: unit(base),
                    noise: 0.05 / weight.min(1024.0),
                });
            }
        }
        let inverse = inverse(&rows);
        let near: Vec<_> = rows
            .iter()
            .map(|row| gaussian(dot(&row.vector, &query)))
            .collect();
        let own_fit = own_fit(&rows[..members], &rows, &inverse);
        let strength = 0.7 * members as f64 / (members as f64 + 10.0);
        let mut ranking = base.to_vec();
        for (owner, placed) in ranking.iter_mut().enumerate() {
            let pulls = rows
                .iter()
                .zip(&inverse)
                .filter(|(row, _)| row.owner == owner);
            let fit: f64 = pulls.map(|(_, inverse)| dot(inverse, &near)).sum();
            placed.rank_score += strength * (fit - fairness * own_fit * growth(owners[owner]));
        }
        ranking.sort_by(|a, b| b.rank_score.total_cmp(&a.rank_score));
        ranking
    }
}

fn weighted(counting: &[Counting<'_>], weights: &[f64]) -> (f64, Vec<f64>) {
    let mut sum = vec![0.0; counting[0].item.embedding.len()];
    for (own, weight) in counting.iter().zip(weights) {
        for (sum, x) in sum.iter_mut().zip(unit(&own.item.embedding)) {
            *sum += weight * x;
        }
    }
    (weights.iter().sum(), sum)
}

fn leave_one_out(counting: &[Counting<'_>], weights: &[f64], whole: &[f64]) -> f64 {
    let weight: f64 = weights.iter().sum();
    let each = weight / counting.len() as f64;
    let own = counting.iter().zip(weights);
    let mean: f64 = own
        .map(|(own, weight)| weight * dot(&unit(&own.item.embedding), whole))
        .sum::<f64>()
        / weight;
    let squared = dot(whole, whole);
    let rest = squared - 2.0 * each * mean + each * each;
    if rest <= 1e-12 * (squared + each * each) {
        return 0.0;
    }
    ((mean - each) / rest.sqrt()).clamp(-1.0, 1.0)
}

fn gaussian(cosine: f64) -> f64 {
    (2.0 * (cosine - 1.0)).exp()
}

/// Gauss and Jordan.
fn inverse(rows: &[Row]) -> Vec<Vec<f64>> {
    let count = rows.len();
    let mut matrix: Vec<Vec<f64>> = (0..count)
        .map(|i| {
            let one = |j: usize| if i == j { 1.0 } else { 0.0 };
            let kernel = |j: usize| match i == j {
                true => 1.0 + rows[i].noise,
                false => gaussian(dot(&rows[i].vector, &rows[j].vector)),
            };
            (0..count).map(kernel).chain((0..count).map(one)).collect()
        })
        .collect();
    for pivot in 0..count {
        let factor = matrix[pivot][pivot];
        matrix[pivot].iter_mut().for_each(|value| *value /= factor);
        let own = matrix[pivot].clone();
        for (i, row) in matrix.iter_mut().enumerate() {
            if i != pivot {
                let factor = row[pivot];
                let pairs = row.iter_mut().zip(&own);
                pairs.for_each(|(value, own)| *value -= factor * own);
            }
        }
    }
    matrix
        .into_iter()
        .map(|row| row[count..].to_vec())
        .collect()
}

fn own_fit(members: &[Row], rows: &[Row], inverse: &[Vec<f64>]) -> f64 {
    let of = |owner| members.iter().filter(|row| row.owner == owner).count();
    let fits: Vec<f64> = (0..members.len())
        .filter(|&i| of(rows[i].owner) >= 2)
        .map(|i| {
            let own = (0..rows.len()).filter(|&j| rows[j].owner == rows[i].owner);
            1.0 - own.map(|j| inverse[i][j]).sum::<f64>() / inverse[i][i]
        })
        .collect();
    if fits.is_empty() {
        return 0.6;
    }
    fits.iter().sum::<f64>() / fits.len() as f64
}
