//! The gRPC listener over a real connection: metadata, timeouts, framing and compression of a call, and HTTP/2
//! itself.
//!
//! A case is a sequence of bytes. If the first is [`RAW`], the others are sent on a connection of their own, behind
//! HTTP/2's preface. Otherwise they are a call: its method, its metadata, and the pieces of its body. Its status
//! is compared with what a second, short implementation of gRPC's framing says, and after each case the
//! listener must answer a plain call.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream as StdStream};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use ee_access::concurrency::Limits;
use ee_access::tokens::Caller;
use ee_access::{Admission, Callers, Grant};
use ee_listener::{Address, Calls, Config, Listener, Recording};
use flate2::read::{GzDecoder, GzEncoder, ZlibDecoder};
use h2::client::SendRequest;
use http::{HeaderName, HeaderValue, Request};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::memory;
use crate::world::World;

/// The first byte of a case that is sent as it is.
const RAW: u8 = 0xff;
/// The first byte of a call whose client resets it instead of ending its request.
const RESET: u8 = 0x80;

/// The largest message of this listener.
const MESSAGE_BYTES: usize = 64 << 10;
/// Memory allowed for a case: what a connection takes, a message in pieces and decompressed, and a constant for
/// each byte.
const MEMORY: usize = 2 << 20;
const MEMORY_BYTE: usize = 64;
/// Pieces of a body that have a length of their own: HTTP/2 counts many short ones as an attack.
const PIECES: usize = 16;
/// Within this time every call ends.
const SOON: Duration = Duration::from_secs(10);

const SERVICE: &str = "/effective_embeddings.v1.EffectiveEmbeddingsService/GetServiceInfo";
const PATHS: [&str; 5] = [
    SERVICE,
    "/effective_embeddings.v1.EffectiveEmbeddingsService/Match",
    "/effective_embeddings.v1.EffectiveEmbeddingsService/Restore",
    "/grpc.health.v1.Health/Check",
    "/no.such.Service/Method",
];
const NAMES: [&str; 8] = [
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    "authorization",
    "x-request-id",
    "traceparent",
    "grpc-previous-rpc-attempts",
    "any-bin",
];

const OK: i32 = 0;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;
/// The status of a call that ended without one.
const RESET_STATUS: i32 = -1;

/// Panics of any thread.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A listener; each case has a connection of its own.
pub struct Remote {
    runtime: Runtime,
    port: u16,
    _listener: Listener,
    _world: World,
}

impl Default for Remote {
    fn default() -> Self {
        Self::new()
    }
}

impl Remote {
    /// A listener over a [`World`].
    pub fn new() -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, SeqCst);
            before(info);
        }));
        let world = World::new();
        let caller = Caller::without_token(Grant::unrestricted("fuzz").unwrap());
        let admission = Admission::new(config(), Callers::Everybody(Arc::new(caller)), 1);
        let recording = Recording {
            events: Arc::default(),
            audit: None,
            debug: false,
            traces: true,
        };
        let calls = Calls::new(Arc::new(admission), recording, 1);
        let listener = Listener::bind(listening(), calls).unwrap();
        listener.start().unwrap();
        listener.open(world.service.clone());
        listener.set_serving(true);
        let port = listener.port().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            runtime,
            port,
            _listener: listener,
            _world: world,
        }
    }

    /// Plays a case, and returns the status of its call. Panics if an invariant is violated.
    pub fn play(&self, bytes: &[u8]) -> Option<i32> {
        let panics = PANICS.load(SeqCst);
        let (status, taken) = memory::of(|| match bytes {
            [RAW, rest @ ..] => {
                self.raw(rest);
                None
            }
            _ => Some(self.call(&Call::of(bytes))),
        });
        let room = MEMORY + bytes.len() * MEMORY_BYTE;
        assert!(taken <= room, "{taken} bytes, at most {room}");
        let plain = Call::of(&[0, 0, 5, 0, 0, 0, 0, 0]);
        assert_eq!(self.call(&plain), OK, "a plain call afterwards");
        assert_eq!(PANICS.load(SeqCst), panics, "a thread panicked");
        status
    }

    fn call(&self, call: &Call) -> i32 {
        let answered = self
            .runtime
            .block_on(async { timeout(SOON, call.send(self.port)).await });
        let status = answered.expect("the call ended");
        let expected = call.expected();
        assert!(
            expected
                .as_ref()
                .is_none_or(|expected| expected.contains(&status)),
            "status {status}, expected {expected:?}: {call:?}"
        );
        assert!((RESET_STATUS..=16).contains(&status), "status {status}");
        status
    }

    /// Sends bytes behind the preface, ends the sending side, and reads to the end.
    fn raw(&self, bytes: &[u8]) {
        let mut stream = StdStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        // The listener may close the connection at any byte.
        let _ = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    let kind = error.kind();
                    assert_eq!(
                        kind,
                        std::io::ErrorKind::ConnectionReset,
                        "the connection ends"
                    );
                    return;
                }
            }
        }
    }
}

fn config() -> ee_access::Config {
    ee_access::Config {
        calls_per_second: 0.0,
        burst_calls: 0.0,
        limits: Limits {
            calls: 64,
            calls_share: 64,
            arriving: 64,
            arriving_share: 64,
            streams: 8,
            streams_share: 8,
            waiting: 8,
            waiting_share: 8,
            reply_bytes: 1 << 20,
            reply_bytes_share: 1 << 20,
        },
        max_reply_bytes: 1 << 20,
    }
}

fn listening() -> Config {
    Config {
        address: Address::Tcp(vec![([127, 0, 0, 1], 0).into()]),
        tls: None,
        io_threads: 1,
        workers: 2,
        max_connections: 64,
        max_streams_per_connection: 32,
        max_message_bytes: MESSAGE_BYTES,
        stall_timeout: SOON / 2,
        idle_poll: Duration::ZERO,
        max_idle: Duration::from_secs(3600),
        max_age: Duration::from_secs(24 * 3600),
        reflection: None,
    }
}

async fn connect(port: u16) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    (sender, tokio::spawn(async move { drop(connection.await) }))
}

/// A call as a client makes it.
#[derive(Debug)]
struct Call {
    path: &'static str,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Vec<Bytes>,
    reset: bool,
}

impl Call {
    /// The call that bytes stand for; any bytes stand for one: the method, the number of headers, each header as
    /// the index of its name, its length and its value, and the pieces of the body, each behind its length.
    fn of(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let method = byte(&mut rest);
        let count = byte(&mut rest) % 8;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = NAMES[usize::from(byte(&mut rest)) % NAMES.len()];
            if let Ok(value) = HeaderValue::from_bytes(piece(&mut rest)) {
                headers.push((name, value));
            }
        }
        let mut body = Vec::new();
        while !rest.is_empty() && body.len() < PIECES {
            body.push(Bytes::copy_from_slice(piece(&mut rest)));
        }
        body.push(Bytes::copy_from_slice(rest));
        Self {
            path: PATHS[usize::from(method & !RESET) % PATHS.len()],
            headers,
            body,
            reset: method & RESET != 0,
        }
    }

    async fn send(&self, port: u16) -> i32 {
        let (sender, connection) = connect(port).await;
        let mut request = Request::post(format!("http://localhost{}", self.path))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in &self.headers {
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request.body(()).unwrap();
        let mut sender = sender.ready().await.unwrap();
        let (response, mut body) = sender.send_request(request, false).unwrap();
        for piece in &self.body {
            // The listener may have refused the call already.
            let _ = body.send_data(piece.clone(), false);
            tokio::task::yield_now().await;
        }
        if self.reset {
            body.send_reset(h2::Reason::CANCEL);
        } else {
            let _ = body.send_data(Bytes::new(), true);
        }
        let status = status(response).await.unwrap_or(RESET_STATUS);
        connection.abort();
        status
    }

    /// The statuses that a call of GetServiceInfo can have; `None`: any.
    fn expected(&self) -> Option<Vec<i32>> {
        if self.path != SERVICE || self.reset {
            return None;
        }
        let mut expected = vec![self.expected_without_deadline()?];
        // A deadline that passes soon may be met or not.
        if self.timeout().is_some_and(|timeout| timeout < SOON) {
            expected.push(DEADLINE_EXCEEDED);
        }
        Some(expected)
    }

    fn expected_without_deadline(&self) -> Option<i32> {
        let encoding = self.header("grpc-encoding");
        let encoding = encoding.map_or(&b"identity"[..], HeaderValue::as_bytes);
        if ![&b"identity"[..], b"gzip", b"deflate"].contains(&encoding) {
            return Some(UNIMPLEMENTED);
        }
        let body = self.body.concat();
        let Some((head, rest)) = body.split_first_chunk::<5>() else {
            // No request at all is refused by the service.
            return (!body.is_empty()).then_some(INTERNAL);
        };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > MESSAGE_BYTES {
            return Some(RESOURCE_EXHAUSTED);
        }
        let Some(message) = rest.get(..length) else {
            return Some(INTERNAL);
        };
        let mut decompressed = Vec::new();
        // A message beyond the limit may be torn behind it.
        let most = MESSAGE_BYTES as u64 + 1;
        let opened = match (head[0], encoding) {
            (0, _) => return message.is_empty().then_some(OK),
            (1, b"gzip") => GzDecoder::new(message)
                .take(most)
                .read_to_end(&mut decompressed),
            (1, b"deflate") => ZlibDecoder::new(message)
                .take(most)
                .read_to_end(&mut decompressed),
            _ => return Some(INTERNAL),
        };
        match opened {
            _ if decompressed.len() > MESSAGE_BYTES => Some(RESOURCE_EXHAUSTED),
            Ok(0) => Some(OK),
            Ok(_) => None,
            Err(_) => Some(INTERNAL),
        }
    }

    /// The call's timeout: digits and a unit, as gRPC's specification has it.
    fn timeout(&self) -> Option<Duration> {
        let value = self.header("grpc-timeout")?.to_str().ok()?;
        let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        let count: u64 = digits.parse().ok().filter(|_| plain && digits.len() <= 8)?;
        match unit {
            "n" => Some(Duration::from_nanos(count)),
            "u" => Some(Duration::from_micros(count)),
            "m" => Some(Duration::from_millis(count)),
            "S" => Some(Duration::from_secs(count)),
            "M" => Some(Duration::from_secs(60 * count)),
            "H" => Some(Duration::from_secs(3600 * count)),
            _ => None,
        }
    }

    /// The first value of a header.
    fn header(&self, name: &str) -> Option<&HeaderValue> {
        let mut found = self.headers.iter().filter(|(own, _)| *own == name);
        found.next().map(|(_, value)| value)
    }
}

/// The status of a call; `None`: it was reset.
async fn status(response: h2::client::ResponseFuture) -> Option<i32> {
    let response = response.await.ok()?;
    assert_eq!(response.status(), 200);
    let number = |value: &HeaderValue| value.to_str().unwrap().parse().unwrap();
    let early = response.headers().get("grpc-status").map(number);
    let mut body = response.into_body();
    while let Some(piece) = body.data().await {
        let piece = piece.ok()?;
        let _ = body.flow_control().release_capacity(piece.len());
    }
    let trailers = body.trailers().await.ok()?;
    early.or_else(|| Some(number(trailers?.get("grpc-status")?)))
}

fn byte(rest: &mut &[u8]) -> u8 {
    let Some((&first, others)) = rest.split_first() else {
        return 0;
    };
    *rest = others;
    first
}

/// Bytes behind their length; fewer if there are no more.
fn piece<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(byte(rest)).min(rest.len());
    let (piece, others) = rest.split_at(length);
    *rest = others;
    piece
}

/// Cases that are answered, and cases that are refused for each reason.
pub fn seeds() -> Vec<Vec<u8>> {
    let gzip = |message: &[u8]| {
        let mut compressed = Vec::new();
        let mut encoder = GzEncoder::new(message, flate2::Compression::best());
        encoder.read_to_end(&mut compressed).unwrap();
        compressed
    };
    let framed = |flag: u8, message: &[u8]| {
        let mut framed = vec![flag];
        framed.extend((message.len() as u32).to_be_bytes());
        framed.extend(message);
        framed
    };
    let call = |method: u8, headers: &[(u8, &[u8])], body: &[&[u8]]| {
        let mut bytes = vec![method, headers.len() as u8];
        for (name, value) in headers {
            bytes.extend([*name, value.len() as u8]);
            bytes.extend(*value);
        }
        for piece in body {
            bytes.push(piece.len() as u8);
            bytes.extend(*piece);
        }
        bytes
    };
    let plain = framed(0, b"");
    let bomb = framed(1, &gzip(&vec![0; 20 * MESSAGE_BYTES])[..200]);
    let settings: &[u8] = &[RAW, 0, 0, 0, 4, 0, 0, 0, 0, 0];
    let ping: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let reset: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
    vec![
        call(0, &[], &[&plain]),
        call(0, &[], &[&plain[..2], &plain[2..]]),
        call(0, &[(0, b"100m")], &[&plain]),
        call(
            0,
            &[
                (0, b"1n"),
                (4, b"id"),
                (
                    5,
                    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ),
            ],
            &[&plain],
        ),
        call(0, &[(1, b"gzip")], &[&framed(1, &gzip(b""))]),
        call(0, &[(1, b"gzip")], &[&framed(1, &gzip(b"")[..10])]),
        call(0, &[(1, b"gzip")], &[&bomb]),
        call(0, &[(1, b"br")], &[&plain]),
        call(0, &[], &[&framed(1, b"")]),
        call(0, &[], &[&framed(7, b"")]),
        call(0, &[], &[&[0, 0xff, 0xff, 0xff, 0xff]]),
        call(0, &[], &[&plain[..3]]),
        call(0, &[], &[]),
        call(1, &[], &[&framed(0, b"\x0a\x05alice")]),
        call(2, &[], &[&framed(0, b""), &framed(0, b"")]),
        call(3, &[(7, b"AAE")], &[&plain]),
        call(4, &[(3, b"Bearer x")], &[&plain]),
        call(RESET, &[], &[&plain]),
        call(RESET | 2, &[], &[&framed(0, b"")]),
        settings.to_vec(),
        [settings, ping, ping].concat(),
        [settings, reset].concat(),
    ]
}
