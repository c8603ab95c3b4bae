//! Writes the seeds: `fuzz_seeds DIRECTORY`, with a directory for each target.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use ee_fuzz::World;

fn main() {
    let directory = std::env::args_os().nth(1).expect("a directory");
    let directory = PathBuf::from(directory);
    let world = World::new();
    let bytes = |cases: Vec<ee_fuzz::Case>| cases.iter().map(ee_fuzz::Case::to_bytes).collect();
    let targets: [(&str, Vec<Vec<u8>>); 4] = [
        ("calls", bytes(ee_fuzz::calls(&world))),
        ("restore", bytes(ee_fuzz::restores(&world))),
        ("decoders", ee_fuzz::decodable(&world)),
        ("listener", ee_fuzz::listener::seeds()),
    ];
    for (target, seeds) in targets {
        let directory = directory.join(target);
        fs::create_dir_all(&directory).unwrap();
        for (index, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{index:03}")), seed).unwrap();
        }
    }
}
