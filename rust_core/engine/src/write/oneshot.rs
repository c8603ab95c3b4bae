//! One answer, from the thread that does the work to the one that waits for it.
//!
//! A write takes as long as a disk's sync, so whoever waits sleeps at once. A channel would look
//! out for the answer first, and with many who wait that takes more time than the writing.

use std::sync::Arc;
use std::thread::{self, Thread};

use parking_lot::Mutex;

/// Made on the thread that will wait.
pub(crate) fn answer<T>() -> (Reply<T>, Answer<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State::Open),
        waiting: thread::current(),
    });
    let reply = Reply(Arc::new(Sender(Arc::clone(&slot))));
    (reply, Answer(slot))
}

struct Slot<T> {
    state: Mutex<State<T>>,
    waiting: Thread,
}

enum State<T> {
    Open,
    Answered(T),
    /// There will be no answer, or it was taken.
    Over,
}

impl<T> Slot<T> {
    fn close(&self, state: State<T>) {
        let mut now = self.state.lock();
        if matches!(*now, State::Open) {
            *now = state;
            drop(now);
            self.waiting.unpark();
        }
    }
}

/// Who answers. The first answer counts.
pub(crate) struct Reply<T>(Arc<Sender<T>>);

/// What all clones of a reply have in common.
struct Sender<T>(Arc<Slot<T>>);

impl<T> Reply<T> {
    /// Answers.
    pub(crate) fn send(&self, value: T) {
        self.0.0.close(State::Answered(value));
    }
}

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close(State::Over);
    }
}

/// Who waits.
pub(crate) struct Answer<T>(Arc<Slot<T>>);

impl<T> Answer<T> {
    /// Waits for the answer; none: nobody is left who could give one.
    pub(crate) fn wait(self) -> Option<T> {
        loop {
            let mut state = self.0.state.lock();
            match std::mem::replace(&mut *state, State::Over) {
                State::Answered(value) => return Some(value),
                State::Over => return None,
                State::Open => {
                    *state = State::Open;
                    drop(state);
                    thread::park();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_is_the_one() {
        let (reply, answer) = answer();
        let other = reply.clone();
        other.send(1);
        reply.send(2);
        drop((reply, other));
        assert_eq!(answer.wait(), Some(1));
    }

    #[test]
    fn it_is_waited_for_until_nobody_is_left_to_give_it() {
        for answered in [true, false] {
            let (reply, answer) = answer();
            thread::scope(|scope| {
                let other = reply.clone();
                scope.spawn(move || {
                    drop(other);
                    // So that it is waited for already, most of the time.
                    thread::sleep(std::time::Duration::from_millis(5));
                    if answered {
                        reply.send(7);
                    }
                });
                // Somebody else's wake-up is not an answer.
                thread::current().unpark();
                assert_eq!(answer.wait(), answered.then_some(7));
            });
        }
    }
}
