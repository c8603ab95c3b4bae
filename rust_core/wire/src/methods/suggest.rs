//! Suggest.

use ee_core::namespace::Match;
use ee_engine::{Error, Place, SuggestOrder, SuggestSpec, Suggestion, SuggestionGroup};

use super::page::Page;
use super::paging::Paging;
use crate::call::NamespaceCall;
use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{self, number, text};
use crate::limits::{DEFAULT_GROUP_SIZE, GROUP_SIZE, KEY_BYTES};
use crate::page_token::{invalid, key};
use crate::proto::v1::{self, ErrorReason, SuggestRequest, SuggestResponse};
use crate::ranked::CategoryMatch;

pub(crate) fn suggest(
    call: &NamespaceCall<'_>,
    mut request: SuggestRequest,
) -> Result<SuggestResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let order = order(&request, paging.cursor.as_deref());
    let order = violations.check(order.map(Some));
    violations.check(decode::keys_of("categories", &request.categories));
    let path = Path::field("key_prefix");
    violations.check(text::text(path, &request.key_prefix, KEY_BYTES));
    violations.check(text::metadata(Path::field("metadata"), &request.metadata));
    let scores = [
        ("min_score", request.min_score),
        ("max_score", request.max_score),
    ];
    let [min_score, max_score] = scores.map(|(field, bound)| {
        let score = bound.map(|score| number::score(Path::field(field), score));
        violations.check(score.transpose())
    });
    let margins = [
        ("min_margin", request.min_margin),
        ("max_margin", request.max_margin),
    ];
    let [min_margin, max_margin] = margins.map(|(field, bound)| {
        let margin = bound.map(|margin| number::margin(Path::field(field), margin));
        violations.check(margin.transpose())
    });
    let levels = [
        ("min_confidence", request.min_confidence),
        ("below_confidence", request.below_confidence),
    ];
    let [min_confidence, below_confidence] = levels.map(|(field, bound)| {
        let level = bound.map(|level| number::confidence(Path::field(field), level));
        violations.check(level.transpose())
    });
    let mode = decode::namespace::ranking(Path::field("ranking"), request.ranking);
    let ranking = violations.check(mode);
    let fairness = decode::namespace::fairness(Path::field("fairness"), request.fairness);
    let fairness = violations.check(fairness);
    violations.finish(Ok(()))?;
    let spec = SuggestSpec {
        order: order.unwrap_or(SuggestOrder::Surest(None)),
        limit: paging.size + 1,
        categories: request.categories,
        min_score,
        max_score,
        min_margin,
        max_margin,
        key_prefix: request.key_prefix,
        metadata: request.metadata,
        ranking,
        fairness,
        confidence: request.include_confidence,
        min_confidence,
        below_confidence,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .suggest(&call.namespace, &spec, context)
        .map_err(|error| refusal(&spec, error))?;
    let revision = found.revision;
    let found = found.value;
    let mut response = SuggestResponse {
        item_count: found.item_count,
        suggestion_count: found.suggestion_count,
        revision,
        epoch: call.epoch(),
        ..SuggestResponse::default()
    };
    if matches!(spec.order, SuggestOrder::Grouped { .. }) {
        let page = Page::of(found.groups, paging.size, group);
        response.next_page_token = page.next(|last| paging.token(&group_cursor(last)));
        response.groups = page.entries;
    } else {
        let places: Vec<Place> = found.suggestions.iter().map(Suggestion::place).collect();
        let page = Page::of(found.suggestions, paging.size, suggestion);
        let last = page.entries.len().saturating_sub(1);
        response.next_page_token = page.next(|_| paging.token(&place_cursor(&places[last])));
        response.suggestions = page.entries;
    }
    Ok(response)
}

fn order(request: &SuggestRequest, cursor: Option<&[u8]>) -> Result<SuggestOrder> {
    let path = Path::field("order");
    let order = v1::SuggestOrder::try_from(request.order)
        .map_err(|_| number::out_of_range(path, "0 to 3", request.order))?;
    let path = Path::field("group_size");
    if order == v1::SuggestOrder::Grouped {
        let size = request.group_size.unwrap_or(DEFAULT_GROUP_SIZE);
        if size > GROUP_SIZE {
            let range = format_args!("0 to {GROUP_SIZE}");
            return Err(number::out_of_range(path, range, size));
        }
        let after = cursor.map(read_group).transpose()?;
        let size = size as usize;
        return Ok(SuggestOrder::Grouped { after, size });
    }
    if let Some(size) = request.group_size {
        let error = number::out_of_range(path, "unset unless the order is GROUPED", size);
        return Err(error);
    }
    let after = cursor.map(read_place).transpose()?;
    Ok(match order {
        v1::SuggestOrder::MostDoubtful => SuggestOrder::MostDoubtful(after),
        _ => SuggestOrder::Surest(after),
    })
}

fn place_cursor(place: &Place) -> Vec<u8> {
    let mut cursor = place.margin.to_le_bytes().to_vec();
    cursor.extend(place.rank_score.to_le_bytes());
    cursor.extend(place.item.as_bytes());
    cursor
}

fn read_place(cursor: &[u8]) -> Result<Place> {
    let (margin, rest) = cursor.split_first_chunk().ok_or_else(invalid)?;
    let (rank_score, item) = rest.split_first_chunk().ok_or_else(invalid)?;
    Ok(Place {
        margin: f64::from_le_bytes(*margin),
        rank_score: f64::from_le_bytes(*rank_score),
        item: key(item)?,
    })
}

fn group_cursor(group: &v1::SuggestionGroup) -> Vec<u8> {
    let mut cursor = group.count.to_le_bytes().to_vec();
    cursor.extend(group.category.as_bytes());
    cursor
}

fn read_group(cursor: &[u8]) -> Result<(u64, String)> {
    let (count, category) = cursor.split_first_chunk().ok_or_else(invalid)?;
    Ok((u64::from_le_bytes(*count), key(category)?))
}

/// The refusal, which names the category of the request that is not known.
#[cold]
fn refusal(spec: &SuggestSpec, error: Error) -> CallError {
    match error {
        Error::CategoryNotFound { ref key } => {
            let index = spec.categories.iter().position(|named| named == key);
            let path = format!("categories[{}]", index.unwrap_or(0));
            CallError::at(ErrorReason::CategoryNotFound, path, error.to_string())
                .with("category", key)
        }
        other => other.into(),
    }
}

fn group(group: SuggestionGroup) -> v1::SuggestionGroup {
    v1::SuggestionGroup {
        category: group.category.to_string(),
        count: group.count,
        suggestions: group.suggestions.into_iter().map(suggestion).collect(),
    }
}

fn suggestion(found: Suggestion) -> v1::Suggestion {
    v1::Suggestion {
        item: found.item,
        best: Some(category(found.best)),
        runner_up: found.runner_up.map(category),
        margin: found.margin,
    }
}

fn category(found: Match) -> CategoryMatch {
    CategoryMatch {
        category: found.category,
        score: found.score,
        rank_score: found.rank_score,
        count: found.count,
        confidence: found.confidence,
    }
}
