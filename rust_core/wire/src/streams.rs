//! Calls of more than one message.

use std::time::Duration;

use ee_access::Status;

use crate::call_error::{CallError, Result};
use crate::panic_guard::guard;
use crate::proto::v1::ErrorReason;

/// The serialized replies of a server-streaming method.
pub(crate) type Replies = Box<dyn ReplySource>;

/// Where the replies of a server-streaming method come from.
pub(crate) trait ReplySource: Send {
    /// The next serialized reply; `Some(None)`: none is due after about this time.
    fn next_within(&mut self, wait: Duration) -> Result<Option<Option<Vec<u8>>>>;
}

/// Replies that need no waiting.
impl<I: Iterator<Item = Result<Vec<u8>>> + Send> ReplySource for I {
    fn next_within(&mut self, _: Duration) -> Result<Option<Option<Vec<u8>>>> {
        Ok(self.next().transpose()?.map(Some))
    }
}

/// The handler of a client-streaming call. After an error it is dropped, and must then leave nothing
/// behind.
pub(crate) trait RequestSink: Send {
    /// Takes the next serialized request.
    fn push(&mut self, request: &[u8]) -> Result<()>;

    /// Ends the call; returns the serialized reply.
    fn finish(self: Box<Self>) -> Result<Vec<u8>>;
}

/// The replies of a server-streaming call, serialized one at a time. An error is the last item.
pub struct ReplyStream {
    /// `None`: the stream has ended.
    replies: Option<Replies>,
}

impl ReplyStream {
    pub(crate) fn new(replies: Replies) -> Self {
        Self {
            replies: Some(replies),
        }
    }
}

/// How long a reader of the iterator waits at a time.
const WAIT: Duration = Duration::from_secs(1);

impl ReplyStream {
    /// The next reply; `Some(Ok(None))`: none is due after about this time, and the stream goes on.
    /// For a thread that other calls need.
    pub fn next_within(
        &mut self,
        wait: Duration,
    ) -> Option<std::result::Result<Option<Vec<u8>>, Status>> {
        let mut replies = self.replies.take()?;
        let next = guard(|| Ok((replies.next_within(wait)?, replies)));
        match next {
            Ok((Some(reply), replies)) => {
                self.replies = Some(replies);
                Some(Ok(reply))
            }
            Ok((None, _)) => None,
            Err(status) => Some(Err(status)),
        }
    }
}

impl Iterator for ReplyStream {
    type Item = std::result::Result<Vec<u8>, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.next_within(WAIT)?.transpose() {
                return Some(next);
            }
        }
    }
}

/// A client-streaming call that has begun. Dropping it without [`RequestStream::finish`] leaves
/// nothing behind.
pub struct RequestStream {
    /// `None`: the call has failed.
    sink: Option<Box<dyn RequestSink>>,
}

impl RequestStream {
    pub(crate) fn new(sink: Box<dyn RequestSink>) -> Self {
        Self { sink: Some(sink) }
    }

    /// Takes the next serialized request. After an error the call has ended.
    pub fn push(&mut self, request: &[u8]) -> std::result::Result<(), Status> {
        let sink = self.sink.take();
        self.sink = Some(guard(|| {
            let mut sink = sink.ok_or_else(ended)?;
            sink.push(request)?;
            Ok(sink)
        })?);
        Ok(())
    }

    /// Ends the call; returns the serialized reply.
    pub fn finish(self) -> std::result::Result<Vec<u8>, Status> {
        guard(|| self.sink.ok_or_else(ended)?.finish())
    }

    /// The refusal of a message to a call that has ended.
    pub fn ended() -> Status {
        ended().into()
    }
}

#[cold]
fn ended() -> CallError {
    CallError::new(ErrorReason::MalformedRequest, "the call has ended")
}
