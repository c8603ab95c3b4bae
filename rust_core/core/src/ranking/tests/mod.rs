//! Ranking against an oracle that scores every row with the scalar kernel and sorts.

mod answers;
mod bound;
mod storage;
mod world;

use crate::kernels::tests::cases;
