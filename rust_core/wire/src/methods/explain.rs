//! Explain.

use ee_core::namespace::Parts;
use ee_core::scoring::Neighbour;
use ee_engine::{At, BasePart, Error, ExplainSpec, Explanation, Flip, MemberPart};

use super::matching::spec;
use super::{past, what_if};
use crate::call::{NamespaceCall, check_model};
use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{self, number, text};
use crate::encode::category::actor_share;
use crate::encode::item::dismissal;
use crate::encode::timestamp;
use crate::limits::{
    DEFAULT_EXPLAIN_LIMIT, DEFAULT_EXPLAIN_MEMBERS, EMBEDDING_MODEL_BYTES, EXPLAIN_CATEGORIES,
    EXPLAIN_MEMBERS,
};
use crate::proto::v1::{self, ErrorReason, ExplainRequest, ExplainResponse};

pub(crate) fn explain(
    call: &NamespaceCall<'_>,
    request: ExplainRequest,
) -> Result<ExplainResponse> {
    let mut violations = Violations::default();
    violations.check(decode::keys_of("categories", &request.categories));
    let limit = request.limit.unwrap_or(DEFAULT_EXPLAIN_LIMIT);
    let most = EXPLAIN_CATEGORIES as u32;
    if !(1..=most).contains(&limit) {
        let range = format_args!("1 to {most}");
        let error = number::out_of_range(Path::field("limit"), range, limit);
        violations.check(Err::<(), _>(error));
    }
    let member_limit = request.member_limit.unwrap_or(DEFAULT_EXPLAIN_MEMBERS);
    if member_limit > EXPLAIN_MEMBERS {
        let range = format_args!("0 to {EXPLAIN_MEMBERS}");
        let error = number::out_of_range(Path::field("member_limit"), range, member_limit);
        violations.check(Err::<(), _>(error));
    }
    let mode = decode::namespace::ranking(Path::field("ranking"), request.ranking);
    let ranking = violations.check(mode);
    let fairness = decode::namespace::fairness(Path::field("fairness"), request.fairness);
    let fairness = violations.check(fairness);
    let model = request.embedding_model;
    let path = Path::field("embedding_model");
    violations.check(text::text(path, &model, EMBEDDING_MODEL_BYTES));
    if let Err(mismatch) = check_model(&call.settings().embedding_model, &model) {
        violations.finish(Err(mismatch))?;
    }
    let author = |named| call.author(named);
    let what_ifs = violations.check(what_if::read(request.what_if, author));
    let query = request.query.unwrap_or_default();
    let query = violations.finish(spec(call.settings(), Path::field("query"), query))?;
    let spec = ExplainSpec {
        query,
        categories: request.categories,
        limit: limit as usize,
        member_limit: member_limit as usize,
        ranking,
        fairness,
    };
    let context = call.read_context(request.min_revision, request.epoch)?;
    let (engine, namespace) = (call.engine, &call.namespace);
    let at_revision = request.at_revision;
    let found = if at_revision == 0 && what_ifs.is_empty() {
        let found = engine.explain(namespace, &spec, context);
        found.map(|At { value, revision }| {
            let value = (value, Vec::new());
            At { value, revision }
        })
    } else {
        let revision = (at_revision > 0).then_some(at_revision);
        engine.explain_what_if(namespace, revision, &spec, &what_ifs, context)
    };
    let found = found.map_err(|error| match error {
        Error::WhatIf { index, rejection } => what_if::refusal(&what_ifs, index, rejection),
        other => refusal(&spec, at_revision, other),
    })?;
    let (explained, what_if) = found.value;
    Ok(ExplainResponse {
        explanations: explained
            .explanations
            .into_iter()
            .map(explanation)
            .collect(),
        margin: explained.margin,
        flip: explained.flip.map(flip),
        what_if: what_if.into_iter().map(what_if::result).collect(),
        revision: found.revision,
        epoch: call.epoch(),
    })
}

/// The refusal of an Explain, which has one query and a list of categories.
#[cold]
fn refusal(spec: &ExplainSpec, at_revision: u64, error: Error) -> CallError {
    let text = error.to_string();
    match error {
        Error::CategoryNotFound { key } => {
            let index = spec.categories.iter().position(|own| *own == key);
            let path = format!("categories[{}]", index.unwrap_or_default());
            CallError::at(ErrorReason::CategoryNotFound, path, text).with("category", key)
        }
        Error::ItemNotFound {
            key,
            query: Some((_, part)),
        } => {
            let path = match part {
                Some(part) => format!("query.parts.parts[{part}].item"),
                None => "query.item".to_owned(),
            };
            CallError::at(ErrorReason::ItemNotFound, path, text).with("item", key)
        }
        Error::DegenerateQuery { .. } => CallError::at(ErrorReason::DegenerateQuery, "query", text),
        other => past::refusal(at_revision, other),
    }
}

fn explanation(found: Explanation) -> v1::Explanation {
    let (other_members, other_member_count) = found.other_members;
    let Parts {
        fairness,
        neighbours,
        held_back,
    } = found.further;
    v1::Explanation {
        category: found.category.to_string(),
        rank: found.ranked.map_or(0, |(rank, _)| rank),
        score: found.score,
        rank_score: found.ranked.map(|(_, rank_score)| rank_score),
        count: found.count,
        base: found.base.map(base),
        members: found.members.into_iter().map(member).collect(),
        capped_actors: found.capped_actors.into_iter().map(actor_share).collect(),
        other_members,
        other_member_count,
        rounding: found.rounding,
        fairness,
        neighbours: neighbours.into_iter().map(neighbour).collect(),
        held_back,
        leave_one_out: found.without_query.map(|score| v1::LeaveOneOut { score }),
        dismissal: found
            .dismissed
            .map(|origin| dismissal(found.category.to_string(), origin)),
    }
}

fn base(base: BasePart) -> v1::BasePart {
    v1::BasePart {
        weight: base.weight,
        similarity: base.similarity,
        part: base.part,
    }
}

fn member(member: MemberPart) -> v1::MemberPart {
    v1::MemberPart {
        item: member.item,
        weight: member.weight,
        similarity: member.similarity,
        part: member.part,
        score_without: member.score_without,
        assign_time: timestamp(member.origin.time_ms),
        actor: member.origin.actor,
        reason: member.origin.reason,
        scale: member.scale,
    }
}

fn neighbour(neighbour: Neighbour) -> v1::NeighbourPart {
    v1::NeighbourPart {
        item: neighbour
            .item
            .map_or_else(String::new, |key| key.to_string()),
        similarity: neighbour.similarity,
        pull: neighbour.pull,
    }
}

fn flip(flip: Flip) -> v1::Flip {
    let [first_category, second_category] = flip.categories.map(|key| key.to_string());
    v1::Flip {
        first_category,
        second_category,
        items: flip.items,
        score: flip.score,
    }
}
