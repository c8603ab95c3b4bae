//! A batch: writes that share one commit, and the transaction that they are in.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ee_core::command::{Command, CommandContext, WriteError, execute};
use ee_core::namespace::{Draft, EntryDrift, Origin};
use ee_store::failpoints::{Failpoint, reach};
use ee_store::{Commit, Enlisted, StoreError, StoreResult, WriteSession};
use rustc_hash::FxHashMap;

use crate::api::Written;
use crate::clock::check_deadline;
use crate::shared::Shared;
use crate::write::committed_batch::CommittedBatch;
use crate::write::flush_sums;
use crate::write::idempotency::{self, Replay};
use crate::write::namespace_batch::NamespaceBatch;
use crate::write::pending_reply::{PendingAnswer, PendingReply};
use crate::write::queue::WriteJob;
use crate::{Error, Result};

/// Writes that share one commit, at most, so that the first of them does not wait for long.
const MAX_BATCH: usize = 512;

/// Entries of writes that share one commit, but for those of the last write: a few tenths of a second.
const MAX_ENTRIES: usize = 10_000;

/// New items without a hash that a batch holds, at most: they are kept in memory until then.
const MAX_UNHASHED: usize = 64;

/// Why a batch does not go on.
pub(crate) enum Interrupted {
    /// The store failed.
    Failed(StoreError),
    /// Another process has written to a namespace of the batch.
    Conflict,
}

impl From<StoreError> for Interrupted {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Writes that share one commit, and the transaction that they are in.
pub(crate) struct Batch<'a> {
    session: &'a mut dyn WriteSession,
    shared: &'a Shared,
    namespaces: FxHashMap<i64, NamespaceBatch>,
    replies: Vec<PendingReply>,
    /// Answers to store for retries.
    answers: Vec<PendingAnswer>,
    /// Entries of the writes.
    entries: usize,
    /// Anything was written.
    dirty: bool,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(session: &'a mut dyn WriteSession, shared: &'a Shared) -> Self {
        Self {
            session,
            shared,
            namespaces: FxHashMap::default(),
            replies: Vec::new(),
            answers: Vec::new(),
            entries: 0,
            dirty: false,
        }
    }

    pub(crate) fn begin(&mut self, now_ms: i64) -> StoreResult<()> {
        reach(Failpoint::WriteBegin)?;
        self.session.begin(now_ms)
    }

    /// Number of writes so far.
    pub(crate) fn len(&self) -> usize {
        self.replies.len()
    }

    /// Whether it has as many writes or entries as it may have.
    pub(crate) fn is_full(&self) -> bool {
        self.replies.len() >= MAX_BATCH || self.entries >= MAX_ENTRIES
    }

    /// Applies a write, or refuses it and leaves no trace. An error ends the whole batch.
    pub(crate) fn write(&mut self, job: Box<WriteJob>) -> std::result::Result<(), Interrupted> {
        let namespace = job.loaded.id;
        self.entries += job.command.entries();
        let result = match self.write_or_undo(&job) {
            Ok(result) => result,
            Err(interrupted) => {
                // The end of the batch replaces the result.
                self.replies
                    .push(PendingReply::new(job, Err(Error::ShuttingDown)));
                return Err(interrupted);
            }
        };
        if let Ok(Written {
            replayed: false, ..
        }) = result
            && !job.context.request_id.is_empty()
            && !job.context.validate_only
        {
            self.answers.push(PendingAnswer {
                namespace,
                reply: self.replies.len(),
            });
        }
        self.replies.push(PendingReply::new(job, result));
        let created = self.namespaces.get(&namespace);
        if created.is_some_and(|batch| batch.draft.created.len() >= MAX_UNHASHED) {
            self.finalize()?;
        }
        Ok(())
    }

    fn write_or_undo(
        &mut self,
        job: &WriteJob,
    ) -> std::result::Result<Result<Written>, Interrupted> {
        self.session.begin_command();
        let result = match self.apply(job) {
            Err(Failure::Store(error)) if error.ends_transaction() => return Err(error.into()),
            Err(Failure::Store(error)) => Err(error.into()),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Conflict) => return Err(Interrupted::Conflict),
            Ok(applied) => Ok(applied),
        };
        let keep = result.is_ok() && !job.context.validate_only;
        if keep {
            self.session.keep_command()?;
        } else {
            self.session.undo_command()?;
        }
        reach(Failpoint::WriteApplied)?;
        Ok(result.map(
            |Applied {
                 written,
                 change,
                 stores_answer,
             }| {
                self.dirty |= keep && stores_answer;
                if let (true, Some(change)) = (keep, change) {
                    self.merge(job.loaded.id, change);
                }
                written
            },
        ))
    }

    fn apply(&mut self, job: &WriteJob) -> std::result::Result<Applied, Failure> {
        let context = &job.context;
        check_deadline(context.deadline).map_err(Failure::Refused)?;
        let id = job.loaded.id;
        if !self.namespaces.contains_key(&id) {
            let batch = self.enlist(job)?;
            self.namespaces.insert(id, batch);
        }
        if !context.request_id.is_empty() {
            let mut answers = self.answers.iter();
            let same = |answer: &PendingAnswer| {
                let first = &self.replies[answer.reply].job.context;
                answer.namespace == id && first.request_id == context.request_id
            };
            if answers.any(same) {
                self.finalize()?;
            }
            let time_ms = self.session.time_ms();
            match idempotency::command(self.session.reads(), id, context, time_ms)? {
                Replay::New => {}
                Replay::Answer(written) => {
                    return Ok(Applied {
                        written,
                        change: None,
                        stores_answer: false,
                    });
                }
                Replay::Reused => {
                    return Err(Failure::Refused(Error::RequestIdReused {
                        request_id: context.request_id.clone(),
                    }));
                }
            }
        }
        let actual = self.namespaces[&id].draft.header.revision;
        if let Some(expected) = context.if_revision.filter(|&expected| expected != actual) {
            return Err(Failure::Refused(Error::RevisionMismatch {
                expected,
                actual,
            }));
        }
        if let Command::UpdateProfile { .. } = job.command {
            // The outcome has the digest.
            self.finalize()?;
        }
        let batch = &self.namespaces[&id];
        let origin = Origin {
            time_ms: self.session.time_ms(),
            actor: context.actor.clone(),
            reason: context.reason.clone(),
        };
        let mut applied = {
            let published = batch.loaded.read();
            execute(
                &published,
                &batch.draft,
                self.session.store(id),
                &job.command,
                CommandContext {
                    bounded: true,
                    origin: &origin,
                    request_id: &context.request_id,
                    number: self.replies.len(),
                    prepared: job.prepared.as_ref(),
                },
            )
            .map_err(|error| match error {
                WriteError::Rejected(rejection) => Failure::Refused(rejection.into()),
                WriteError::Store(error) => Failure::Store(error),
                WriteError::Unprepared => Failure::Refused(Error::Unprepared),
            })?
        };
        if context.validate_only {
            // The draft is dropped before the end of the batch.
            applied.complete(self.shared.threads);
        }
        let mut revision = batch.draft.header.revision;
        let mut change = None;
        if let Some((mut draft, entry)) = applied.change {
            if !context.validate_only {
                revision = entry.revision;
                let bytes = self.session.append(id, &entry)?;
                let before = draft.header.log_bytes;
                draft.header.log_bytes = before.map(|before| before + bytes);
            }
            let effects = entry.effects.iter();
            let effects = effects
                .map(|effect| (effect.category, entry.revision))
                .collect();
            change = Some((draft, effects));
        }
        Ok(Applied {
            written: Written {
                outcome: applied.outcome,
                revision,
                replayed: false,
            },
            change,
            stores_answer: !context.request_id.is_empty(),
        })
    }

    /// Takes the namespace of a write into the transaction, if it still is the one that the caller
    /// meant.
    fn enlist(&mut self, job: &WriteJob) -> std::result::Result<NamespaceBatch, Failure> {
        let shared = self.shared;
        let current = || {
            let current = shared.reading(|| shared.current(&job.loaded));
            current.map_err(Failure::Refused)
        };
        let mut loaded = if job.loaded.retired.load(Ordering::Acquire) {
            current()?
        } else {
            Arc::clone(&job.loaded)
        };
        let revision = loaded.read().header().revision;
        if self.session.enlist(loaded.id, revision)? == Enlisted::Changed {
            // Another process has written to the namespace: what is in memory is out of date.
            shared.cache.remove(&loaded.name);
            loaded = current()?;
            let revision = loaded.read().header().revision;
            if self.session.enlist(loaded.id, revision)? == Enlisted::Changed {
                return Err(Failure::Conflict);
            }
        }
        let draft = Draft::new(*loaded.read().header());
        Ok(NamespaceBatch {
            loaded,
            draft,
            effects: Vec::new(),
        })
    }

    fn merge(&mut self, namespace: i64, (draft, effects): Change) {
        if let Some(batch) = self.namespaces.get_mut(&namespace) {
            batch.draft.merge(draft);
            batch.effects.extend(effects);
            self.dirty = true;
        }
    }

    /// Computes the hashes that are missing, of all writes so far at once, writes out the rows that
    /// were held back, and completes and stores the answers for retries.
    fn finalize(&mut self) -> StoreResult<()> {
        let mut flushed = Ok(());
        for batch in self.namespaces.values_mut() {
            batch.draft.finalize_hashes(self.shared.threads, || {
                if flushed.is_ok() {
                    flushed = self.session.flush();
                }
            });
        }
        flushed?;
        let count = self.answers.len();
        if count == 0 {
            return Ok(());
        }
        compute_directions(
            &mut self.namespaces,
            &mut self.replies,
            self.shared.threads,
            || {},
        );
        for PendingAnswer { namespace, reply } in self.answers.drain(..) {
            let PendingReply { job, result } = &self.replies[reply];
            if let Ok(written) = result {
                idempotency::put_command(
                    self.session,
                    namespace,
                    &job.context.request_id,
                    job.context.fingerprint,
                    (&written.outcome, written.revision),
                )?;
            }
        }
        idempotency::expire(self.session, count)
    }

    /// Makes the batch durable. What readers and callers need and the store does not is computed
    /// beside the commit.
    pub(crate) fn commit(&mut self) -> Commit {
        if !self.dirty {
            self.session.rollback();
            return Commit::Committed;
        }
        if let Err(error) = self.write_sums() {
            return Commit::Unknown(error);
        }
        let mut ended = Commit::Committed;
        let session = &mut *self.session;
        compute_directions(
            &mut self.namespaces,
            &mut self.replies,
            self.shared.threads,
            || {
                if let Err(error) = reach(Failpoint::WriteCommit) {
                    ended = Commit::Unknown(error);
                    return;
                }
                ended = session.commit();
                if let Err(error) = reach(Failpoint::WriteCommitted) {
                    ended = Commit::Unknown(error);
                }
            },
        );
        ended
    }

    /// Finds out how a batch ended that failed at any step: a store may know that it wrote nothing.
    pub(crate) fn resolve(&mut self, ended: Commit) -> Commit {
        match ended {
            Commit::Unknown(cause) => self.session.resolve(cause),
            ended => ended,
        }
    }

    fn write_sums(&mut self) -> StoreResult<()> {
        self.finalize()?;
        for batch in self.namespaces.values() {
            if batch.changed() {
                flush_sums::write_due(self.session, &batch.loaded, &batch.draft, &batch.effects)?;
            }
        }
        reach(Failpoint::WriteSums)
    }

    /// The batch is durable, or was empty.
    pub(crate) fn committed(self) -> CommittedBatch {
        let namespaces = self.namespaces.into_values();
        let namespaces: Vec<_> = namespaces.filter(NamespaceBatch::changed).collect();
        for batch in &namespaces {
            batch.loaded.dirty_sums.lock().commit();
        }
        CommittedBatch {
            namespaces,
            replies: self.replies,
            durable: self.dirty,
        }
    }

    /// Nothing of the batch was written: gives the jobs back, in order.
    pub(crate) fn rolled_back(self) -> impl Iterator<Item = Box<WriteJob>> {
        self.session.rollback();
        for batch in self.namespaces.values() {
            batch.loaded.dirty_sums.lock().rollback();
        }
        self.replies.into_iter().map(|reply| reply.job)
    }

    /// The store failed: nothing of the batch is acknowledged. Returns the error, and the replies with it.
    pub(crate) fn failed(self, error: StoreError) -> (Error, Vec<PendingReply>) {
        let error = Error::from(error);
        self.shared.health.fail_by(&error);
        let failed = |job| PendingReply::new(job, Err(error.clone()));
        let replies = self.rolled_back().map(failed).collect();
        (error, replies)
    }
}

/// Computes what readers and callers need, and completes the answers. `meanwhile` is done first on
/// this thread, while other threads begin.
fn compute_directions(
    namespaces: &mut FxHashMap<i64, NamespaceBatch>,
    replies: &mut [PendingReply],
    threads: usize,
    meanwhile: impl FnOnce(),
) {
    let drafts = namespaces.values_mut().map(|batch| &mut batch.draft);
    Draft::compute_directions(drafts, threads, meanwhile);
    for batch in namespaces.values_mut() {
        for EntryDrift { at, drift } in batch.draft.take_drifts() {
            if let Some(PendingReply {
                result: Ok(written),
                ..
            }) = replies.get_mut(at.command)
            {
                written.outcome.set_drift(at.entry, drift);
            }
        }
    }
}

type Change = (Draft, Vec<(i64, u64)>);

struct Applied {
    written: Written,
    change: Option<Change>,
    /// The answer is stored for a retry.
    stores_answer: bool,
}

enum Failure {
    Refused(Error),
    Store(StoreError),
    Conflict,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use ee_core::command::{Assignment, CategoryPut, Command, ItemPut, Outcome, Unassignment};

    use crate::write::writer::tests::Blocking;
    use crate::{Engine, NewNamespace, Options, Result, WriteContext};

    fn engine(directory: &std::path::Path) -> Engine {
        let engine = Engine::open(directory, Options::default()).unwrap();
        engine
            .create_namespace(NewNamespace::plain(2), WriteContext::default())
            .unwrap();
        let put = |key: &str, window| CategoryPut {
            key: key.into(),
            base: Some(Some(vec![1.0, 2.0])),
            window: Some(window),
            ..CategoryPut::default()
        };
        let command = Command::PutCategories(vec![put("c", 0), put("w", 2)]);
        write(&engine, command, false, "").unwrap();
        engine
    }

    fn write(
        engine: &Engine,
        command: Command,
        validate_only: bool,
        request_id: &str,
    ) -> Result<Outcome> {
        let namespace = engine.handle("n").unwrap();
        let context = WriteContext {
            validate_only,
            request_id: request_id.into(),
            ..WriteContext::default()
        };
        Ok(engine.write(&namespace, command, context)?.outcome)
    }

    fn item(key: &str, x: f32) -> ItemPut {
        ItemPut {
            key: key.into(),
            embedding: Some(vec![x, 1.0]),
            ..ItemPut::default()
        }
    }

    fn assign(entries: &[(&str, &str)]) -> Command {
        let entry = |(place, (key, category)): (usize, &(&str, &str))| Assignment {
            item: item(key, place as f32),
            category: (*category).into(),
        };
        Command::Assign(entries.iter().enumerate().map(entry).collect())
    }

    fn unassign(keys: &[&str]) -> Command {
        let entry = |key: &&str| Unassignment {
            item: (*key).into(),
            ..Unassignment::default()
        };
        Command::Unassign(keys.iter().map(entry).collect())
    }

    /// Commands that look at, change and undo what those before have left waiting, whether they
    /// are only tried, and ids, of which some come twice.
    fn commands() -> Vec<(Command, bool, String)> {
        let commands = vec![
            (assign(&[("a", "c")]), false),
            (assign(&[("b", "c"), ("b2", "nowhere")]), false),
            (assign(&[("b", "w"), ("a", "w")]), false),
            (unassign(&["a", "nobody"]), false),
            (
                assign(&[("a", "w"), ("d", "w"), ("e", "w"), ("f", "nowhere")]),
                false,
            ),
            (Command::PutItems(vec![item("x", 3.0)]), false),
            (assign(&[("x", "w"), ("y", "w"), ("x", "w")]), false),
            (assign(&[("z", "c"), ("a", "c")]), true),
            (assign(&[("z", "c")]), false),
            (
                Command::PutItems(vec![item("z", 9.0), item("q", 1.0)]),
                false,
            ),
            (unassign(&["z", "y"]), false),
            (
                Command::DeleteItems {
                    keys: vec!["q".into(), "b".into()],
                    allow_missing: false,
                },
                false,
            ),
            (assign(&[("q", "c"), ("b", "c"), ("a", "c")]), false),
            (assign(&[("last", "c")]), true),
        ];
        let with_id = |(place, (command, try_only)): (usize, _)| {
            (command, try_only, (place % 11).to_string())
        };
        commands.into_iter().enumerate().map(with_id).collect()
    }

    #[test]
    fn commands_in_a_batch_give_the_same_state_as_one_by_one() {
        let directories = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [alone, batched] = directories.each_ref().map(|each| engine(each.path()));
        let expected: Vec<_> = commands()
            .into_iter()
            .map(|(command, try_only, id)| write(&alone, command, try_only, &id))
            .collect();

        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let wait = Blocking { begun, go: may_go };
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let batched = &batched;
            scope.spawn(move || batched.writer.operation(wait).unwrap());
            has_begun.recv().unwrap();
            let mut writes = Vec::new();
            for (command, try_only, id) in commands() {
                writes.push(scope.spawn(move || write(batched, command, try_only, &id)));
                while batched.writer.queued() < writes.len() {
                    std::thread::yield_now();
                }
            }
            go.send(()).unwrap();
            writes
                .into_iter()
                .map(|write| write.join().unwrap())
                .collect()
        });
        assert!(outcomes.iter().any(Result::is_err));
        assert_eq!(outcomes, expected);
        // Answers were kept, each with its drifts.
        for (command, try_only, id) in commands() {
            let again = |engine| write(engine, command.clone(), try_only, &id);
            assert_eq!(again(&batched), again(&alone));
        }
        let [alone, batched] = [alone, batched].map(|engine| {
            let report = engine.verify(&engine.handle("n").unwrap()).unwrap().value;
            assert_eq!(report.findings, [""; 0]);
            (
                report.digest,
                engine
                    .namespace(&engine.handle("n").unwrap(), Default::default())
                    .unwrap()
                    .revision,
            )
        });
        assert_eq!(batched, alone);
    }
}
