//! Compiles the contract, without a protoc on the machine.

use std::env;
use std::error::Error;
use std::path::Path;

const FILES: [&str; 3] = [
    "effective_embeddings/v1/service.proto",
    "effective_embeddings/v1/resources.proto",
    "effective_embeddings/v1/errors.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    for file in FILES {
        println!("cargo::rerun-if-changed={}", protos.join(file).display());
    }
    let descriptors = protox::compile(FILES, [&protos])?;
    prost_build::Config::new()
        // Ordered maps: equal messages have equal bytes.
        .btree_map(["."])
        // Vectors and rankings are most of what comes and goes: they are read and written in one
        // pass.
        .extern_path(
            ".effective_embeddings.v1.Embedding",
            "crate::embedding::Embedding",
        )
        .extern_path(
            ".effective_embeddings.v1.CategoryMatch",
            "crate::ranked::CategoryMatch",
        )
        .extern_path(
            ".effective_embeddings.v1.ErrorReason",
            "ee_access::ErrorReason",
        )
        .compile_fds(descriptors)?;
    Ok(())
}
