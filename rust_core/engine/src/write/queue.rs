//! Jobs that wait for the writer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ee_core::command::{Command, Prepared};
use parking_lot::{Condvar, Mutex};

use crate::api::{WriteContext, Written};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::write::oneshot::Sender;
use crate::write::operation::QueuedOperation;
use crate::{Error, Result};

/// A write of a namespace, and the caller that waits for it.
pub(crate) struct WriteJob {
    pub(crate) loaded: Arc<CachedNamespace>,
    pub(crate) command: Command,
    pub(crate) context: WriteContext,
    /// Sums that the command may need; `None`: it builds them itself.
    pub(crate) prepared: Option<Prepared>,
    pub(crate) reply: Sender<Result<Written>>,
}

pub(crate) enum Job {
    Write(Box<WriteJob>),
    Operation(Box<dyn QueuedOperation>),
    Evict,
    /// The store has upkeep to finish.
    Upkeep,
    /// Maintenance is due earlier than it was.
    Wake,
    Stop,
}

/// Jobs in order of arrival. Each caller waits for its own, so there are never more than threads.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// Puts a job at the end.
    pub(crate) fn push(&self, job: Job) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::ShuttingDown);
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes the first job.
    pub(crate) fn pop(&self) -> Option<Job> {
        self.state.lock().jobs.pop_front()
    }

    /// Takes the first job if it is a write.
    pub(crate) fn pop_write(&self) -> Option<Box<WriteJob>> {
        let mut state = self.state.lock();
        match state.jobs.pop_front()? {
            Job::Write(job) => Some(job),
            other => {
                state.jobs.push_front(other);
                None
            }
        }
    }

    /// Waits until there is a job, at most for a time.
    pub(crate) fn wait(&self, at_most: Option<Duration>) {
        let mut state = self.state.lock();
        if !state.jobs.is_empty() {
            return;
        }
        match at_most {
            None => self.arrived.wait(&mut state),
            Some(time) => drop(self.arrived.wait_for(&mut state, time)),
        }
    }

    /// The number of jobs.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().jobs.len()
    }

    /// Takes no more jobs. The callers of those that wait get no answer.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.jobs.clear();
    }
}
