//! Match.

use ee_core::namespace::{Filter, Match, MatchOptions, Ranking};
use ee_core::settings::NamespaceSettings;
use ee_engine::{At, QuerySpec, ReadContext};

use super::past;
use crate::call::{NamespaceCall, check_model};
use crate::call_error::{Result, Violations, all};
use crate::decode::path::Path;
use crate::decode::{self, number, text, vector};
use crate::limits::{DEFAULT_MATCH_LIMIT, EMBEDDING_MODEL_BYTES, MATCH_RESULTS, QUERY_PARTS};
use crate::proto::v1::query::Source;
use crate::proto::v1::{
    MatchRequest, MatchResponse, MatchResult, Query, QueryPart, QueryParts, query_part,
};
use crate::ranked::CategoryMatch;

pub(crate) fn rank(call: &NamespaceCall<'_>, request: MatchRequest) -> Result<MatchResponse> {
    let MatchParams {
        queries,
        options,
        level,
        at_revision,
        context,
    } = MatchParams::read(call, request)?;
    let (engine, namespace) = (call.engine, &call.namespace);
    let found = match at_revision {
        0 => engine.rank(namespace, queries, options, context)?,
        revision => {
            let found = engine.rank_past(namespace, revision, &queries, options, context);
            past::at(revision, found)?
        }
    };
    Ok(response(call, found, level))
}

/// A Match that has passed every check that does not depend on the categories.
pub(super) struct MatchParams {
    pub(super) queries: Vec<QuerySpec>,
    pub(super) options: MatchOptions,
    /// The least confidence.
    pub(super) level: Option<f64>,
    /// 0: the newest.
    at_revision: u64,
    pub(super) context: ReadContext,
}

impl MatchParams {
    pub(super) fn read(call: &NamespaceCall<'_>, request: MatchRequest) -> Result<Self> {
        let mut violations = Violations::default();
        let not_empty = decode::not_empty(Path::field("queries"), &request.queries);
        violations.check(not_empty);
        let least = |score| number::score(Path::field("min_score"), score);
        let min_score = violations.check(request.min_score.map(least).transpose());
        let least = |score| number::rank_score(Path::field("min_rank_score"), score);
        let min_rank_score = violations.check(request.min_rank_score.map(least).transpose());
        let least = |level| number::confidence(Path::field("min_confidence"), level);
        let level = violations.check(request.min_confidence.map(least).transpose());
        let mode = decode::namespace::ranking(Path::field("ranking"), request.ranking);
        let ranking = violations.check(mode);
        let fairness = decode::namespace::fairness(Path::field("fairness"), request.fairness);
        let fairness = violations.check(fairness);
        for (field, keys) in [
            ("include_categories", &request.include_categories),
            ("exclude_categories", &request.exclude_categories),
        ] {
            violations.check(decode::keys_of(field, keys));
        }
        let model = request.embedding_model;
        let path = Path::field("embedding_model");
        violations.check(text::text(path, &model, EMBEDDING_MODEL_BYTES));
        let settings = call.settings();
        if let Err(mismatch) = check_model(&settings.embedding_model, &model) {
            violations.finish(Err(mismatch))?;
        }
        let limit = request.limit.unwrap_or(DEFAULT_MATCH_LIMIT);
        violations.check(bounded(call, request.queries.len(), limit));
        let queries = request.queries.into_iter().enumerate();
        let queries =
            all(queries.map(|(index, query)| spec(settings, Path::entry("queries", index), query)));
        let queries = violations.finish(queries)?;
        Ok(Self {
            queries,
            options: MatchOptions {
                limit: limit as usize,
                min_score,
                min_rank_score,
                ranking,
                fairness,
                explain: false,
                confidence: request.include_confidence || level.is_some(),
                filter: Filter {
                    include: request.include_categories,
                    exclude: request.exclude_categories,
                },
                // The engine sets the number of threads.
                threads: 1,
            },
            level,
            at_revision: request.at_revision,
            context: call.read_context(request.min_revision, request.epoch)?,
        })
    }
}

/// The reply to a Match.
pub(super) fn response(
    call: &NamespaceCall<'_>,
    found: At<Vec<Ranking>>,
    level: Option<f64>,
) -> MatchResponse {
    let rankings = found.value.into_iter();
    MatchResponse {
        results: rankings.map(|found| ranking(found, level)).collect(),
        revision: found.revision,
        epoch: call.epoch(),
    }
}

/// Whether `queries` may have `each` results each.
pub(super) fn within(queries: usize, each: u64) -> bool {
    (queries as u64).saturating_mul(each) <= MATCH_RESULTS
}

/// Refuses a request whose reply would have too many results in all.
fn bounded(call: &NamespaceCall<'_>, queries: usize, limit: u32) -> Result<()> {
    if limit != 0 && within(queries, limit.into()) {
        return Ok(());
    }
    let categories = call.view(0, 0)?.categories;
    let each = if limit == 0 {
        categories
    } else {
        categories.min(u64::from(limit))
    };
    if within(queries, each) {
        return Ok(());
    }
    let actual = (queries as u64).saturating_mul(each);
    Err(decode::too_large(
        Path::field("limit"),
        usize::try_from(actual).unwrap_or(usize::MAX),
        MATCH_RESULTS as usize,
        "results in all",
    ))
}

/// A query.
pub(super) fn spec(
    settings: &NamespaceSettings,
    path: Path<'_>,
    query: Query,
) -> Result<QuerySpec> {
    match query.source {
        None => Err(decode::required(path, "has no embedding, item or parts")),
        Some(Source::Embedding(embedding)) => {
            let vector = vector::vector(settings, path.then("embedding"), embedding)?;
            Ok(QuerySpec::Vector(vector))
        }
        Some(Source::Item(key)) => {
            text::key(path.then("item"), &key)?;
            Ok(QuerySpec::Item(key))
        }
        Some(Source::Parts(parts)) => mean(settings, path.then("parts"), parts),
    }
}

fn mean(settings: &NamespaceSettings, path: Path<'_>, parts: QueryParts) -> Result<QuerySpec> {
    decode::not_empty(path.then("parts"), &parts.parts)?;
    decode::at_most(path.then("parts"), parts.parts.len(), QUERY_PARTS)?;
    let parts = parts.parts.into_iter().enumerate();
    let parts = parts.map(|(index, entry)| part(settings, path.then_entry("parts", index), entry));
    Ok(QuerySpec::Parts(all(parts)?))
}

fn part(settings: &NamespaceSettings, path: Path<'_>, part: QueryPart) -> Result<(QuerySpec, f32)> {
    let mut violations = Violations::default();
    let weight = part.weight.unwrap_or(1.0);
    let weight = violations.check(number::part_weight(path.then("weight"), weight));
    let source = match part.source {
        None => Err(decode::required(path, "has no embedding or item")),
        Some(query_part::Source::Embedding(embedding)) => {
            vector::vector(settings, path.then("embedding"), embedding).map(QuerySpec::Vector)
        }
        Some(query_part::Source::Item(key)) => {
            text::key(path.then("item"), &key).map(|()| QuerySpec::Item(key))
        }
    };
    Ok((violations.finish(source)?, weight))
}

fn ranking(ranking: Ranking, level: Option<f64>) -> MatchResult {
    let none_of_these = level.is_some_and(|level| ranking.none_reaches(level));
    let found = |found: Match| CategoryMatch {
        category: found.category,
        score: found.score,
        rank_score: found.rank_score,
        count: found.count,
        confidence: found.confidence,
    };
    MatchResult {
        matches: ranking.matches.into_iter().map(found).collect(),
        margin: ranking.margin,
        none_of_these,
    }
}
