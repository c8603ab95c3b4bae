//! The namespaces: their life, and those that are in memory.

pub(crate) mod cached_namespace;
pub(crate) mod dirty_sums;
pub(crate) mod lifecycle;
pub(crate) mod load;
pub(crate) mod namespace_cache;
