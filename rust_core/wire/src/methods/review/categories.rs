//! ReviewCategories.

use ee_engine::{
    CategoryReview, CategorySplit, MovedSince, REVIEWED_MEMBERS, ReviewCategoriesSpec,
};

use crate::call::NamespaceCall;
use crate::call_error::{Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, text, time};
use crate::limits::DEFAULT_REVIEW_MEMBERS;
use crate::methods::paging::Paging;
use crate::page_token::key;
use crate::proto::v1::review_categories_request::Since;
use crate::proto::v1::{self, ReviewCategoriesRequest, ReviewCategoriesResponse};

pub(crate) fn review(
    call: &NamespaceCall<'_>,
    mut request: ReviewCategoriesRequest,
) -> Result<ReviewCategoriesResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let after = paging.after(&mut violations, key);
    if !request.category.is_empty() {
        violations.check(text::key(Path::field("category"), &request.category));
    }
    let since = match request.since {
        Some(Since::SinceRevision(revision)) => {
            let path = Path::field("since_revision");
            let revision = violations.check(number::from_one(path, u64::MAX, revision));
            Some(MovedSince::Revision(revision))
        }
        Some(Since::SinceTime(time)) => {
            let time = time::milliseconds(Path::field("since_time"), time);
            Some(MovedSince::Time(violations.check(time)))
        }
        None => None,
    };
    let member_limit = request.member_limit.unwrap_or(DEFAULT_REVIEW_MEMBERS);
    if !(1..=REVIEWED_MEMBERS).contains(&member_limit) {
        let range = format_args!("1 to {REVIEWED_MEMBERS}");
        let error = number::out_of_range(Path::field("member_limit"), range, member_limit);
        violations.check(Err::<(), _>(error));
    }
    violations.finish(Ok(()))?;
    let spec = ReviewCategoriesSpec {
        category: (!request.category.is_empty()).then_some(request.category),
        since,
        member_limit,
        after,
        limit: paging.size,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .review_categories(&call.namespace, &spec, context)?;
    let categories: Vec<_> = found.value.categories.into_iter().map(category).collect();
    let next = categories.last().filter(|_| found.value.more);
    let next = next.map(|last| paging.token(last.category.as_bytes()));
    Ok(ReviewCategoriesResponse {
        next_page_token: next.unwrap_or_default(),
        categories,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn category(found: CategoryReview) -> v1::CategoryReview {
    let (nearest_category, nearest_similarity) = match found.nearest {
        Some((category, similarity)) => (category.to_string(), Some(similarity)),
        None => (String::new(), None),
    };
    let confused = found.confused.into_iter().map(|(category, count)| {
        let category = category.to_string();
        v1::ConfusedCategory { category, count }
    });
    v1::CategoryReview {
        category: found.view.key,
        member_count: found.view.member_count,
        counting_count: found.view.counting_count,
        movement: found.movement,
        drift: found.view.drift,
        spread: found.view.spread,
        cohesion: found.cohesion,
        nearest_category,
        nearest_similarity,
        reviewed_count: found.reviewed,
        misfit_count: found.misfits,
        confused: confused.collect(),
        split: found.split.map(split),
    }
}

fn split(found: CategorySplit) -> v1::CategorySplit {
    let halves = found.halves.into_iter();
    v1::CategorySplit {
        gain: found.gain,
        similarity: found.similarity,
        halves: halves
            .map(|(member_count, items)| v1::SplitHalf {
                member_count,
                items,
            })
            .collect(),
    }
}
