//! Health and reflection, which need no token: their calls are few, hold no thread, and their load
//! affects no other call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel};
use std::time::Duration;

use bytes::Bytes;
use ee_access::{Status, refusals};
use h2::RecvStream;
use h2::server::SendResponse;
use tokio::time::{Instant, timeout};

use crate::failure::Failure;
use crate::framing::{Compression, Messages};
use crate::reply::{self, Reply};

/// Bytes of a request to one of these services.
const REQUEST_BYTES: usize = 64 << 10;
const RETRY: Duration = Duration::from_secs(1);

/// A bound on the calls of a service.
#[derive(Debug)]
pub(crate) struct Bound {
    name: &'static str,
    most: u64,
    held: AtomicU64,
}

impl Bound {
    pub(crate) fn new(name: &'static str, most: u64) -> Arc<Self> {
        let held = AtomicU64::new(0);
        Arc::new(Self { name, most, held })
    }

    /// Room for a call, until it is dropped.
    pub(crate) fn acquire(self: &Arc<Self>) -> Result<Room, Status> {
        let room = Room(Arc::clone(self));
        if self.held.fetch_add(1, AcqRel) >= self.most {
            return Err(refusals::overloaded(self.name, self.most, RETRY));
        }
        Ok(room)
    }
}

/// Room for a call.
#[derive(Debug)]
pub(crate) struct Room(Arc<Bound>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, AcqRel);
    }
}

/// A call of one of these services.
pub(crate) struct OpenCall {
    messages: Messages,
    pub(crate) respond: SendResponse<Bytes>,
    stall: Duration,
}

impl OpenCall {
    pub(crate) fn new(
        request: http::Request<RecvStream>,
        respond: SendResponse<Bytes>,
        stall: Duration,
    ) -> Result<Self, (SendResponse<Bytes>, Failure)> {
        let compression = match Compression::of(request.headers()) {
            Ok(compression) => compression,
            Err(failure) => return Err((respond, failure)),
        };
        let messages = Messages::new(request.into_body(), compression, REQUEST_BYTES);
        Ok(Self {
            messages,
            respond,
            stall,
        })
    }

    /// The next message; `None`: the client has sent all.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match timeout(self.stall, self.messages.next()).await {
            Ok(next) => next,
            Err(_) => Err(Failure::Stalled),
        }
    }

    /// Begins the reply.
    pub(crate) fn begin(&mut self) -> Result<Reply, Failure> {
        Reply::begin(&mut self.respond)
    }

    /// Sends a message.
    pub(crate) async fn send(&self, reply: &mut Reply, message: Vec<u8>) -> Result<(), Failure> {
        reply
            .message(message, None, Instant::now() + self.stall)
            .await
    }

    /// Ends the call with a failure instead of a reply.
    pub(crate) fn refuse(&mut self, failure: &Failure) {
        reply::refuse(&mut self.respond, failure, "-");
    }
}
