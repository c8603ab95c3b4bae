//! Calls that a foreign listener brings, such as one in Python: they pass the same admission and
//! are recorded in the same way. Each holds a thread of that listener from its headers on, so it
//! takes its place among the executed calls before its request has come.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ee_access::concurrency::{Permit, Work};
use ee_access::tokens::Caller;
use ee_access::{Status, refusals};
use ee_wire::{Kind, ReplyStream, RequestStream};
use parking_lot::Mutex;

use crate::calls::{Calls, Method};
use crate::record::Record;

/// How long a stream without news waits until it looks whether its client is gone.
const WAIT: Duration = Duration::from_millis(500);

/// A refused call.
#[derive(Debug)]
pub struct Refusal {
    /// The status for the caller.
    pub status: Box<Status>,
    /// The call's id, which the caller gets too.
    pub id: String,
}

type Result<T> = std::result::Result<T, Refusal>;

/// An admitted call. Its methods may wait. A call that is left, or dropped, without an answer is
/// recorded as cancelled.
pub struct ForeignCall {
    calls: Arc<Calls>,
    method: Arc<Method>,
    caller: Arc<Caller>,
    deadline: Option<Instant>,
    id: String,
    left: Arc<AtomicBool>,
    held: Mutex<Held>,
}

enum Held {
    /// The call waits for its request.
    Begun(Record, Permit),
    /// The client has not taken the reply yet.
    Reply(#[expect(dead_code, reason = "held until it is dropped")] Permit),
    Nothing,
}

impl Calls {
    /// Admits a call whose headers have come, or refuses it. `metadata` is the call's, as names and
    /// values; `peer` is the caller's address, for the audit log.
    pub fn begin(
        self: &Arc<Self>,
        name: &str,
        metadata: &[(String, Vec<u8>)],
        peer: &str,
        deadline: Option<Instant>,
    ) -> Result<ForeignCall> {
        let values = |name: &'static str| {
            let found = metadata.iter().filter(move |(key, _)| key == name);
            found.map(|(_, value)| value.as_slice())
        };
        let mut record = self.record(name, &peer.into());
        let admitted = self
            .admit(name, values("authorization"), &mut record, false)
            .and_then(|(method, caller, mut permit)| {
                if method.kind == Kind::Unary {
                    self.admission.exchange(&mut permit, Work::Unary)?;
                }
                Ok((method, caller, permit))
            });
        let (method, caller, permit) = match admitted {
            Ok(admitted) => admitted,
            Err(status) => return Err(refusal(record, status)),
        };
        record.admitted(|name| match name {
            "traceparent" => str::from_utf8(values("traceparent").next()?).ok(),
            _ => str::from_utf8(values("tracestate").next()?).ok(),
        });
        Ok(ForeignCall {
            calls: Arc::clone(self),
            method,
            caller,
            deadline,
            id: record.id.clone(),
            left: Arc::default(),
            held: Mutex::new(Held::Begun(record, permit)),
        })
    }
}

impl ForeignCall {
    /// The call's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Answers a unary call; `None`: the client ended it without a request. The record has ended
    /// afterwards, and the reply holds its bytes until [`Self::leave`].
    pub fn unary(&self, request: Option<&[u8]>) -> Result<Vec<u8>> {
        let (mut record, mut permit) = self.begun()?;
        match self.call(request, &mut record) {
            Ok(reply) => {
                record.succeed();
                permit.exchange_for_reply(reply.len() as u64);
                let mut held = self.held.lock();
                if !self.left.load(SeqCst) {
                    *held = Held::Reply(permit);
                }
                Ok(reply)
            }
            Err(status) => {
                // First, since the client may call again once it has the answer.
                drop(permit);
                Err(refusal(record, status))
            }
        }
    }

    fn call(
        &self,
        request: Option<&[u8]>,
        record: &mut Record,
    ) -> std::result::Result<Vec<u8>, Status> {
        let request = self.request(request, record)?;
        let name = self.method.name;
        let service = self.calls.service()?;
        let reply = service.call(name, request, self.caller.grant(), self.deadline)?;
        self.calls.admission.check_reply(reply.len() as u64)?;
        Ok(reply)
    }

    /// Begins to answer a call whose replies are a stream; `None`: the client ended it without a
    /// request.
    pub fn server_stream(&self, request: Option<&[u8]>) -> Result<Replies> {
        let (mut record, permit) = self.begun()?;
        let opened = self.request(request, &mut record).and_then(|request| {
            let (name, grant) = (self.method.name, self.caller.grant());
            let service = self.calls.service()?;
            service.server_stream(name, request, grant, self.deadline)
        });
        match opened {
            Ok(stream) => Ok(Replies {
                calls: Arc::clone(&self.calls),
                left: Arc::clone(&self.left),
                state: Some((stream, record, permit)),
            }),
            Err(status) => {
                drop(permit);
                Err(refusal(record, status))
            }
        }
    }

    /// Begins to take the requests of a call.
    pub fn client_stream(&self) -> Result<Requests> {
        let (record, permit) = self.begun()?;
        let service = self.calls.service();
        let opened = service.and_then(|service| {
            let (name, grant) = (self.method.name, self.caller.grant());
            service.client_stream(name, grant)
        });
        match opened {
            Ok(stream) => Ok(Requests(Some((stream, record, permit)))),
            Err(status) => {
                drop(permit);
                Err(refusal(record, status))
            }
        }
    }

    /// Notes that the call is over: its client has the reply, or is gone. What has begun is
    /// finished; a call that has not begun is not. Waits for nothing. Idempotent.
    pub fn leave(&self) {
        self.left.store(true, SeqCst);
        let held = mem::replace(&mut *self.held.lock(), Held::Nothing);
        drop(held);
    }

    /// Takes the record and the permit of a call that has not begun.
    fn begun(&self) -> Result<(Record, Permit)> {
        match mem::replace(&mut *self.held.lock(), Held::Nothing) {
            Held::Begun(record, permit) => Ok((record, permit)),
            Held::Reply(_) | Held::Nothing => Err(ended(self.id.clone())),
        }
    }

    fn request<'a>(
        &self,
        request: Option<&'a [u8]>,
        record: &mut Record,
    ) -> std::result::Result<&'a [u8], Status> {
        let request = request.ok_or_else(|| refusals::no_request(self.method.name))?;
        record.note_namespace(request);
        // It may have failed while the request was awaited.
        self.method.observer.check_audit_log()?;
        Ok(request)
    }
}

/// The replies of a call. It is recorded as cancelled if they are dropped before their end.
pub struct Replies {
    calls: Arc<Calls>,
    left: Arc<AtomicBool>,
    /// `None`: the call has ended.
    state: Option<(ReplyStream, Record, Permit)>,
}

impl Iterator for Replies {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut stream, record, permit) = self.state.take()?;
        let next = loop {
            match stream.next_within(WAIT) {
                Some(Ok(None)) if self.left.load(SeqCst) => return None,
                Some(Ok(None)) => {}
                Some(Ok(Some(message))) => {
                    let fits = self.calls.admission.check_reply(message.len() as u64);
                    break Some(fits.map(|()| message));
                }
                Some(Err(status)) => break Some(Err(status)),
                None => break None,
            }
        };
        match next {
            Some(Ok(message)) => {
                self.state = Some((stream, record, permit));
                Some(Ok(message))
            }
            Some(Err(status)) => {
                drop((stream, permit));
                Some(Err(refusal(record, status)))
            }
            None => {
                record.succeed();
                None
            }
        }
    }
}

/// The requests of a call. It is recorded as cancelled if they are dropped before
/// [`Requests::finish`], and then leaves nothing behind.
pub struct Requests(Option<(RequestStream, Record, Permit)>);

impl Requests {
    /// Takes the next request. After an error the call has ended.
    pub fn push(&mut self, request: &[u8]) -> Result<()> {
        let (mut stream, mut record, permit) = self.0.take().ok_or_else(|| ended(String::new()))?;
        record.note_namespace(request);
        match stream.push(request) {
            Ok(()) => {
                self.0 = Some((stream, record, permit));
                Ok(())
            }
            Err(status) => {
                drop((stream, permit));
                Err(refusal(record, status))
            }
        }
    }

    /// Ends the call; returns the reply.
    pub fn finish(self) -> Result<Vec<u8>> {
        let (stream, record, permit) = self.0.ok_or_else(|| ended(String::new()))?;
        let finished = stream.finish();
        drop(permit);
        match finished {
            Ok(reply) => {
                record.succeed();
                Ok(reply)
            }
            Err(status) => Err(refusal(record, status)),
        }
    }
}

/// The refusal of a message to a call that has ended: its status has been sent.
fn ended(id: String) -> Refusal {
    let status = Box::new(RequestStream::ended());
    Refusal { status, id }
}

/// Ends the record of a refused call.
fn refusal(record: Record, status: Status) -> Refusal {
    let id = record.id.clone();
    record.refuse(&status);
    let status = Box::new(status);
    Refusal { status, id }
}
