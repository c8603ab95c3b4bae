//! Numbers and their ranges.

use std::fmt::{self, Display, LowerExp};

use ee_core::arithmetic::limits::{
    MAX_BASE_SHARE, MAX_DIMENSION, MAX_WEIGHT, MIN_ACTOR_SHARE, MIN_WEIGHT,
};

use super::path::Path;
use crate::call_error::{CallError, Result};
use crate::limits::{DEFAULT_PAGE_SIZE, PAGE_SIZE};
use crate::proto::v1::ErrorReason;

/// The weight of an item.
pub(crate) fn weight(path: Path<'_>, weight: f32) -> Result<f32> {
    if (MIN_WEIGHT..=MAX_WEIGHT).contains(&weight) {
        return Ok(weight);
    }
    Err(off(
        ErrorReason::InvalidWeight,
        path,
        "2^-10 to 2^20",
        Float(weight),
    ))
}

/// The weight of a part of a query: of the range of an item's, or its negative.
pub(crate) fn part_weight(path: Path<'_>, weight: f32) -> Result<f32> {
    if (MIN_WEIGHT..=MAX_WEIGHT).contains(&weight.abs()) {
        return Ok(weight);
    }
    let range = "2^-10 to 2^20, or -2^20 to -2^-10";
    Err(off(ErrorReason::InvalidWeight, path, range, Float(weight)))
}

/// The weight of a base.
pub(crate) fn base_weight(path: Path<'_>, weight: f32) -> Result<f32> {
    if weight == 0.0 {
        // A negative zero would have other bytes in the digest.
        return Ok(0.0);
    }
    if (MIN_WEIGHT..=MAX_WEIGHT).contains(&weight) {
        return Ok(weight);
    }
    let range = "0, or 2^-10 to 2^20";
    Err(off(ErrorReason::InvalidWeight, path, range, Float(weight)))
}

/// The least share of a base.
pub(crate) fn base_share(path: Path<'_>, share: f64) -> Result<f64> {
    if share == 0.0 {
        return Ok(0.0);
    }
    if (0.0..=MAX_BASE_SHARE).contains(&share) {
        return Ok(share);
    }
    let range = format_args!("0 to {MAX_BASE_SHARE}");
    Err(out_of_range(path, range, Float(share)))
}

/// The largest share of an actor.
pub(crate) fn actor_share(path: Path<'_>, share: f64) -> Result<f64> {
    if (MIN_ACTOR_SHARE..=1.0).contains(&share) {
        return Ok(share);
    }
    let range = format_args!("{MIN_ACTOR_SHARE} to 1");
    Err(out_of_range(path, range, Float(share)))
}

/// A least or largest score.
pub(crate) fn score(path: Path<'_>, score: f64) -> Result<f64> {
    if (-1.0..=1.0).contains(&score) {
        return Ok(score);
    }
    Err(out_of_range(path, "-1 to 1", Float(score)))
}

/// A least rank score.
pub(crate) fn rank_score(path: Path<'_>, score: f64) -> Result<f64> {
    if score.is_finite() {
        return Ok(score);
    }
    Err(out_of_range(path, "finite", Float(score)))
}

/// A level of confidence.
pub(crate) fn confidence(path: Path<'_>, level: f64) -> Result<f64> {
    if level > 0.0 && level < 1.0 {
        return Ok(level);
    }
    Err(out_of_range(
        path,
        "greater than 0 and less than 1",
        Float(level),
    ))
}

/// A least or largest margin.
pub(crate) fn margin(path: Path<'_>, margin: f64) -> Result<f64> {
    if margin.is_finite() && margin >= 0.0 {
        return Ok(margin);
    }
    Err(out_of_range(path, "at least 0 and finite", Float(margin)))
}

/// A fairness, 0 to 1.
pub(crate) fn fairness(path: Path<'_>, fairness: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&fairness) {
        // A negative zero becomes zero.
        return Ok(fairness + 0.0);
    }
    Err(out_of_range(path, "0 to 1", Float(fairness)))
}

/// A dimension.
pub(crate) fn dimension(path: Path<'_>, dimension: u32) -> Result<u32> {
    if (1..=MAX_DIMENSION as u32).contains(&dimension) {
        return Ok(dimension);
    }
    let range = format_args!("1 to {MAX_DIMENSION}");
    Err(out_of_range(path, range, dimension))
}

/// A number from 1 to a limit.
pub(crate) fn from_one(path: Path<'_>, most: u64, number: u64) -> Result<u64> {
    if (1..=most).contains(&number) {
        return Ok(number);
    }
    Err(out_of_range(path, format_args!("1 to {most}"), number))
}

/// A page's size; 0 is the default.
pub(crate) fn page_size(size: u32) -> Result<usize> {
    match size {
        0 => Ok(DEFAULT_PAGE_SIZE as usize),
        1..=PAGE_SIZE => Ok(size as usize),
        _ => {
            let range = format_args!("0 to {PAGE_SIZE}");
            Err(out_of_range(Path::field("page_size"), range, size))
        }
    }
}

/// A number in an error: with an exponent where its digits would fill the message.
pub(crate) struct Float<F>(pub(crate) F);

impl<F: Copy + Into<f64> + Display + LowerExp> Display for Float<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size: f64 = self.0.into().abs();
        if size == 0.0 || (1e-5..1e16).contains(&size) || !size.is_finite() {
            Display::fmt(&self.0, f)
        } else {
            LowerExp::fmt(&self.0, f)
        }
    }
}

/// The refusal of a number or setting out of its range.
#[cold]
pub(crate) fn out_of_range(
    path: Path<'_>,
    expected: impl Display,
    actual: impl Display,
) -> CallError {
    off(ErrorReason::OutOfRange, path, expected, actual)
}

#[cold]
fn off(
    reason: ErrorReason,
    path: Path<'_>,
    expected: impl Display,
    actual: impl Display,
) -> CallError {
    let what = format_args!("is {actual}, it must be {expected}");
    CallError::at(reason, path.to_string(), what)
        .with("expected", &expected)
        .with("actual", &actual)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path<'_> = Path::field("number");

    #[test]
    fn ranges_include_their_ends_and_no_nan() {
        assert!(weight(PATH, MIN_WEIGHT).is_ok() && weight(PATH, MAX_WEIGHT).is_ok());
        for wrong in [0.0, -1.0, f32::NAN, f32::INFINITY, MIN_WEIGHT / 2.0] {
            assert!(weight(PATH, wrong).is_err(), "{wrong}");
        }
        assert_eq!(base_weight(PATH, -0.0).unwrap().to_bits(), 0);
        assert!(base_weight(PATH, f32::NAN).is_err() && base_weight(PATH, 1e-9).is_err());
        assert_eq!(base_share(PATH, -0.0).unwrap().to_bits(), 0);
        assert!(base_share(PATH, 0.999).is_ok() && base_share(PATH, 0.9991).is_err());
        assert!(base_share(PATH, f64::NAN).is_err() && base_share(PATH, -1e-9).is_err());
        assert!(actor_share(PATH, 0.01).is_ok() && actor_share(PATH, 1.0).is_ok());
        for wrong in [0.0, 0.0099, 1.0001, -0.5, f64::NAN] {
            assert!(actor_share(PATH, wrong).is_err(), "{wrong}");
        }
        assert!(score(PATH, 1.0).is_ok() && score(PATH, -1.0).is_ok());
        assert!(rank_score(PATH, -1.7).is_ok() && rank_score(PATH, f64::NAN).is_err());
        assert!(rank_score(PATH, f64::INFINITY).is_err());
        assert!(fairness(PATH, 1.0).is_ok() && fairness(PATH, 1.1).is_err());
        assert!(fairness(PATH, -0.1).is_err() && fairness(PATH, f64::NAN).is_err());
        assert_eq!(fairness(PATH, -0.0).unwrap().to_bits(), 0);
        assert!(confidence(PATH, 0.05).is_ok() && confidence(PATH, f64::NAN).is_err());
        assert!(confidence(PATH, 0.0).is_err() && confidence(PATH, 1.0).is_err());
        assert!(score(PATH, 1.1).is_err() && score(PATH, f64::NAN).is_err());
        assert!(dimension(PATH, 16_384).is_ok());
        assert!(dimension(PATH, 0).is_err() && dimension(PATH, 16_385).is_err());
        let digits = |number: f64| Float(number).to_string();
        assert_eq!(digits(1e-300), "1e-300");
        assert_eq!(digits(-1e300), "-1e300");
        assert_eq!([2.0, -0.5, f64::NAN].map(digits), ["2", "-0.5", "NaN"]);
        assert_eq!(Float(0.1_f32).to_string(), "0.1");
        assert_eq!(page_size(0).unwrap(), 100);
        assert!(page_size(1000).is_ok() && page_size(1001).is_err());
    }
}
