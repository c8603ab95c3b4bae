//! Unary calls: answered by the thread of the connection, or by a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use ee_access::concurrency::{Permit, Work};

use crate::call::{Call, recorded};
use crate::failure::Failure;
use crate::record::Record;
use crate::reply::{self, Reply};
use crate::short_calls::Arriving;
use crate::waiting;

/// A reply, and the permit for its bytes.
type Answer = (Vec<u8>, Permit);

/// Answers an admitted call; `arriving` if it may be short.
pub(crate) async fn answer(
    mut call: Call,
    mut record: Record,
    mut permit: Permit,
    arriving: Option<Arriving>,
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
            Ok(()) => work(&mut call, record, permit, request).await,
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

/// Has a worker answer a call. The worker ends the record, before the client has the answer; a call
/// that nobody waits for any more is not begun, and one that has begun is finished.
async fn work(call: &mut Call, record: Record, permit: Permit, request: Bytes) {
    let gone = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&gone);
    let (shared, method) = (Arc::clone(&call.shared), Arc::clone(&call.method));
    let (caller, deadline) = (Arc::clone(&call.caller), call.deadline());
    let workers = Arc::clone(&shared.workers);
    let step = workers.run(move || -> Result<Answer, Failure> {
        let mut permit = permit;
        let run = || {
            if seen.load(Ordering::Acquire) {
                return Err(Failure::Gone);
            }
            method.observer.check_audit_log()?;
            let service = shared.calls.service()?;
            let reply = service.call(method.name, &request, caller.grant(), deadline)?;
            shared.calls.admission.check_reply(reply.len() as u64)?;
            Ok(reply)
        };
        let reply = recorded(record, run())?;
        permit.exchange_for_reply(reply.len() as u64);
        Ok((reply, permit))
    });
    match call.unless_gone(step).await.and_then(|answer| answer) {
        Ok(answer) => send(call, answer).await,
        Err(failure) => {
            gone.store(true, Ordering::Release);
            call.refuse(&failure);
        }
    }
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
