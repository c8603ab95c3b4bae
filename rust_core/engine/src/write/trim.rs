//! Trimming a history: a transaction of its own for each step, beside the writes of others.
//!
//! What a load needs is never trimmed: it replays the entries since the written sums. Where these
//! entries are to be trimmed, the step first writes some of the sums that have been dirty for longest.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ee_store::codec::TrimAnswer;
use ee_store::{Enlisted, HistoryStart, NamespaceRow, Reads, TrimStep, Trimmed, WriteSession};

use crate::api::{TrimReport, WriteContext};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::clock::check_deadline;
use crate::read::history::log::first_at;
use crate::shared::Shared;
use crate::write::flush_sums;
use crate::write::idempotency;
use crate::write::operation::Operation;
use crate::{Error, Result};

/// Entries that a step deletes, at most: a few milliseconds.
const STEP_ENTRIES: u64 = 1000;

/// Bytes of entries after which a step ends.
const STEP_BYTES: u64 = 4 << 20;

/// Bytes of sums that a step writes, at most, but one sum in any case.
const STEP_SUMS: usize = 1 << 20;

/// What of a history to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimBound {
    /// So many of the newest revisions, at least 1.
    Newest(u64),
    /// This revision and later ones.
    From(u64),
    /// The revisions since a time, in milliseconds since the Unix epoch.
    Since(i64),
}

impl TrimBound {
    /// The first revision to keep of a history that begins at `start`: never later than the newest.
    pub(crate) fn first_revision(
        self,
        reads: &dyn Reads,
        row: &NamespaceRow,
        start: HistoryStart,
    ) -> Result<u64> {
        let newest = row.header.revision;
        let first = match self {
            Self::Newest(count) => newest.saturating_sub(count.saturating_sub(1)),
            Self::From(revision) => revision,
            Self::Since(time_ms) => first_at(reads, row, start, time_ms)?,
        };
        Ok(first.min(newest).max(start.first_revision))
    }
}

/// What a request would trim, or has trimmed.
pub(crate) enum Plan {
    /// The first answer to the request, which was answered before.
    Answered(TrimAnswer),
    /// What it would trim now.
    New(TrimReport),
}

/// Plans a trim. Bytes are counted if nothing will be trimmed.
pub(crate) fn plan(
    reads: &dyn Reads,
    row: &NamespaceRow,
    bound: TrimBound,
    context: &WriteContext,
    now_ms: i64,
) -> Result<Plan> {
    if let Some(answer) = idempotency::trim(reads, row.id, context, now_ms)? {
        return Ok(Plan::Answered(answer));
    }
    check_revision(row, context)?;
    let start = reads.history_start(row.id)?;
    let first = bound.first_revision(reads, row, start)?;
    let mut report = TrimReport {
        revisions: first - start.first_revision,
        bytes: 0,
        first_revision: first,
    };
    if context.validate_only && report.revisions > 0 {
        let mut in_time = Ok(());
        reads.entry_sizes(row.id, start.first_revision, first - 1, &mut |bytes| {
            report.bytes += bytes;
            in_time = check_deadline(context.deadline);
            in_time.is_ok()
        })?;
        in_time?;
    }
    Ok(Plan::New(report))
}

fn check_revision(row: &NamespaceRow, context: &WriteContext) -> Result<()> {
    let actual = row.header.revision;
    match context.if_revision {
        Some(expected) if expected != actual => Err(Error::RevisionMismatch { expected, actual }),
        _ => Ok(()),
    }
}

/// One step.
pub(crate) struct TrimHistory {
    shared: Arc<Shared>,
    name: String,
    namespace: i64,
    /// The first revision to keep.
    first_revision: u64,
    /// The request that asks for it, and what its earlier steps have deleted; `None`: retention asks.
    request: Option<(WriteContext, TrimReport)>,
    /// The namespace in memory whose sums the step has written.
    flushed: Option<Arc<CachedNamespace>>,
}

/// How far a trim has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrimProgress {
    /// What the step has trimmed.
    pub(crate) trimmed: Trimmed,
    /// The answer to the request, as of now; its revision is the current one.
    pub(crate) answer: TrimAnswer,
    /// Whether another step would get further.
    pub(crate) more: bool,
}

impl TrimHistory {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        (name, namespace): (&str, i64),
        first_revision: u64,
        request: Option<(WriteContext, TrimReport)>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            name: name.to_owned(),
            namespace,
            first_revision,
            request,
            flushed: None,
        }
    }

    /// The namespace in memory, if it is there: one that was evicted has written its sums.
    fn loaded(&self) -> Option<Arc<CachedNamespace>> {
        let loaded = self.shared.cache.try_get(&self.name)?;
        (loaded.id == self.namespace && !loaded.retired.load(Ordering::Acquire)).then_some(loaded)
    }

    fn step(
        &self,
        session: &mut dyn WriteSession,
        loaded: Option<&CachedNamespace>,
    ) -> Result<TrimProgress> {
        let row = session.reads().namespace_by_name(&self.name)?;
        let row = row.filter(|row| row.id == self.namespace);
        let row = row.ok_or_else(|| Error::NamespaceNotFound {
            name: self.name.clone(),
        })?;
        if let Some((context, before)) = &self.request {
            let time_ms = session.time_ms();
            if let Some(answer) = idempotency::trim(session.reads(), row.id, context, time_ms)? {
                let trimmed = Trimmed::nothing(session.reads().history_start(row.id)?);
                return Ok(TrimProgress {
                    trimmed,
                    answer,
                    more: false,
                });
            }
            if before.revisions == 0 {
                check_revision(&row, context)?;
            }
        }
        let wanted = self.first_revision.min(row.header.revision);
        let mut saved = row.sums_revision;
        if saved + 1 < wanted
            && let Some(loaded) = loaded
            && session.enlist(loaded.id, loaded.revision())? == Enlisted::Current
        {
            let sum_bytes = loaded.settings.dimension as usize * size_of::<i64>();
            let sums = (STEP_SUMS / sum_bytes).max(1);
            saved = flush_sums::write_oldest(session, loaded, sums)?;
        }
        let trimmed = session.trim(
            row.id,
            TrimStep {
                first_revision: wanted.min(saved + 1),
                entries: STEP_ENTRIES,
                bytes: STEP_BYTES,
            },
        )?;
        let moved = trimmed.entries > 0 || saved > row.sums_revision;
        let more = trimmed.start.first_revision < wanted && moved;
        let before = self.request.as_ref().map(|(_, before)| before);
        let answer = TrimAnswer {
            entries: before.map_or(0, |before| before.revisions) + trimmed.entries,
            bytes: before.map_or(0, |before| before.bytes) + trimmed.bytes,
            first_revision: trimmed.start.first_revision,
            revision: row.header.revision,
        };
        if let (false, Some((context, _))) = (more, &self.request) {
            idempotency::put_trim(session, row.id, context, answer)?;
        }
        Ok(TrimProgress {
            trimmed,
            answer,
            more,
        })
    }
}

impl Operation for TrimHistory {
    type Output = TrimProgress;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<TrimProgress> {
        check_deadline(
            self.request
                .as_ref()
                .and_then(|(context, _)| context.deadline),
        )?;
        if let Some(loaded) = self.flushed.take() {
            // In an attempt that ended in a conflict.
            loaded.dirty_sums.lock().rollback();
        }
        let loaded = self.loaded();
        let stepped = self.step(session, loaded.as_deref());
        match (&stepped, loaded) {
            (Err(_), Some(loaded)) => loaded.dirty_sums.lock().rollback(),
            (_, loaded) => self.flushed = loaded,
        }
        stepped
    }

    fn committed(&self, shared: &Shared, progress: &TrimProgress) {
        if let Some(loaded) = &self.flushed {
            loaded.dirty_sums.lock().commit();
        }
        shared.counters.trimmed(progress.trimmed);
    }
}
