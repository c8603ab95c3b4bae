//! The limits of a listener that are not settings.

use crate::{audit, health, reflection, reply, streaming};

/// The limits, by name.
pub fn all() -> Vec<(&'static str, u64)> {
    vec![
        ("reply_bytes_per_second", reply::BYTES_PER_SECOND),
        ("stream_bytes_per_second", streaming::BYTES_PER_SECOND),
        ("health_checks", health::MAX_CHECKS),
        ("health_watches", health::MAX_WATCHES),
        ("reflection_streams", reflection::MAX_STREAMS),
        ("audited_refusals", audit::REFUSALS_PER_SECOND),
    ]
}
