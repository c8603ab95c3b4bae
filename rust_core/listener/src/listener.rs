//! A listener: its threads, and its life from bind to stop.

use std::fmt;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ee_wire::Service;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::accept::{Accepted, Opened, Place, Socket};
use crate::calls::Calls;
use crate::config::Config;
use crate::connection::{self, HANDSHAKE};
use crate::cores::Cores;
use crate::dispatch::Dispatcher;
use crate::health::Health;
use crate::idle_polling::IdlePolling;
use crate::io::{Io, Transport};
use crate::io_thread::IoThread;
use crate::lone_writes::{Counted, LoneWrites};
use crate::reflection::Reflection;
use crate::shared::{Shared, Stop};
use crate::short_calls::ShortCalls;
use crate::tls::Certificates;

/// How long a thread of connections may take to end.
const TIME_TO_END: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(2);

/// Why a listener cannot be made.
#[derive(Debug)]
pub enum ListenError {
    /// The address cannot be bound.
    Bind(io::Error),
    /// The certificate cannot be used; the text names the files.
    Certificate(String),
    /// Threads or descriptors are missing, or a descriptor for reflection is malformed.
    Other(String),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Certificate(message) | Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ListenError {}

/// Serves the contract over gRPC.
pub struct Listener {
    shared: Arc<Shared>,
    dispatcher: Arc<Dispatcher>,
    certificates: Option<Arc<Certificates>>,
    port: Option<u16>,
    state: Mutex<State>,
}

enum State {
    Bound(Vec<(Runtime, Arc<IdlePolling>)>, Socket),
    Started(Vec<JoinHandle<()>>),
    Stopped,
}

type NewConnection = (Accepted, Place, Counted);

/// A thread that takes connections, and what it has to do.
type Recipient = (UnboundedSender<NewConnection>, Arc<LoneWrites>);

impl Listener {
    /// Takes the address; nothing is served before [`Listener::start`].
    ///
    /// `calls` admits and records the calls; the listener opens and closes it.
    pub fn bind(config: Config, calls: Arc<Calls>) -> Result<Self, ListenError> {
        let other = |error: io::Error| ListenError::Other(error.to_string());
        let certificates = config.tls.clone().map(|files| {
            let events = Arc::clone(&calls.observation.recording.events);
            Certificates::open(files, events).map_err(ListenError::Certificate)
        });
        let certificates = certificates.transpose()?.map(Arc::new);
        let reflection = config
            .reflection
            .as_deref()
            .map(Reflection::new)
            .transpose();
        let reflection = reflection.map_err(ListenError::Other)?.map(Arc::new);
        let cores = Cores::new(thread::available_parallelism().map_or(1, NonZero::get));
        let runtime = |_| {
            let polling = IdlePolling::new(config.idle_poll, Arc::clone(&cores));
            let (before, after) = (Arc::clone(&polling), Arc::clone(&polling));
            let mut builder = Builder::new_current_thread();
            let runtime = builder
                .enable_all()
                .on_thread_park(move || before.before_sleep())
                .on_thread_unpark(move || after.after_sleep())
                .build()?;
            runtime.spawn(Arc::clone(&polling).run());
            Ok((runtime, polling))
        };
        let runtimes: Vec<_> = (0..config.io_threads.max(1))
            .map(runtime)
            .collect::<io::Result<_>>()
            .map_err(other)?;
        let socket = {
            let _inside = runtimes[0].0.enter();
            Socket::bind(&config.address).map_err(ListenError::Bind)?
        };
        let port = socket.local().map(|address| address.port());
        let shared = Arc::new(Shared::new(config, calls, cores));
        let dispatcher = Arc::new(Dispatcher {
            shared: Arc::clone(&shared),
            health: Health::new(Arc::clone(&shared)),
            reflection,
        });
        Ok(Self {
            shared,
            dispatcher,
            certificates,
            port,
            state: Mutex::new(State::Bound(runtimes, socket)),
        })
    }

    /// The port that was taken; `None`: the address is a Unix socket.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Serves health, and refuses calls until [`Listener::open`].
    pub fn start(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let State::Bound(runtimes, socket) = std::mem::replace(&mut *state, State::Stopped) else {
            return Ok(());
        };
        self.shared.workers.start(self.shared.config.workers)?;
        let mut threads = Vec::new();
        let taken = Arc::default();
        let mut recipients = Vec::new();
        let mut receivers = Vec::new();
        for (number, (_, polling)) in runtimes.iter().enumerate() {
            let (sender, receiver) = unbounded_channel();
            // The first thread accepts connections.
            let lone_writes = LoneWrites::new(number > 0, &taken, polling);
            recipients.push((sender, Arc::clone(&lone_writes)));
            receivers.push((receiver, lone_writes));
        }
        let mut accepting = Some(accept(Arc::clone(&self.shared), socket, recipients));
        for (number, ((runtime, polling), (connections, lone_writes))) in
            runtimes.into_iter().zip(receivers).enumerate()
        {
            let dispatcher = Arc::clone(&self.dispatcher);
            let certificates = self.certificates.clone();
            let accepting = accepting.take();
            let thread = thread::Builder::new().name(format!("effemb-io-{number}"));
            threads.push(thread.spawn(move || {
                if let Some(accepting) = accepting {
                    runtime.spawn(accepting);
                }
                runtime.block_on(connect(
                    dispatcher,
                    certificates,
                    polling,
                    lone_writes,
                    connections,
                ));
                runtime.shutdown_background();
            })?);
        }
        *state = State::Started(threads);
        Ok(())
    }

    /// Answers calls from now on.
    pub fn open(&self, service: Service) {
        // A read that waits for a revision holds no thread here.
        self.shared.calls.open(service.without_waits());
    }

    /// The health that the listener tells.
    pub fn set_serving(&self, serving: bool) {
        self.shared
            .serving
            .send_if_modified(|before| std::mem::replace(before, serving) != serving);
    }

    /// Calls in flight, and calls whose replies clients have not taken yet.
    pub fn is_idle(&self) -> bool {
        let admission = &self.shared.calls.admission;
        admission.in_flight() == 0 && admission.reply_bytes() == 0
    }

    /// Closes the address, ends the connections once their calls have ended, and after `grace` all
    /// others. Afterwards the listener has let go of the service. A write that a disk does not answer keeps the
    /// service, and its connection if the connection's thread executes it. Idempotent.
    pub fn stop(&self, grace: Duration) {
        let state = std::mem::replace(&mut *self.state.lock(), State::Stopped);
        if let State::Started(threads) = state {
            self.shared.stop.send_replace(Stop::Graceful);
            wait(grace, || self.shared.connections.load(Acquire) == 0);
            self.shared.stop.send_replace(Stop::Now);
            wait(TIME_TO_END, || threads.iter().all(JoinHandle::is_finished));
        }
        self.shared.workers.close();
        self.shared.calls.close();
    }

    /// Calls that were cancelled because their clients stalled.
    pub fn stalled(&self) -> u64 {
        self.shared.stalled.load(Relaxed)
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

fn wait(longest: Duration, done: impl Fn() -> bool) {
    let end = Instant::now() + longest;
    while !done() && Instant::now() < end {
        thread::sleep(POLL);
    }
}

/// Hands each connection to the thread with the fewest connections, among those that execute no write, until the
/// listener stops.
async fn accept(shared: Arc<Shared>, socket: Socket, recipients: Vec<Recipient>) {
    let mut stop = shared.stop.subscribe();
    loop {
        tokio::select! {
            accepted = socket.accept() => {
                // A connection beyond the limit is closed: it is dropped here.
                if let Some(place) = Place::take(&shared.connections, shared.config.max_connections) {
                    // This thread comes last among equals. It executes no write, so one takes the connection.
                    let mut next: Vec<_> = recipients.iter().rev().collect();
                    next.sort_by_cached_key(|(_, thread)| thread.connections());
                    let mut next = next.into_iter();
                    let next = next.find_map(|(sender, thread)| Some((sender, thread.connection()?)));
                    if let Some((sender, counted)) = next {
                        // A thread that has ended takes no connections: the listener stops.
                        let _ = sender.send((accepted, place, counted));
                    }
                }
            }
            _ = stop.changed() => return,
        }
    }
}

/// Serves the connections of a thread, until the listener stops.
async fn connect(
    dispatcher: Arc<Dispatcher>,
    certificates: Option<Arc<Certificates>>,
    polling: Arc<IdlePolling>,
    lone_writes: Arc<LoneWrites>,
    mut connections: UnboundedReceiver<NewConnection>,
) {
    let thread = Arc::new(IoThread {
        cycle: Arc::default(),
        short_calls: ShortCalls::new(&dispatcher.shared),
        lone_writes,
    });
    let mut stop = dispatcher.shared.stop.subscribe();
    loop {
        tokio::select! {
            Some((accepted, place, counted)) = connections.recv() => {
                let peer: Arc<str> = accepted.peer().into();
                let (dispatcher, thread) = (Arc::clone(&dispatcher), Arc::clone(&thread));
                let (certificates, polling) = (certificates.clone(), Arc::clone(&polling));
                tokio::spawn(async move {
                    let stall = dispatcher.shared.config.stall_timeout;
                    if let Some(transport) = secure(accepted, certificates).await {
                        let io = Io::new(transport, stall, polling);
                        connection::serve(dispatcher, thread, io, peer).await;
                    }
                    drop((place, counted));
                });
            }
            stopped = stop.wait_for(|stop| *stop == Stop::Now) => {
                drop(stopped);
                return;
            }
        }
    }
}

/// The transport of a connection, after the handshake of TLS; `None`: the client failed.
async fn secure(accepted: Accepted, certificates: Option<Arc<Certificates>>) -> Option<Transport> {
    match (accepted.open().ok()?, certificates) {
        (Opened::Unix(stream), _) => Some(Transport::Unix(stream)),
        (Opened::Tcp(stream), None) => Some(Transport::Tcp(stream)),
        (Opened::Tcp(stream), Some(certificates)) => {
            let acceptor = TlsAcceptor::from(certificates.current());
            let stream = timeout(HANDSHAKE, acceptor.accept(stream))
                .await
                .ok()?
                .ok()?;
            Some(Transport::Tls(Box::new(stream)))
        }
    }
}
