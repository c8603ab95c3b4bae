//! An empty echo: the least that a server on this HTTP/2 library costs.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::Result;

/// Answers every call with one reply; each thread has a runtime and connections of its own, as in the native
/// listener.
pub(crate) fn serve(reply: Bytes, threads: usize) -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("{{\"target\": \"{}\"}}", listener.local_addr()?);
    let mut senders = Vec::new();
    for _ in 0..threads.max(1) {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<std::net::TcpStream>();
        let reply = reply.clone();
        std::thread::spawn(move || -> Result<()> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                while let Some(stream) = receiver.recv().await {
                    let stream = TcpStream::from_std(stream)?;
                    tokio::spawn(answer(stream, reply.clone()));
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

async fn answer(stream: TcpStream, reply: Bytes) -> Result<()> {
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
