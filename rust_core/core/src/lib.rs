//! Memory and arithmetic of one namespace: exact sums, ranking, and the state machine that
//! assignments drive.
//!
//! Modules, from the bottom up. Each may use those above it in this list, and no other:
//!
//! - [`settings`]: the settings of namespaces and categories.
//! - [`kernels`]: inner products, once per instruction set.
//! - [`parallel`]: one piece of work on several threads.
//! - [`arithmetic`]: checks of vectors, exact sums, digests, limits.
//! - [`ranking`]: the rows with the largest cosines, exactly.
//! - [`scoring`]: from the sum of a category to the direction that queries are compared with.
//! - [`namespace`]: the state of one namespace in memory.
//! - [`command`]: the writes: applying a command to a namespace, and the log entry that it leaves.
//! - [`matrix`]: categories without keys and without a store.
//!
//! Invariants: this crate does no I/O and never logs; it does not know protobuf, SQL or Python. What
//! it computes is a function of its arguments: the same bits on every machine. Only [`parallel`]
//! reads a clock, to bound how long an idle thread spins; no result depends on it.

pub mod arithmetic;
pub mod command;
pub mod kernels;
pub mod matrix;
pub mod namespace;
pub mod parallel;
pub mod ranking;
pub mod scoring;
pub mod settings;
