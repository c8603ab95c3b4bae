//! Unary calls: answered by the thread of the connection, or by a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use ee_access::concurrency::{Permit, Work};
use ee_access::{Admission, Status};
use ee_wire::Service;
use tokio::sync::oneshot;

use crate::call::{Call, recorded};
use crate::calls::{Calls, Method};
use crate::failure::Failure;
use crate::io_thread::IoThread;
use crate::lone_writes::Executing;
use crate::record::Record;
use crate::reply::{self, Reply};
use crate::short_calls::Arriving;
use crate::waiting;

/// Largest request, in bytes, that is decoded in much less than a millisecond.
const BRIEF_BYTES: usize = 32 << 10;

/// A reply, and the permit for its bytes.
type Answer = (Vec<u8>, Permit);

/// Answers an admitted call; `arriving` if it may be short.
pub(crate) async fn answer(
    mut call: Call,
    mut record: Record,
    mut permit: Permit,
    arriving: Option<Arriving>,
    thread: Arc<IoThread>,
) {
    let request = match call.request().await {
        Ok(request) => request,
        Err(failure) => return refuse(&mut call, record, permit, &failure),
    };
    record.note_namespace(&request);
    let short = match arriving {
        Some(arriving) => at_once(&call, &request, arriving).await,
        None => Ok(None),
    };
    match short {
        Ok(Some(reply)) => {
            record.succeed();
            permit.exchange_for_reply(reply.len() as u64);
            send(&mut call, (reply, permit)).await;
        }
        Ok(None) => match executable(&mut call, &request, &mut permit).await {
            Ok(()) => work(&mut call, record, permit, request, &thread).await,
            Err(failure) => refuse(&mut call, record, permit, &failure),
        },
        Err(failure) => refuse(&mut call, record, permit, &failure),
    }
}

/// The reply of a call that takes microseconds.
async fn at_once(
    call: &Call,
    request: &Bytes,
    arriving: Arriving,
) -> Result<Option<Vec<u8>>, Failure> {
    let reply = arriving.answer(call, request).await?;
    if let Some(reply) = &reply {
        call.shared
            .calls
            .admission
            .check_reply(reply.len() as u64)?;
    }
    Ok(reply)
}

/// Exchanges the permit for one to execute the call, once the revision that it asks for is reached.
async fn executable(call: &mut Call, request: &[u8], permit: &mut Permit) -> Result<(), Failure> {
    if let Some(awaited) = waiting::awaited(call, request).await? {
        call.shared
            .calls
            .admission
            .exchange(permit, Work::Waiting)?;
        waiting::until_reached(call, &awaited).await?;
    }
    Ok(call.shared.calls.admission.exchange(permit, Work::Unary)?)
}

/// Has a worker answer a call, or answers a write here if no other call needs this thread. A write that
/// another thread commits is ended by that thread, and holds no worker meanwhile. A call that nobody waits for
/// any more is not begun, and one that has begun is finished.
async fn work(call: &mut Call, record: Record, permit: Permit, request: Bytes, thread: &IoThread) {
    let here = reserve(call, &record, &request, thread);
    let gone = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&gone);
    let (sender, receiver) = oneshot::channel();
    let (calls, method) = (Arc::clone(&call.shared.calls), Arc::clone(&call.method));
    let (caller, deadline) = (Arc::clone(&call.caller), call.deadline());
    let cores = Arc::clone(&call.shared.cores);
    let job = move |waits: &dyn Fn()| {
        let (name, grant) = (method.name, caller.grant());
        let ending = Ending {
            record,
            permit,
            admission: Arc::clone(&calls.admission),
            answer: sender,
        };
        let service = match begin(&calls, &method, &seen) {
            Ok(service) => service,
            Err(failure) => return ending.end(Err(failure)),
        };
        if request.len() > BRIEF_BYTES {
            waits();
        }
        if ending.record.waits_for_disk() {
            waits();
            let reply = service.call(name, &request, grant, deadline);
            return ending.end(reply.map_err(Failure::from));
        }
        let writing = method.observer.writes.then(|| cores.write());
        let then = move |reply: Result<_, Status>| {
            drop(writing);
            ending.end(reply.map_err(Failure::from));
        };
        service.call_then(name, &request, grant, deadline, waits, then);
    };
    match here {
        Some(executing) => {
            gone.store(call.is_reset(), Ordering::Release);
            // The wire crate turns panics into statuses; a panic beside it drops the sender.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&|| {})));
            drop(executing);
            // Calls that came meanwhile are read, and counted beside this one.
            tokio::task::yield_now().await;
        }
        None => call
            .shared
            .workers
            .submit(move |turn| job(&|| turn.waits())),
    }
    let step = async { receiver.await.ok() };
    match call.unless_gone(step).await.and_then(|answer| answer) {
        Ok(answer) => send(call, answer).await,
        Err(failure) => {
            gone.store(true, Ordering::Release);
            call.refuse(&failure);
        }
    }
}

/// Reserves the thread of the connection for a write, if that is allowed.
fn reserve<'a>(
    call: &Call,
    record: &Record,
    request: &[u8],
    thread: &'a IoThread,
) -> Option<Executing<'a>> {
    let method = &call.method;
    if !method.observer.writes || record.waits_for_disk() || !thread.lone_writes.may_begin() {
        return None;
    }
    let service = call.shared.calls.service().ok()?;
    let brief = service.is_brief_write(method.name, request, call.caller.grant());
    brief.then(|| thread.lone_writes.begin()).flatten()
}

/// What ends a call that is executed, in whichever thread.
struct Ending {
    record: Record,
    permit: Permit,
    admission: Arc<Admission>,
    answer: oneshot::Sender<Result<Answer, Failure>>,
}

impl Ending {
    /// Ends the record, before the client has the reply.
    fn end(self, reply: Result<Vec<u8>, Failure>) {
        let Self {
            record,
            mut permit,
            admission,
            answer,
        } = self;
        let reply = reply.and_then(|reply| {
            admission.check_reply(reply.len() as u64)?;
            Ok(reply)
        });
        let ended = recorded(record, reply).map(|reply| {
            permit.exchange_for_reply(reply.len() as u64);
            (reply, permit)
        });
        // If the call was dropped meanwhile, the answer is dropped here too.
        drop(answer.send(ended));
    }
}

/// The service, unless the call must not begin.
fn begin(calls: &Calls, method: &Method, gone: &AtomicBool) -> Result<Service, Failure> {
    if gone.load(Ordering::Acquire) {
        return Err(Failure::Gone);
    }
    method.observer.check_audit_log()?;
    Ok(calls.service()?)
}

async fn send(call: &mut Call, (message, permit): Answer) {
    let until = reply::deadline(call.shared.config.stall_timeout, message.len());
    let Ok(mut reply) = Reply::begin(&mut call.respond) else {
        return;
    };
    match reply.message(message, Some(Arc::new(permit)), until).await {
        Ok(()) => reply.succeed(&call.id),
        Err(failure) => call.break_off(reply, &failure),
    }
}

/// Refuses a call. The permit is given back first: the client may call again once it has the answer.
fn refuse(call: &mut Call, record: Record, permit: Permit, failure: &Failure) {
    drop(permit);
    record.fail(failure);
    call.refuse(failure);
}
