//! The read path: reads that agree with one revision, and ranking.

pub(crate) mod consistent;
pub(crate) mod ranking;
pub(crate) mod scan_sharing;
