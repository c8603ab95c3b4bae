//! Memory and arithmetic of one namespace: exact sums, ranking, and the state machine that
//! assignments drive.
//!
//! - [`vector`] takes vectors in, [`fixed`] sums them exactly, [`score`] turns a sum into the
//!   direction that queries are compared with.
//! - [`kernels`] and [`rank`] find the nearest directions, exactly.
//! - [`state`] is a namespace in memory; [`write`] applies a [`command`] to it, asking a
//!   [`store`] for items and leaving an entry for the [`log`].
//! - [`digest`] says whether two states are the same.
//!
//! Invariants: this crate does no I/O, reads no clock and never logs; it has not heard of
//! protobuf, SQL or Python. What it computes is a function of its arguments: the same bits on
//! every machine.

pub mod command;
pub mod digest;
pub mod fixed;
pub mod kernels;
pub mod limits;
pub mod log;
pub mod rank;
pub mod score;
pub mod settings;
pub mod state;
pub mod store;
pub mod vector;
pub mod write;
