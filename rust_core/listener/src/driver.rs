//! HTTP/2 of one connection, which two threads may drive: the thread of the connection reads and
//! writes, and a worker writes the reply that it has made. To wake the thread of the connection for
//! that would take a good part of the time of a short write to the store.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::Request;
use parking_lot::Mutex;

use crate::io::{Io, Reads};

type Http = Connection<Io, Bytes>;
type Accepted = Result<(Request<RecvStream>, SendResponse<Bytes>), h2::Error>;

thread_local! {
    /// This thread sends a reply, and has it written once it is complete.
    static SENDS: Cell<bool> = const { Cell::new(false) };
}

/// HTTP/2 of a connection.
pub(crate) struct Driver {
    /// `None`: the connection has ended.
    http: Mutex<Option<Http>>,
    reads: Arc<Reads>,
    alarm: Arc<Alarm>,
    waker: Waker,
}

impl Driver {
    pub(crate) fn new(http: Http, reads: Arc<Reads>) -> Self {
        let alarm = Arc::<Alarm>::default();
        Self {
            http: Mutex::new(Some(http)),
            reads,
            waker: Arc::clone(&alarm).into(),
            alarm,
        }
    }

    /// Drives the connection in its own thread, and returns the next call.
    pub(crate) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<Option<Accepted>> {
        self.alarm.set(context.waker());
        match &mut *self.http.lock() {
            Some(http) => http.poll_accept(&mut Context::from_waker(&self.waker)),
            None => Poll::Ready(None),
        }
    }

    /// Runs what sends a reply. If `write`, the reply is written by this thread, unless another one
    /// drives the connection at the moment.
    pub(crate) fn send<T>(&self, write: bool, send: impl FnOnce() -> T) -> T {
        let sending = Sending::begin();
        let sent = send();
        let written = write && self.try_write();
        drop(sending);
        if !written {
            self.alarm.wake_by_ref();
        }
        sent
    }

    /// Writes what is to be sent; returns whether the connection's own thread has nothing to do.
    fn try_write(&self) -> bool {
        let Some(mut http) = self.http.try_lock() else {
            return false;
        };
        let Some(http) = &mut *http else {
            return true;
        };
        // What has come is left to the thread of the connection, which is woken for that.
        self.reads.pause(true);
        let polled = http.poll_closed(&mut Context::from_waker(&self.waker));
        self.reads.pause(false);
        polled.is_pending()
    }

    /// Ends the connection once its calls have ended.
    pub(crate) fn graceful_shutdown(&self) {
        if let Some(http) = &mut *self.http.lock() {
            http.graceful_shutdown();
        }
    }

    /// Closes the connection at once.
    pub(crate) fn close(&self) {
        let http = self.http.lock().take();
        drop(http);
    }
}

/// Marks the time in which this thread sends.
struct Sending;

impl Sending {
    fn begin() -> Self {
        SENDS.set(true);
        Self
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        SENDS.set(false);
    }
}

/// Wakes the task of the connection, but not for the parts of a reply that is not complete.
#[derive(Default)]
struct Alarm(Mutex<Option<Waker>>);

impl Alarm {
    fn set(&self, task: &Waker) {
        let mut own = self.0.lock();
        match &mut *own {
            Some(own) => own.clone_from(task),
            None => *own = Some(task.clone()),
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !SENDS.get()
            && let Some(task) = &*self.0.lock()
        {
            task.wake_by_ref();
        }
    }
}
