//! The methods: each checks its request, calls the engine, and encodes the engine's answer.

pub(crate) mod admin;
pub(crate) mod assignments;
pub(crate) mod categories;
pub(crate) mod explain;
mod frame_sequence;
pub(crate) mod history;
pub(crate) mod items;
pub(crate) mod matching;
pub(crate) mod namespaces;
mod outline;
mod page;
mod paging;
mod past;
pub(crate) mod restore;
pub(crate) mod review;
pub(crate) mod short_match;
pub(crate) mod snapshot;
mod snapshot_records;
pub(crate) mod suggest;
pub(crate) mod undo;
mod what_if;

use ee_core::command::{Command, Outcome};

use crate::call_error::CallError;

/// The refusal if the engine answers a command with the outcome of another, which is a defect.
#[cold]
fn unexpected(outcome: &Outcome) -> CallError {
    CallError::internal(format_args!(
        "another command's outcome: {:?}",
        std::mem::discriminant(outcome)
    ))
}

/// The part of an outcome that a method expects.
macro_rules! outcome {
    ($written:expr, $pattern:pat => $value:expr) => {
        match $written.outcome {
            $pattern => $value,
            other => return Err($crate::methods::unexpected(&other)),
        }
    };
}
use outcome;
