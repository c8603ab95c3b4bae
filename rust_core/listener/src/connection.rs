//! One connection: HTTP/2, its calls, and how it ends.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::{Ping, PingPong};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::cycle::Cycle;
use crate::dispatch::Dispatcher;
use crate::driver::Driver;
use crate::io::{Io, Reads};
use crate::shared::Stop;
use crate::shared_connection::SharedConnection;

/// How long a client may take for a handshake: TLS, and HTTP/2's preface.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
/// A client that sends nothing for so long is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(20);
/// The time that it then has to send something.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that an idle or old connection has to acknowledge its end, if it has no calls.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes of a call's headers, as HTTP/2 counts them.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// Bytes that a client may send on a stream, and on the connection, before they are read.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Bytes of a reply that are handed to HTTP/2 before they are written.
const SEND_BUFFER: usize = 256 << 10;

/// Closes the connection when its task ends, however.
struct Closing(Arc<SharedConnection>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.driver.close();
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve(dispatcher: Arc<Dispatcher>, cycle: Arc<Cycle>, io: Io, peer: Arc<str>) {
    let shared = &dispatcher.shared;
    let config = &shared.config;
    let mut stop = shared.stop.subscribe();
    let reads = io.reads();
    let handshake = h2::server::Builder::new()
        .max_concurrent_streams(config.max_streams_per_connection)
        .max_header_list_size(MAX_HEADER_BYTES)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake::<_, Bytes>(io);
    let Ok(Ok(mut http)) = timeout(HANDSHAKE, handshake).await else {
        return;
    };
    let mut lost = pin!(until_lost(http.ping_pong(), Arc::clone(&reads)));
    let connection = Arc::new(SharedConnection::new(Driver::new(http, reads), peer));
    let _closing = Closing(Arc::clone(&connection));
    // Spread, so that clients that connected together do not come back together.
    let percent = 90 + u32::try_from(shared.calls.ids.random() % 20).unwrap_or_default();
    let mut old = Some(Instant::now() + config.max_age * percent / 100);
    let first = next(&connection, old, config.max_idle).unwrap_or_else(Instant::now);
    let mut clock = pin!(sleep_until(first));
    loop {
        tokio::select! {
            biased;
            accepted = poll_fn(|context| connection.driver.poll_accept(context)) => match accepted {
                Some(Ok((request, respond))) => {
                    let queued = cycle.arrive();
                    if let Some(rest) = dispatcher.begin(request, respond, &connection, queued) {
                        tokio::spawn(rest);
                    }
                }
                Some(Err(_)) | None => return,
            },
            () = &mut lost => return,
            changed = stop.changed() => match *stop.borrow_and_update() {
                Stop::Graceful if changed.is_ok() => connection.driver.graceful_shutdown(),
                Stop::Not if changed.is_ok() => {}
                _ => return,
            },
            () = &mut clock => {
                let now = Instant::now();
                let idle = connection.idle_since();
                if old.is_none() && idle.is_some() {
                    // It was told to end, and its client does not answer.
                    return;
                }
                let too_idle = idle.is_some_and(|since| now >= since + config.max_idle);
                if too_idle || old.is_some_and(|old| now >= old) {
                    old = None;
                    connection.driver.graceful_shutdown();
                }
                let again = next(&connection, old, config.max_idle).unwrap_or(now + FAREWELL);
                clock.as_mut().reset(again);
            }
        }
    }
}

/// When to look at a connection's age and idleness again; `None`: it is to end already.
fn next(
    connection: &SharedConnection,
    old: Option<Instant>,
    max_idle: Duration,
) -> Option<Instant> {
    let idle = connection.idle_since().unwrap_or_else(Instant::now) + max_idle;
    old.map(|old| old.min(idle))
}

/// Returns once the client is gone: it sends nothing, not even the answer to a ping.
async fn until_lost(ping: Option<PingPong>, reads: Arc<Reads>) {
    let Some(mut ping) = ping else {
        return pending().await;
    };
    loop {
        let before = reads.count();
        sleep(QUIET).await;
        if reads.count() != before {
            continue;
        }
        let answered = timeout(PING_TIMEOUT, ping.ping(Ping::opaque())).await;
        let silent = reads.count() == before;
        if silent || matches!(answered, Ok(Err(_))) {
            return;
        }
        if answered.is_err() {
            // The ping is still under way, behind other bytes: the client reads slowly.
            return;
        }
    }
}
