//! What the connections of one thread share.

use std::sync::Arc;

use crate::cycle::Cycle;
use crate::lone_writes::LoneWrites;
use crate::short_calls::ShortCalls;

/// A thread that reads and writes some of the connections.
pub(crate) struct IoThread {
    pub(crate) cycle: Arc<Cycle>,
    pub(crate) short_calls: Arc<ShortCalls>,
    pub(crate) lone_writes: Arc<LoneWrites>,
}
