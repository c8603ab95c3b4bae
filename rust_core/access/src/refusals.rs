//! The refusals that a listener makes itself, before or after the service is called. Each becomes
//! a [`Status`]; the refusals that depend on a request are made where requests are decoded.

use std::time::Duration;

use crate::reason::ErrorReason;
use crate::status::{Status, StatusBuilder};

/// The delay before a retry while the service shuts down: the time until it is replaced.
pub const SHUTTING_DOWN_RETRY: Duration = Duration::from_secs(1);
/// The delay before a retry while the service opens its data.
pub const STARTING_RETRY: Duration = Duration::from_millis(500);
/// The delay before a retry while the audit log cannot be written; it is tried once a second.
pub const AUDIT_LOG_RETRY: Duration = Duration::from_secs(1);

/// The refusal of an unknown caller. It is the same for a missing, a malformed and a wrong token.
#[cold]
pub fn unauthenticated() -> Status {
    let message = "this service needs a token that it knows, in the call's metadata: \
                   authorization: Bearer TOKEN";
    StatusBuilder::new(ErrorReason::Unauthenticated, message)
        .with("scheme", "Bearer")
        .build()
}

/// The refusal of a call that would exceed a limit of concurrent work. `limit` is the limit's
/// name, `value` its value, `retry` the time after which the call may be admitted.
#[cold]
pub fn overloaded(limit: &str, value: u64, retry: Duration) -> Status {
    let message = format!(
        "the service is at its limit of {value} {}; try again in {:.2} s",
        limit.replace('_', " "),
        retry.as_secs_f64(),
    );
    StatusBuilder::new(ErrorReason::Overloaded, message)
        .with("limit", limit)
        .with("value", value)
        .retry_after(retry)
        .build()
}

/// The refusal of a call that exceeds its token's rate, in calls per second.
#[cold]
pub fn rate_limited(rate: f64, retry: Duration) -> Status {
    let message = format!(
        "this token may make {rate} calls a second; try again in {:.2} s",
        retry.as_secs_f64(),
    );
    StatusBuilder::new(ErrorReason::RateLimited, message)
        .with("limit", "calls_per_second")
        .with("value", rate)
        .retry_after(retry)
        .build()
}

/// The refusal of a call whose reply has `actual` bytes, where at most `limit` are sent.
#[cold]
pub fn reply_too_large(actual: u64, limit: u64) -> Status {
    let message = format!(
        "the call was executed, but its reply has {actual} bytes and the service sends at most \
         {limit}; ask for less at a time: fewer queries or entries, a smaller limit, a smaller page",
    );
    StatusBuilder::new(ErrorReason::ReplyTooLarge, message)
        .with("limit", limit)
        .with("actual", actual)
        .build()
}

/// The refusal of a new call while the calls in flight are finished.
#[cold]
pub fn shutting_down() -> Status {
    let message = "the service is shutting down; try again, elsewhere or later";
    StatusBuilder::new(ErrorReason::ShuttingDown, message)
        .retry_after(SHUTTING_DOWN_RETRY)
        .build()
}

/// The refusal of a call before the data is open.
#[cold]
pub fn starting() -> Status {
    let message = "the service is starting: the data is being opened; try again shortly";
    StatusBuilder::new(ErrorReason::Starting, message)
        .retry_after(STARTING_RETRY)
        .build()
}

/// The refusal of a write while the audit log cannot be written, for this cause.
#[cold]
pub fn audit_log_failed(cause: &str) -> Status {
    let message = format!("writes are refused: the audit log cannot be written: {cause}");
    StatusBuilder::new(ErrorReason::AuditLogFailed, message)
        .with("cause", cause)
        .retry_after(AUDIT_LOG_RETRY)
        .build()
}

/// The refusal of a unary call that ended without its request.
#[cold]
pub fn no_request(method: &str) -> Status {
    let message = format!("the call brought no {method} request");
    StatusBuilder::new(ErrorReason::MalformedRequest, message)
        .with("method", method)
        .build()
}

/// The refusal after a defect. The log has the particulars under `id`; the caller gets no more
/// than the id.
#[cold]
pub fn internal(id: &str) -> Status {
    StatusBuilder::new(ErrorReason::Internal, internal_message(id))
        .with("id", id)
        .build()
}

/// The message of [`internal`].
pub fn internal_message(id: &str) -> String {
    format!("internal error; the service's log has the particulars under the id {id}")
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::google::{self, ErrorInfo, RetryInfo};

    #[track_caller]
    fn says(status: &Status, code: i32, reason: &str, metadata: &[(&str, &str)], retry_ms: u64) {
        assert_eq!((status.code as i32, status.reason), (code, reason));
        let packed = google::Status::decode(status.details.as_slice()).unwrap();
        assert_eq!((packed.code, &packed.message), (code, &status.message));
        let info = ErrorInfo::decode(packed.details[0].value.as_slice()).unwrap();
        assert_eq!(info.reason, reason);
        let expected = metadata
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(info.metadata, expected.collect());
        assert_eq!(packed.details.len(), if retry_ms > 0 { 2 } else { 1 });
        if let Some(detail) = packed.details.get(1) {
            let delay = RetryInfo::decode(detail.value.as_slice())
                .unwrap()
                .retry_delay
                .unwrap();
            assert_eq!(
                Duration::try_from(delay).unwrap(),
                Duration::from_millis(retry_ms)
            );
        }
    }

    #[test]
    fn each_has_its_code_its_reason_its_metadata_and_its_delay() {
        let status = unauthenticated();
        says(&status, 16, "UNAUTHENTICATED", &[("scheme", "Bearer")], 0);
        let status = overloaded("concurrent_calls", 64, Duration::from_millis(123));
        let metadata = [("limit", "concurrent_calls"), ("value", "64")];
        says(&status, 8, "OVERLOADED", &metadata, 123);
        assert!(
            status
                .message
                .contains("64 concurrent calls; try again in 0.12 s")
        );
        let status = rate_limited(0.5, Duration::from_millis(20));
        let metadata = [("limit", "calls_per_second"), ("value", "0.5")];
        says(&status, 8, "RATE_LIMITED", &metadata, 20);
        let metadata = [("limit", "10"), ("actual", "11")];
        says(&reply_too_large(11, 10), 8, "REPLY_TOO_LARGE", &metadata, 0);
        says(&shutting_down(), 14, "SHUTTING_DOWN", &[], 1000);
        says(&starting(), 14, "STARTING", &[], 500);
        let metadata = [("cause", "No space left on device")];
        let status = audit_log_failed("No space left on device");
        says(&status, 14, "AUDIT_LOG_FAILED", &metadata, 1000);
        let metadata = [("method", "Match")];
        says(&no_request("Match"), 3, "MALFORMED_REQUEST", &metadata, 0);
        says(&internal("17"), 13, "INTERNAL", &[("id", "17")], 0);
    }
}
