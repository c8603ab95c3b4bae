//! One connection: HTTP/2, its calls, and how it ends.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use h2::{Ping, PingPong};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::dispatch::Dispatcher;
use crate::io::Io;
use crate::io_thread::IoThread;
use crate::shared::Stop;

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

/// The calls of a connection, and when the last one ended.
#[derive(Debug)]
struct Activity(Mutex<(usize, Instant)>);

impl Activity {
    fn begin(self: &Arc<Self>) -> Active {
        self.0.lock().0 += 1;
        Active(Arc::clone(self))
    }

    /// Since when the connection has no calls; `None`: it has some.
    fn idle_since(&self) -> Option<Instant> {
        let (calls, last) = *self.0.lock();
        (calls == 0).then_some(last)
    }
}

/// A call of a connection.
struct Active(Arc<Activity>);

impl Drop for Active {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        *state = (state.0 - 1, Instant::now());
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    dispatcher: Arc<Dispatcher>,
    thread: Arc<IoThread>,
    io: Io,
    peer: Arc<str>,
) {
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
    let mut lost = pin!(until_lost(http.ping_pong(), reads));
    let activity = Arc::new(Activity(Mutex::new((0, Instant::now()))));
    // Spread, so that clients that connected together do not come back together.
    let percent = 90 + u32::try_from(shared.calls.ids.random() % 20).unwrap_or_default();
    let mut old = Some(Instant::now() + config.max_age * percent / 100);
    let first = next(&activity, old, config.max_idle).unwrap_or_else(Instant::now);
    let mut clock = pin!(sleep_until(first));
    loop {
        tokio::select! {
            biased;
            accepted = http.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let queued = thread.cycle.arrive();
                    if let Some(rest) = dispatcher.begin(request, respond, &peer, &thread, queued) {
                        let active = (activity.begin(), thread.lone_writes.call());
                        tokio::spawn(async move {
                            rest.await;
                            drop(active);
                        });
                    }
                }
                Some(Err(_)) | None => return,
            },
            () = &mut lost => return,
            changed = stop.changed() => match *stop.borrow_and_update() {
                Stop::Graceful if changed.is_ok() => http.graceful_shutdown(),
                Stop::Not if changed.is_ok() => {}
                _ => return,
            },
            () = &mut clock => {
                let now = Instant::now();
                let idle = activity.idle_since();
                if old.is_none() && idle.is_some() {
                    // It was told to end, and its client does not answer.
                    return;
                }
                let too_idle = idle.is_some_and(|since| now >= since + config.max_idle);
                if too_idle || old.is_some_and(|old| now >= old) {
                    old = None;
                    http.graceful_shutdown();
                }
                let again = next(&activity, old, config.max_idle).unwrap_or(now + FAREWELL);
                clock.as_mut().reset(again);
            }
        }
    }
}

/// When to look at a connection's age and idleness again; `None`: it is to end already.
fn next(activity: &Activity, old: Option<Instant>, max_idle: Duration) -> Option<Instant> {
    let idle = activity.idle_since().unwrap_or_else(Instant::now) + max_idle;
    old.map(|old| old.min(idle))
}

/// Returns once the client is gone: it sends nothing, not even the answer to a ping.
async fn until_lost(ping: Option<PingPong>, reads: Arc<AtomicU64>) {
    let Some(mut ping) = ping else {
        return pending().await;
    };
    loop {
        let before = reads.load(Relaxed);
        sleep(QUIET).await;
        if reads.load(Relaxed) != before {
            continue;
        }
        let answered = timeout(PING_TIMEOUT, ping.ping(Ping::opaque())).await;
        let silent = reads.load(Relaxed) == before;
        if silent || matches!(answered, Ok(Err(_))) {
            return;
        }
        if answered.is_err() {
            // The ping is still under way, behind other bytes: the client reads slowly.
            return;
        }
    }
}
