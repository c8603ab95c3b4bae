//! Calls of more than one message.

use ee_access::Status;

use crate::call_error::{CallError, Result};
use crate::panic_guard::guard;
use crate::proto::v1::ErrorReason;

/// The serialized replies of a server-streaming method.
pub(crate) type Replies = Box<dyn Iterator<Item = Result<Vec<u8>>> + Send>;

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

impl Iterator for ReplyStream {
    type Item = std::result::Result<Vec<u8>, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut replies = self.replies.take()?;
        let next = guard(|| Ok((replies.next().transpose()?, replies)));
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
