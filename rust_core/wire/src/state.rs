//! The state of a service that its methods use.

use std::collections::BTreeMap;
use std::sync::Arc;

use ee_engine::Engine;

use crate::limits;

/// The engine of a service, and the limit of its transport.
#[derive(Clone)]
pub(crate) struct ServiceState {
    pub(crate) engine: Arc<Engine>,
    /// Bytes of the largest message of the transport; `None`: not limited.
    pub(crate) max_message_bytes: Option<usize>,
    /// Reads do not wait for a revision: the transport does.
    pub(crate) at_once: bool,
}

impl ServiceState {
    /// All limits that are whole numbers, by name; see [`limits::all`].
    pub(crate) fn limits(&self) -> BTreeMap<String, u64> {
        let limits = limits::all().into_iter();
        let mut limits: BTreeMap<_, _> = limits
            .map(|(name, limit)| (name.to_owned(), limit))
            .collect();
        if let Some(bytes) = self.max_message_bytes {
            let requests = bytes.min(limits::REQUEST_BYTES);
            limits.insert("request_bytes".to_owned(), requests as u64);
            limits.insert("reply_bytes".to_owned(), bytes as u64);
        }
        limits
    }
}
