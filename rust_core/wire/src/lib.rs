//! Requests and replies: a method's name, the bytes of a request and a grant go in; the bytes of
//! a reply, or a status, come out.
//!
//! A call is decoded ([`proto`], [`embedding`]) and authorized by its [`Grant`]; its namespace is
//! found once; its fields are checked; the engine answers; the reply is encoded. Every refusal
//! becomes a [`Status`] in one way: a `CallError` with an [`ErrorReason`](ee_access::ErrorReason), which
//! has its status code.
//!
//! Invariants: protobuf stops at this crate, which keeps no state between calls; a method reaches a
//! namespace only after the grant was found to cover its name; every number that a request can
//! carry has a limit in [`limits`]; no request makes a call panic, and if one does, the caller
//! gets an id and no particulars.

mod call;
mod call_error;
mod category_settings;
mod decode;
pub mod embedding;
mod encode;
mod engine_error;
mod frame_checksum;
pub mod limits;
mod method;
mod methods;
mod namespace_of;
mod page_token;
mod panic_guard;
mod planned_write;
pub mod proto;
pub mod ranked;
mod request;
mod revision_wait;
mod service;
mod short_calls;
mod state;
mod streams;
mod table;

pub use ee_access::{Code, DOMAIN, Grant, Scope, Status, google, grant};
pub use ee_engine::end_of_wait;
pub use frame_checksum::{frame_checksum, serialized_frame_checksum};
pub use method::{Kind, Method};
pub use methods::admin::{RELEASE_BUILD, VERSION};
pub use namespace_of::namespace_of;
pub use revision_wait::{AwaitedRevision, MIN_REVISION_FIELDS};
pub use service::Service;
pub use short_calls::{ShortCall, ShortReply};
pub use streams::{ReplyStream, RequestStream};
pub use table::METHODS;

use std::fmt::Display;

use ee_engine::Error;

use crate::call_error::CallError;
use crate::decode::number;
use crate::decode::path::Path;

/// The status of an error outside a call: of opening or closing an engine.
pub fn status_of(error: Error) -> Status {
    CallError::from(error).into()
}

/// The status of an unusable setting of the service.
pub fn invalid_option(name: &'static str, expected: impl Display, actual: impl Display) -> Status {
    number::out_of_range(Path::field(name), expected, actual).into()
}
