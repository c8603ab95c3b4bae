//! The history of a namespace.

use std::sync::Arc;
use std::time::Duration;

use ee_core::arithmetic::limits::MAX_KEPT_REVISIONS;
use ee_engine::{ChangeIndex, HistoryFilter, HistoryOrder, TrimBound, Watch};
use prost::Message;

use super::paging::Paging;
use crate::call::{Call, NamespaceCall, WriteParams};
use crate::call_error::{Result, Violations};
use crate::decode::path::Path;
use crate::decode::{self, number, text, time};
use crate::encode::history::change as encode;
use crate::engine_error::{self, FieldPaths};
use crate::limits::{ACTOR_BYTES, PAGE_BYTES};
use crate::page_token::invalid;
use crate::proto::v1::{
    self, ListHistoryRequest, ListHistoryResponse, TrimHistoryRequest, TrimHistoryResponse,
    WatchHistoryRequest, WatchHistoryResponse, trim_history_request::Keep,
};
use crate::request::Request;
use crate::streams::{Replies, ReplySource};

pub(crate) fn list(
    call: &NamespaceCall<'_>,
    mut request: ListHistoryRequest,
) -> Result<ListHistoryResponse> {
    let mut violations = Violations::default();
    let paging = Paging::of(call, &mut request, &mut violations);
    let newest_first = violations.check(newest_first(request.order));
    let filter = filter(request.filter.unwrap_or_default(), &mut violations);
    let after = paging.after(&mut violations, read_cursor);
    violations.finish(Ok(()))?;
    let order = HistoryOrder {
        newest_first,
        after,
        limit: paging.size,
        bytes: PAGE_BYTES,
    };
    let context = paging.context()?;
    let found = call
        .engine
        .history(&call.namespace, &filter, order, context)?;
    let next = found.value.next;
    Ok(ListHistoryResponse {
        changes: found.value.changes.into_iter().map(encode).collect(),
        next_page_token: next.map_or_else(String::new, |at| paging.token(&cursor(at))),
        revision: found.revision,
        epoch: call.epoch(),
        first_revision: found.value.first_revision,
    })
}

/// Trims the history of a namespace.
pub(crate) fn trim(
    call: &NamespaceCall<'_>,
    request: TrimHistoryRequest,
    mut params: WriteParams,
) -> Result<TrimHistoryResponse> {
    let bound = params.violations.finish(bound(request.keep))?;
    let found = call
        .engine
        .trim_history(&call.namespace, bound, params.context)
        .map_err(|error| engine_error::call_error(FieldPaths::SINGLE, error))?;
    Ok(TrimHistoryResponse {
        revision_count: found.value.revisions,
        byte_count: found.value.bytes,
        first_revision: found.value.first_revision,
        revision: found.revision,
        epoch: call.epoch(),
    })
}

fn bound(keep: Option<Keep>) -> Result<TrimBound> {
    Ok(match keep {
        Some(Keep::KeepRevisions(count)) => {
            let path = Path::field("keep_revisions");
            TrimBound::Newest(number::from_one(path, MAX_KEPT_REVISIONS, count)?)
        }
        Some(Keep::BeforeRevision(revision)) => {
            let path = Path::field("before_revision");
            TrimBound::From(number::from_one(path, u64::MAX, revision)?)
        }
        Some(Keep::BeforeTime(time)) => {
            TrimBound::Since(time::milliseconds(Path::field("before_time"), time)?)
        }
        None => return Err(decode::required(Path::field("keep"), "is not set")),
    })
}

/// Opens a watch of a namespace.
pub(crate) fn watch(call: &Call<'_>, request: &[u8]) -> Result<Replies> {
    let mut request: WatchHistoryRequest = call.decode(request)?;
    let call_on = call.on_namespace(WatchHistoryRequest::NAME_FIELD, &request.take_name())?;
    let mut violations = Violations::default();
    let wanted = request.filter.unwrap_or_default();
    let path = Path::field("filter");
    for (field, is_set) in [
        ("start_time", wanted.start_time.is_some()),
        ("end_time", wanted.end_time.is_some()),
        ("first_revision", wanted.first_revision != 0),
        ("last_revision", wanted.last_revision != 0),
    ] {
        if is_set {
            let error = number::out_of_range(path.then(field), "unset in a watch", "set");
            violations.check(Err::<(), _>(error));
        }
    }
    let filter = filter(wanted, &mut violations);
    violations.finish(Ok(()))?;
    call_on.check_epoch("after_revision", request.epoch)?;
    let epoch = call_on.epoch();
    let watch = Watch::begin(
        Arc::downgrade(&call.state.engine),
        call_on.namespace,
        filter,
        request.after_revision,
        (request.max_behind > 0).then_some(request.max_behind),
        call_on.deadline,
    )?;
    Ok(Box::new(WatchReplies { watch, epoch }))
}

/// The replies of a watch, which may have to wait.
struct WatchReplies {
    watch: Watch,
    epoch: u64,
}

impl ReplySource for WatchReplies {
    fn next_within(&mut self, wait: Duration) -> Result<Option<Option<Vec<u8>>>> {
        let Some(batch) = self.watch.next_within(wait) else {
            return Ok(None);
        };
        Ok(Some(batch?.map(|batch| {
            let response = WatchHistoryResponse {
                changes: batch.changes.into_iter().map(encode).collect(),
                revision: batch.revision,
                current_revision: batch.current,
                epoch: self.epoch,
            };
            response.encode_to_vec()
        })))
    }
}

fn newest_first(order: i32) -> Result<bool> {
    match v1::HistoryOrder::try_from(order) {
        Ok(v1::HistoryOrder::Unspecified | v1::HistoryOrder::NewestFirst) => Ok(true),
        Ok(v1::HistoryOrder::OldestFirst) => Ok(false),
        Err(_) => Err(number::out_of_range(Path::field("order"), "0 to 2", order)),
    }
}

/// The filter of a request.
pub(crate) fn filter(filter: v1::HistoryFilter, violations: &mut Violations) -> HistoryFilter {
    let path = Path::field("filter");
    let mut key = |field, key: String| {
        if key.is_empty() {
            return None;
        }
        violations.check(text::key(path.then(field), &key));
        Some(key)
    };
    let (item, category) = (key("item", filter.item), key("category", filter.category));
    violations.check(text::text(path.then("actor"), &filter.actor, ACTOR_BYTES));
    let (start_ms, end_ms) = time::period(path, filter.start_time, filter.end_time, violations);
    let revision = |revision: u64| (revision > 0).then_some(revision);
    let first_revision = revision(filter.first_revision);
    let last_revision = revision(filter.last_revision);
    if last_revision.is_some_and(|last| last < filter.first_revision) {
        let range = format_args!("0, or at least first_revision, {}", filter.first_revision);
        let error = number::out_of_range(path.then("last_revision"), range, filter.last_revision);
        violations.check(Err::<(), _>(error));
    }
    HistoryFilter {
        item,
        category,
        actor: (!filter.actor.is_empty()).then_some(filter.actor),
        start_ms,
        end_ms,
        first_revision,
        last_revision,
    }
}

fn cursor(at: ChangeIndex) -> [u8; 12] {
    let mut cursor = [0; 12];
    cursor[..8].copy_from_slice(&at.revision.to_le_bytes());
    cursor[8..].copy_from_slice(&at.index.to_le_bytes());
    cursor
}

fn read_cursor(cursor: &[u8]) -> Result<ChangeIndex> {
    let (revision, index) = cursor.split_first_chunk().ok_or_else(invalid)?;
    Ok(ChangeIndex {
        revision: u64::from_le_bytes(*revision),
        index: u32::from_le_bytes(index.try_into().map_err(|_| invalid())?),
    })
}
