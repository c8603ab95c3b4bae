//! The read path: reads that agree with one revision, ranking, verification.

pub(crate) mod consistent;
pub(crate) mod members;
pub(crate) mod ranking;
pub(crate) mod verify;
