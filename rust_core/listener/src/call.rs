//! The parts that calls of all kinds have in common.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use ee_access::tokens::Caller;
use ee_access::{Status, refusals};
use h2::server::SendResponse;
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::calls::Method;
use crate::codes::GrpcCode;
use crate::failure::Failure;
use crate::framing::Messages;
use crate::record::Record;
use crate::reply::{self, Reply};
use crate::shared::Shared;
use crate::time;

/// An admitted call.
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) method: Arc<Method>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) messages: Messages,
    pub(crate) respond: SendResponse<Bytes>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) id: String,
    pub(crate) peer: Arc<str>,
}

impl Call {
    /// The call's next message, for which the client may take a time.
    pub(crate) async fn next(&mut self, allowance: Duration) -> Result<Option<Bytes>, Failure> {
        let stalled = Instant::now() + allowance;
        let until = self
            .deadline
            .map_or(stalled, |deadline| deadline.min(stalled));
        match timeout_at(until, self.messages.next()).await {
            Ok(next) => next,
            Err(_) if until < stalled => Err(too_late()),
            Err(_) => Err(Failure::Stalled),
        }
    }

    /// The one message of a call.
    pub(crate) async fn request(&mut self) -> Result<Bytes, Failure> {
        let request = self.next(self.shared.config.stall_timeout).await?;
        Ok(request.ok_or_else(|| refusals::no_request(self.method.name))?)
    }

    /// The call's deadline, as the service wants it.
    pub(crate) fn deadline(&self) -> Option<std::time::Instant> {
        self.deadline.map(Instant::into_std)
    }

    /// A step that runs beside the call; ends earlier if the client is gone.
    pub(crate) async fn unless_gone<T>(
        &mut self,
        step: impl Future<Output = Option<T>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = step => done.ok_or_else(|| self.defect()),
            _ = poll_fn(|context| self.respond.poll_reset(context)) => Err(Failure::Gone),
        }
    }

    /// Whether the client has reset the call, as far as it is known without waiting.
    pub(crate) fn is_reset(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.respond.poll_reset(&mut context).is_ready()
    }

    /// The refusal of a call whose step ended without a result.
    #[cold]
    pub(crate) fn defect(&self) -> Failure {
        refusals::internal(&self.id).into()
    }

    /// Sends a failure instead of a reply; the record has ended.
    pub(crate) fn refuse(&mut self, failure: &Failure) {
        if matches!(failure, Failure::Stalled) {
            self.shared.note_stalled(&self.peer);
        }
        reply::refuse(&mut self.respond, failure, &self.id);
    }

    /// Sends a failure after the headers of a reply; the record has ended.
    pub(crate) fn break_off(&self, reply: Reply, failure: &Failure) {
        if matches!(failure, Failure::Stalled) {
            self.shared.note_stalled(&self.peer);
        }
        reply.fail(failure, &self.id);
    }
}

/// The deadline that a call's headers name.
pub(crate) fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let value = headers.get("grpc-timeout")?;
    Instant::now().checked_add(time::timeout(value.as_bytes())?)
}

/// The end of a call whose request has not come before its deadline.
fn too_late() -> Failure {
    let message = "the call's deadline passed before its request had come";
    Failure::protocol(GrpcCode::DEADLINE_EXCEEDED, message)
}

/// Ends the record of a step of a call.
pub(crate) fn recorded<T>(record: Record, result: Result<T, Failure>) -> Result<T, Failure> {
    match &result {
        Ok(_) => record.succeed(),
        Err(failure) => record.fail(failure),
    }
    result
}

/// A status as the end of a call.
pub(crate) fn refused<T>(result: Result<T, Status>) -> Result<T, Failure> {
    result.map_err(Failure::from)
}
