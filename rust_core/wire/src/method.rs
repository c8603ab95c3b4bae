//! The description of a method, apart from its handler.

use ee_access::grant::Scope;

/// A method of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The name of the RPC.
    pub name: &'static str,
    /// The scope that a grant must have.
    pub scope: Scope,
    /// Which side streams.
    pub kind: Kind,
    /// Whether some of its calls are answered by [`Service::try_calls`](crate::Service::try_calls).
    pub short: bool,
}

/// The number of messages that each side of a call sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One request, one reply.
    Unary,
    /// One request, any number of replies.
    ServerStream,
    /// Any number of requests, one reply.
    ClientStream,
}
