//! What a listener is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The first of these addresses that can be bound; port 0 picks a free port.
    Tcp(Vec<SocketAddr>),
    /// A Unix socket. A socket that a dead process left behind is replaced.
    Unix(PathBuf),
}

/// The files of a certificate, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain of certificates, the listener's own first.
    pub cert: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// Certificate authorities; with them every client needs a certificate.
    pub client_ca: Option<PathBuf>,
}

/// The configuration of a listener.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address.
    pub address: Address,
    /// The certificate; `None`: connections are not encrypted.
    pub tls: Option<TlsFiles>,
    /// Threads that read and write connections, answer short calls, and execute a write if no other call needs
    /// the thread.
    pub io_threads: usize,
    /// Threads for the other calls.
    pub workers: usize,
    /// How long a thread of connections, or a worker, polls for more work before it sleeps; zero: never.
    pub idle_poll: Duration,
    /// Connections at the same time; one beyond is closed at once.
    pub max_connections: usize,
    /// Calls at the same time on one connection; more wait in the client.
    pub max_streams_per_connection: u32,
    /// Bytes of the largest request.
    pub max_message_bytes: usize,
    /// How long a call waits for its client to send or to take the next message.
    pub stall_timeout: Duration,
    /// How long a connection without calls stays open.
    pub max_idle: Duration,
    /// The age at which a connection takes no more calls, within a tenth.
    pub max_age: Duration,
    /// Serialized `FileDescriptorProto`s, which reflection serves; `None`: no reflection.
    pub reflection: Option<Vec<Vec<u8>>>,
}
