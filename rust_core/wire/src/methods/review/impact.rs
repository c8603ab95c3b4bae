//! ReviewImpact.

use std::sync::Arc;

use ee_engine::{Answer, ChangedAnswer, IMPACT_ITEMS, ReviewImpactSpec};

use super::{filter, refusal};
use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, required};
use crate::limits::{DEFAULT_IMPACT_CHANGES, DEFAULT_IMPACT_ITEMS, IMPACT_CHANGES};
use crate::proto::v1::{self, ReviewImpactRequest, ReviewImpactResponse};

pub(crate) fn review(
    call: &NamespaceCall<'_>,
    request: ReviewImpactRequest,
) -> Result<ReviewImpactResponse> {
    let mut violations = Violations::default();
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    if filter.actor.is_none() {
        let path = Path::field("filter");
        let error = required(path.then("actor"), "is not set");
        violations.check(Err::<(), _>(error));
    }
    let item_limit = request.item_limit.unwrap_or(DEFAULT_IMPACT_ITEMS);
    if !(1..=IMPACT_ITEMS).contains(&item_limit) {
        let range = format_args!("1 to {IMPACT_ITEMS}");
        let error = number::out_of_range(Path::field("item_limit"), range, item_limit);
        violations.check(Err::<(), _>(error));
    }
    let change_limit = request.change_limit.unwrap_or(DEFAULT_IMPACT_CHANGES);
    if change_limit > IMPACT_CHANGES {
        let range = format_args!("0 to {IMPACT_CHANGES}");
        let error = number::out_of_range(Path::field("change_limit"), range, change_limit);
        violations.check(Err::<(), _>(error));
    }
    violations.finish(Ok(()))?;
    let spec = ReviewImpactSpec {
        filter,
        item_limit,
        change_limit: change_limit as usize,
    };
    let context = call.read_context(request.min_revision, request.epoch)?;
    let found = call
        .engine
        .review_impact(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let review = found.value;
    let key = |category: Option<Arc<str>>| category.map_or_else(String::new, |c| c.to_string());
    Ok(ReviewImpactResponse {
        member_count: review.members,
        item_count: review.items,
        changed_count: review.changed,
        changes: review.changes.into_iter().map(changed).collect(),
        flows: review
            .flows
            .into_iter()
            .map(|flow| v1::AnswerFlow {
                category_without: key(flow.without),
                category: key(flow.with),
                count: flow.count,
            })
            .collect(),
        categories: review
            .categories
            .into_iter()
            .map(|(category, movement)| v1::CategoryMovement {
                category: category.to_string(),
                movement,
            })
            .collect(),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn changed(found: ChangedAnswer) -> v1::ChangedAnswer {
    let answer = |answer: Answer| answer.map(|(key, score)| (key.to_string(), score)).unzip();
    let ((category, score), (category_without, score_without)) =
        (answer(found.with), answer(found.without));
    v1::ChangedAnswer {
        item: found.item,
        category: category.unwrap_or_default(),
        score,
        category_without: category_without.unwrap_or_default(),
        score_without,
    }
}
