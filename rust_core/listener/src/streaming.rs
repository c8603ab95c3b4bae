//! Streaming calls. Each step of the service runs in a worker; while the client is awaited, a call
//! holds its permit and no thread.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ee_access::concurrency::{Permit, StreamPace, Work};
use ee_wire::{ReplyStream, RequestStream};
use tokio::time::timeout;

use crate::call::{Call, recorded, refused};
use crate::failure::Failure;
use crate::record::Record;
use crate::reply::{self, Reply};
use crate::waiting;

/// The rate at which a client must send or take a stream, while the service waits for it.
pub(crate) const BYTES_PER_SECOND: u64 = 1024;

/// Time until a stream that waits for news is asked again: it holds no worker meanwhile.
const POLL: Duration = Duration::from_millis(100);

/// Answers an admitted call whose replies are a stream.
pub(crate) async fn download(mut call: Call, mut record: Record, permit: Permit) {
    let permit = Arc::new(permit);
    let mut replies = match open(&mut call, &mut record).await {
        Ok(replies) => replies,
        Err(failure) => return refuse(&mut call, record, permit, &failure),
    };
    let Ok(mut reply) = Reply::begin(&mut call.respond) else {
        return leave(&call, replies);
    };
    let mut pace = pace(call.shared.config.stall_timeout);
    let workers = Arc::clone(&call.shared.workers);
    loop {
        // The stream comes back with its next message: it may be dropped in a worker only.
        let next = workers
            .run(move || (replies.next_within(Duration::ZERO), replies))
            .await;
        let Some((next, rest)) = next else {
            let failure = call.defect();
            record.fail(&failure);
            return call.break_off(reply, &failure);
        };
        replies = rest;
        let sent = match next {
            None => break,
            Some(Ok(None)) => {
                let gone = poll_fn(|context| reply.poll_reset(context));
                match timeout(POLL, gone).await {
                    Err(_) => continue,
                    Ok(()) => Err(Failure::Gone),
                }
            }
            Some(Ok(Some(message))) => send(&call, &mut reply, message, &permit, &mut pace).await,
            Some(Err(status)) => Err(status.into()),
        };
        if let Err(failure) = sent {
            leave(&call, replies);
            record.fail(&failure);
            return call.break_off(reply, &failure);
        }
    }
    leave(&call, replies);
    record.succeed();
    // The messages that are not gone yet hold the permit, too.
    drop(permit);
    reply.succeed(&call.id);
}

async fn open(call: &mut Call, record: &mut Record) -> Result<ReplyStream, Failure> {
    let request = call.request().await?;
    record.note_namespace(&request);
    if let Some(awaited) = waiting::awaited(call, &request).await? {
        // Beside the permit of the stream: few calls of a principal may wait.
        let permit = call
            .shared
            .calls
            .admission
            .acquire(&call.caller, Work::Waiting)?;
        waiting::until_reached(call, &awaited).await?;
        drop(permit);
    }
    let service = call.shared.calls.service()?;
    let (method, caller) = (Arc::clone(&call.method), Arc::clone(&call.caller));
    let deadline = call.deadline();
    let workers = Arc::clone(&call.shared.workers);
    let step =
        workers.run(move || service.server_stream(method.name, &request, caller.grant(), deadline));
    refused(call.unless_gone(step).await?)
}

async fn send(
    call: &Call,
    reply: &mut Reply,
    message: Vec<u8>,
    permit: &Arc<Permit>,
    pace: &mut StreamPace,
) -> Result<(), Failure> {
    let bytes = message.len() as u64;
    call.shared.calls.admission.check_reply(bytes)?;
    let begin = Instant::now();
    let until = begin + pace.allowance();
    reply
        .message(message, Some(Arc::clone(permit)), until.into())
        .await?;
    pace.advance(begin.elapsed(), bytes);
    Ok(())
}

/// Answers an admitted call whose requests are a stream.
pub(crate) async fn upload(mut call: Call, mut record: Record, permit: Permit) {
    let permit = Arc::new(permit);
    let stream = match receive(&mut call, &mut record).await {
        Ok(stream) => stream,
        Err(failure) => return refuse(&mut call, record, permit, &failure),
    };
    // From here on it is finished, even if nobody waits for it any more.
    let workers = Arc::clone(&call.shared.workers);
    let held = Arc::clone(&permit);
    let step = workers.run(move || {
        let finished = recorded(record, refused(stream.finish()));
        drop(held);
        finished
    });
    let message = match call.unless_gone(step).await.and_then(|message| message) {
        Ok(message) => message,
        Err(failure) => return call.refuse(&failure),
    };
    let until = reply::deadline(call.shared.config.stall_timeout, message.len());
    let Ok(mut reply) = Reply::begin(&mut call.respond) else {
        return;
    };
    match reply.message(message, Some(permit), until).await {
        Ok(()) => reply.succeed(&call.id),
        Err(failure) => call.break_off(reply, &failure),
    }
}

/// Pushes all requests; a call that does not come to its end leaves nothing behind.
async fn receive(call: &mut Call, record: &mut Record) -> Result<RequestStream, Failure> {
    let service = call.shared.calls.service()?;
    let workers = Arc::clone(&call.shared.workers);
    let (method, caller) = (Arc::clone(&call.method), Arc::clone(&call.caller));
    let step = workers.run(move || service.client_stream(method.name, caller.grant()));
    let mut stream = refused(call.unless_gone(step).await?)?;
    let mut pace = pace(call.shared.config.stall_timeout);
    loop {
        let begin = Instant::now();
        let request = match call.next(pace.allowance()).await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(stream),
            Err(failure) => {
                leave(call, stream);
                return Err(failure);
            }
        };
        pace.advance(begin.elapsed(), request.len() as u64);
        record.note_namespace(&request);
        let step = workers.run(move || {
            stream.push(&request)?;
            Ok(stream)
        });
        stream = refused(step.await.ok_or_else(|| call.defect())?)?;
    }
}

fn pace(stall: Duration) -> StreamPace {
    StreamPace::new(BYTES_PER_SECOND as f64, stall)
}

/// Drops the state of a stream where that may wait.
fn leave(call: &Call, stream: impl Send + 'static) {
    call.shared.workers.submit(move |turn| {
        turn.waits();
        drop(stream);
    });
}

fn refuse(call: &mut Call, record: Record, permit: Arc<Permit>, failure: &Failure) {
    drop(permit);
    record.fail(failure);
    call.refuse(failure);
}
