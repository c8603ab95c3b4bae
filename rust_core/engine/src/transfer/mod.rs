//! Whole namespaces in and out: snapshot and restore.

pub(crate) mod restore;
mod restore_operations;
pub(crate) mod snapshot;
