//! The entry point of all calls: a method's name, the bytes of a request and a grant.

use std::sync::Arc;
use std::time::Instant;

use ee_access::Status;
use ee_access::grant::{Grant, Scope};
use ee_engine::Engine;

use crate::call::Call;
use crate::call_error::{CallError, Result, shown};
use crate::namespace_of::namespace_of;
use crate::panic_guard::guard;
use crate::proto::v1::ErrorReason;
use crate::revision_wait::AwaitedRevision;
use crate::state::ServiceState;
use crate::streams::{ReplyStream, RequestStream};
use crate::table::{Entry, Handler, TABLE};

/// Largest request, in bytes, of a brief write: room for an embedding of a little below 4,096 components.
const BRIEF_WRITE_BYTES: usize = 16 << 10;

/// The service over one engine.
#[derive(Clone)]
pub struct Service {
    state: ServiceState,
    table: &'static [Entry],
}

impl Service {
    /// The service over an engine.
    pub fn new(engine: Engine) -> Self {
        Self {
            state: ServiceState {
                engine: Arc::new(engine),
                max_message_bytes: None,
                at_once: false,
            },
            table: TABLE,
        }
    }

    /// The service with the message limit of its transport. The transport enforces the limit; the
    /// service reports it.
    #[must_use]
    pub fn with_max_message_bytes(mut self, bytes: Option<usize>) -> Self {
        self.state.max_message_bytes = bytes;
        self
    }

    /// The service for a transport that waits itself for the revisions which reads ask for
    /// ([`AwaitedRevision`]). A read of a revision that is not reached is refused at once.
    #[must_use]
    pub fn without_waits(mut self) -> Self {
        self.state.at_once = true;
        self
    }

    /// Whether a read of this revision has nothing to wait for: it is reached, or of another epoch.
    /// `None` if that takes more than microseconds to say: the namespace is not in memory, or its entry
    /// there is locked.
    pub fn try_is_reached(&self, awaited: &AwaitedRevision) -> Option<bool> {
        awaited.try_is_reached(self.engine())
    }

    /// [`Self::try_is_reached`] with an answer in any case; loads the namespace. True if it cannot be
    /// loaded: the call itself says why.
    pub fn is_reached(&self, awaited: &AwaitedRevision) -> bool {
        awaited.is_reached(self.engine())
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.state.engine
    }

    /// Answers a unary call: a serialized request in, a serialized reply out.
    ///
    /// A call does not begin after `deadline`; one that has begun is finished.
    pub fn call(
        &self,
        method: &str,
        request: &[u8],
        grant: &Grant,
        deadline: Option<Instant>,
    ) -> std::result::Result<Vec<u8>, Status> {
        guard(|| match self.entry(method) {
            Some((entry, Handler::Unary { call, .. })) => {
                call(&self.begin(entry, grant, deadline)?, request)
            }
            Some((entry, Handler::Command { plan, .. })) => {
                plan(&self.begin(entry, grant, deadline)?, request)?.execute(self.engine())
            }
            _ => Err(unknown_method("unary", method)),
        })
    }

    /// [`Service::call`] for a thread that other calls need. `then` gets the reply: before this returns, or,
    /// of a write that shares its commit with others, later and in the thread that commits, which it must
    /// not hold up. `waits` is called before this waits, or computes for long.
    pub fn call_then(
        &self,
        method: &str,
        request: &[u8],
        grant: &Grant,
        deadline: Option<Instant>,
        waits: &dyn Fn(),
        then: impl FnOnce(std::result::Result<Vec<u8>, Status>) + Send + 'static,
    ) {
        let Some((entry, Handler::Command { plan, .. })) = self.entry(method) else {
            waits();
            return then(self.call(method, request, grant, deadline));
        };
        let plan = || {
            let call = self.begin(entry, grant, deadline)?;
            plan(&call.with_waits(waits), request)
        };
        match guard(plan) {
            Ok(planned) => planned.execute_then(self.engine(), waits, then),
            Err(status) => then(Err(status)),
        }
    }

    /// Whether a call is a write that usually takes little more than its commit, judged by a check that takes a
    /// fraction of a microsecond.
    pub fn is_brief_write(&self, method: &str, request: &[u8], grant: &Grant) -> bool {
        let brief = matches!(
            self.entry(method),
            Some((_, Handler::Command { brief: true, .. }))
        );
        let begins =
            |name: String| grant.allows(Scope::Write, &name) && self.engine().begins_writes(&name);
        brief
            && request.len() <= BRIEF_WRITE_BYTES
            && namespace_of(method, request).is_some_and(begins)
    }

    /// Answers a server-streaming call: a serialized request in, serialized replies out.
    pub fn server_stream(
        &self,
        method: &str,
        request: &[u8],
        grant: &Grant,
        deadline: Option<Instant>,
    ) -> std::result::Result<ReplyStream, Status> {
        guard(|| match self.entry(method) {
            Some((entry, Handler::ServerStream(open))) => {
                let replies = open(&self.begin(entry, grant, deadline)?, request)?;
                Ok(ReplyStream::new(replies))
            }
            _ => Err(unknown_method("server-streaming", method)),
        })
    }

    /// Begins a client-streaming call, which takes serialized requests one at a time.
    pub fn client_stream(
        &self,
        method: &str,
        grant: &Grant,
    ) -> std::result::Result<RequestStream, Status> {
        guard(|| match self.entry(method) {
            Some((entry, Handler::ClientStream(begin))) => {
                let sink = begin(&self.begin(entry, grant, None)?)?;
                Ok(RequestStream::new(sink))
            }
            _ => Err(unknown_method("client-streaming", method)),
        })
    }

    pub(crate) fn entry(&self, method: &str) -> Option<(&'static Entry, Handler)> {
        let entry = self
            .table
            .iter()
            .find(|entry| entry.method.name == method)?;
        Some((entry, entry.handler))
    }

    pub(crate) fn begin<'a>(
        &'a self,
        entry: &'static Entry,
        grant: &'a Grant,
        deadline: Option<Instant>,
    ) -> Result<Call<'a>> {
        Call::begin(&self.state, &entry.method, grant, deadline)
    }
}

#[cold]
fn unknown_method(kind: &str, method: &str) -> CallError {
    let method = shown(method);
    let message = format!("there is no {kind} method {method:?}");
    CallError::new(ErrorReason::UnknownMethod, message).with("method", method)
}

#[cfg(test)]
mod tests {
    use ee_access::Code;
    use ee_access::grant::Scope;
    use ee_engine::Options;

    use super::*;
    use crate::streams::RequestSink;
    use crate::table;

    /// Counts the bytes of its requests.
    struct Length(usize);

    impl RequestSink for Length {
        fn push(&mut self, request: &[u8]) -> Result<()> {
            self.0 += request.len();
            Ok(())
        }

        fn finish(self: Box<Self>) -> Result<Vec<u8>> {
            Ok(self.0.to_string().into_bytes())
        }
    }

    const TWO_OF_A_KIND: &[Entry] = &[
        table::server_stream("Snapshot", Scope::Read, |_, _| {
            Ok(Box::new(std::iter::once(Ok(b"snapshot".to_vec()))))
        }),
        table::server_stream("Bytes", Scope::Read, |_, request| {
            let mut bytes = request.to_vec();
            bytes.reverse();
            Ok(Box::new(std::iter::from_fn(move || {
                Some(Ok(vec![bytes.pop()?]))
            })))
        }),
        table::client_stream("Restore", Scope::Admin, |_| Ok(Box::new(Length(1000)))),
        table::client_stream("Length", Scope::Write, |_| Ok(Box::new(Length(0)))),
    ];

    #[test]
    fn each_streaming_method_is_answered_as_itself() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        let mut service = Service::new(engine);
        service.table = TWO_OF_A_KIND;
        let grant = Grant::new("reader", [("write", "*")]).unwrap();

        let replies = service.server_stream("Bytes", b"ab", &grant, None).unwrap();
        let replies: Vec<_> = replies.map(|reply| reply.unwrap()).collect();
        assert_eq!(replies, [b"a", b"b"]);
        let mut stream = service.client_stream("Length", &grant).unwrap();
        stream.push(b"abc").unwrap();
        stream.push(b"d").unwrap();
        assert_eq!(stream.finish().unwrap(), b"4");

        // The scope is the method's own, and so is its kind.
        let code = |status: Option<Status>| status.map(|status| status.code);
        let denied = service.client_stream("Restore", &grant).err();
        assert_eq!(code(denied), Some(Code::PermissionDenied));
        for method in ["Watch", "Length", ""] {
            let unknown = service.server_stream(method, b"", &grant, None).err();
            assert_eq!(code(unknown), Some(Code::Unimplemented), "{method:?}");
        }
        for method in ["Upload", "Bytes", ""] {
            let unknown = service.client_stream(method, &grant).err();
            assert_eq!(code(unknown), Some(Code::Unimplemented), "{method:?}");
        }
        let unknown = service.call("Bytes", b"", &grant, None).err();
        assert_eq!(code(unknown), Some(Code::Unimplemented));
    }

    #[test]
    fn a_stream_ends_with_its_first_error() {
        let failed = || CallError::new(ErrorReason::TooLarge, "failed");
        let replies = [Ok(vec![1]), Err(failed()), Ok(vec![2])];
        let mut stream = ReplyStream::new(Box::new(replies.into_iter()));
        assert_eq!(stream.next(), Some(Ok(vec![1])));
        assert!(stream.next().unwrap().is_err());
        assert_eq!(stream.next(), None);

        struct Refuses;
        impl RequestSink for Refuses {
            fn push(&mut self, _: &[u8]) -> Result<()> {
                panic!("a defect")
            }

            fn finish(self: Box<Self>) -> Result<Vec<u8>> {
                Ok(Vec::new())
            }
        }
        let mut stream = RequestStream::new(Box::new(Refuses));
        assert_eq!(stream.push(b"").unwrap_err().code, Code::Internal);
        assert_eq!(stream.push(b"").unwrap_err().code, Code::InvalidArgument);
        assert_eq!(stream.finish().unwrap_err().code, Code::InvalidArgument);
    }
}
