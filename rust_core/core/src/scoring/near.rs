//! Vectors that are nearly equal: which of a block have at least some cosine with others.

use crate::kernels::Kernel;
use crate::ranking::{Query, Rows, Search, Tally, UnitRow};

use super::similarity;

/// A row is a copy of its vector, scaled to length 1 and rounded to f32: its score is off by less than
/// this.
const ROUNDING: f64 = 1e-6;

/// Vectors to compare others with.
#[derive(Debug)]
pub struct VectorBlock<'a> {
    vectors: Vec<&'a [f32]>,
    rows: Rows,
}

/// A vector of a block that is near to another vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearVector {
    /// Its index in the block.
    pub index: usize,
    /// The cosine of the two.
    pub similarity: f64,
}

impl<'a> VectorBlock<'a> {
    /// A block of stored vectors.
    ///
    /// # Panics
    ///
    /// If a vector has another dimension.
    pub fn new(dimension: usize, vectors: Vec<&'a [f32]>) -> Self {
        let mut rows = Rows::new(dimension);
        rows.expect(vectors.len());
        for vector in &vectors {
            let slot = rows.push();
            let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let norm = squares.sqrt();
            let unit: Vec<f32> = vector
                .iter()
                .map(|&x| (f64::from(x) / norm) as f32)
                .collect();
            rows.set(slot, Some(&UnitRow::from_unit(&unit)));
        }
        Self { vectors, rows }
    }

    /// For each query the vectors of the block with at least this cosine, in order of their index. The
    /// kernel and the number of threads change the time that this takes and nothing else.
    pub fn near(
        &self,
        kernel: Kernel,
        queries: &[Query],
        least: f64,
        threads: usize,
        tally: Option<&Tally>,
    ) -> Vec<Vec<NearVector>> {
        let search = Search {
            limit: 0,
            min_score: Some(least - ROUNDING),
            threads,
            tally,
            ..Search::default()
        };
        let by_slot = |a: u32, b: u32| a.cmp(&b);
        let found = self
            .rows
            .top_k_batch_with(kernel, queries, &search, &by_slot);
        let near = |(query, hits): (&Query, Vec<crate::ranking::Hit>)| {
            let mut near: Vec<NearVector> = hits
                .into_iter()
                .map(|hit| hit.slot as usize)
                .map(|index| NearVector {
                    index,
                    similarity: similarity(query, self.vectors[index]),
                })
                .filter(|near| near.similarity >= least)
                .collect();
            near.sort_unstable_by_key(|near| near.index);
            near
        };
        queries.iter().zip(found).map(near).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scoring::Scorer;

    proptest! {
        #[test]
        fn the_vectors_found_are_those_of_all_comparisons(
            vectors in prop::collection::vec(prop::collection::vec(-1.0f32..1.0, 3), 1..150),
            least in 0.5..1.0,
        ) {
            prop_assume!(vectors.iter().all(|v| v.iter().any(|x| x.abs() > 1e-3)));
            let block = VectorBlock::new(3, vectors.iter().map(Vec::as_slice).collect());
            let query = |vector: &Vec<f32>| Scorer::Cosine.query(vector).unwrap();
            let queries: Vec<Query> = vectors.iter().map(query).collect();
            let expected: Vec<Vec<NearVector>> = queries
                .iter()
                .map(|query| {
                    let all = vectors.iter().enumerate().map(|(index, vector)| NearVector {
                        index,
                        similarity: similarity(query, vector),
                    });
                    all.filter(|near| near.similarity >= least).collect()
                })
                .collect();
            for kernel in Kernel::available() {
                for threads in [1, 2] {
                    prop_assert_eq!(&block.near(kernel, &queries, least, threads, None), &expected);
                }
            }
        }
    }
}
