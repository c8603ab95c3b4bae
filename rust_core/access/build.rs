//! Compiles the contract's error reasons, without a protoc on the machine.

use std::env;
use std::error::Error;
use std::path::Path;

const FILE: &str = "effective_embeddings/v1/errors.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", protos.join(FILE).display());
    let descriptors = protox::compile([FILE], [&protos])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
