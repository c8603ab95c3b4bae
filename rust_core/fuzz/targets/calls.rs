//! Sequences of calls of any method.
#![no_main]

use std::cell::RefCell;

use ee_fuzz::{Case, World, mutate_case};
use fastrand::Rng;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

fuzz_target!(|bytes: &[u8]| {
    WORLD.with_borrow_mut(|world| {
        world.play(&Case::from_bytes(bytes));
    });
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    let mut random = Rng::with_seed(seed.into());
    if random.u8(..8) == 0 {
        return fuzzer_mutate(bytes, size, most);
    }
    let mut case = Case::from_bytes(&bytes[..size]);
    for _ in 0..random.u8(1..4) {
        mutate_case(&mut random, &mut case);
    }
    let changed = case.to_bytes();
    let size = changed.len().min(most);
    bytes[..size].copy_from_slice(&changed[..size]);
    size
});
