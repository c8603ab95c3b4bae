//! Admission of calls: who calls, whether the call may run now, and how a refusal is told.
//!
//! Every listener calls this crate before it reads a request, and builds every refusal of its own
//! with it ([`refusals`]). [`Admission`] joins the parts: [`tokens`] say who calls and with which
//! [`grant`], [`rate_limit`] how often, [`concurrency`] how much at once, [`load_shedding`] which
//! calls are refused while more come than can be answered.
//!
//! Invariants: the crate does no I/O, reads no clock (times are arguments), draws no random
//! numbers (keys and seeds are arguments) and writes no logs; it knows neither the contract's
//! messages nor a transport.

mod admission;
pub mod concurrency;
pub mod google;
pub mod grant;
pub mod limits;
pub mod load_shedding;
pub mod rate_limit;
pub mod refusals;
pub mod status;
pub mod tokens;

pub use admission::{Admission, Callers, Config};
pub use grant::{Grant, Scope};
pub use status::{Code, DOMAIN, MAX_DETAILS_BYTES, Status, StatusBuilder};
