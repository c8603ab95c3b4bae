//! How a refused call is told to the caller.

use std::fmt;

/// The status codes of gRPC that are used here, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// The request is at fault, whatever the state.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// Something named is not there.
    NotFound = 5,
    /// Something to create is there already.
    AlreadyExists = 6,
    /// The caller may not.
    PermissionDenied = 7,
    /// There is no room, or too much is asked for.
    ResourceExhausted = 8,
    /// The state is not one that allows it.
    FailedPrecondition = 9,
    /// There is no such method.
    Unimplemented = 12,
    /// A defect.
    Internal = 13,
    /// Not now.
    Unavailable = 14,
    /// Stored data is damaged.
    DataLoss = 15,
    /// Who calls is not known.
    Unauthenticated = 16,
}

/// A refused call.
#[derive(Clone, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// The message, for people.
    pub message: String,
    /// A serialized `google.rpc.Status`, for programs.
    pub details: Vec<u8>,
    /// What the service's log should say and the caller must not see.
    pub internal_detail: Option<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("internal_detail", &self.internal_detail)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Status {}
