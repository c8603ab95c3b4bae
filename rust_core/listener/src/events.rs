//! What the listener has to say to the process around it: lines for its log, spans for its traces.
//! The queue is bounded; what does not fit is dropped and counted.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex};

/// Events that may wait.
const MAX_QUEUED: usize = 4096;

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A line for each call.
    Debug,
    /// Something worth knowing.
    Info,
    /// Something unusual, which the service stands.
    Warning,
    /// A defect, or something that needs an operator.
    Error,
}

impl Level {
    /// The level's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// An admitted call that has ended, for a trace.
#[derive(Clone, Debug)]
pub struct Span {
    /// The method's full name, `package.Service/Method`.
    pub name: String,
    /// The call's W3C trace context: `traceparent` and `tracestate`, if the caller sent them.
    pub context: [Option<String>; 2],
    /// When the call's headers came.
    pub begin: SystemTime,
    /// How long the call took.
    pub duration: Duration,
    /// The status code's number.
    pub code: usize,
    /// The reason of a refusal; empty: the call succeeded.
    pub reason: &'static str,
    /// The call's id.
    pub request_id: String,
}

/// An event.
#[derive(Clone, Debug)]
pub enum Event {
    /// A line for the log.
    Log(Level, String),
    /// A call that has ended.
    Span(Box<Span>),
}

/// The queue of events.
#[derive(Debug, Default)]
pub struct Events {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    dropped: u64,
    closed: bool,
}

impl Events {
    /// Queues a line for the log.
    pub(crate) fn log(&self, level: Level, message: impl Into<String>) {
        self.push(Event::Log(level, message.into()));
    }

    /// Queues an event, or counts it as dropped.
    pub(crate) fn push(&self, event: Event) {
        let mut queue = self.queue.lock();
        if queue.events.len() >= MAX_QUEUED {
            queue.dropped += 1;
            return;
        }
        queue.events.push_back(event);
        drop(queue);
        self.arrived.notify_one();
    }

    /// Takes all queued events, waiting for the first one; `None` once the queue is closed and
    /// empty.
    pub fn take(&self, longest: Duration) -> Option<Vec<Event>> {
        let mut queue = self.queue.lock();
        if queue.events.is_empty() && !queue.closed {
            self.arrived.wait_for(&mut queue, longest);
        }
        if queue.events.is_empty() && queue.closed {
            return None;
        }
        Some(queue.events.drain(..).collect())
    }

    /// Ends the queue; what is in it can still be taken.
    pub fn close(&self) {
        self.queue.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Events that were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.queue.lock().dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_the_end_comes_after_the_events() {
        let events = Events::default();
        for _ in 0..MAX_QUEUED + 3 {
            events.log(Level::Info, "line");
        }
        assert_eq!(events.dropped(), 3);
        events.close();
        assert_eq!(
            events.take(Duration::ZERO).map(|all| all.len()),
            Some(MAX_QUEUED)
        );
        assert!(events.take(Duration::from_secs(9)).is_none());
    }
}
