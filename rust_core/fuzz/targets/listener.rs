//! Calls of the listener, and bytes on its connections.
#![no_main]

use ee_fuzz::listener::Remote;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static REMOTE: Remote = Remote::new();
}

fuzz_target!(|bytes: &[u8]| {
    REMOTE.with(|remote| remote.play(bytes));
});
