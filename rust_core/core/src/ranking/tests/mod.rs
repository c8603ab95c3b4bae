//! Ranking against an oracle that scores every row with the scalar kernel and sorts.

use proptest::prelude::ProptestConfig;

mod answers;
mod bound;
mod storage;
mod world;

/// `fast` cases, or as many as the variable PROPTEST_CASES says.
pub(crate) fn cases(fast: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(fast),
    }
}
