//! Concurrency limits: permits for calls, streams and reply bytes, of which each principal may
//! hold a share. A permit is given back when it is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// The values of the limits. A share is what one principal may hold of the whole; a share that
/// equals the whole has no effect.
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
    /// Bytes of replies that clients have not taken yet.
    pub reply_bytes: u64,
    /// Such bytes of one principal.
    pub reply_bytes_share: u64,
}

/// What a permit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// To wait for the request of a call.
    Arriving,
    /// To execute a unary call.
    Unary,
    /// To execute a streaming call.
    Streaming,
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
    /// A call may not wait for its request either while there is no room to execute it: that there
    /// will be room by then is unlikely.
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
        state.calls.taken + state.arriving.taken
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

/// An amount that is shared out among principals.
#[derive(Debug)]
struct Capacity {
    whole: Shortage,
    share: Shortage,
    taken: u64,
    /// By principal; without the principals that hold nothing.
    held: HashMap<Arc<str>, u64>,
}

impl Capacity {
    fn new(whole: (&'static str, u64), share: (&'static str, u64)) -> Self {
        let shortage = |(limit, value)| Shortage { limit, value };
        Self {
            whole: shortage(whole),
            share: shortage(share),
            taken: 0,
            held: HashMap::new(),
        }
    }

    fn held(&self, principal: &str) -> u64 {
        self.held.get(principal).copied().unwrap_or(0)
    }

    /// The limit that an amount would exceed.
    fn shortage(&self, principal: &str, amount: u64) -> Option<Shortage> {
        if self.taken.saturating_add(amount) > self.whole.value {
            return Some(self.whole);
        }
        let held = self.held(principal).saturating_add(amount);
        (held > self.share.value).then_some(self.share)
    }

    fn take(&mut self, principal: &Arc<str>, amount: u64) {
        self.taken += amount;
        match self.held.get_mut(principal) {
            Some(held) => *held += amount,
            None => {
                self.held.insert(Arc::clone(principal), amount);
            }
        }
    }

    fn give_back(&mut self, principal: &str, amount: u64) {
        self.taken -= amount;
        if let Some(held) = self.held.get_mut(principal) {
            *held -= amount;
            if *held == 0 {
                self.held.remove(principal);
            }
        }
    }
}

/// How fast a client must send or take the messages of a stream, so that it does not hold the
/// stream's permit for ever by sending little. Only the time during which the service waits for
/// the client counts.
#[derive(Clone, Copy, Debug)]
pub struct StreamPace {
    bytes_per_second: f64,
    stall: Duration,
    waited: Duration,
    bytes: u64,
}

impl StreamPace {
    /// A stream that begins.
    ///
    /// A single message may take as long as `stall`. Over the whole stream the client may make
    /// the service wait for `stall` and for the time that its bytes take at `bytes_per_second`.
    pub fn new(bytes_per_second: f64, stall: Duration) -> Self {
        Self {
            bytes_per_second,
            stall,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// How long the client may take for the next message; zero: the stream is to be cancelled.
    pub fn allowance(&self) -> Duration {
        let earned = self.bytes as f64 / self.bytes_per_second;
        let earned = Duration::try_from_secs_f64(earned).unwrap_or(Duration::MAX);
        self.stall
            .saturating_add(earned)
            .saturating_sub(self.waited)
            .min(self.stall)
    }

    /// A message of so many bytes came or was taken after the service had waited for it.
    pub fn advance(&mut self, waited: Duration, bytes: u64) {
        self.waited = self.waited.saturating_add(waited);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        calls: 8,
        calls_share: 4,
        arriving: 16,
        arriving_share: 8,
        streams: 4,
        streams_share: 2,
        reply_bytes: 1000,
        reply_bytes_share: 500,
    };

    fn names(count: usize) -> Vec<Arc<str>> {
        (0..count).map(|n| Arc::from(format!("p{n}"))).collect()
    }

    fn take(limiter: &Arc<ConcurrencyLimiter>, who: &Arc<str>, work: Work, n: u64) -> Vec<Permit> {
        (0..n)
            .map(|_| limiter.try_acquire(who, work).unwrap())
            .collect()
    }

    #[track_caller]
    fn lacks(found: Result<Permit, Shortage>, limit: &str, value: u64) {
        let shortage = found.err().unwrap();
        assert_eq!((shortage.limit, shortage.value), (limit, value));
    }

    #[test]
    fn a_principal_has_a_share_and_all_together_have_the_whole() {
        let limiter = ConcurrencyLimiter::new(LIMITS);
        let [a, b, c] = &names(3)[..] else {
            unreachable!()
        };
        let held = take(&limiter, a, Work::Unary, 4);
        lacks(
            limiter.try_acquire(a, Work::Unary),
            "calls_per_principal",
            4,
        );
        let others = take(&limiter, b, Work::Unary, 4);
        lacks(limiter.try_acquire(c, Work::Unary), "concurrent_calls", 8);
        drop(held);
        drop(take(&limiter, c, Work::Unary, 4));
        assert_eq!(limiter.in_flight(), 4);
        drop(others);
        assert_eq!(limiter.in_flight(), 0);
    }

    #[test]
    fn a_call_without_room_may_not_wait_for_its_request() {
        let limiter = ConcurrencyLimiter::new(LIMITS);
        let [a, b, _] = &names(3)[..] else {
            unreachable!()
        };
        let _held = take(&limiter, a, Work::Unary, 4);
        lacks(
            limiter.try_acquire(a, Work::Arriving),
            "calls_per_principal",
            4,
        );
        let arriving = take(&limiter, b, Work::Arriving, 8);
        lacks(
            limiter.try_acquire(b, Work::Arriving),
            "calls_per_principal",
            8,
        );
        assert_eq!(limiter.in_flight(), 4 + 8);
        drop(arriving);
        assert_eq!(limiter.in_flight(), 4);
    }

    #[test]
    fn streams_are_calls_too_and_one_principal_cannot_take_all() {
        let limiter = ConcurrencyLimiter::new(LIMITS);
        let [a, b, c] = &names(3)[..] else {
            unreachable!()
        };
        let _held = take(&limiter, a, Work::Streaming, 2);
        let found = limiter.try_acquire(a, Work::Streaming);
        lacks(found, "streams_per_principal", 2);
        let _others = take(&limiter, b, Work::Streaming, 2);
        lacks(
            limiter.try_acquire(c, Work::Streaming),
            "streaming_calls",
            4,
        );
        let _rest = take(&limiter, a, Work::Unary, 2);
        lacks(
            limiter.try_acquire(a, Work::Unary),
            "calls_per_principal",
            4,
        );
    }

    #[test]
    fn unread_replies_beyond_their_limit_hold_the_permits_of_their_calls() {
        let limiter = ConcurrencyLimiter::new(LIMITS);
        let [a, b, _] = &names(3)[..] else {
            unreachable!()
        };
        let mut unread = take(&limiter, a, Work::Unary, 3);
        for (permit, bytes) in unread.iter_mut().zip([400, 200, 100]) {
            permit.exchange_for_reply(bytes);
        }
        assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (500, 1));
        let more = take(&limiter, a, Work::Unary, 3);
        let found = limiter.try_acquire(a, Work::Arriving);
        lacks(found, "calls_per_principal", 4);
        let mut other = limiter.try_acquire(b, Work::Unary).unwrap();
        other.exchange_for_reply(500);
        assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (1000, 4));
        drop((unread, more));
        assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (500, 0));
        drop(other);
        assert_eq!(limiter.reply_bytes(), 0);
    }

    #[test]
    fn a_permit_is_exchanged_or_stays_as_it_is() {
        let limiter = ConcurrencyLimiter::new(LIMITS);
        let [a, b, _] = &names(3)[..] else {
            unreachable!()
        };
        let mut arriving = take(&limiter, a, Work::Arriving, 5);
        for permit in &mut arriving[..4] {
            permit.exchange(Work::Unary).unwrap();
        }
        let shortage = arriving[4].exchange(Work::Unary).unwrap_err();
        assert_eq!(shortage.limit, "calls_per_principal");
        assert_eq!(limiter.in_flight(), 5);
        drop(arriving.pop());
        assert_eq!(limiter.in_flight(), 4);
        drop(take(&limiter, b, Work::Arriving, 8));
    }

    #[test]
    fn a_stream_that_drips_is_out_of_time_and_a_steady_one_never_is() {
        let stall = Duration::from_secs(30);
        let mut drip = StreamPace::new(1024.0, stall);
        assert_eq!(drip.allowance(), stall);
        drip.advance(Duration::from_secs(29), 100);
        assert!(drip.allowance() < Duration::from_secs(2));
        drip.advance(Duration::from_secs(2), 100);
        assert_eq!(drip.allowance(), Duration::ZERO);

        let mut steady = StreamPace::new(1024.0, stall);
        for _ in 0..1000 {
            steady.advance(Duration::from_secs(10), 11_000);
            assert_eq!(steady.allowance(), stall);
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Take(usize, Work),
        Reply(usize, u64),
        Drop(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let work = prop_oneof![
            Just(Work::Arriving),
            Just(Work::Unary),
            Just(Work::Streaming)
        ];
        let step = prop_oneof![
            3 => (0..4usize, work).prop_map(|(who, work)| Step::Take(who, work)),
            2 => (any::<usize>(), 1..400u64).prop_map(|(at, bytes)| Step::Reply(at, bytes)),
            2 => any::<usize>().prop_map(Step::Drop),
        ];
        prop::collection::vec(step, 0..200)
    }

    /// What the permits of a model add up to, by principal: calls, arriving, streams.
    fn counted(held: &[(usize, Work, Permit)], who: Option<usize>, of: &[Work]) -> u64 {
        let counts = held
            .iter()
            .filter(|(owner, work, _)| who.is_none_or(|who| who == *owner) && of.contains(work));
        counts.count() as u64
    }

    proptest! {
        #[test]
        fn no_share_and_no_whole_is_ever_exceeded_and_a_dropped_permit_is_room_again(
            steps in steps(),
        ) {
            let limiter = ConcurrencyLimiter::new(LIMITS);
            let names = names(4);
            let mut held: Vec<(usize, Work, Permit)> = Vec::new();
            let mut bytes: Vec<(usize, u64, Permit)> = Vec::new();
            let calls = [Work::Unary, Work::Streaming];
            for step in steps {
                match step {
                    Step::Take(who, work) => {
                        let room = |of: &[Work], whole, share| {
                            counted(&held, None, of) < whole && counted(&held, Some(who), of) < share
                        };
                        let executes = room(&calls, LIMITS.calls, LIMITS.calls_share);
                        let expected = executes && match work {
                            Work::Unary => true,
                            Work::Arriving => {
                                room(&[work], LIMITS.arriving, LIMITS.arriving_share)
                            }
                            Work::Streaming => room(&[work], LIMITS.streams, LIMITS.streams_share),
                        };
                        let found = limiter.try_acquire(&names[who], work);
                        prop_assert_eq!(found.is_ok(), expected);
                        held.extend(found.ok().map(|permit| (who, work, permit)));
                    }
                    Step::Reply(at, amount) if !held.is_empty() => {
                        let (who, work, mut permit) = held.swap_remove(at % held.len());
                        let whole: u64 = bytes.iter().map(|each| each.1).sum();
                        let own = bytes.iter().filter(|each| each.0 == who);
                        let own: u64 = own.map(|each| each.1).sum();
                        permit.exchange_for_reply(amount);
                        let fits = whole + amount <= LIMITS.reply_bytes
                            && own + amount <= LIMITS.reply_bytes_share;
                        if fits {
                            bytes.push((who, amount, permit));
                        } else {
                            held.push((who, work, permit));
                        }
                    }
                    Step::Drop(at) if !held.is_empty() => {
                        drop(held.swap_remove(at % held.len()));
                    }
                    Step::Drop(at) if !bytes.is_empty() => {
                        drop(bytes.swap_remove(at % bytes.len()));
                    }
                    Step::Reply(..) | Step::Drop(_) => {}
                }
                prop_assert_eq!(limiter.in_flight(), held.len() as u64);
                let whole: u64 = bytes.iter().map(|each| each.1).sum();
                prop_assert_eq!(limiter.reply_bytes(), whole);
            }
            drop(held);
            drop(bytes);
            prop_assert_eq!(limiter.in_flight() + limiter.reply_bytes(), 0);
            let state = limiter.state.lock();
            prop_assert!(state.calls.held.is_empty() && state.reply_bytes.held.is_empty());
        }
    }
}
