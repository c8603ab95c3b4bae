//! ReviewMembers.

use ee_engine::{ReviewMembersSpec, ReviewOrder, difference};

use super::{filter, page, read_place, refusal};
use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::decode::number;
use crate::decode::path::Path;
use crate::encode::timestamp;
use crate::methods::paging::Paging;
use crate::proto::v1::{self, ReviewMembersRequest, ReviewMembersResponse};

pub(crate) fn review(
    call: &NamespaceCall<'_>,
    mut request: ReviewMembersRequest,
) -> Result<ReviewMembersResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let after = paging.after(&mut violations, read_place);
    let order = violations.check(order(request.order).map(Some));
    let least = min_difference(request.min_difference, order);
    let min_difference = violations.check(least);
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewMembersSpec {
        order: order.unwrap_or(ReviewOrder::Misfit),
        filter,
        min_difference,
        after,
        limit: paging.size + 1,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .review_members(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let review = found.value;
    let (members, next_page_token) = page(&paging, review.members, |own| &own.place, member);
    Ok(ReviewMembersResponse {
        members,
        next_page_token,
        member_count: review.member_count,
        listed_count: review.listed_count,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn order(order: i32) -> Result<ReviewOrder> {
    match v1::ReviewOrder::try_from(order) {
        Ok(v1::ReviewOrder::Unspecified | v1::ReviewOrder::Misfit) => Ok(ReviewOrder::Misfit),
        Ok(v1::ReviewOrder::Influence) => Ok(ReviewOrder::Influence),
        Err(_) => Err(number::out_of_range(Path::field("order"), "0 to 2", order)),
    }
}

fn min_difference(least: Option<f64>, order: Option<ReviewOrder>) -> Result<Option<f64>> {
    let path = Path::field("min_difference");
    match least {
        Some(least) if order == Some(ReviewOrder::Influence) => Err(number::out_of_range(
            path,
            "unset in this order",
            number::Float(least),
        )),
        Some(least) if !(-2.0..=2.0).contains(&least) => {
            Err(number::out_of_range(path, "-2 to 2", number::Float(least)))
        }
        least => Ok(least),
    }
}

fn member(found: ee_engine::MemberReview) -> v1::MemberReview {
    let difference = difference(&found.fit);
    let (other_category, other_score) = match found.fit.other {
        Some((category, score)) => (category.to_string(), Some(score)),
        None => (String::new(), None),
    };
    v1::MemberReview {
        item: found.item,
        category: found.category.to_string(),
        weight: found.weight,
        counts: found.counts,
        score: found.fit.own,
        other_category,
        other_score,
        difference,
        movement: found.movement,
        assign_time: timestamp(found.origin.time_ms),
        actor: found.origin.actor,
        reason: found.origin.reason,
    }
}
