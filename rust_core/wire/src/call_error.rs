//! A refusal under construction, and the status that it becomes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ee_access::google::FieldViolation;
use ee_access::refusals::{self, SHUTTING_DOWN_RETRY};
use ee_access::{Code, Status, StatusBuilder, reason};
use xxhash_rust::xxh3::xxh3_64;

use crate::proto::v1::ErrorReason;

/// Longest excerpt of a caller's text in a status: a status travels in headers, which hold a few KiB.
const SHOWN_BYTES: usize = 512;

/// The delay before a retry while copies take all of their memory: a review takes about that long.
const COPIES_RETRY: Duration = Duration::from_secs(1);

/// The refusal of a call.
#[derive(Clone, Debug)]
pub(crate) struct CallError {
    reason: ErrorReason,
    message: String,
    /// The first [`MAX_VIOLATIONS`] of them, in the order of the checks.
    violations: Vec<Violation>,
    /// Violations that are not listed.
    more: usize,
    metadata: BTreeMap<String, String>,
    internal_detail: Option<String>,
}

/// The largest number of invalid fields that a status lists.
pub(crate) const MAX_VIOLATIONS: usize = 32;

/// An invalid field of a request.
#[derive(Clone, Debug)]
struct Violation {
    reason: ErrorReason,
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
            more: 0,
            metadata: BTreeMap::new(),
            internal_detail: None,
        }
    }

    /// A refusal because of a field of the request; the message says what is wrong with it.
    #[cold]
    pub(crate) fn at(reason: ErrorReason, field: impl Into<String>, what: impl Display) -> Self {
        let (field, description) = (field.into(), what.to_string());
        let mut error = Self::new(reason, format!("{field}: {description}"));
        error.metadata.insert("field".to_owned(), field.clone());
        error.violations.push(Violation {
            reason,
            field,
            description,
        });
        error
    }

    /// The reason.
    pub(crate) fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// A defect of the service: the caller gets a fixed text and an id, the log gets the rest.
    #[cold]
    pub(crate) fn internal(detail: impl Display) -> Self {
        let id = defect_id();
        let message = refusals::internal_message(&id);
        let mut error = Self::new(ErrorReason::Internal, message).with("id", &id);
        error.internal_detail = Some(format!("id={id} {detail}"));
        error
    }

    /// With an entry of the metadata.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Display) -> Self {
        let value = shown(&value.to_string());
        self.metadata.insert(key.to_owned(), value);
        self
    }

    /// With text for the log alone.
    #[must_use]
    pub(crate) fn with_internal_detail(mut self, detail: impl Display) -> Self {
        self.internal_detail = Some(detail.to_string());
        self
    }

    /// The refusal as one of a snapshot, which an invalid field makes invalid.
    #[must_use]
    pub(crate) fn in_snapshot(mut self) -> Self {
        let invalid = |reason: &mut ErrorReason| {
            if reason::code(*reason) == Code::InvalidArgument {
                *reason = ErrorReason::InvalidSnapshot;
            }
        };
        invalid(&mut self.reason);
        let violations = self.violations.iter_mut();
        violations.for_each(|violation| invalid(&mut violation.reason));
        self
    }

    /// This refusal, and the violations of another one after its own.
    #[must_use]
    fn and(mut self, other: Self) -> Self {
        self.more += other.more;
        for violation in other.violations {
            if self.violations.len() < MAX_VIOLATIONS {
                self.violations.push(violation);
            } else {
                self.more += 1;
            }
        }
        self
    }
}

/// Collects violations, so that one refusal names all invalid fields.
#[derive(Debug, Default)]
pub(crate) struct Violations(Option<Box<CallError>>);

impl Violations {
    /// The value of a valid field. For an invalid one, a default that is never used.
    pub(crate) fn check<T: Default>(&mut self, field: Result<T>) -> T {
        match field {
            Ok(value) => value,
            Err(error) => {
                self.add(error);
                T::default()
            }
        }
    }

    /// The value of the last field, or the refusal that names every invalid field.
    pub(crate) fn finish<T>(&mut self, last: Result<T>) -> Result<T> {
        match (self.0.take(), last) {
            (None, last) => last,
            (Some(found), Ok(_)) => Err(*found),
            (Some(found), Err(last)) => Err(found.and(last)),
        }
    }

    #[cold]
    fn add(&mut self, error: CallError) {
        self.0 = Some(Box::new(match self.0.take() {
            None => error,
            Some(found) => found.and(error),
        }));
    }
}

/// The entries of a list, or the refusal that names every invalid entry.
pub(crate) fn all<T>(entries: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::with_capacity(entries.size_hint().0);
    let mut violations = Violations::default();
    for entry in entries {
        match entry {
            Ok(value) => values.push(value),
            Err(error) => {
                values.clear();
                violations.add(error);
            }
        }
    }
    violations.finish(Ok(values))
}

impl From<CallError> for Status {
    fn from(mut error: CallError) -> Self {
        let code = reason::code(error.reason);
        let mut violations = Vec::new();
        if code == Code::InvalidArgument {
            let count = error.violations.len() + error.more;
            if count > 1 {
                let others = count - 1;
                let fields = if others == 1 { "field" } else { "fields" };
                let message = &mut error.message;
                message.push_str(&format!(" (and {others} more invalid {fields})"));
                let key = "violations".to_owned();
                error.metadata.insert(key, count.to_string());
            }
            violations.extend(error.violations.into_iter().map(|each| FieldViolation {
                field: each.field,
                description: each.description,
                reason: reason::name(each.reason).to_owned(),
            }));
        }
        let status = StatusBuilder::new(error.reason, error.message)
            .metadata(error.metadata)
            .violations(violations)
            .internal_detail(error.internal_detail);
        match error.reason {
            ErrorReason::ShuttingDown => status.retry_after(SHUTTING_DOWN_RETRY).build(),
            ErrorReason::Overloaded => status.retry_after(COPIES_RETRY).build(),
            _ => status.build(),
        }
    }
}

/// An excerpt of a caller's text, of a length that a status can carry.
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

/// An id under which the log has the defect.
fn defect_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let hash = xxh3_64(format!("{now} {count}").as_bytes());
    format!("{:012x}", hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(index: usize) -> CallError {
        CallError::at(ErrorReason::InvalidKey, format!("items[{index}]"), "is bad")
            .with("first", index)
    }

    #[test]
    fn the_first_violations_are_listed_and_all_are_counted() {
        let entries = (0..100).map(|index| {
            if index % 2 == 0 {
                Ok(index)
            } else {
                Err(invalid(index))
            }
        });
        let error = all(entries).unwrap_err();
        assert_eq!(error.violations.len(), MAX_VIOLATIONS);
        assert_eq!(error.violations[1].field, "items[3]");
        assert_eq!(error.more, 50 - MAX_VIOLATIONS);
        let status = Status::from(error);
        assert_eq!(
            status.message,
            "items[1]: is bad (and 49 more invalid fields)"
        );
        assert_eq!(all([Ok(1), Ok(2)].into_iter()).unwrap(), [1, 2]);
    }

    #[test]
    fn the_last_violation_is_counted_too() {
        let mut violations = Violations::default();
        assert_eq!(violations.check(Ok(3)), 3);
        assert_eq!(violations.check::<u32>(Err(invalid(0))), 0);
        let error = violations.finish::<()>(Err(invalid(1))).unwrap_err();
        assert_eq!(error.violations.len(), 2);
        assert_eq!(error.metadata["first"], "0");
        assert!(violations.finish(Ok(())).is_ok());
    }
}
