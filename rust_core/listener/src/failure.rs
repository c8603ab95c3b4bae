//! Why a call ends without a reply.

use ee_access::Status;

use crate::codes::GrpcCode;

/// The end of a call that has no reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service or the admission refused it, with machine-readable details.
    Refused(Box<Status>),
    /// The request is not one that gRPC allows.
    Protocol(GrpcCode, String),
    /// The client stalled: the stream is reset with CANCEL.
    Stalled,
    /// The client cancelled the call, or its connection is gone; no answer can be sent.
    Gone,
}

impl Failure {
    /// A request that violates gRPC's protocol or its limits.
    #[cold]
    pub(crate) fn protocol(code: GrpcCode, message: impl Into<String>) -> Self {
        Self::Protocol(code, message.into())
    }

    /// The status code.
    pub(crate) fn code(&self) -> GrpcCode {
        match self {
            Self::Refused(status) => status.code.into(),
            Self::Protocol(code, _) => *code,
            Self::Stalled | Self::Gone => GrpcCode::CANCELLED,
        }
    }

    /// The reason, for logs and metrics: an `ErrorReason` without its prefix, or the code's name.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Refused(status) => status.reason,
            other => other.code().name(),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}
