//! How a category is scored.

mod cosine;

pub use cosine::{Parts, drift, spread};
