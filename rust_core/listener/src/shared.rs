//! What all connections of a listener share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::sync::watch;

use crate::calls::Calls;
use crate::config::Config;
use crate::cores::Cores;
use crate::events::{Events, Level};
use crate::workers::Workers;

/// How far a listener has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It serves.
    Not,
    /// No connection takes more calls.
    Graceful,
    /// Every connection is closed.
    Now,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) calls: Arc<Calls>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) cores: Arc<Cores>,
    /// Calls that were cancelled because their clients stalled.
    pub(crate) stalled: AtomicU64,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) serving: watch::Sender<bool>,
    pub(crate) stop: watch::Sender<Stop>,
}

impl Shared {
    pub(crate) fn new(config: Config, calls: Arc<Calls>, cores: Arc<Cores>) -> Self {
        let workers = Workers::new(Arc::clone(&cores), config.idle_poll);
        Self {
            config,
            calls,
            workers,
            cores,
            stalled: AtomicU64::new(0),
            connections: Arc::default(),
            serving: watch::Sender::new(false),
            stop: watch::Sender::new(Stop::Not),
        }
    }

    /// Whether health is SERVING: the process says so, and nothing has failed since.
    pub(crate) fn is_serving(&self) -> bool {
        *self.serving.borrow() && self.calls.may_write()
    }

    /// The process's log.
    pub(crate) fn events(&self) -> &Arc<Events> {
        &self.calls.observation.recording.events
    }

    /// Notes that a call is cancelled because its client stalled.
    pub(crate) fn note_stalled(&self, peer: &str) {
        self.stalled.fetch_add(1, Relaxed);
        let seconds = self.config.stall_timeout.as_secs_f64();
        let message = format!("cancelled reason=stalled_client seconds={seconds} peer='{peer}'");
        self.events().log(Level::Warning, message);
    }
}
