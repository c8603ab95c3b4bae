//! Checks and copies of what is stored: verify, backup, repair.

pub(crate) mod backup;
pub(crate) mod repair;
pub(crate) mod verify;
pub(crate) mod verify_files;
