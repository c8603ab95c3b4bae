//! The status of a refused call, and the `google.rpc.Status` that carries its details.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prost::Message;

use crate::google::{self, BadRequest, ErrorInfo, FieldViolation, RetryInfo};
use crate::reason::{self, Code, ErrorReason};

/// The domain of every `ErrorInfo`: it says whose reasons they are.
pub const DOMAIN: &str = "effective-embeddings";

/// The trailing metadata that carries [`Status::details`].
pub const DETAILS_KEY: &str = "grpc-status-details-bin";
/// The trailing metadata that carries [`Status::retry_pushback`].
pub const RETRY_PUSHBACK_KEY: &str = "grpc-retry-pushback-ms";

/// Largest details of a status, in bytes. A client with gRPC's defaults accepts 8 KiB of trailing
/// metadata in all; the details travel there in base64, beside the percent-encoded message.
pub const MAX_DETAILS_BYTES: usize = 4096;

/// The status of a refused call.
#[derive(Clone, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// The reason, as `errors.proto` names it, without the prefix `ERROR_REASON_`.
    pub reason: &'static str,
    /// The message, for people.
    pub message: String,
    /// A serialized `google.rpc.Status`, for programs; at most [`MAX_DETAILS_BYTES`].
    pub details: Vec<u8>,
    /// When to try again; `None` if trying again does not help. Also in `details`, and sent as
    /// `grpc-retry-pushback-ms` to clients whose gRPC library retries.
    pub retry_delay: Option<Duration>,
    /// Text for the service's log, which the caller must not see.
    pub internal_detail: Option<String>,
}

impl Status {
    /// The delay in milliseconds, for gRPC libraries that retry; `None` if there is no delay.
    pub fn retry_pushback(&self) -> Option<String> {
        self.retry_delay
            .map(|delay| delay.as_millis().max(1).to_string())
    }
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

/// The parts of a status, from which [`StatusBuilder::build`] packs the details.
#[derive(Clone, Debug)]
pub struct StatusBuilder {
    reason: ErrorReason,
    message: String,
    metadata: BTreeMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_delay: Option<Duration>,
    internal_detail: Option<String>,
}

impl StatusBuilder {
    /// A status with a reason, the reason's code and a message.
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_delay: None,
            internal_detail: None,
        }
    }

    /// Adds an entry of the `ErrorInfo`'s metadata.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Replaces the `ErrorInfo`'s metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }

    /// Adds a `BadRequest` with these field violations, unless the list is empty.
    #[must_use]
    pub fn violations(mut self, violations: Vec<FieldViolation>) -> Self {
        self.violations = violations;
        self
    }

    /// Adds a `RetryInfo` with the delay after which a retry may succeed, rounded to milliseconds.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        let millis = (delay.as_micros() + 500) / 1000;
        let millis = u64::try_from(millis).unwrap_or(u64::MAX).max(1);
        self.retry_delay = Some(Duration::from_millis(millis));
        self
    }

    /// Adds text for the service's log alone.
    #[must_use]
    pub fn internal_detail(mut self, detail: Option<String>) -> Self {
        self.internal_detail = detail;
        self
    }

    /// Packs the details. If they exceed [`MAX_DETAILS_BYTES`], the field violations are dropped
    /// from the end, then the copy of the message, then the metadata; the reason and the delay
    /// are always there.
    pub fn build(mut self) -> Status {
        let mut details = self.packed(&self.message);
        while details.len() > MAX_DETAILS_BYTES && self.violations.pop().is_some() {
            details = self.packed(&self.message);
        }
        if details.len() > MAX_DETAILS_BYTES {
            details = self.packed("");
        }
        if details.len() > MAX_DETAILS_BYTES {
            self.metadata.clear();
            details = self.packed("");
        }
        Status {
            code: reason::code(self.reason),
            reason: reason::name(self.reason),
            message: self.message,
            details,
            retry_delay: self.retry_delay,
            internal_detail: self.internal_detail,
        }
    }

    fn packed(&self, message: &str) -> Vec<u8> {
        let mut details = vec![google::pack(&ErrorInfo {
            reason: reason::name(self.reason).to_owned(),
            domain: DOMAIN.to_owned(),
            metadata: self.metadata.clone(),
        })];
        if !self.violations.is_empty() {
            details.push(google::pack(&BadRequest {
                field_violations: self.violations.clone(),
            }));
        }
        if let Some(delay) = self.retry_delay {
            details.push(google::pack(&RetryInfo {
                retry_delay: prost_types::Duration::try_from(delay).ok(),
            }));
        }
        google::Status {
            code: reason::code(self.reason) as i32,
            message: message.to_owned(),
            details,
        }
        .encode_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(status: &Status) -> (google::Status, ErrorInfo) {
        let packed = google::Status::decode(status.details.as_slice()).unwrap();
        let info = ErrorInfo::decode(packed.details[0].value.as_slice()).unwrap();
        (packed, info)
    }

    #[test]
    fn details_hold_the_reason_the_metadata_and_the_delay() {
        let status = StatusBuilder::new(ErrorReason::Overloaded, "no room")
            .with("limit", "concurrent_calls")
            .retry_after(Duration::from_micros(200_400))
            .build();
        let (packed, info) = unpacked(&status);
        assert_eq!((packed.code, packed.message.as_str()), (8, "no room"));
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("OVERLOADED", DOMAIN)
        );
        assert_eq!(info.metadata["limit"], "concurrent_calls");
        assert_eq!(
            packed.details[1].type_url,
            "type.googleapis.com/google.rpc.RetryInfo"
        );
        let retry = RetryInfo::decode(packed.details[1].value.as_slice()).unwrap();
        assert_eq!(retry.retry_delay.unwrap().nanos, 200_000_000);
        assert_eq!(status.retry_pushback().as_deref(), Some("200"));
    }

    #[test]
    fn a_delay_is_at_least_a_millisecond() {
        let status = StatusBuilder::new(ErrorReason::Starting, "")
            .retry_after(Duration::ZERO)
            .build();
        assert_eq!(status.retry_pushback().as_deref(), Some("1"));
    }

    #[test]
    fn details_that_are_too_large_keep_the_reason_and_the_delay() {
        let violation = |field: usize| FieldViolation {
            field: format!("items[{field}].key"),
            description: "x".repeat(500),
            reason: "INVALID_KEY".to_owned(),
        };
        let status = StatusBuilder::new(ErrorReason::InvalidKey, "short")
            .with("field", "items[0].key")
            .violations((0..100).map(violation).collect())
            .build();
        let (packed, info) = unpacked(&status);
        assert!(status.details.len() <= MAX_DETAILS_BYTES);
        assert_eq!(packed.message, "short");
        assert_eq!(info.metadata["field"], "items[0].key");
        let kept = BadRequest::decode(packed.details[1].value.as_slice()).unwrap();
        assert!((5..8).contains(&kept.field_violations.len()));
        assert_eq!(kept.field_violations[0], violation(0));

        let status = StatusBuilder::new(ErrorReason::InvalidKey, "m".repeat(5000))
            .with("actual", "short")
            .build();
        let (packed, info) = unpacked(&status);
        assert_eq!((packed.message.as_str(), info.metadata.len()), ("", 1));
        assert_eq!(status.message.len(), 5000);

        let status = StatusBuilder::new(ErrorReason::Overloaded, "")
            .with("actual", "a".repeat(5000))
            .retry_after(Duration::from_secs(1))
            .build();
        let (packed, info) = unpacked(&status);
        assert_eq!(
            (info.reason.as_str(), info.metadata.len()),
            ("OVERLOADED", 0)
        );
        assert_eq!(packed.details.len(), 2);
    }
}
