//! Reads of an earlier revision.

use ee_engine::{Error, Result as EngineResult};

use crate::call_error::{CallError, Result};

/// The result of a read at `at_revision`.
pub(super) fn at<T>(at_revision: u64, result: EngineResult<T>) -> Result<T> {
    result.map_err(|error| refusal(at_revision, error))
}

/// The refusal of a read at `at_revision`. That of the revision names the field.
#[cold]
pub(super) fn refusal(at_revision: u64, error: Error) -> CallError {
    let is_own = match error {
        Error::RevisionNotReached { expected, .. } => expected == at_revision,
        Error::HistoryTrimmed { .. } => at_revision > 0,
        _ => false,
    };
    let refused = CallError::from(error);
    if is_own {
        refused.with("field", "at_revision")
    } else {
        refused
    }
}
