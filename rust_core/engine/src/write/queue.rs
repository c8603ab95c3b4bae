//! Jobs that wait for the writer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ee_core::command::{Command, Prepared};
use parking_lot::{ArcRwLockReadGuard, Condvar, Mutex, RawRwLock};

use crate::api::WriteContext;
use crate::catalog::cached_namespace::CachedNamespace;
use crate::write::operation::QueuedOperation;
use crate::write::reply::Reply;
use crate::{Error, Result};

/// A write of a namespace, and what gets its result.
pub(crate) struct WriteJob {
    pub(crate) loaded: Arc<CachedNamespace>,
    pub(crate) command: Command,
    pub(crate) context: WriteContext,
    /// Sums that the command may need; `None`: it builds them itself.
    pub(crate) prepared: Option<Prepared>,
    pub(crate) reply: Reply,
    /// Keeps away writes that must be alone; `None`: this one is.
    pub(crate) beside: Option<Beside>,
}

/// A namespace's `writing`, held by a write that others may come beside.
pub(crate) type Beside = ArcRwLockReadGuard<RawRwLock, ()>;

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

/// Jobs in order of arrival. Their number is bounded by that of the calls that a transport admits, or of the
/// threads that wait for their own writes.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// An eviction is among the jobs.
    evicting: bool,
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

    /// Puts an eviction at the end, unless one waits already: a job between two writes keeps them from
    /// sharing a commit.
    pub(crate) fn push_eviction(&self) {
        let mut state = self.state.lock();
        if state.closed || state.evicting {
            return;
        }
        state.evicting = true;
        state.jobs.push_back(Job::Evict);
        drop(state);
        self.arrived.notify_one();
    }

    /// Takes the first job.
    pub(crate) fn pop(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let job = state.jobs.pop_front();
        if matches!(job, Some(Job::Evict)) {
            state.evicting = false;
        }
        job
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

    /// Takes no more jobs. Returns those that wait: dropping them answers them.
    pub(crate) fn close(&self) -> VecDeque<Job> {
        let mut state = self.state.lock();
        state.closed = true;
        std::mem::take(&mut state.jobs)
    }
}
