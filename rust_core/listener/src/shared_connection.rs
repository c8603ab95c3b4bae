//! A connection, as its calls see it: its peer, how many calls it has, and the way of their replies.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::driver::Driver;

/// What the calls of a connection share.
pub(crate) struct SharedConnection {
    pub(crate) peer: Arc<str>,
    pub(crate) driver: Driver,
    runtime: Handle,
    /// The calls, and when the last one ended.
    activity: Mutex<(usize, Instant)>,
}

impl SharedConnection {
    /// A connection of the runtime of this thread, without calls.
    pub(crate) fn new(driver: Driver, peer: Arc<str>) -> Self {
        Self {
            peer,
            driver,
            runtime: Handle::current(),
            activity: Mutex::new((0, Instant::now())),
        }
    }

    /// Begins a call.
    pub(crate) fn begin(self: &Arc<Self>) -> Active {
        self.activity.lock().0 += 1;
        Active(Arc::clone(self))
    }

    /// Since when the connection has no calls; `None`: it has some.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let (calls, last) = *self.activity.lock();
        (calls == 0).then_some(last)
    }

    /// Runs what sends the reply of a call, in any thread. The reply of the only call is written at once;
    /// beside others the thread of the connection writes what there is of them together. What cannot
    /// be sent yet goes on in that thread.
    pub(crate) fn reply(&self, sending: impl Future<Output = ()> + Send + 'static) {
        let _inside = self.runtime.enter();
        let alone = self.activity.lock().0 <= 1;
        let mut sending = Box::pin(sending);
        let sent = self.driver.send(alone, || {
            sending
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        });
        if sent.is_pending() {
            self.runtime.spawn(sending);
        }
    }
}

/// A call of a connection.
pub(crate) struct Active(Arc<SharedConnection>);

impl Active {
    pub(crate) fn connection(&self) -> &Arc<SharedConnection> {
        &self.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut state = self.0.activity.lock();
        *state = (state.0 - 1, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};
    use tokio::net::TcpStream;
    use tokio::runtime::Builder;
    use tokio::time::timeout;

    use super::*;
    use crate::io::{Io, Transport};

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn the_reply_of_the_only_call_is_written_while_the_thread_of_the_connection_is_busy() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, has_accepted) = channel();
        let (go, may_go) = channel();
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let server = thread::spawn(move || {
            runtime().block_on(async {
                let (stream, _) = listener.accept().unwrap();
                stream.set_nonblocking(true).unwrap();
                let transport = Transport::Tcp(TcpStream::from_std(stream).unwrap());
                let io = Io::new(transport, LONG);
                let reads = io.reads();
                let http = h2::server::Builder::new().handshake::<_, Bytes>(io);
                let driver = Driver::new(http.await.unwrap(), reads);
                let connection = Arc::new(SharedConnection::new(driver, "peer".into()));
                let next = || poll_fn(|context| connection.driver.poll_accept(context));
                let (_, respond) = next().await.unwrap().unwrap();
                accepted.send((connection.begin(), respond)).unwrap();
                may_go.recv_timeout(LONG).unwrap();
                // To the end of the connection: what was read meanwhile is not lost.
                while next().await.is_some_and(|accepted| accepted.is_ok()) {}
            });
        });
        let worker = thread::spawn(move || {
            let (active, mut respond) = has_accepted.recv().unwrap();
            let connection = Arc::clone(active.connection());
            connection.reply(async move {
                respond.send_response(Response::new(()), true).unwrap();
                drop(active);
            });
        });
        runtime().block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let request = Request::post("http://localhost/").body(()).unwrap();
            let (response, _) = sender.send_request(request, true).unwrap();
            let response = timeout(LONG / 2, response).await.unwrap().unwrap();
            assert_eq!(response.status(), 200);
        });
        go.send(()).unwrap();
        worker.join().unwrap();
        server.join().unwrap();
    }
}
