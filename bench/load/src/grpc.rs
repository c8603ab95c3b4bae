//! Unary calls of gRPC over HTTP/2.

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;

use crate::Result;
use crate::load::Load;
use crate::requests::Requests;

/// A message behind gRPC's prefix.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// Calls a method over a number of connections, which the callers share.
pub(crate) async fn run(
    load: Load,
    target: &str,
    path: &str,
    requests: Requests,
    connections: usize,
) -> Result<String> {
    let mut senders = Vec::new();
    for _ in 0..connections.max(1) {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(4 << 20)
            .initial_connection_window_size(64 << 20)
            .handshake::<_, Bytes>(stream)
            .await?;
        tokio::spawn(connection);
        senders.push(sender);
    }
    let mut head = Request::post(format!("http://{target}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Ok(token) = std::env::var("LOAD_TOKEN") {
        head = head.header("authorization", format!("Bearer {token}"));
    }
    let head = head.body(())?;
    let callers: Vec<_> = senders.into_iter().cycle().take(load.outstanding).collect();
    load.run(callers, async move |sender: &mut SendRequest<Bytes>| {
        call(sender, head.clone(), requests.next()).await
    })
    .await
}

async fn call(sender: &SendRequest<Bytes>, head: Request<()>, message: Bytes) -> Result<()> {
    let mut sender = sender.clone().ready().await?;
    let (response, mut body) = sender.send_request(head, false)?;
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
