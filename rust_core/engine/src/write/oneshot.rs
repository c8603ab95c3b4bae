//! A oneshot channel: one result, from the thread that does the work to the one that waits for it.
//!
//! A write takes as long as a disk's sync, so a waiting caller sleeps at once. A general channel spins
//! before it sleeps, and with many callers that takes more time than the writing.

use std::sync::Arc;
use std::thread::{self, Thread};

use parking_lot::Mutex;

/// A channel. The calling thread is the one that will receive.
pub(crate) fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        state: Mutex::new(State::Open),
        receiver: thread::current(),
    });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

struct Channel<T> {
    state: Mutex<State<T>>,
    receiver: Thread,
}

enum State<T> {
    Open,
    Sent(T),
    /// The sender was dropped, or the value was received.
    Closed,
}

impl<T> Channel<T> {
    fn close(&self, state: State<T>) {
        let mut now = self.state.lock();
        if matches!(*now, State::Open) {
            *now = state;
            drop(now);
            self.receiver.unpark();
        }
    }
}

/// The sending side. Dropping it without a value wakes the receiver too.
pub(crate) struct Sender<T>(Arc<Channel<T>>);

impl<T> Sender<T> {
    /// Sends the value.
    pub(crate) fn send(self, value: T) {
        self.0.close(State::Sent(value));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close(State::Closed);
    }
}

/// The receiving side.
pub(crate) struct Receiver<T>(Arc<Channel<T>>);

impl<T> Receiver<T> {
    /// Waits for the value; `None`: the sender was dropped without sending.
    pub(crate) fn receive(self) -> Option<T> {
        loop {
            let mut state = self.0.state.lock();
            match std::mem::replace(&mut *state, State::Closed) {
                State::Sent(value) => return Some(value),
                State::Closed => return None,
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
    fn a_value_outlives_its_sender() {
        let (sender, receiver) = oneshot();
        sender.send(1);
        assert_eq!(receiver.receive(), Some(1));
    }

    #[test]
    fn the_receiver_waits_until_the_value_is_sent_or_the_sender_dropped() {
        for sent in [true, false] {
            let (sender, receiver) = oneshot();
            thread::scope(|scope| {
                scope.spawn(move || {
                    // So that the receiver waits already, most of the time.
                    thread::sleep(std::time::Duration::from_millis(5));
                    if sent {
                        sender.send(7);
                    }
                });
                // A wake-up for another reason is not a value.
                thread::current().unpark();
                assert_eq!(receiver.receive(), sent.then_some(7));
            });
        }
    }
}
