//! EstimateReviewRate.

use ee_engine::{ReviewRate, ReviewRateSpec};

use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations, all};
use crate::decode::path::Path;
use crate::decode::{self, number};
use crate::limits::{DEFAULT_REVIEW_LEVELS, DEFAULT_REVIEW_SAMPLE, REVIEW_LEVELS, REVIEW_SAMPLE};
use crate::proto::v1::{self, EstimateReviewRateRequest, EstimateReviewRateResponse};

pub(crate) fn estimate(
    call: &NamespaceCall<'_>,
    request: EstimateReviewRateRequest,
) -> Result<EstimateReviewRateResponse> {
    let mut violations = Violations::default();
    let levels = violations.check(levels(request.levels));
    let sample = violations.check(sample_size(request.sample_size));
    let mode = decode::namespace::ranking(Path::field("ranking"), request.ranking);
    let ranking = violations.check(mode);
    let fairness = decode::namespace::fairness(Path::field("fairness"), request.fairness);
    let fairness = violations.check(fairness);
    violations.finish(Ok(()))?;
    let spec = ReviewRateSpec {
        levels,
        sample,
        ranking,
        fairness,
    };
    let context = call.read_context(request.min_revision, request.epoch)?;
    let found = call.engine.review_rates(&call.namespace, &spec, context)?;
    Ok(EstimateReviewRateResponse {
        rates: found.value.rates.iter().map(rate).collect(),
        error_share: found.value.wrong,
        sample_count: found.value.sampled,
        member_count: found.value.members,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn levels(levels: Vec<f64>) -> Result<Vec<f64>> {
    if levels.is_empty() {
        return Ok(DEFAULT_REVIEW_LEVELS.to_vec());
    }
    decode::at_most(Path::field("levels"), levels.len(), REVIEW_LEVELS)?;
    let levels = levels.into_iter().enumerate();
    all(levels.map(|(index, level)| number::confidence(Path::entry("levels", index), level)))
}

fn sample_size(size: u32) -> Result<usize> {
    match size {
        0 => Ok(DEFAULT_REVIEW_SAMPLE as usize),
        1..=REVIEW_SAMPLE => Ok(size as usize),
        _ => {
            let range = format_args!("0 to {REVIEW_SAMPLE}");
            Err(number::out_of_range(
                Path::field("sample_size"),
                range,
                size,
            ))
        }
    }
}

fn rate(rate: &ReviewRate) -> v1::ReviewRate {
    v1::ReviewRate {
        level: rate.level,
        review_share: rate.review,
        error_share: rate.wrong,
    }
}
