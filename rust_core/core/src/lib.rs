//! Memory and arithmetic of one namespace.

pub mod limits;
