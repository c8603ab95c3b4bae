//! The decoders that need no service.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ee_fuzz::decoders::decode(bytes));
