//! Requests and replies: a method's name, the bytes of a request and a grant go in; the bytes of
//! a reply, or a status, come out.
//!
//! A call is decoded ([`proto`], [`embedding`]), admitted against its [`Grant`], checked field by
//! field, answered by the engine in one call, and encoded. Every refusal becomes a [`Status`] in
//! one way: a fault with an error reason, whose code the table in `reason.rs` gives.
//!
//! Invariants: this is the only crate that has heard of protobuf, and it holds no state; no
//! method reaches the engine but through a namespace that the grant covers; every number that a
//! request can carry has a limit in [`limits`]; no request makes a call panic, and if one does,
//! the caller learns an id and nothing else.

mod call;
mod decode;
pub mod embedding;
mod encode;
mod error;
mod fault;
pub mod limits;
mod methods;
mod page_token;
mod peek;
pub mod proto;
pub mod ranked;
mod reason;
mod request;
mod service;
mod table;

pub use ee_access::{Code, DOMAIN, Grant, Scope, Status, google, grant};
pub use methods::admin::{RELEASE_BUILD, VERSION};
pub use methods::restore::RestoreStream;
pub use methods::snapshot::SnapshotStream;
pub use peek::namespace_of;
pub use service::Service;
pub use table::{METHODS, Method};

use std::fmt::Display;

use ee_engine::Error;

use crate::decode::number;
use crate::decode::path::Path;

/// The status of an error that has no request: of opening an engine, or closing it.
pub fn status_of(error: Error) -> Status {
    error::fault(error::FieldPaths::SINGLE, error).into()
}

/// The status of a setting of the service that cannot be used.
pub fn invalid_option(name: &'static str, expected: impl Display, actual: impl Display) -> Status {
    number::out_of_range(Path::field(name), expected, actual).into()
}
