//! Admission of calls: the caller's identity, whether the call may run now, and the status of a refusal.
//!
//! Every listener calls this crate before it reads a request, and builds every refusal of its own
//! with it ([`refusals`]). [`Admission`] joins the parts: [`tokens`] identify the caller and its
//! [`grant`], [`rate_limit`] bounds the calls of a token, [`concurrency`] the work in progress, and
//! [`load_shedding`] selects the calls to refuse under overload.
//!
//! Invariants: the crate does no I/O, reads no clock (times are arguments), draws no random
//! numbers (keys and seeds are arguments) and writes no logs; it knows the contract's reasons, but
//! neither its other messages nor a transport.

mod admission;
pub mod concurrency;
pub mod google;
pub mod grant;
pub mod limits;
pub mod load_shedding;
pub mod rate_limit;
pub mod reason;
pub mod refusals;
pub mod status;
pub mod tokens;

pub use admission::{Admission, Callers, Config};
pub use grant::{Grant, Scope};
pub use reason::{Code, ErrorReason};
pub use status::{DOMAIN, MAX_DETAILS_BYTES, Status, StatusBuilder};
