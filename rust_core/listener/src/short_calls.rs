//! Short calls, answered in the thread of their connection.
//!
//! Calls that came together wait for each other, and not for time: the last of them whose request has come
//! answers all, in one pass over the categories that they rank, and cores that are spare take a share
//! of it if it takes long. A call that came alone is answered at once.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ee_access::tokens::Caller;
use ee_wire::{ShortCall, ShortReply};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::call::Call;
use crate::failure::Failure;
use crate::shared::Shared;
use crate::sharing::Sharing;

/// The short calls of one thread.
pub(crate) struct ShortCalls {
    shared: Arc<Shared>,
    state: Mutex<State>,
    sharing: Mutex<Sharing>,
}

#[derive(Default)]
struct State {
    /// Calls whose requests have not been read yet.
    arriving: usize,
    waiting: Vec<Waiting>,
    /// A task is queued that answers those that wait, whatever still arrives.
    queued: bool,
}

/// A call that waits for those that came with it.
struct Waiting {
    method: &'static str,
    request: Bytes,
    caller: Arc<Caller>,
    reply: oneshot::Sender<ShortReply>,
}

impl ShortCalls {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let shared = Arc::clone(shared);
        Arc::new(Self {
            shared,
            state: Mutex::default(),
            sharing: Mutex::default(),
        })
    }

    /// Notes a call whose headers have come.
    pub(crate) fn arrive(self: &Arc<Self>) -> Arriving {
        self.state.lock().arriving += 1;
        Arriving(Arc::clone(self))
    }

    /// Lets a call wait for those that came with it; `None`: it came alone.
    fn wait(
        self: &Arc<Self>,
        call: &Call,
        request: &Bytes,
    ) -> Option<oneshot::Receiver<ShortReply>> {
        let mut state = self.state.lock();
        let last = state.arriving == 0;
        if last && state.waiting.is_empty() {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.push(Waiting {
            method: call.method.name,
            request: request.clone(),
            caller: Arc::clone(&call.caller),
            reply: sender,
        });
        let queue = !last && !mem::replace(&mut state.queued, true);
        drop(state);
        if last {
            self.answer_waiting();
        } else if queue {
            let own = Arc::clone(self);
            tokio::spawn(async move {
                own.state.lock().queued = false;
                own.answer_waiting();
            });
        }
        Some(receiver)
    }

    /// Answers the calls that wait.
    fn answer_waiting(&self) {
        let mut waiting = mem::take(&mut self.state.lock().waiting);
        waiting.retain(|call| !call.reply.is_closed());
        waiting.sort_by_key(|call| call.method);
        let mut replies = Vec::with_capacity(waiting.len());
        for calls in waiting.chunk_by(|a, b| a.method == b.method) {
            replies.extend(self.replies(calls));
        }
        for (call, reply) in waiting.into_iter().zip(replies) {
            // A call that has ended needs no reply.
            let _ = call.reply.send(reply);
        }
    }

    /// The replies to calls of one method.
    fn replies(&self, calls: &[Waiting]) -> Vec<ShortReply> {
        let service = match self.shared.calls.service() {
            Ok(service) => service,
            Err(status) => return calls.iter().map(|_| Err(status.clone())).collect(),
        };
        let each = calls.iter().map(|call| ShortCall {
            request: &call.request,
            grant: call.caller.grant(),
        });
        let each: Vec<_> = each.collect();
        let spare = self.shared.cores.spare();
        let threads = self.sharing.lock().threads(each.len(), spare);
        let begin = Instant::now();
        let replies = service.try_calls(calls[0].method, &each, threads);
        let took = begin.elapsed();
        self.sharing.lock().note(each.len(), threads, took);
        replies
    }
}

/// A call whose request has not been read yet.
pub(crate) struct Arriving(Arc<ShortCalls>);

impl Arriving {
    /// The reply to the call, whose request has come; `None`: the call may wait, or take longer than
    /// microseconds.
    pub(crate) async fn answer(
        self,
        call: &Call,
        request: &Bytes,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let short_calls = Arc::clone(&self.0);
        drop(self);
        let (method, service) = (call.method.name, call.shared.calls.service()?);
        if !service.is_short(method, request) {
            return Ok(None);
        }
        let Some(reply) = short_calls.wait(call, request) else {
            return Ok(service.try_call(method, request, call.caller.grant())?);
        };
        Ok(reply.await.map_err(|_| call.defect())??)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.0.state.lock().arriving -= 1;
    }
}
