//! Concurrency limits: permits for calls, streams and reply bytes, of which each principal may
//! hold a share. A permit is given back when it is dropped.

mod capacity;
mod stream_pace;
#[cfg(test)]
mod tests;

pub use stream_pace::StreamPace;

use std::sync::Arc;

use parking_lot::Mutex;

use self::capacity::Capacity;

/// The values of the limits. A share is the part that one principal may hold, and at most half of what
/// the others leave where that is less (see `capacity.rs`); a share that equals the whole has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls that are executed or wait for a worker, streams included.
    pub calls: u64,
    /// Such calls of one principal.
    pub calls_share: u64,
    /// Calls whose request is still awaited.
    pub arriving: u64,
    /// Such calls of one principal.
    pub arriving_share: u64,
    /// Streaming calls; each also counts as a call.
    pub streams: u64,
    /// Streaming calls of one principal.
    pub streams_share: u64,
    /// Reads that wait for a revision, without a thread.
    pub waiting: u64,
    /// Such reads of one principal.
    pub waiting_share: u64,
    /// Bytes of replies that clients have not taken yet.
    pub reply_bytes: u64,
    /// Such bytes of one principal.
    pub reply_bytes_share: u64,
}

/// The purpose of a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// To wait for the request of a call.
    Arriving,
    /// To execute a unary call.
    Unary,
    /// To execute a streaming call.
    Streaming,
    /// To wait for a revision that is not reached yet.
    Waiting,
}

/// The limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The name of the limit.
    pub limit: &'static str,
    /// Its value.
    pub value: u64,
}

/// Counts the work under way, in all and per principal.
#[derive(Debug)]
pub struct ConcurrencyLimiter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    calls: Capacity,
    arriving: Capacity,
    streams: Capacity,
    waiting: Capacity,
    reply_bytes: Capacity,
}

impl ConcurrencyLimiter {
    /// A limiter without any work under way.
    pub fn new(limits: Limits) -> Arc<Self> {
        const PER_PRINCIPAL: &str = "calls_per_principal";
        let state = State {
            calls: Capacity::new(
                ("concurrent_calls", limits.calls),
                (PER_PRINCIPAL, limits.calls_share),
            ),
            arriving: Capacity::new(
                ("arriving_calls", limits.arriving),
                (PER_PRINCIPAL, limits.arriving_share),
            ),
            streams: Capacity::new(
                ("streaming_calls", limits.streams),
                ("streams_per_principal", limits.streams_share),
            ),
            waiting: Capacity::new(
                ("waiting_reads", limits.waiting),
                ("waiting_reads_of_a_caller", limits.waiting_share),
            ),
            reply_bytes: Capacity::new(
                ("reply_bytes", limits.reply_bytes),
                ("reply_bytes_per_principal", limits.reply_bytes_share),
            ),
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// A permit for some work, if there is room for it now.
    ///
    /// While no permit to execute a call is free, a call may not wait for its request either: one is
    /// unlikely to become free before the request arrives.
    pub fn try_acquire(
        self: &Arc<Self>,
        principal: &Arc<str>,
        work: Work,
    ) -> Result<Permit, Shortage> {
        let mut state = self.state.lock();
        let State {
            calls,
            arriving,
            streams,
            waiting,
            ..
        } = &mut *state;
        let found = match work {
            Work::Arriving => calls
                .shortage(principal, 1)
                .or_else(|| arriving.shortage(principal, 1)),
            Work::Unary => calls.shortage(principal, 1),
            Work::Streaming => streams
                .shortage(principal, 1)
                .or_else(|| calls.shortage(principal, 1)),
            Work::Waiting => waiting.shortage(principal, 1),
        };
        if let Some(shortage) = found {
            return Err(shortage);
        }
        match work {
            Work::Arriving => arriving.take(principal, 1),
            Work::Unary => calls.take(principal, 1),
            Work::Streaming => {
                calls.take(principal, 1);
                streams.take(principal, 1);
            }
            Work::Waiting => waiting.take(principal, 1),
        }
        Ok(Permit {
            limiter: Arc::clone(self),
            principal: Arc::clone(principal),
            held: Held::Work(work),
        })
    }

    /// The number of calls that are admitted and not answered yet.
    pub fn in_flight(&self) -> u64 {
        let state = self.state.lock();
        state.calls.taken + state.arriving.taken + state.waiting.taken
    }

    /// The bytes of replies that clients have not taken yet.
    pub fn reply_bytes(&self) -> u64 {
        self.state.lock().reply_bytes.taken
    }
}

impl State {
    fn give_back(&mut self, principal: &str, held: Held) {
        match held {
            Held::Work(Work::Arriving) => self.arriving.give_back(principal, 1),
            Held::Work(Work::Unary) => self.calls.give_back(principal, 1),
            Held::Work(Work::Waiting) => self.waiting.give_back(principal, 1),
            Held::Work(Work::Streaming) => {
                self.calls.give_back(principal, 1);
                self.streams.give_back(principal, 1);
            }
            Held::ReplyBytes(bytes) => self.reply_bytes.give_back(principal, bytes),
        }
    }
}

/// Room that is taken; dropping the permit gives it back.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    limiter: Arc<ConcurrencyLimiter>,
    principal: Arc<str>,
    held: Held,
}

#[derive(Clone, Copy, Debug)]
enum Held {
    Work(Work),
    ReplyBytes(u64),
}

impl Permit {
    /// Exchanges the permit for one for other work of the same principal. If there is no room for
    /// that, the permit stays as it is.
    pub fn exchange(&mut self, work: Work) -> Result<(), Shortage> {
        *self = self.limiter.try_acquire(&self.principal, work)?;
        Ok(())
    }

    /// Exchanges the permit for one for the bytes of the reply, to be held until the client has
    /// taken them. While unread replies leave no room for them, the work's own permit is held
    /// instead; so the memory of unread replies is bounded, a reply is never refused after the
    /// work is done, and a principal that does not read is refused further work.
    pub fn exchange_for_reply(&mut self, bytes: u64) {
        let mut state = self.limiter.state.lock();
        if state.reply_bytes.shortage(&self.principal, bytes).is_none() {
            state.give_back(&self.principal, self.held);
            state.reply_bytes.take(&self.principal, bytes);
            self.held = Held::ReplyBytes(bytes);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.state.lock();
        state.give_back(&self.principal, self.held);
    }
}
