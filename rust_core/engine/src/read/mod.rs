//! The read path: reads that agree with one revision, ranking, history,
//! verification.

pub(crate) mod consistent;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod members;
pub(crate) mod ranking;
pub(crate) mod verify;
