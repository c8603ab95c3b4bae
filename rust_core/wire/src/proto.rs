//! The contract's messages, generated from the proto files.

/// `effective_embeddings.v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    pub use ee_access::ErrorReason;

    include!(concat!(env!("OUT_DIR"), "/effective_embeddings.v1.rs"));
}
