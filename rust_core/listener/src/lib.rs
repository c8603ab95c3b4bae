//! The gRPC listener: HTTP/2, gRPC's framing and status, TLS, and the admission of calls, over the
//! service of `ee_wire`. Requests and replies pass through as bytes.
//!
//! A few threads read and write all connections, each with a runtime of its own. A call is admitted
//! or refused there before a byte of its request is read, and a short Match is answered there. Every
//! other call is handed to a bounded pool of threads with its request.
//!
//! HTTP/2 is the crate `h2`, without a server framework above it, since a call's permit, and the
//! memory of its reply, must last until the last byte of the reply has been written: `h2` hands out
//! the windows of each stream, and drops the bytes that it was given when they are written.
//!
//! What a call passes and what is recorded of it ([`Calls`]) does not depend on HTTP/2: a listener
//! elsewhere can bring calls, too ([`ForeignCall`]).
//!
//! Invariants: no pyo3 and no SQL; the process around the listener reads its files, writes its log
//! and keeps its settings, and no call waits for it; the async runtime ends at this crate; what a
//! client can make the listener hold is bounded by [`Config`] and by the admission's limits.

mod accept;
mod audit;
mod audit_file;
mod call;
mod calls;
mod codes;
mod config;
mod connection;
mod cores;
mod cycle;
mod dispatch;
mod events;
mod failure;
mod foreign;
mod framing;
mod health;
mod idle_polling;
mod ids;
mod io;
mod io_thread;
pub mod limits;
mod listener;
mod lone_writes;
mod metrics;
mod open_services;
mod pause;
mod record;
mod reflection;
mod reply;
mod shared;
mod sharing;
mod short_calls;
mod streaming;
mod time;
mod tls;
mod unary;
mod waiting;
mod workers;

pub use audit::AuditLog;
pub use calls::Calls;
pub use config::{Address, Config, TlsFiles};
pub use events::{Event, Events, Level, Span};
pub use foreign::{ForeignCall, Refusal, Replies, Requests};
pub use listener::{ListenError, Listener};
pub use metrics::{BOUNDS, MethodCounts};
pub use record::Recording;
pub use tls::check_certificate;
