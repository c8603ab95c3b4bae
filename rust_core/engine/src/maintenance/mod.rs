//! Tools for whole data directories, above the engine: backup, repair.

pub(crate) mod backup;
pub(crate) mod repair;
