//! The bytes of a connection: over TCP, a Unix socket or TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use crate::idle_polling::IdlePolling;

/// The transport of a connection.
pub(crate) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection, which fails once its client takes no byte for the stall timeout.
pub(crate) struct Io {
    transport: Transport,
    polling: Arc<IdlePolling>,
    reads: Arc<AtomicU64>,
    stall: Duration,
    /// Runs while the connection takes no more bytes.
    blocked: Option<Pin<Box<Sleep>>>,
}

impl Io {
    /// A connection.
    pub(crate) fn new(transport: Transport, stall: Duration, polling: Arc<IdlePolling>) -> Self {
        Self {
            transport,
            polling,
            reads: Arc::default(),
            stall,
            blocked: None,
        }
    }

    /// Counts the reads that brought something.
    pub(crate) fn reads(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reads)
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        })?;
        self.reads.fetch_add(1, Relaxed);
        self.polling.note_activity();
        Poll::Ready(Ok(()))
    }
}

// Vectored writes are not offered: HTTP/2 then copies messages of up to 1 KiB between the frames
// around them, so that the reply of a short call is one write instead of two.
impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        if written.is_ready() {
            self.blocked = None;
            self.polling.note_activity();
            return written;
        }
        let stall = self.stall;
        let blocked = self.blocked.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(blocked.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Transport::Unix(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
