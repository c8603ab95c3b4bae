//! The embedding of a composite item.

use crate::arithmetic::fixed::MeanSum;
use crate::arithmetic::vector::{VectorError, normalize};
use crate::settings::NamespaceSettings;

/// The weighted mean of the embeddings of parts: exact sums, so the same bits in any order of them.
#[derive(Clone, Debug)]
pub struct PartsMean(MeanSum);

impl PartsMean {
    /// The mean of no parts yet.
    pub fn new(settings: &NamespaceSettings) -> Self {
        Self(MeanSum::new(settings.dimension as usize))
    }

    /// Adds a part with a weight of the range of item weights.
    pub fn add(&mut self, weight: f32, embedding: &[f32]) {
        self.0.add(weight, embedding);
    }

    /// The mean of at least one part, in the form in which a namespace stores vectors. An error if the
    /// parts cancel out.
    pub fn embedding(self, settings: &NamespaceSettings) -> Result<Vec<f32>, VectorError> {
        normalize(settings, self.0.mean())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{MembershipMode, Normalization};

    fn settings(dimension: u32, normalization: Normalization) -> NamespaceSettings {
        NamespaceSettings {
            dimension,
            embedding_model: String::new(),
            normalization,
            membership: MembershipMode::Single,
        }
    }

    fn mean(
        settings: &NamespaceSettings,
        parts: &[(f32, Vec<f32>)],
    ) -> Result<Vec<f32>, VectorError> {
        let mut mean = PartsMean::new(settings);
        for (weight, embedding) in parts {
            mean.add(*weight, embedding);
        }
        mean.embedding(settings)
    }

    #[test]
    fn it_is_in_the_form_in_which_the_namespace_stores_vectors() {
        let parts = [(3.0, vec![1.0, -0.0]), (1.0, vec![0.0, 1.0])];
        let raw = mean(&settings(2, Normalization::Raw), &parts).unwrap();
        assert_eq!(raw, [0.75, 0.25]);
        let unit = mean(&settings(2, Normalization::Unit), &parts).unwrap();
        let length = 0.625f64.sqrt();
        assert_eq!(unit, [(0.75 / length) as f32, (0.25 / length) as f32]);
    }

    #[test]
    fn parts_that_cancel_out_have_none() {
        let unit = settings(2, Normalization::Unit);
        let parts = [(2.0, vec![1.0, 0.0]), (2.0, vec![-1.0, 0.0])];
        let refused = mean(&unit, &parts).unwrap_err();
        assert_eq!(refused, VectorError::NormTooSmall { norm: 0.0 });
    }
}
