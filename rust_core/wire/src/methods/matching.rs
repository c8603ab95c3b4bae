//! Match.

use std::sync::Arc;

use ee_core::namespace::{Filter, Match, MatchOptions, Ranking};
use ee_core::settings::NamespaceSettings;
use ee_engine::{At, QuerySpec, ReadContext, Target};

use crate::call::{Room, check_model};
use crate::decode::path::Path;
use crate::decode::{self, number, text, vector};
use crate::error::{self, FieldPaths};
use crate::fault::Result;
use crate::limits::{DEFAULT_MATCH_LIMIT, EMBEDDING_MODEL_BYTES, MATCH_RESULTS, QUERY_PARTS};
use crate::proto::v1::query::Source;
use crate::proto::v1::{
    MatchRequest, MatchResponse, MatchResult, Query, QueryPart, QueryParts, query_part,
};
use crate::ranked::CategoryMatch;

pub(crate) fn rank(room: &Room<'_>, request: MatchRequest) -> Result<MatchResponse> {
    let asked = Asked::read(room, request, |model| room.target(model))?;
    let found = room
        .engine
        .rank(&asked.target, asked.queries, asked.options, asked.context)
        .map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
    Ok(response(found))
}

/// [`rank`], if that waits for nothing and takes microseconds.
pub(crate) fn rank_at_once(
    room: &Room<'_>,
    request: MatchRequest,
) -> Result<Option<MatchResponse>> {
    let Some(target) = room.engine.at_hand(&room.name) else {
        return Ok(None);
    };
    let limit = request.limit.unwrap_or(DEFAULT_MATCH_LIMIT);
    if limit == 0 || !within(request.queries.len(), limit.into()) {
        // How many there are is looked up.
        return Ok(None);
    }
    let asked = Asked::read(room, request, |model| {
        check_model(&target.settings.embedding_model, model)?;
        Ok(target)
    })?;
    let found = room
        .engine
        .rank_at_once(&asked.target, &asked.queries, &asked.options, asked.context)
        .map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
    Ok(found.map(response))
}

/// A request that has passed all that can be said without looking at the categories.
struct Asked {
    target: Arc<Target>,
    queries: Vec<QuerySpec>,
    options: MatchOptions,
    context: ReadContext,
}

impl Asked {
    fn read(
        room: &Room<'_>,
        request: MatchRequest,
        target: impl FnOnce(&str) -> Result<Arc<Target>>,
    ) -> Result<Self> {
        decode::not_empty(Path::field("queries"), &request.queries)?;
        let least = |score| number::score(Path::field("min_score"), score);
        let min_score = request.min_score.map(least).transpose()?;
        keys("include_categories", &request.include_categories)?;
        keys("exclude_categories", &request.exclude_categories)?;
        let model = request.embedding_model;
        text::text(
            Path::field("embedding_model"),
            &model,
            EMBEDDING_MODEL_BYTES,
        )?;
        let target = target(&model)?;
        let limit = request.limit.unwrap_or(DEFAULT_MATCH_LIMIT);
        bounded(room, request.queries.len(), limit)?;
        let queries = request.queries.into_iter().enumerate();
        let queries = queries
            .map(|(index, query)| spec(&target.settings, Path::entry("queries", index), query))
            .collect::<Result<_>>()?;
        Ok(Self {
            target,
            queries,
            options: MatchOptions {
                limit: limit as usize,
                min_score,
                filter: Filter {
                    include: request.include_categories,
                    exclude: request.exclude_categories,
                },
                // The engine knows how many there are.
                threads: 1,
            },
            context: room.reading(request.min_revision),
        })
    }
}

fn response(found: At<Vec<Ranking>>) -> MatchResponse {
    MatchResponse {
        results: found.value.into_iter().map(ranking).collect(),
        revision: found.revision,
    }
}

fn keys(field: &'static str, keys: &[String]) -> Result<()> {
    let mut entries = keys.iter().enumerate();
    entries.try_for_each(|(index, key)| text::key(Path::entry(field, index), key))
}

/// Whether so many queries may have so many results each.
fn within(queries: usize, each: u64) -> bool {
    (queries as u64).saturating_mul(each) <= MATCH_RESULTS
}

/// Refuses a request whose answer would have no end: many queries, each with all categories.
fn bounded(room: &Room<'_>, queries: usize, limit: u32) -> Result<()> {
    if limit != 0 && within(queries, limit.into()) {
        return Ok(());
    }
    let categories = room.view(0)?.categories;
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

fn spec(settings: &NamespaceSettings, path: Path<'_>, query: Query) -> Result<QuerySpec> {
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
    Ok(QuerySpec::Parts(parts.collect::<Result<_>>()?))
}

fn part(settings: &NamespaceSettings, path: Path<'_>, part: QueryPart) -> Result<(QuerySpec, f32)> {
    let weight = match part.weight {
        Some(weight) => number::weight(path.then("weight"), weight)?,
        None => 1.0,
    };
    let source = match part.source {
        None => return Err(decode::required(path, "has no embedding or item")),
        Some(query_part::Source::Embedding(embedding)) => {
            QuerySpec::Vector(vector::vector(settings, path.then("embedding"), embedding)?)
        }
        Some(query_part::Source::Item(key)) => {
            text::key(path.then("item"), &key)?;
            QuerySpec::Item(key)
        }
    };
    Ok((source, weight))
}

fn ranking(ranking: Ranking) -> MatchResult {
    let found = |found: Match| CategoryMatch {
        category: found.category,
        score: found.score,
        count: found.count,
    };
    MatchResult {
        matches: ranking.matches.into_iter().map(found).collect(),
        margin: ranking.margin,
    }
}
