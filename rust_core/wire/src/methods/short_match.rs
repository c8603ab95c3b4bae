//! Short Matches, answered in the thread of a connection: those that came at the same time and rank the
//! same namespace in the same way share one pass over its rows.

use ee_core::namespace::Ranking;
use ee_engine::{At, Engine, NamespaceHandle, QuerySpec};
use prost::Message;

use super::matching::{MatchParams, response, within};
use super::outline::Outline;
use crate::call::{Call, NamespaceCall, RequestedCall, ShortAnswer};
use crate::call_error::Result;
use crate::limits::DEFAULT_MATCH_LIMIT;
use crate::proto::v1::MatchRequest;
use crate::request::Request;

/// A Match that is short as far as its request and its namespace show.
struct ShortMatch<'a> {
    /// The place of its answer.
    index: usize,
    call: NamespaceCall<'a>,
    params: MatchParams,
}

impl ShortMatch<'_> {
    fn ranks_like(&self, other: &Self) -> bool {
        self.call.namespace.is(&other.call.namespace) && self.params.options == other.params.options
    }

    fn reply(&self, found: At<Vec<Ranking>>) -> Vec<u8> {
        response(&self.call, found, self.params.level).encode_to_vec()
    }
}

/// Answers those of some Matches that wait for nothing and take microseconds.
pub(crate) fn try_rank(calls: &[RequestedCall<'_>]) -> Vec<ShortAnswer> {
    let mut answers = Vec::with_capacity(calls.len());
    let mut short = Vec::with_capacity(calls.len());
    for (index, (call, request)) in calls.iter().enumerate() {
        answers.push(match prepare(call, request) {
            Ok(Some((call, params))) => {
                let prepared = ShortMatch {
                    index,
                    call,
                    params,
                };
                short.push(prepared);
                Ok(None)
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        });
    }
    while let Some(first) = short.pop() {
        let (mut together, others): (Vec<_>, _) =
            short.into_iter().partition(|other| first.ranks_like(other));
        together.push(first);
        short = others;
        rank(&together, &mut answers);
    }
    answers
}

/// Ranks for calls that ask for the same ranking, together, or else each by itself: where one of them
/// needs what is not in memory, or is refused, the others are answered all the same.
fn rank(calls: &[ShortMatch<'_>], answers: &mut [ShortAnswer]) {
    match rank_together(calls) {
        Ok(Some(At { value, revision })) => {
            for (call, value) in calls.iter().zip(value) {
                answers[call.index] = Ok(Some(call.reply(At { value, revision })));
            }
        }
        Ok(None) if calls.len() == 1 => {}
        Err(error) if calls.len() == 1 => answers[calls[0].index] = Err(error),
        _ => {
            for call in calls {
                rank(std::slice::from_ref(call), answers);
            }
        }
    }
}

fn rank_together(calls: &[ShortMatch<'_>]) -> Result<Option<At<Vec<Vec<Ranking>>>>> {
    let Some(ShortMatch { call, params, .. }) = calls.first() else {
        return Ok(None);
    };
    let queries: Vec<&[QuerySpec]> = calls.iter().map(|call| &call.params.queries[..]).collect();
    let revisions = calls.iter().map(|call| call.params.context.min_revision);
    let min_revision = revisions.max().unwrap_or(0);
    let found =
        call.engine
            .try_rank_together(&call.namespace, &queries, &params.options, min_revision)?;
    Ok(found)
}

/// Whether a Match is short as far as its outline and its namespace show.
pub(crate) fn is_short(engine: &Engine, request: &[u8]) -> bool {
    outline(engine, request).is_some()
}

/// What a short call asks for; `None` if it is not short. The outline of a longer request shows that, before
/// the request is decoded.
fn prepare<'a>(
    call: &Call<'a>,
    request: &[u8],
) -> Result<Option<(NamespaceCall<'a>, MatchParams)>> {
    let Some((outline, namespace)) = outline(call.engine(), request) else {
        return Ok(None);
    };
    // From here on in the order of `Service::call`, so that both refuse with the same status.
    let request = call.decode(request)?;
    call.authorize(MatchRequest::NAME_FIELD, outline.namespace)?;
    let call = call.inside(namespace);
    let params = MatchParams::read(&call, request)?;
    Ok(Some((call, params)))
}

fn outline<'a>(engine: &Engine, request: &'a [u8]) -> Option<(Outline<'a>, NamespaceHandle)> {
    let outline = Outline::of(request)?;
    let namespace = engine.try_handle(outline.namespace)?;
    let limit = outline.limit.unwrap_or(DEFAULT_MATCH_LIMIT);
    // Only the number of all categories would bound the reply.
    let bounded = limit != 0 && within(outline.queries, limit.into());
    let short = bounded && engine.is_short(&namespace, outline.queries, outline.min_revision);
    short.then_some((outline, namespace))
}
