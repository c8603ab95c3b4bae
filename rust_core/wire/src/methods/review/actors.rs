//! ReviewActors.

use ee_engine::{ActorInfluence, ReviewActorsSpec};

use super::{filter, page, read_place, refusal};
use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::encode::timestamp;
use crate::methods::paging::Paging;
use crate::proto::v1::{self, ReviewActorsRequest, ReviewActorsResponse};

pub(crate) fn review(
    call: &NamespaceCall<'_>,
    mut request: ReviewActorsRequest,
) -> Result<ReviewActorsResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let after = paging.after(&mut violations, read_place);
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    violations.finish(Ok(()))?;
    let spec = ReviewActorsSpec {
        filter,
        after,
        limit: paging.size + 1,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .review_actors(&call.namespace, &spec, context)
        .map_err(refusal)?;
    let review = found.value;
    let (influences, next_page_token) =
        page(&paging, review.influences, |own| &own.place, influence);
    Ok(ReviewActorsResponse {
        influences,
        next_page_token,
        influence_count: review.influence_count,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn influence(found: ActorInfluence) -> v1::ActorInfluence {
    let (first, last) = found.times_ms;
    v1::ActorInfluence {
        actor: found.actor,
        category: found.category.to_string(),
        member_count: found.members,
        counting_count: found.counting,
        weight: found.weight,
        weight_share: found.share,
        movement: found.movement,
        first_assign_time: timestamp(first),
        last_assign_time: timestamp(last),
        scale: found.scale,
    }
}
