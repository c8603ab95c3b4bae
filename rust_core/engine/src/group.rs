//! Writes that share one commit.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;
use ee_core::command::Outcome;
use ee_core::state::Draft;
use ee_core::store::Origin;
use ee_core::write::{WriteError, execute};
use rusqlite::Connection;
use rustc_hash::FxHashMap;

use crate::api::Written;
use crate::loaded::Loaded;
use crate::shared::Shared;
use crate::store::{Head, Remembered, SqlStore, StoreError, StoreResult, queries};
use crate::sums;
use crate::writer::WriteJob;
use crate::{Error, Result};

/// A namespace with its uncommitted changes.
struct Working {
    loaded: Arc<Loaded>,
    draft: Draft,
    /// (category, revision) of each effect.
    effects: Vec<(i64, u64)>,
}

impl Working {
    /// Each change makes a revision; a namespace without one was only looked at.
    fn changed(&self) -> bool {
        self.draft.header.revision != self.loaded.read().header().revision
    }
}

type Answer = (Sender<Result<Written>>, Result<Written>);

/// Writes that share one commit, and the transaction that they are in.
pub(crate) struct Group<'a> {
    connection: &'a Connection,
    head: &'a mut Head,
    shared: &'a Shared,
    working: FxHashMap<i64, Working>,
    answers: Vec<Answer>,
    /// Anything was written.
    dirty: bool,
}

impl<'a> Group<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        head: &'a mut Head,
        shared: &'a Shared,
        now_ms: i64,
    ) -> Self {
        head.time_ms = now_ms;
        Self {
            connection,
            head,
            shared,
            working: FxHashMap::default(),
            answers: Vec::new(),
            dirty: false,
        }
    }

    pub(crate) fn begin(&mut self) -> StoreResult<()> {
        self.statement("BEGIN IMMEDIATE")
    }

    /// Number of writes so far.
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Applies a write, or refuses it and leaves no trace. An error means that the store failed,
    /// and the whole group with it.
    pub(crate) fn write(&mut self, job: WriteJob) -> StoreResult<()> {
        let before = *self.head;
        self.statement("SAVEPOINT command")?;
        let result = self.apply(&job);
        let keep = result.is_ok() && !job.context.validate_only;
        if !keep {
            self.statement("ROLLBACK TO command")?;
            *self.head = before;
        }
        self.statement("RELEASE command")?;
        let answer = match result {
            Ok(Applied { written, change }) => {
                if let (true, Some(change)) = (keep, change) {
                    self.merge(change);
                }
                Ok(written)
            }
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Store(StoreError::Corrupted { place, what })) => {
                Err(Error::Corrupted { place, what })
            }
            Err(Failure::Store(error)) => {
                self.answers.push((job.reply, Err(Error::ShuttingDown)));
                return Err(error);
            }
        };
        self.answers.push((job.reply, answer));
        Ok(())
    }

    /// Makes it durable.
    pub(crate) fn commit(&mut self) -> StoreResult<Finished> {
        if self.dirty {
            for working in self.working.values() {
                if working.changed() {
                    sums::save_due(
                        self.connection,
                        &working.loaded,
                        &working.draft,
                        &working.effects,
                    )?;
                }
            }
            self.head.save(self.connection)?;
            self.statement("COMMIT")?;
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
        self.shared.fail(&error.to_string());
        for (reply, _) in self.answers {
            let _ = reply.send(Err(error.clone()));
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
        let id = job.target.id;
        if !self.working.contains_key(&id) {
            let working = self.open(job).map_err(Failure::Refused)?;
            self.working.insert(id, working);
        }
        if !context.request_id.is_empty() {
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
                        written: Written { outcome, revision },
                        change: None,
                    });
                }
                Remembered::Other => {
                    return Err(Failure::Refused(Error::RequestIdReused {
                        request_id: context.request_id.clone(),
                    }));
                }
            }
        }
        let working = &self.working[&id];
        let origin = Origin {
            time_ms: self.head.time_ms,
            actor: context.actor.clone(),
            reason: context.reason.clone(),
        };
        let applied = {
            let published = working.loaded.read();
            let mut store = SqlStore::new(self.connection, id, self.head);
            execute(
                &published,
                &working.draft,
                &mut store,
                &job.command,
                &origin,
                &context.request_id,
            )
            .map_err(|error| match error {
                WriteError::Refused(refusal) => Failure::Refused(refusal.into()),
                WriteError::Store(error) => Failure::Store(error),
            })?
        };
        let mut revision = working.draft.header.revision;
        let mut change = None;
        if let Some((draft, entry)) = applied.change {
            revision = if context.validate_only {
                revision
            } else {
                entry.revision
            };
            self.head.sequence += 1;
            queries::append_entry(self.connection, id, self.head.sequence, &entry)?;
            let effects = entry.effects.iter();
            let effects = effects
                .map(|effect| (effect.category, entry.revision))
                .collect();
            change = Some((id, draft, effects));
        }
        if !context.request_id.is_empty() {
            queries::remember(
                self.connection,
                id,
                &context.request_id,
                context.fingerprint,
                self.head.time_ms,
                &(&applied.outcome, revision),
            )?;
            self.dirty |= !context.validate_only;
        }
        Ok(Applied {
            written: Written {
                outcome: applied.outcome,
                revision,
            },
            change,
        })
    }

    /// The namespace that a write is for, if it still is the one that the caller meant.
    fn open(&self, job: &WriteJob) -> Result<Working> {
        let retired = job
            .loaded
            .retired
            .load(std::sync::atomic::Ordering::Acquire);
        let loaded = if retired {
            self.shared.registry.get(&job.target.name)?
        } else {
            Arc::clone(&job.loaded)
        };
        if loaded.target.id != job.target.id {
            return Err(Error::NamespaceNotFound {
                name: job.target.name.clone(),
            });
        }
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

    fn statement(&self, sql: &str) -> StoreResult<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

type Change = (i64, Draft, Vec<(i64, u64)>);

struct Applied {
    written: Written,
    change: Option<Change>,
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
    /// Entries in the log, if there are more than before.
    sequence: Option<u64>,
}

impl Finished {
    /// Makes it visible, then answers.
    pub(crate) fn publish(self, shared: &Shared) {
        for working in self.working {
            let grown = working.loaded.publish(working.draft);
            shared.registry.grow(grown);
        }
        if let Some(sequence) = self.sequence
            && let Err(error) = shared.directory.raise_watermark(sequence)
        {
            // This group is durable and may be acknowledged; a later loss could go unseen.
            shared.fail(&format!("cannot write the watermark: {error}"));
        }
        for (reply, answer) in self.answers {
            let _ = reply.send(answer);
        }
    }
}
