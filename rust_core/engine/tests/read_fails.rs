//! A device that cannot read, end to end: the system call below SQLite fails, and the caller is told to
//! read again, not that the data is damaged.
#![allow(clippy::unwrap_used, unsafe_code, missing_docs)]
#![cfg(target_os = "linux")]

mod common;

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use ee_engine::{Error, ItemFilter};
use rusqlite::ffi::{SQLITE_OK, sqlite3_syscall_ptr, sqlite3_vfs, sqlite3_vfs_find};

static FAILS: AtomicBool = AtomicBool::new(false);
static MEMORY: LazyLock<File> = LazyLock::new(|| File::open("/proc/self/mem").unwrap());

unsafe extern "C" fn pread(file: c_int, buffer: *mut c_void, length: usize, offset: i64) -> isize {
    // SAFETY: SQLite gives a buffer of that length.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    if FAILS.load(Ordering::SeqCst) {
        // Fails with EIO, as a failing device: page 0 is never mapped. The call leaves its errno.
        assert_eq!(
            MEMORY.read_at(buffer, 0).unwrap_err().raw_os_error(),
            Some(5)
        );
        return -1;
    }
    let file = File::open(format!("/proc/self/fd/{file}")).unwrap();
    let read = file.read_at(buffer, offset.cast_unsigned()).unwrap();
    read.cast_signed()
}

fn replace_pread() {
    LazyLock::force(&MEMORY);
    ee_sqlite_vfs::install().unwrap();
    // SAFETY: the VFS is registered for ever, and the function has the signature of the call.
    unsafe {
        let vfs: *mut sqlite3_vfs = sqlite3_vfs_find(c"unix".as_ptr());
        let set = (*vfs).xSetSystemCall.unwrap();
        type Pread = unsafe extern "C" fn(c_int, *mut c_void, usize, i64) -> isize;
        let call: sqlite3_syscall_ptr =
            Some(std::mem::transmute::<Pread, unsafe extern "C" fn()>(pread));
        // SQLite uses one of the two, by the platform.
        let codes = [c"pread", c"pread64"].map(|name| set(vfs, name.as_ptr(), call));
        assert!(codes.contains(&SQLITE_OK));
    }
}

#[test]
fn a_device_that_cannot_read_is_reported_as_a_failed_read_and_the_service_goes_on() {
    replace_pread();
    let directory = tempdir().unwrap();
    let engine = open(directory.path());
    create(&engine, "n");
    categories(&engine, "n", 1);
    for item in 0..50 {
        assign(&engine, "n", item, 0);
    }
    drop(engine);

    // Nothing of the items is in a page cache yet.
    let engine = open(directory.path());
    let namespace = engine.handle("n").unwrap();
    let items = || {
        let all = ItemFilter::All { after: None };
        engine.items(&namespace, all, 100, true, Default::default())
    };
    FAILS.store(true, Ordering::SeqCst);
    let (refused, verified) = (items(), engine.verify(&namespace));
    FAILS.store(false, Ordering::SeqCst);
    let failed = |error: Option<Error>| matches!(error, Some(Error::ReadFailed { .. }));
    assert!(failed(refused.err()) && failed(verified.err()));
    assert_eq!(engine.stats().read_failures, 2);
    assert_eq!(items().unwrap().value.len(), 50);
    assign(&engine, "n", 50, 0);
    assert_verified(&engine, "n");
}
