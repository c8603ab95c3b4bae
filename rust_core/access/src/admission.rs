//! The admission of calls. A listener checks, in this order: the caller's identity, the caller's
//! rate, the limit of calls that wait for their requests, and the limits of calls that are
//! executed. All but the last come before a byte of the request is read, so that a refused call
//! costs its headers and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use crate::concurrency::{ConcurrencyLimiter, Limits, Permit, Shortage, Work};
use crate::limits::MAX_QUEUED_CALLS;
use crate::load_shedding::LoadShedder;
use crate::rate_limit::{Rate, TokenBucket};
use crate::refusals;
use crate::status::Status;
use crate::tokens::{Caller, TokenTable};

/// The scheme of the `authorization` metadata, without regard to case.
const SCHEME: &[u8] = b"bearer ";
/// The mean delay before a refused call is tried again. Delays are spread from half of it to one
/// and a half, so that clients that are refused together do not come back together.
const OVERLOADED_RETRY: Duration = Duration::from_millis(200);

/// The limits of an admission.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Calls per second of a token without a rate of its own; 0: without a limit.
    pub calls_per_second: f64,
    /// Calls at once within a rate; 0: the calls of one second.
    pub burst_calls: f64,
    /// Limits of concurrent work.
    pub limits: Limits,
    /// Bytes of the largest reply that is sent.
    pub max_reply_bytes: u64,
}

/// How callers are known.
#[derive(Clone, Debug)]
pub enum Callers {
    /// Every call comes from this caller; metadata is not looked at.
    Everybody(Arc<Caller>),
    /// A call needs one of these tokens.
    Tokens(Arc<TokenTable>),
}

/// Decides which calls run.
#[derive(Debug)]
pub struct Admission {
    config: Config,
    callers: RwLock<Callers>,
    limiter: Arc<ConcurrencyLimiter>,
    closing: AtomicBool,
    jitter: AtomicU64,
}

impl Admission {
    /// An admission that is open. `seed` spreads the delays of retries; any number will do.
    pub fn new(config: Config, callers: Callers, seed: u64) -> Self {
        Self {
            config,
            callers: RwLock::new(callers),
            limiter: ConcurrencyLimiter::new(config.limits),
            closing: AtomicBool::new(false),
            jitter: AtomicU64::new(seed),
        }
    }

    /// The callers, as they are known now.
    pub fn callers(&self) -> Callers {
        self.callers.read().clone()
    }

    /// Replaces the token table at once for all calls that are identified from now on. Callers
    /// whose tokens stay keep the rest of their rates.
    pub fn replace_tokens(&self, table: TokenTable) {
        let before = self.callers();
        let table = match before {
            Callers::Tokens(before) => table.with_rates_of(&before),
            Callers::Everybody(_) => table,
        };
        *self.callers.write() = Callers::Tokens(Arc::new(table));
    }

    /// The caller, from the values of all `authorization` metadata of a call.
    pub fn identify<'a>(
        &self,
        authorization: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Arc<Caller>, Status> {
        match &*self.callers.read() {
            Callers::Everybody(caller) => Ok(Arc::clone(caller)),
            Callers::Tokens(table) => {
                let mut values = authorization.into_iter();
                let (value, second) = (values.next(), values.next());
                value
                    .filter(|_| second.is_none())
                    .and_then(|value| value.split_at_checked(SCHEME.len()))
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
                    .and_then(|(_, token)| table.identify(token))
                    .map(Arc::clone)
                    .ok_or_else(refusals::unauthenticated)
            }
        }
    }

    /// Counts a unary call of a caller, and admits it to wait for its request. `shedder` is the
    /// load shedder of the call's method; `queued` says that more than [`MAX_QUEUED_CALLS`] calls
    /// of the method waited when the call came.
    pub fn arrive(
        &self,
        caller: &Caller,
        shedder: &LoadShedder,
        queued: bool,
        now: Instant,
    ) -> Result<Permit, Status> {
        if queued {
            self.shed(shedder, caller, now)?;
        } else {
            shedder.queue_is_short();
        }
        self.admit(caller, now)?;
        self.acquire(caller, Work::Arriving)
    }

    /// Counts a call that came while the queue of its method stood.
    fn shed(&self, shedder: &LoadShedder, caller: &Caller, now: Instant) -> Result<(), Status> {
        shedder.try_admit(caller.principal(), now).map_err(|_| {
            self.overloaded(Shortage {
                limit: "waiting_calls",
                value: MAX_QUEUED_CALLS,
            })
        })
    }

    /// Counts a call of a caller, unless the service shuts down or the rate is exceeded.
    pub fn admit(&self, caller: &Caller, now: Instant) -> Result<(), Status> {
        if self.closing.load(Ordering::Acquire) {
            return Err(refusals::shutting_down());
        }
        let per_second = caller
            .calls_per_second()
            .unwrap_or(self.config.calls_per_second);
        if per_second <= 0.0 {
            return Ok(());
        }
        let rate = Rate::new(per_second, self.config.burst_calls);
        let mut bucket = caller.bucket.lock();
        bucket
            .get_or_insert_with(|| TokenBucket::full(rate, now))
            .try_take(rate, now)
            .map_err(|wait| refusals::rate_limited(per_second, in_hundredths(wait)))
    }

    /// A permit for some work of a caller, if there is room now.
    pub fn acquire(&self, caller: &Caller, work: Work) -> Result<Permit, Status> {
        self.limiter
            .try_acquire(caller.principal(), work)
            .map_err(|shortage| self.overloaded(shortage))
    }

    /// Exchanges a permit for one for other work of the same call. If there is no room for that
    /// now, the permit stays as it is.
    pub fn exchange(&self, permit: &mut Permit, work: Work) -> Result<(), Status> {
        permit
            .exchange(work)
            .map_err(|shortage| self.overloaded(shortage))
    }

    /// Refuses a reply above the largest size.
    pub fn check_reply(&self, bytes: u64) -> Result<(), Status> {
        if bytes > self.config.max_reply_bytes {
            let limit = self.config.max_reply_bytes;
            return Err(refusals::reply_too_large(bytes, limit));
        }
        Ok(())
    }

    /// The refusal for want of room, with a delay that is spread out.
    pub fn overloaded(&self, shortage: Shortage) -> Status {
        let percent = 50 + self.random() % 101;
        let retry = OVERLOADED_RETRY * percent as u32 / 100;
        refusals::overloaded(shortage.limit, shortage.value, retry)
    }

    /// Refuses new calls from now on; admitted calls go on.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// The number of calls that are admitted and not answered yet.
    pub fn in_flight(&self) -> u64 {
        self.limiter.in_flight()
    }

    /// The bytes of replies that clients have not taken yet.
    pub fn reply_bytes(&self) -> u64 {
        self.limiter.reply_bytes()
    }

    /// A pseudo-random number: SplitMix64.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let before = self.jitter.fetch_add(STEP, Ordering::Relaxed);
        let state = before.wrapping_add(STEP);
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    }
}

/// A delay, rounded up to hundredths of a second.
fn in_hundredths(delay: Duration) -> Duration {
    let hundredths = delay.as_millis().div_ceil(10);
    Duration::from_millis(u64::try_from(hundredths * 10).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Grant;
    use crate::reason::Code;
    use crate::tokens::hash_of;

    const CONFIG: Config = Config {
        calls_per_second: 0.0,
        burst_calls: 0.0,
        limits: Limits {
            calls: 4,
            calls_share: 2,
            arriving: 8,
            arriving_share: 4,
            streams: 2,
            streams_share: 1,
            waiting: 4,
            waiting_share: 2,
            reply_bytes: 100,
            reply_bytes_share: 50,
        },
        max_reply_bytes: 1000,
    };

    fn table(text: &str) -> TokenTable {
        TokenTable::parse(text, [1; 32]).unwrap()
    }

    fn with_tokens(config: Config) -> Admission {
        let text = format!(
            "alice {} read:*\nbob {} read:* rate=2\n",
            hash_of("a"),
            hash_of("b")
        );
        Admission::new(config, Callers::Tokens(Arc::new(table(&text))), 17)
    }

    fn identified(admission: &Admission, token: &str) -> Arc<Caller> {
        let value = format!("Bearer {token}");
        admission.identify([value.as_bytes()]).unwrap()
    }

    #[test]
    fn a_caller_brings_one_bearer_token() {
        let admission = with_tokens(CONFIG);
        for value in ["Bearer a", "bearer a", "BEARER a"] {
            let found = admission.identify([value.as_bytes()]).unwrap();
            assert_eq!(&**found.principal(), "alice");
        }
        let none: [&[u8]; 0] = [];
        let mut refused = vec![admission.identify(none).unwrap_err()];
        for values in [
            &["a"][..],
            &["Basic a"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer  a"],
            &["Bearer c"],
            &["Bearer a", "Bearer a"],
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            refused.push(admission.identify(values).unwrap_err());
        }
        assert_eq!(refused[0].code, Code::Unauthenticated);
        assert!(refused.iter().all(|status| *status == refused[0]));
    }

    #[test]
    fn without_tokens_every_call_comes_from_the_same_caller() {
        let local = Caller::without_token(Grant::unrestricted("local").unwrap());
        let admission = Admission::new(CONFIG, Callers::Everybody(Arc::new(local)), 0);
        let found = admission.identify([b"Basic x".as_slice()]).unwrap();
        assert_eq!(&**found.principal(), "local");
    }

    #[test]
    fn a_new_token_table_holds_for_the_next_call() {
        let admission = with_tokens(CONFIG);
        let before = identified(&admission, "b");
        let now = Instant::now();
        assert!(admission.admit(&before, now).is_ok());
        assert!(admission.admit(&before, now).is_ok());
        admission.replace_tokens(table(&format!("bob {} read:* rate=2", hash_of("b"))));
        assert!(admission.identify([b"Bearer a".as_slice()]).is_err());
        let after = identified(&admission, "b");
        // It has used up its rate, and a reload does not give it back.
        let status = admission.admit(&after, now).unwrap_err();
        assert_eq!(status.reason, "RATE_LIMITED");
        assert_eq!(status.retry_delay, Some(Duration::from_millis(500)));
        assert!(
            admission
                .admit(&after, now + Duration::from_millis(500))
                .is_ok()
        );
    }

    #[test]
    fn a_tokens_own_rate_counts_instead_of_the_services() {
        let admission = with_tokens(Config {
            calls_per_second: 1.0,
            ..CONFIG
        });
        let now = Instant::now();
        let (alice, bob) = (identified(&admission, "a"), identified(&admission, "b"));
        let admitted = |caller| {
            let results = (0..5).map(|_| admission.admit(caller, now));
            results.filter(Result::is_ok).count()
        };
        assert_eq!((admitted(&alice), admitted(&bob)), (1, 2));
    }

    #[test]
    fn refusals_for_want_of_room_are_spread_out() {
        let admission = with_tokens(CONFIG);
        let alice = identified(&admission, "a");
        let _held: Vec<_> = (0..2)
            .map(|_| admission.acquire(&alice, Work::Unary).unwrap())
            .collect();
        let delays: Vec<_> = (0..200)
            .map(|_| {
                let status = admission.acquire(&alice, Work::Arriving).unwrap_err();
                assert_eq!(status.reason, "OVERLOADED");
                assert!(status.message.contains("2 calls per principal"), "{status}");
                status.retry_delay.unwrap()
            })
            .collect();
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*least >= OVERLOADED_RETRY / 2 && *least < OVERLOADED_RETRY * 6 / 10);
        assert!(*most <= OVERLOADED_RETRY * 3 / 2 && *most > OVERLOADED_RETRY * 14 / 10);
    }

    #[test]
    fn a_call_that_is_shed_names_the_queue_and_comes_back_later() {
        let admission = with_tokens(Config {
            limits: Limits {
                arriving: 1000,
                arriving_share: 1000,
                ..CONFIG.limits
            },
            ..CONFIG
        });
        let alice = identified(&admission, "a");
        let shedder = LoadShedder::new();
        let begin = Instant::now();
        let mut refused = None;
        for call in 0..200 {
            // The queue stands: after its grace each principal gets its share, and no more.
            let now = begin + Duration::from_millis(if call == 0 { 0 } else { 30 });
            refused = admission.arrive(&alice, &shedder, true, now).err();
        }
        let status = refused.unwrap();
        assert_eq!(status.reason, "OVERLOADED");
        assert!(status.message.contains("72 waiting calls"), "{status}");
        assert!(status.retry_delay.is_some());
        assert!(admission.arrive(&alice, &shedder, false, begin).is_ok());
    }

    #[test]
    fn a_closed_admission_refuses_new_calls_and_finishes_the_others() {
        let admission = with_tokens(CONFIG);
        let alice = identified(&admission, "a");
        let mut call = admission.acquire(&alice, Work::Arriving).unwrap();
        admission.close();
        let status = admission.admit(&alice, Instant::now()).unwrap_err();
        assert_eq!(status.reason, "SHUTTING_DOWN");
        admission.exchange(&mut call, Work::Unary).unwrap();
        assert_eq!(admission.in_flight(), 1);
        drop(call);
        assert_eq!(admission.in_flight(), 0);
    }

    #[test]
    fn a_reply_has_a_largest_size() {
        let admission = with_tokens(CONFIG);
        assert!(admission.check_reply(1000).is_ok());
        let status = admission.check_reply(1001).unwrap_err();
        assert_eq!(status.reason, "REPLY_TOO_LARGE");
    }
}
