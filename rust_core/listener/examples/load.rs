//! A load generator for gRPC servers, and an empty echo on the stack of the listener.
//!
//! ```text
//! load run TARGET PATH REQUEST_FILE OUTSTANDING SECONDS [CONNECTIONS]   prints JSON
//! load echo REPLY_BYTES [THREADS]                                       prints its port, serves
//! ```
//!
//! `run` keeps a number of calls outstanding, each with the bytes of a file as its request, and
//! prints calls a second and the latencies in microseconds. Errors end it. Where the request has 16 times `#`,
//! each call has a number of its own, which no earlier run has used: as keys of new items, or request ids.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match arguments.as_slice() {
        ["run", target, path, file, outstanding, seconds, rest @ ..] => {
            let load = Load {
                target: (*target).to_owned(),
                path: (*path).to_owned(),
                requests: Arc::new(Requests::new(framed(&std::fs::read(file)?))?),
                outstanding: outstanding.parse()?,
                length: Duration::from_secs_f64(seconds.parse()?),
                connections: rest.first().map_or(Ok(1), |text| text.parse())?,
            };
            runtime.block_on(run(load))
        }
        ["echo", bytes, rest @ ..] => {
            let threads = rest.first().map_or(Ok(2), |text| text.parse())?;
            echo(framed(&vec![b'x'; bytes.parse()?]), threads)
        }
        _ => Err("load run TARGET PATH FILE OUTSTANDING SECONDS [CONNECTIONS] | echo BYTES".into()),
    }
}

/// A message behind gRPC's prefix.
fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// Requests that differ by a number at some places.
struct Requests {
    message: Bytes,
    places: Vec<usize>,
    next: AtomicU64,
}

/// A place of a number in a request.
const PLACE: &[u8] = b"################";

impl Requests {
    fn new(message: Bytes) -> Result<Self> {
        let places = (0..message.len()).filter(|&at| message[at..].starts_with(PLACE));
        // As many digits as a place has.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        Ok(Self {
            places: places.collect(),
            next: AtomicU64::new(u64::try_from(now)?),
            message,
        })
    }

    fn next(&self) -> Bytes {
        if self.places.is_empty() {
            return self.message.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digits = format!("{number:016}");
        let mut message = BytesMut::from(&self.message[..]);
        for &at in &self.places {
            message[at..at + PLACE.len()].copy_from_slice(digits.as_bytes());
        }
        message.freeze()
    }
}

struct Load {
    target: String,
    path: String,
    requests: Arc<Requests>,
    outstanding: usize,
    length: Duration,
    connections: usize,
}

async fn run(load: Load) -> Result<()> {
    let mut senders = Vec::new();
    for _ in 0..load.connections.max(1) {
        let stream = TcpStream::connect(&load.target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(4 << 20)
            .initial_connection_window_size(64 << 20)
            .handshake::<_, Bytes>(stream)
            .await?;
        tokio::spawn(connection);
        senders.push(sender);
    }
    let uri = format!("http://{}{}", load.target, load.path);
    let begin = Instant::now();
    let warm = begin + Duration::from_millis(300);
    let end = warm + load.length;
    let mut callers = JoinSet::new();
    for number in 0..load.outstanding {
        let sender = senders[number % senders.len()].clone();
        callers.spawn(keep_calling(
            sender,
            uri.clone(),
            Arc::clone(&load.requests),
            warm,
            end,
        ));
    }
    let mut latencies = Vec::new();
    while let Some(found) = callers.join_next().await {
        latencies.extend(found??);
    }
    latencies.sort_unstable();
    let at = |part: f64| {
        let index = ((latencies.len() as f64 * part) as usize).min(latencies.len() - 1);
        latencies[index].as_secs_f64() * 1e6
    };
    if latencies.is_empty() {
        return Err("no call was answered".into());
    }
    let rate = latencies.len() as f64 / load.length.as_secs_f64();
    println!(
        "{{\"calls\": {}, \"rate\": {rate:.0}, \"p50_us\": {:.1}, \"p90_us\": {:.1}, \"p99_us\": {:.1}}}",
        latencies.len(),
        at(0.5),
        at(0.9),
        at(0.99),
    );
    Ok(())
}

async fn keep_calling(
    sender: SendRequest<Bytes>,
    uri: String,
    requests: Arc<Requests>,
    warm: Instant,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let begin = Instant::now();
        if begin >= end {
            return Ok(latencies);
        }
        call(&sender, &uri, requests.next()).await?;
        if begin >= warm {
            latencies.push(begin.elapsed());
        }
    }
}

async fn call(sender: &SendRequest<Bytes>, uri: &str, message: Bytes) -> Result<()> {
    let request = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let mut sender = sender.clone().ready().await?;
    let (response, mut body) = sender.send_request(request, false)?;
    body.send_data(message, true)?;
    let response = response.await?;
    let early = response.headers().get("grpc-status").cloned();
    let mut body = response.into_body();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    match early.as_ref().or(trailers.get("grpc-status")) {
        Some(status) if status == "0" => Ok(()),
        Some(status) => Err(format!("status {status:?} {trailers:?}").into()),
        None => Err("no status".into()),
    }
}

fn echo(reply: Bytes, threads: usize) -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let mut senders = Vec::new();
    for _ in 0..threads.max(1) {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<std::net::TcpStream>();
        let reply = reply.clone();
        std::thread::spawn(move || -> Result<()> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                while let Some(stream) = receiver.recv().await {
                    let stream = TcpStream::from_std(stream)?;
                    tokio::spawn(echo_connection(stream, reply.clone()));
                }
                Ok(())
            })
        });
        senders.push(sender);
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        for turn in 0.. {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            senders[turn % senders.len()].send(stream.into_std()?)?;
        }
        Ok(())
    })
}

async fn echo_connection(stream: TcpStream, reply: Bytes) -> Result<()> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted?;
        let reply = reply.clone();
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(chunk) = body.data().await {
                let chunk = chunk?;
                body.flow_control().release_capacity(chunk.len())?;
            }
            let response = Response::builder()
                .header("content-type", "application/grpc")
                .body(())?;
            let mut stream = respond.send_response(response, false)?;
            stream.send_data(reply, false)?;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            stream.send_trailers(trailers)?;
            Result::Ok(())
        });
    }
    Ok(())
}
