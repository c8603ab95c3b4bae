//! Executions of one prepared statement, in version 3 of PostgreSQL's protocol.

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::load::Load;
use crate::requests::Requests;

const VERSION: i32 = 3 << 16;
const BINARY: i16 = 1;
/// The reply to a message is complete; the next one may be sent.
const READY: u8 = b'Z';
const ERROR: u8 = b'E';

/// Executes a statement over a connection for each caller.
pub(crate) async fn run(
    load: Load,
    target: &str,
    database: &str,
    sql: &str,
    parameters: usize,
    requests: Requests,
) -> Result<String> {
    let mut callers = Vec::new();
    for _ in 0..load.outstanding {
        callers.push(Connection::open(target, database, sql, parameters).await?);
    }
    load.run(callers, async move |connection: &mut Connection| {
        connection.call(&requests.next()).await
    })
    .await
}

/// The messages of one execution: Bind, Execute, Sync.
pub(crate) fn execution(parameters: &[&str]) -> Result<Bytes> {
    let mut out = BytesMut::new();
    let mut values = Vec::new();
    for parameter in parameters {
        values.push(match parameter.strip_prefix('@') {
            Some(path) => std::fs::read(path)?,
            None => parameter.as_bytes().to_vec(),
        });
    }
    message(&mut out, b'B', |out| {
        out.put_slice(b"\0s\0");
        out.put_i16(1);
        out.put_i16(BINARY);
        out.put_i16(values.len() as i16);
        for value in &values {
            out.put_i32(value.len() as i32);
            out.put_slice(value);
        }
        out.put_i16(1);
        out.put_i16(BINARY);
    });
    message(&mut out, b'E', |out| {
        out.put_slice(b"\0");
        out.put_i32(0);
    });
    message(&mut out, b'S', |_| {});
    Ok(out.freeze())
}

fn message(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    sized(out, body);
}

/// A body behind its length, which counts itself.
fn sized(out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let mut inner = BytesMut::new();
    body(&mut inner);
    out.put_i32(inner.len() as i32 + 4);
    out.put_slice(&inner);
}

struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Connects, and prepares the statement.
    async fn open(target: &str, database: &str, sql: &str, parameters: usize) -> Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream,
            buffer: BytesMut::new(),
        };
        let mut start = BytesMut::new();
        sized(&mut start, |out| {
            out.put_i32(VERSION);
            for text in ["user", "bench", "database", database] {
                out.put_slice(text.as_bytes());
                out.put_u8(0);
            }
            out.put_u8(0);
        });
        connection.call(&start).await?;
        let mut prepare = BytesMut::new();
        message(&mut prepare, b'P', |out| {
            out.put_slice(b"s\0");
            out.put_slice(sql.as_bytes());
            out.put_u8(0);
            // The statement says the types.
            out.put_i16(parameters as i16);
            out.put_bytes(0, 4 * parameters);
        });
        message(&mut prepare, b'S', |_| {});
        connection.call(&prepare).await?;
        Ok(connection)
    }

    async fn call(&mut self, messages: &[u8]) -> Result<()> {
        self.stream.write_all(messages).await?;
        loop {
            while let Some((kind, body)) = self.received() {
                match kind {
                    READY => return Ok(()),
                    ERROR => return Err(String::from_utf8_lossy(&body).into_owned().into()),
                    _ => {}
                }
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("PostgreSQL closed the connection".into());
            }
        }
    }

    fn received(&mut self) -> Option<(u8, BytesMut)> {
        let head = self.buffer.first_chunk::<5>()?;
        let [kind, length @ ..] = *head;
        let end = 1 + u32::from_be_bytes(length) as usize;
        if self.buffer.len() < end {
            return None;
        }
        let message = self.buffer.split_to(end);
        Some((kind, message.clone().split_off(5)))
    }
}
