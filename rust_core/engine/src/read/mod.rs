//! The read path: reads that agree with one revision, ranking, history,
//! reviews, verification.

pub(crate) mod consistent;
pub(crate) mod copy;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod members;
pub(crate) mod overlay;
pub(crate) mod past;
pub(crate) mod ranking;
pub(crate) mod review;
pub(crate) mod suggest;
pub(crate) mod verify;
pub(crate) mod what_if;
