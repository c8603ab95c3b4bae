use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    calls: 8,
    calls_share: 4,
    arriving: 16,
    arriving_share: 8,
    streams: 4,
    streams_share: 2,
    waiting: 4,
    waiting_share: 2,
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
    let [a, b, c, d, e] = &names(5)[..] else {
        unreachable!()
    };
    let held = take(&limiter, a, Work::Unary, 4);
    lacks(
        limiter.try_acquire(a, Work::Unary),
        "calls_per_principal",
        4,
    );
    let others = take(&limiter, b, Work::Unary, 2);
    lacks(
        limiter.try_acquire(b, Work::Unary),
        "calls_per_principal",
        2,
    );
    let one = take(&limiter, c, Work::Unary, 1);
    let last = take(&limiter, d, Work::Unary, 1);
    lacks(limiter.try_acquire(e, Work::Unary), "concurrent_calls", 8);
    drop((held, last));
    drop(take(&limiter, b, Work::Unary, 1));
    drop(one);
    drop(take(&limiter, b, Work::Unary, 2));
    assert_eq!(limiter.in_flight(), 2);
    drop(others);
    assert_eq!(limiter.in_flight(), 0);
}

/// A fixed share keeps one principal from taking the whole, but not two of them.
#[test]
fn principals_that_take_all_they_can_get_leave_as_much_to_another() {
    let limits = Limits {
        calls: 64,
        calls_share: 32,
        ..LIMITS
    };
    for (greedy, each) in [(1, 32), (2, 21), (3, 16), (6, 9), (15, 4)] {
        let limiter = ConcurrencyLimiter::new(limits);
        let names = names(greedy + 1);
        // Calls end one after another, and each principal begins as many as it can get.
        let mut held: Vec<Vec<Permit>> = names.iter().map(|_| Vec::new()).collect();
        for _ in 0..64 {
            for (name, held) in names[..greedy].iter().zip(&mut held) {
                held.extend(limiter.try_acquire(name, Work::Unary).ok());
            }
            let most = held.iter_mut().max_by_key(|held| held.len()).unwrap();
            most.pop();
        }
        for (name, held) in names[..greedy].iter().zip(&mut held) {
            while let Ok(permit) = limiter.try_acquire(name, Work::Unary) {
                held.push(permit);
            }
        }
        for held in &held[..greedy] {
            assert!(held.len().abs_diff(each) <= 1, "{}: {}", greedy, held.len());
        }
        let (newcomer, mut own) = (&names[greedy], Vec::new());
        while let Ok(permit) = limiter.try_acquire(newcomer, Work::Unary) {
            own.push(permit);
        }
        assert!(own.len() >= each / 2, "{}: {}", greedy, own.len());
    }
}

#[test]
fn a_small_share_is_whole_until_little_is_left() {
    let limits = Limits {
        calls: 64,
        calls_share: 10,
        ..LIMITS
    };
    let limiter = ConcurrencyLimiter::new(limits);
    let names = names(6);
    let mut held = Vec::new();
    for (name, expected) in names.iter().zip([10, 10, 10, 10, 10, 7]) {
        let before = held.len();
        while let Ok(permit) = limiter.try_acquire(name, Work::Unary) {
            held.push(permit);
        }
        assert_eq!(held.len() - before, expected);
    }
}

#[test]
fn a_share_that_equals_the_whole_has_no_effect() {
    let limits = Limits {
        calls_share: LIMITS.calls,
        ..LIMITS
    };
    let limiter = ConcurrencyLimiter::new(limits);
    let [a, b] = &names(2)[..] else {
        unreachable!()
    };
    let _held = take(&limiter, a, Work::Unary, 5);
    let _others = take(&limiter, b, Work::Unary, 3);
    lacks(limiter.try_acquire(a, Work::Unary), "concurrent_calls", 8);
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
    let [a, b, c, d] = &names(4)[..] else {
        unreachable!()
    };
    let _held = take(&limiter, a, Work::Streaming, 2);
    let found = limiter.try_acquire(a, Work::Streaming);
    lacks(found, "streams_per_principal", 2);
    let _others = take(&limiter, b, Work::Streaming, 1);
    let found = limiter.try_acquire(b, Work::Streaming);
    lacks(found, "streams_per_principal", 1);
    let _last = take(&limiter, c, Work::Streaming, 1);
    lacks(
        limiter.try_acquire(d, Work::Streaming),
        "streaming_calls",
        4,
    );
    let _rest = take(&limiter, a, Work::Unary, 1);
    lacks(
        limiter.try_acquire(a, Work::Unary),
        "calls_per_principal",
        3,
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
    other.exchange_for_reply(251);
    assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (500, 5));
    other.exchange_for_reply(250);
    assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (750, 4));
    drop((unread, more));
    assert_eq!((limiter.reply_bytes(), limiter.in_flight()), (250, 0));
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
        Just(Work::Streaming),
        Just(Work::Waiting)
    ];
    let step = prop_oneof![
        3 => (0..4usize, work).prop_map(|(who, work)| Step::Take(who, work)),
        2 => (any::<usize>(), 1..400u64).prop_map(|(at, bytes)| Step::Reply(at, bytes)),
        2 => any::<usize>().prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..200)
}

/// The number of permits of a model for some kinds of work, of one principal or of all.
fn counted(held: &[(usize, Work, Permit)], who: Option<usize>, of: &[Work]) -> u64 {
    let counts = held
        .iter()
        .filter(|(owner, work, _)| who.is_none_or(|who| who == *owner) && of.contains(work));
    counts.count() as u64
}

/// The share of a principal; each of [`LIMITS`] is half of the whole.
fn half_of_what_others_leave(whole: u64, share: u64, others: u64) -> u64 {
    assert_eq!(whole, 2 * share);
    (whole - others).div_ceil(2)
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
                        let (all, own) = (counted(&held, None, of), counted(&held, Some(who), of));
                        all < whole && own < half_of_what_others_leave(whole, share, all - own)
                    };
                    let executes = room(&calls, LIMITS.calls, LIMITS.calls_share);
                    let expected = match work {
                        Work::Unary => executes,
                        Work::Arriving => {
                            executes && room(&[work], LIMITS.arriving, LIMITS.arriving_share)
                        }
                        Work::Streaming => {
                            executes && room(&[work], LIMITS.streams, LIMITS.streams_share)
                        }
                        Work::Waiting => room(&[work], LIMITS.waiting, LIMITS.waiting_share),
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
                    let (all, share) = (LIMITS.reply_bytes, LIMITS.reply_bytes_share);
                    let fits = whole + amount <= all
                        && own + amount <= half_of_what_others_leave(all, share, whole - own);
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
