//! From the engine's types to messages.

pub(crate) mod category;
pub(crate) mod history;
pub(crate) mod item;
pub(crate) mod namespace;
pub(crate) mod snapshot;

use prost_types::Timestamp;

use crate::embedding::Embedding;

/// Version of the snapshot format.
pub(crate) const SNAPSHOT_FORMAT: u32 = 1;

/// A time from milliseconds since the Unix epoch.
pub(crate) fn timestamp(milliseconds: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: milliseconds.div_euclid(1000),
        nanos: milliseconds.rem_euclid(1000) as i32 * 1_000_000,
    })
}

/// A vector, as `data`.
pub(crate) fn embedding(components: Option<Vec<f32>>) -> Option<Embedding> {
    components.map(Embedding::of)
}
