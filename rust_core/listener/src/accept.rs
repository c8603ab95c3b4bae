//! The socket that a listener listens on, and the connections that come to it.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::AcqRel};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;

use crate::config::Address;

/// Connections that the system accepts before the listener does.
const BACKLOG: u32 = 1024;
/// The pause after a connection could not be accepted, for example for want of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// A bound socket.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf, (u64, u64)),
}

/// A connection that is accepted.
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(std::os::unix::net::UnixStream),
}

impl Socket {
    /// Binds an address. Needs a runtime.
    pub(crate) fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(addresses) => {
                let mut failed = io::ErrorKind::AddrNotAvailable.into();
                for &address in addresses {
                    match bind_tcp(address) {
                        Ok(listener) => return Ok(Self::Tcp(listener)),
                        Err(error) => failed = error,
                    }
                }
                Err(failed)
            }
            Address::Unix(path) => bind_unix(path),
        }
    }

    /// The port, of a TCP socket.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Accepted {
        loop {
            match self.try_accept().await {
                Ok(accepted) => return accepted,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn try_accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Replies are small and whole; waiting for more to send only delays them.
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream.into_std()?, peer))
            }
            Self::Unix(listener, ..) => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted::Unix(stream.into_std()?))
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Self::Unix(_, path, own) = self
            && identity(path).ok() == Some(*own)
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Accepted {
    /// The client's address as gRPC writes it.
    pub(crate) fn peer(&self) -> String {
        match self {
            Self::Tcp(_, SocketAddr::V4(peer)) => format!("ipv4:{peer}"),
            Self::Tcp(_, SocketAddr::V6(peer)) => format!("ipv6:{peer}"),
            Self::Unix(_) => "unix:".to_owned(),
        }
    }

    /// The connection in the runtime of this thread.
    pub(crate) fn open(self) -> io::Result<Opened> {
        Ok(match self {
            Self::Tcp(stream, _) => Opened::Tcp(TcpStream::from_std(stream)?),
            Self::Unix(stream) => Opened::Unix(UnixStream::from_std(stream)?),
        })
    }
}

/// A connection in the runtime of a thread.
pub(crate) enum Opened {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A place among the connections, which a connection holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// A place, if fewer than `most` are taken.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(Arc::clone(taken));
        (taken.fetch_add(1, AcqRel) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, AcqRel);
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of a server that ended a moment ago do not keep the port; a server that listens
    // does.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds a Unix socket in place of one that nobody listens on.
fn bind_unix(path: &Path) -> io::Result<Socket> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match std::os::unix::net::UnixStream::connect(path) {
                Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                    UnixListener::bind(path)?
                }
                _ => return Err(error),
            }
        }
        bound => bound?,
    };
    let own = identity(path)?;
    Ok(Socket::Unix(listener, path.to_owned(), own))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}
