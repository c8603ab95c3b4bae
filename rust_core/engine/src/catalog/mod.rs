//! The namespaces in memory.

pub(crate) mod cached_namespace;
pub(crate) mod dirty_sums;
pub(crate) mod inbox_cache;
pub(crate) mod load;
pub(crate) mod namespace_cache;
pub(crate) mod scan_sharing;
