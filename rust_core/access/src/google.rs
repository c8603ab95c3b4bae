//! The messages of `google.rpc` that explain a failed call, with the fields that are used here:
//! <https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto> and
//! `error_details.proto` in the same directory.

use std::collections::BTreeMap;

use prost::{Message, Name};
use prost_types::{Any, Duration};

/// The content of `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// The gRPC status code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// The message.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Messages with the particulars.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// The reason, for programs.
#[derive(Clone, PartialEq, Message)]
pub struct ErrorInfo {
    /// The name of the reason.
    #[prost(string, tag = "1")]
    pub reason: String,
    /// The domain that defines the reason.
    #[prost(string, tag = "2")]
    pub domain: String,
    /// The particulars.
    #[prost(btree_map = "string, string", tag = "3")]
    pub metadata: BTreeMap<String, String>,
}

/// The fields of the request that are invalid.
#[derive(Clone, PartialEq, Message)]
pub struct BadRequest {
    /// One entry for each field.
    #[prost(message, repeated, tag = "1")]
    pub field_violations: Vec<FieldViolation>,
}

/// One invalid field.
#[derive(Clone, PartialEq, Message)]
pub struct FieldViolation {
    /// Its path, such as `assignments[3].embedding`.
    #[prost(string, tag = "1")]
    pub field: String,
    /// The fault.
    #[prost(string, tag = "2")]
    pub description: String,
    /// The name of the reason.
    #[prost(string, tag = "3")]
    pub reason: String,
}

/// When a retry may succeed.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    /// The least delay before the retry.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<Duration>,
}

macro_rules! names {
    ($($message:ident),*) => {
        $(impl Name for $message {
            const NAME: &'static str = stringify!($message);
            const PACKAGE: &'static str = "google.rpc";

            fn type_url() -> String {
                concat!("type.googleapis.com/google.rpc.", stringify!($message)).to_owned()
            }
        })*
    };
}

names!(ErrorInfo, BadRequest, RetryInfo);

/// Packs a detail.
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}
