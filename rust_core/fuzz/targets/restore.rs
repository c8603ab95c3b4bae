//! Streams of Restore.
#![no_main]

use std::cell::RefCell;

use ee_fuzz::{Case, World, mutate_buffer};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

fuzz_target!(|bytes: &[u8]| {
    let mut case = Case::from_bytes(bytes);
    for call in &mut case.calls {
        call.method = "Restore";
    }
    WORLD.with_borrow_mut(|world| {
        world.play(&case);
    });
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate_buffer(bytes, size, most, seed).unwrap_or_else(|| fuzzer_mutate(bytes, size, most))
});
