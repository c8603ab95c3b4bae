//! Namespaces on disk.

mod api;
mod error;

pub use api::*;
pub use error::{Error, Result};
