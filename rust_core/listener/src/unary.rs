//! Unary calls: answered by the thread of the connection, or by a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use ee_access::concurrency::{Permit, Work};

use crate::call::{Call, recorded};
use crate::failure::Failure;
use crate::record::Record;
use crate::reply::{self, Reply};
use crate::waiting;

/// A reply, and the permit for its bytes.
type Answer = (Vec<u8>, Permit);

/// Answers an admitted call.
pub(crate) async fn answer(mut call: Call, mut record: Record, mut permit: Permit) {
    let request = match call.request().await {
        Ok(request) => request,
        Err(failure) => return refuse(&mut call, record, permit, &failure),
    };
    record.note_namespace(&request);
    match at_once(&call, &request) {
        Ok(Some(reply)) => {
            record.succeed();
            permit.exchange_for_reply(reply.len() as u64);
            send(&mut call, (reply, permit)).await;
        }
        Ok(None) => match executable(&mut call, &request, &mut permit).await {
            Ok(()) => work(call, record, permit, request),
            Err(failure) => refuse(&mut call, record, permit, &failure),
        },
        Err(failure) => refuse(&mut call, record, permit, &failure),
    }
}

/// The reply of a call that takes microseconds.
fn at_once(call: &Call, request: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let service = call.shared.calls.service()?;
    let reply = service.try_call(call.method.name, request, call.caller.grant())?;
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

/// Has a worker answer a call. The worker ends the record, before the client has the answer, and sends
/// the answer; a call that nobody waits for any more is not begun, and one that has begun is finished.
fn work(mut call: Call, record: Record, mut permit: Permit, request: Bytes) {
    let workers = Arc::clone(&call.shared.workers);
    workers.submit(move || {
        let run = catch_unwind(AssertUnwindSafe(|| run(&mut call, &request)));
        let result = recorded(record, run.unwrap_or_else(|_| Err(call.defect())));
        let connection = Arc::clone(call.active.connection());
        match result {
            Ok(reply) => {
                permit.exchange_for_reply(reply.len() as u64);
                connection.reply(async move { send(&mut call, (reply, permit)).await });
            }
            Err(failure) => {
                drop(permit);
                connection.reply(async move { call.refuse(&failure) });
            }
        }
    });
}

fn run(call: &mut Call, request: &[u8]) -> Result<Vec<u8>, Failure> {
    if call.is_gone() {
        return Err(Failure::Gone);
    }
    let (calls, method) = (&call.shared.calls, &call.method);
    method.observer.check_audit_log()?;
    let service = calls.service()?;
    let reply = service.call(method.name, request, call.caller.grant(), call.deadline())?;
    calls.admission.check_reply(reply.len() as u64)?;
    Ok(reply)
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
