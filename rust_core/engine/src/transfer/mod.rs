//! Whole namespaces in and out: snapshot and restore.

pub(crate) mod restore;
pub(crate) mod snapshot;
