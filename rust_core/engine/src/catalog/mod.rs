//! The namespaces: which of them are in memory, and how one is read back into it.

pub(crate) mod cached_namespace;
pub(crate) mod load;
pub(crate) mod namespace_cache;
