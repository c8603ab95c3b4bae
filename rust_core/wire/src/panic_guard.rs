//! A panic ends its call, not the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ee_access::Status;

use crate::call_error::{CallError, Result};

/// Runs a part of a call. A panic becomes an INTERNAL status; its particulars go to the log alone.
pub(crate) fn guard<T>(run: impl FnOnce() -> Result<T>) -> std::result::Result<T, Status> {
    // State that a panic leaves half changed is never read again: drafts are dropped, publishing
    // cannot fail, and streams end.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => outcome.map_err(Status::from),
        Err(payload) => Err(CallError::internal(panic_text(payload.as_ref())).into()),
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of an unknown kind"))
}

#[cfg(test)]
mod tests {
    use ee_access::Code;

    use super::*;

    #[test]
    fn the_log_gets_the_message_of_a_panic_and_the_caller_does_not() {
        let outcome = guard(|| -> Result<()> { panic!("row {} is gone", 17) });
        let status = outcome.unwrap_err();
        assert_eq!(status.code, Code::Internal);
        assert!(!status.message.contains("row"));
        assert!(!String::from_utf8_lossy(&status.details).contains("row"));
        let detail = status.internal_detail.unwrap();
        assert!(detail.ends_with("panic: row 17 is gone"), "{detail}");
        // The log and the caller have the same id.
        let id = status.message.rsplit(' ').next().unwrap();
        assert!(detail.starts_with(&format!("id={id} ")));
    }
}
