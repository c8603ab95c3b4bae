//! Writes that share one commit.

use std::sync::Arc;
use std::time::Instant;

use ee_core::command::{Command, CommandContext, Outcome, WriteError, execute};
use ee_core::namespace::{Draft, EntryDrift, Origin};
use rusqlite::Connection;
use rustc_hash::FxHashMap;

use crate::api::Written;
use crate::catalog::cached_namespace::Loaded;
use crate::failpoints::{Step, reach};
use crate::shared::Shared;
use crate::store::{
    Head, NewMembers, Pending, Remembered, SqlStore, StoreError, StoreResult, queries, statement,
};
use crate::write::flush_sums;
use crate::write::oneshot::Reply;
use crate::write::queue::WriteJob;
use crate::{Error, Result};

/// A namespace with its uncommitted changes.
struct Working {
    loaded: Arc<Loaded>,
    draft: Draft,
    /// (category, revision) of each effect.
    effects: Vec<(i64, u64)>,
}

/// New items that wait to be settled at the most: they are kept in memory so long.
const UNSETTLED: usize = 64;

impl Working {
    /// Each change makes a revision; a namespace without one was only looked at.
    fn changed(&self) -> bool {
        self.draft.header.revision != self.loaded.read().header().revision
    }
}

/// An answer that is kept for a retry, once it is complete.
struct Kept {
    namespace: i64,
    request_id: String,
    fingerprint: u64,
    /// Its place among the answers.
    answer: usize,
}

type Answer = (Reply<Result<Written>>, Result<Written>);

/// Writes that share one commit, and the transaction that they are in.
pub(crate) struct Group<'a> {
    connection: &'a Connection,
    head: &'a mut Head,
    shared: &'a Shared,
    working: FxHashMap<i64, Working>,
    answers: Vec<Answer>,
    /// Answers that wait to be kept.
    kept: Vec<Kept>,
    /// Steps before this group.
    before: u64,
    /// Anything was written.
    dirty: bool,
    pending: Pending,
    new_members: &'a mut NewMembers,
}

impl<'a> Group<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        head: &'a mut Head,
        shared: &'a Shared,
        now_ms: i64,
        new_members: &'a mut NewMembers,
    ) -> Self {
        head.time_ms = now_ms;
        Self {
            before: head.sequence,
            connection,
            head,
            shared,
            working: FxHashMap::default(),
            answers: Vec::new(),
            kept: Vec::new(),
            dirty: false,
            pending: Pending::default(),
            new_members,
        }
    }

    pub(crate) fn begin(&mut self) -> StoreResult<()> {
        reach(Step::WriteBegin)?;
        self.statement("BEGIN IMMEDIATE")
    }

    /// Number of writes so far.
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Applies a write, or refuses it and leaves no trace. An error means that the store failed,
    /// and the whole group with it.
    pub(crate) fn write(&mut self, job: WriteJob) -> StoreResult<()> {
        let done = self.write_or_undo(&job);
        let (answer, failed) = match done {
            Ok(answer) => (answer, None),
            // The group's end answers it.
            Err(error) => (Err(Error::ShuttingDown), Some(error)),
        };
        let context = job.context;
        if let Ok(Written {
            replayed: false, ..
        }) = answer
            && !context.request_id.is_empty()
            && !context.validate_only
        {
            self.kept.push(Kept {
                namespace: job.loaded.id,
                request_id: context.request_id,
                fingerprint: context.fingerprint,
                answer: self.answers.len(),
            });
        }
        self.answers.push((job.reply, answer));
        if let Some(error) = failed {
            return Err(error);
        }
        let created = self
            .working
            .get(&job.loaded.id)
            .map(|w| w.draft.created.len());
        if created.is_some_and(|created| created >= UNSETTLED) {
            self.settle()?;
        }
        Ok(())
    }

    fn write_or_undo(&mut self, job: &WriteJob) -> StoreResult<Result<Written>> {
        let before = *self.head;
        self.pending.begin();
        let result = match self.apply(job) {
            // SQLite may have rolled back the whole transaction, savepoint and all.
            Err(Failure::Store(error @ StoreError::Sqlite(_))) => return Err(error),
            Err(Failure::Store(error)) => Err(error.into()),
            Err(Failure::Refused(error)) => Err(error),
            Ok(applied) => Ok(applied),
        };
        let keep = result.is_ok() && !job.context.validate_only;
        if keep {
            self.pending.keep(self.connection)?;
        } else {
            self.pending.undo(self.connection)?;
            *self.head = before;
        }
        reach(Step::WriteApplied)?;
        Ok(result.map(
            |Applied {
                 written,
                 change,
                 remembered,
             }| {
                self.dirty |= keep && remembered;
                if let (true, Some(change)) = (keep, change) {
                    self.merge(change);
                }
                written
            },
        ))
    }

    /// Makes it durable. What readers and callers need and the store does not is computed meanwhile.
    pub(crate) fn commit(&mut self) -> StoreResult<Finished> {
        if self.dirty {
            self.settle()?;
            for working in self.working.values() {
                if working.changed() {
                    flush_sums::save_due(
                        self.connection,
                        &working.loaded,
                        &working.draft,
                        &working.effects,
                    )?;
                }
            }
            let added = self.pending.members();
            queries::move_new_members(self.connection, self.new_members, added)?;
            reach(Step::WriteSums)?;
            // Each commit that is acknowledged is a step, so that its loss can be seen.
            self.head.sequence = self.head.sequence.max(self.before + 1);
            self.head.save(self.connection)?;
            let connection = self.connection;
            let mut committed = Ok(());
            self.complete(|| {
                committed = reach(Step::WriteCommit)
                    .and_then(|()| statement(connection, "COMMIT"))
                    .and_then(|()| reach(Step::WriteCommitted));
            });
            committed?;
        } else {
            self.statement("ROLLBACK")?;
        }
        let working = std::mem::take(&mut self.working).into_values();
        Ok(Finished {
            working: working.filter(Working::changed).collect(),
            answers: std::mem::take(&mut self.answers),
            sequence: self.dirty.then_some(self.head.sequence),
        })
    }

    /// The store failed: nothing of the group is acknowledged.
    pub(crate) fn abandon(self, error: StoreError) -> Error {
        let _ = self.statement("ROLLBACK");
        let error = Error::from(error);
        self.shared.fail_by(&error);
        for (reply, _) in self.answers {
            reply.send(Err(error.clone()));
        }
        error
    }

    fn apply(&mut self, job: &WriteJob) -> std::result::Result<Applied, Failure> {
        let context = &job.context;
        if context
            .deadline
            .is_some_and(|deadline| Instant::now() > deadline)
        {
            return Err(Failure::Refused(Error::DeadlineExceeded));
        }
        let id = job.loaded.id;
        if !self.working.contains_key(&id) {
            let working = self.open(job).map_err(Failure::Refused)?;
            self.working.insert(id, working);
        }
        if !context.request_id.is_empty() {
            let mut kept = self.kept.iter();
            if kept.any(|kept| kept.namespace == id && kept.request_id == context.request_id) {
                self.settle()?;
            }
            match queries::recall::<(Outcome, u64)>(
                self.connection,
                id,
                &context.request_id,
                context.fingerprint,
                self.head.time_ms,
            )? {
                Remembered::No => {}
                Remembered::Answer((outcome, revision)) => {
                    return Ok(Applied {
                        written: Written {
                            outcome,
                            revision,
                            replayed: true,
                        },
                        change: None,
                        remembered: false,
                    });
                }
                Remembered::Other => {
                    return Err(Failure::Refused(Error::RequestIdReused {
                        request_id: context.request_id.clone(),
                    }));
                }
            }
        }
        if let Command::UpdateProfile { .. } = job.command {
            // Its answer has the digest.
            self.settle()?;
        }
        let working = &self.working[&id];
        let origin = Origin {
            time_ms: self.head.time_ms,
            actor: context.actor.clone(),
            reason: context.reason.clone(),
        };
        let mut applied = {
            let published = working.loaded.read();
            let pending = &mut self.pending;
            let mut store = SqlStore::new(self.connection, id, self.head, pending);
            execute(
                &published,
                &working.draft,
                &mut store,
                &job.command,
                CommandContext {
                    origin: &origin,
                    request_id: &context.request_id,
                    number: self.answers.len(),
                },
            )
            .map_err(|error| match error {
                WriteError::Rejected(rejection) => Failure::Refused(rejection.into()),
                WriteError::Store(error) => Failure::Store(error),
            })?
        };
        if context.validate_only {
            // No end of a group waits for what was only tried.
            applied.complete(self.shared.threads);
        }
        let mut revision = working.draft.header.revision;
        let mut change = None;
        if let Some((draft, entry)) = applied.change {
            if !context.validate_only {
                revision = entry.revision;
                self.head.sequence += 1;
                self.pending.entry(id, self.head.sequence, &entry);
            }
            let effects = entry.effects.iter();
            let effects = effects
                .map(|effect| (effect.category, entry.revision))
                .collect();
            change = Some((id, draft, effects));
        }
        Ok(Applied {
            written: Written {
                outcome: applied.outcome,
                revision,
                replayed: false,
            },
            change,
            remembered: !context.request_id.is_empty(),
        })
    }

    /// The namespace that a write is for, if it still is the one that the caller meant.
    fn open(&self, job: &WriteJob) -> Result<Working> {
        let retired = job
            .loaded
            .retired
            .load(std::sync::atomic::Ordering::Acquire);
        let loaded = if retired {
            let current = self.shared.current(&job.loaded);
            current.map_err(|error| self.shared.read_error(error))?
        } else {
            Arc::clone(&job.loaded)
        };
        let draft = Draft::new(*loaded.read().header());
        Ok(Working {
            loaded,
            draft,
            effects: Vec::new(),
        })
    }

    fn merge(&mut self, (id, draft, effects): Change) {
        if let Some(working) = self.working.get_mut(&id) {
            working.draft.merge(draft);
            working.effects.extend(effects);
            self.dirty = true;
        }
    }

    /// Computes what the store needs and no command has needed so far, for all of them at once,
    /// inserts the rows that wait, and completes and keeps the answers that are to be kept.
    fn settle(&mut self) -> StoreResult<()> {
        let mut inserted = Ok(());
        for working in self.working.values_mut() {
            working.draft.finalize_hashes(self.shared.threads, || {
                if inserted.is_ok() {
                    inserted = self.pending.insert(self.connection);
                }
            });
        }
        inserted?;
        let count = self.kept.len();
        if count == 0 {
            return Ok(());
        }
        self.complete(|| {});
        self.pending.written();
        let (connection, now_ms) = (self.connection, self.head.time_ms);
        for kept in self.kept.drain(..) {
            if let (_, Ok(written)) = &self.answers[kept.answer] {
                queries::remember(
                    connection,
                    kept.namespace,
                    &kept.request_id,
                    kept.fingerprint,
                    now_ms,
                    &(&written.outcome, written.revision),
                )?;
            }
        }
        queries::forget_old(connection, now_ms, count)
    }

    /// Computes what readers and callers need, and completes the answers. `own` is what this thread
    /// does first, while others begin.
    fn complete(&mut self, own: impl FnOnce()) {
        let drafts = self.working.values_mut().map(|working| &mut working.draft);
        Draft::compute_directions(drafts, self.shared.threads, own);
        for working in self.working.values_mut() {
            for EntryDrift { at, drift } in working.draft.take_drifts() {
                if let Some((_, Ok(written))) = self.answers.get_mut(at.command) {
                    written.outcome.set_drift(at.entry, drift);
                }
            }
        }
    }

    fn statement(&self, sql: &str) -> StoreResult<()> {
        statement(self.connection, sql)
    }
}

type Change = (i64, Draft, Vec<(i64, u64)>);

struct Applied {
    written: Written,
    change: Option<Change>,
    /// The answer was kept for a retry.
    remembered: bool,
}

enum Failure {
    Refused(Error),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A group that is durable.
pub(crate) struct Finished {
    working: Vec<Working>,
    answers: Vec<Answer>,
    /// Steps so far, if there are more than before.
    sequence: Option<u64>,
}

impl Finished {
    /// Number of writes that shared the commit; none if there was nothing to commit.
    pub(crate) fn durable(&self) -> Option<usize> {
        self.sequence.map(|_| self.answers.len())
    }

    /// Makes it visible, then answers.
    pub(crate) fn publish(self, shared: &Shared) {
        for working in self.working {
            let grown = working.loaded.publish(working.draft);
            shared.registry.grow(grown);
        }
        if let Some(sequence) = self.sequence {
            shared.acknowledge(sequence, [Step::WritePublished, Step::WriteMarked]);
        }
        for (reply, answer) in self.answers {
            reply.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use ee_core::command::{Assignment, CategoryPut, Command, ItemPut, Outcome, Unassignment};

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
    fn commands_of_a_group_leave_what_they_leave_one_by_one() {
        let directories = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [alone, group] = directories.each_ref().map(|each| engine(each.path()));
        let expected: Vec<_> = commands()
            .into_iter()
            .map(|(command, try_only, id)| write(&alone, command, try_only, &id))
            .collect();

        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let wait = move |_: &_, _: &mut _| {
            begun.send(()).unwrap();
            may_go.recv().unwrap();
            Ok(())
        };
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let group = &group;
            scope.spawn(move || group.writer.task(wait, |_, ()| {}).unwrap());
            has_begun.recv().unwrap();
            let mut writes = Vec::new();
            for (command, try_only, id) in commands() {
                writes.push(scope.spawn(move || write(group, command, try_only, &id)));
                while group.writer.queued() < writes.len() {
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
            assert_eq!(again(&group), again(&alone));
        }
        let [alone, group] = [alone, group].map(|engine| {
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
        assert_eq!(group, alone);
    }
}
