//! Validation and normalization of vectors.

use std::borrow::Cow;

use thiserror::Error;

use crate::arithmetic::limits::{MAX_COMPONENT, MIN_NORM};
use crate::kernels::{Kernel, Work};
use crate::settings::{NamespaceSettings, Normalization};

/// A vector whose norm is this near to 1 counts as a unit vector and is kept bit for bit, so that
/// normalizing a normalized vector (rounded to f32) changes nothing.
const UNIT_TOLERANCE: f64 = 1.0 / 4_194_304.0;

/// Why a vector is invalid.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum VectorError {
    /// The number of components is not the namespace's dimension.
    #[error("has {actual} components, the namespace's dimension is {expected}")]
    Dimension {
        /// The namespace's dimension.
        expected: usize,
        /// Number of components of the vector.
        actual: usize,
    },
    /// A component is NaN or infinite.
    #[error("component {component} is {value}, it must be finite")]
    NotFinite {
        /// Index of the component.
        component: usize,
        /// Its value.
        value: f32,
    },
    /// A component is larger than [`MAX_COMPONENT`].
    #[error("component {component} is {value}, its absolute value must be at most {MAX_COMPONENT}")]
    ComponentTooLarge {
        /// Index of the component.
        component: usize,
        /// Its value.
        value: f32,
    },
    /// The norm is smaller than [`MIN_NORM`].
    #[error("norm is {norm:e}, it must be at least {MIN_NORM:e}")]
    NormTooSmall {
        /// The Euclidean norm.
        norm: f64,
    },
}

/// Checks a vector against the settings of a namespace and returns it in the form in which the
/// namespace stores vectors: unchanged but for the sign of zeros (RAW), or of length 1 (UNIT).
pub fn normalize(
    settings: &NamespaceSettings,
    mut vector: Vec<f32>,
) -> Result<Vec<f32>, VectorError> {
    let norm = check(settings.dimension as usize, &vector)?;
    for component in &mut vector {
        // −0 becomes 0: the two are equal numbers, and must have equal bits in a digest.
        *component += 0.0;
    }
    if settings.normalization == Normalization::Unit && !is_unit(norm) {
        for component in &mut vector {
            *component = (f64::from(*component) / norm) as f32;
        }
    }
    Ok(vector)
}

/// The vector in length 1, as a UNIT namespace would keep it.
pub(crate) fn unit_copy(vector: &[f32]) -> Cow<'_, [f32]> {
    let norm = norm(vector);
    if is_unit(norm) {
        return Cow::Borrowed(vector);
    }
    let unit = |&component: &f32| (f64::from(component) / norm) as f32;
    Cow::Owned(vector.iter().map(unit).collect())
}

fn is_unit(norm: f64) -> bool {
    (norm - 1.0).abs() <= UNIT_TOLERANCE
}

/// Checks a vector and returns its norm.
fn check(dimension: usize, vector: &[f32]) -> Result<f64, VectorError> {
    if vector.len() != dimension {
        return Err(VectorError::Dimension {
            expected: dimension,
            actual: vector.len(),
        });
    }
    // One pass without branches decides; the slow pass only finds the component for the error. A NaN
    // fails the comparison too.
    if !vector
        .iter()
        .fold(true, |fits, x| fits & (x.abs() <= MAX_COMPONENT))
    {
        for (component, &value) in vector.iter().enumerate() {
            if !value.is_finite() {
                return Err(VectorError::NotFinite { component, value });
            }
            if value.abs() > MAX_COMPONENT {
                return Err(VectorError::ComponentTooLarge { component, value });
            }
        }
    }
    let norm = norm(vector);
    if norm < MIN_NORM {
        return Err(VectorError::NormTooSmall { norm });
    }
    Ok(norm)
}

/// Euclidean norm in f64.
pub fn norm(vector: &[f32]) -> f64 {
    norm_squared(vector).sqrt()
}

/// Square of the Euclidean norm in f64, summed in 16 lanes and one fixed fold: the same bits on
/// every machine.
pub fn norm_squared(vector: &[f32]) -> f64 {
    Kernel::best().work(NormSquared(vector))
}

struct NormSquared<'a>(&'a [f32]);

impl Work for NormSquared<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        const LANES: usize = 16;
        let mut lanes = [0.0f64; LANES];
        let (whole, rest) = self.0.as_chunks::<LANES>();
        for chunk in whole {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += f64::from(x) * f64::from(x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f64::from(x) * f64::from(x);
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::MembershipMode;

    fn settings(dimension: u32, normalization: Normalization) -> NamespaceSettings {
        NamespaceSettings {
            dimension,
            embedding_model: String::new(),
            normalization,
            membership: MembershipMode::Single,
        }
    }

    #[test]
    fn refuses_invalid_vectors_and_names_the_values() {
        let raw = settings(3, Normalization::Raw);
        let refusal = |vector: &[f32]| normalize(&raw, vector.to_vec()).unwrap_err();
        assert_eq!(
            refusal(&[1.0, 2.0]),
            VectorError::Dimension {
                expected: 3,
                actual: 2
            }
        );
        assert!(matches!(
            refusal(&[1.0, f32::NAN, 0.0]),
            VectorError::NotFinite { component: 1, .. }
        ));
        assert!(matches!(
            refusal(&[1.0, 0.0, f32::NEG_INFINITY]),
            VectorError::NotFinite { component: 2, .. }
        ));
        assert!(matches!(
            refusal(&[-40_000.0, 0.0, 0.0]),
            VectorError::ComponentTooLarge {
                component: 0,
                value: -40_000.0
            }
        ));
        assert_eq!(refusal(&[0.0; 3]), VectorError::NormTooSmall { norm: 0.0 });
        assert!(matches!(
            refusal(&[1e-5, 0.0, 0.0]),
            VectorError::NormTooSmall { .. }
        ));
    }

    #[test]
    fn raw_keeps_every_bit() {
        let vector = vec![32_768.0, -1e-20, 0.1];
        assert_eq!(
            normalize(&settings(3, Normalization::Raw), vector.clone()),
            Ok(vector)
        );
    }

    #[test]
    fn the_sign_of_zero_is_not_kept() {
        let raw = settings(2, Normalization::Raw);
        let taken = normalize(&raw, vec![-0.0, 1.0]).unwrap();
        assert!(taken[0].is_sign_positive());
    }

    proptest! {
        #[test]
        fn every_instruction_set_finds_the_same_norm(
            vector in prop::collection::vec(-1e4f32..1e4, 1..100)
        ) {
            let found = |kernel: Kernel| kernel.work(NormSquared(&vector)).to_bits();
            for kernel in Kernel::available() {
                prop_assert_eq!(found(kernel), found(Kernel::SCALAR), "{}", kernel.name());
            }
        }

        #[test]
        fn unit_has_length_one_and_is_idempotent(
            vector in prop::collection::vec(-100.0f32..100.0, 1..200)
        ) {
            prop_assume!(norm(&vector) >= MIN_NORM);
            let unit = settings(vector.len() as u32, Normalization::Unit);
            let once = normalize(&unit, vector).unwrap();
            prop_assert!((norm(&once) - 1.0).abs() <= UNIT_TOLERANCE);
            prop_assert_eq!(normalize(&unit, once.clone()).unwrap(), once);
        }
    }
}
