//! Idempotency: a request that is sent again with its id gets its first answer, for a day.

use ee_core::command::Outcome;
use ee_store::codec::{self, Answer, NamespaceAnswer, TrimAnswer};
use ee_store::idempotency::{EXPIRE_PER_ANSWER, Known, get};
use ee_store::{NamespaceRow, Reads, StoreError, StoreResult, WriteSession};

use crate::api::{NamespaceView, WriteContext, Written};
use crate::{Error, Result};

/// Answers to requests that create or delete a namespace are stored under this identifier.
const SERVICE: i64 = 0;

/// What is known of a command's request id.
pub(crate) enum Replay {
    /// The id is new.
    New,
    /// The first answer.
    Answer(Written),
    /// Another request had the id.
    Reused,
}

/// Looks up the first answer to a command.
pub(crate) fn command(
    reads: &dyn Reads,
    namespace: i64,
    context: &WriteContext,
    now_ms: i64,
) -> StoreResult<Replay> {
    let (id, fingerprint) = (&context.request_id, context.fingerprint);
    Ok(match get(reads, namespace, id, fingerprint, now_ms)? {
        Known::New => Replay::New,
        Known::Reused => Replay::Reused,
        Known::Answered(Answer::Command(outcome, revision)) => Replay::Answer(Written {
            outcome,
            revision,
            replayed: true,
        }),
        Known::Answered(_) => return Err(other_kind(id)),
    })
}

/// Stores the first answer to a command.
pub(crate) fn put_command(
    session: &mut dyn WriteSession,
    namespace: i64,
    request_id: &str,
    fingerprint: u64,
    (outcome, revision): (&Outcome, u64),
) -> StoreResult<()> {
    let answer = codec::encode_command_answer(outcome, revision);
    session.idempotency_put(namespace, request_id, fingerprint, answer)
}

/// Deletes some expired answers, after so many were stored.
pub(crate) fn expire(session: &mut dyn WriteSession, stored: usize) -> StoreResult<()> {
    session.idempotency_expire(EXPIRE_PER_ANSWER * stored)
}

/// The first answer to a request with this id that created, deleted or restored a namespace of this
/// name.
pub(crate) fn namespace(
    reads: &dyn Reads,
    name: &str,
    context: &WriteContext,
    now_ms: i64,
) -> Result<Option<NamespaceView>> {
    if context.request_id.is_empty() {
        return Ok(None);
    }
    let id = key(name, context);
    match get(reads, SERVICE, &id, context.fingerprint, now_ms)? {
        Known::New => Ok(None),
        Known::Answered(Answer::Namespace(answer)) => Ok(Some(NamespaceView::new(
            &answer.name,
            &answer.settings,
            &answer.profile,
            &answer.header,
        ))),
        Known::Answered(_) => Err(other_kind(&id).into()),
        Known::Reused => Err(Error::RequestIdReused {
            request_id: context.request_id.clone(),
        }),
    }
}

/// The first answer to a request with this id that trimmed the history of a namespace.
pub(crate) fn trim(
    reads: &dyn Reads,
    namespace: i64,
    context: &WriteContext,
    now_ms: i64,
) -> Result<Option<TrimAnswer>> {
    let id = &context.request_id;
    if id.is_empty() {
        return Ok(None);
    }
    match get(reads, namespace, id, context.fingerprint, now_ms)? {
        Known::New => Ok(None),
        Known::Answered(Answer::Trim(answer)) => Ok(Some(answer)),
        Known::Answered(_) => Err(other_kind(id).into()),
        Known::Reused => Err(Error::RequestIdReused {
            request_id: id.clone(),
        }),
    }
}

/// Stores the first answer to a request that trims a history, if the request has an id.
pub(crate) fn put_trim(
    session: &mut dyn WriteSession,
    namespace: i64,
    context: &WriteContext,
    answer: TrimAnswer,
) -> StoreResult<()> {
    let id = &context.request_id;
    if id.is_empty() {
        return Ok(());
    }
    let answer = codec::encode(&Answer::Trim(answer));
    session.idempotency_put(namespace, id, context.fingerprint, answer)?;
    expire(session, 1)
}

/// Stores the first answer to a request that creates, deletes or restores a namespace, if the request
/// has an id.
pub(crate) fn put_namespace(
    session: &mut dyn WriteSession,
    context: &WriteContext,
    row: &NamespaceRow,
) -> StoreResult<()> {
    if context.request_id.is_empty() {
        return Ok(());
    }
    let answer = codec::encode(&Answer::Namespace(Box::new(NamespaceAnswer {
        name: row.name.clone(),
        settings: row.settings.clone(),
        profile: row.profile.clone(),
        header: row.header,
    })));
    let id = key(&row.name, context);
    session.idempotency_put(SERVICE, &id, context.fingerprint, answer)?;
    expire(session, 1)
}

/// The id under which an answer is stored. The namespace's name is a part of it: a caller who may not
/// see a namespace must not meet the ids that were used for it either.
fn key(name: &str, context: &WriteContext) -> String {
    // A name has no slash.
    format!("{name}/{}", context.request_id)
}

fn other_kind(id: &str) -> StoreError {
    StoreError::corrupted(
        format!("idempotency_keys, {id:?}"),
        "the answer is one to another kind of request",
    )
}
