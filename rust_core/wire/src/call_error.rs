//! A refusal while it is put together, and the status that it becomes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ee_access::google::FieldViolation;
use ee_access::refusals::{self, SHUTTING_DOWN_RETRY};
use ee_access::{Code, Status, StatusBuilder};
use xxhash_rust::xxh3::xxh3_64;

use crate::proto::v1::ErrorReason;
use crate::reason;

/// Longest part of a caller's text that is repeated to it: a status travels in headers, which
/// have room for some KiB.
const SHOWN_BYTES: usize = 512;

/// Why a call is refused.
#[derive(Clone, Debug)]
pub(crate) struct CallError {
    reason: ErrorReason,
    message: String,
    violations: Vec<Violation>,
    metadata: BTreeMap<String, String>,
    internal_detail: Option<String>,
}

/// An invalid field of a request, and what is wrong with it.
#[derive(Clone, Debug)]
struct Violation {
    field: String,
    description: String,
}

/// Result of a part of a call.
pub(crate) type Result<T> = std::result::Result<T, CallError>;

impl CallError {
    /// A refusal, with its message for people.
    #[cold]
    pub(crate) fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            internal_detail: None,
        }
    }

    /// A refusal because of a field of the request; the message says what is wrong with it.
    #[cold]
    pub(crate) fn at(reason: ErrorReason, field: impl Into<String>, what: impl Display) -> Self {
        let (field, description) = (field.into(), what.to_string());
        let mut fault = Self::new(reason, format!("{field}: {description}"));
        fault.metadata.insert("field".to_owned(), field.clone());
        fault.violations.push(Violation { field, description });
        fault
    }

    /// Its reason.
    pub(crate) fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// A defect of the service: the caller gets a fixed text and an id, the log gets the rest.
    #[cold]
    pub(crate) fn internal(detail: impl Display) -> Self {
        let id = defect_id();
        let message = refusals::internal_message(&id);
        let mut fault = Self::new(ErrorReason::Internal, message).with("id", &id);
        fault.internal_detail = Some(format!("id={id} {detail}"));
        fault
    }

    /// With a particular.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Display) -> Self {
        let value = shown(&value.to_string());
        self.metadata.insert(key.to_owned(), value);
        self
    }

    /// With words for the log alone.
    #[must_use]
    pub(crate) fn with_internal_detail(mut self, detail: impl Display) -> Self {
        self.internal_detail = Some(detail.to_string());
        self
    }

    /// The same, where what is wrong is wrong with a snapshot.
    #[must_use]
    pub(crate) fn in_snapshot(mut self) -> Self {
        if reason::code(self.reason) == Code::InvalidArgument {
            self.reason = ErrorReason::InvalidSnapshot;
        }
        self
    }
}

impl From<CallError> for Status {
    fn from(fault: CallError) -> Self {
        let code = reason::code(fault.reason);
        let reason = reason::name(fault.reason);
        let mut violations = Vec::new();
        if code == Code::InvalidArgument {
            violations.extend(fault.violations.into_iter().map(|each| FieldViolation {
                field: each.field,
                description: each.description,
                reason: reason.to_owned(),
            }));
        }
        let status = StatusBuilder::new(code, reason, fault.message)
            .metadata(fault.metadata)
            .violations(violations)
            .internal_detail(fault.internal_detail);
        if fault.reason == ErrorReason::ShuttingDown {
            return status.retry_after(SHUTTING_DOWN_RETRY).build();
        }
        status.build()
    }
}

/// A caller's text as far as it is repeated to the caller.
pub(crate) fn shown(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    let mut end = SHOWN_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// An id that tells one defect's entry in the log from the others'.
fn defect_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let hash = xxh3_64(format!("{now} {count}").as_bytes());
    format!("{:012x}", hash >> 16)
}
