//! A device that fails below SQLite: the system call itself returns the error.
#![allow(clippy::unwrap_used, unsafe_code)]
#![cfg(target_os = "linux")]

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ee_sqlite_vfs::VFS_NAME;
use rusqlite::ffi::{
    SQLITE_IOERR_READ, SQLITE_OK, sqlite3_syscall_ptr, sqlite3_vfs, sqlite3_vfs_find,
};
use rusqlite::{Connection, OpenFlags};

static FAILS: AtomicBool = AtomicBool::new(false);
static READ: LazyLock<File> = LazyLock::new(|| File::open("/proc/self/mem").unwrap());

/// Fails with EIO: page 0 is never mapped. The call leaves its errno as a failing device would.
fn eio(buffer: *mut c_void, length: usize) -> isize {
    // SAFETY: SQLite gives a buffer of that length.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    assert_eq!(READ.read_at(buffer, 0).unwrap_err().raw_os_error(), Some(5));
    -1
}

fn works(file: c_int, buffer: *mut c_void, length: usize, offset: i64) -> isize {
    // SAFETY: SQLite gives a buffer of that length.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    let file = File::open(format!("/proc/self/fd/{file}")).unwrap();
    file.read_at(buffer, offset.cast_unsigned())
        .unwrap()
        .cast_signed()
}

unsafe extern "C" fn pread(file: c_int, buffer: *mut c_void, length: usize, offset: i64) -> isize {
    match FAILS.load(Ordering::SeqCst) {
        true => eio(buffer, length),
        false => works(file, buffer, length, offset),
    }
}

#[test]
fn a_device_that_cannot_read_is_not_a_damaged_database() {
    LazyLock::force(&READ);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("database");
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
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        Connection::open_with_flags_and_vfs(&path, flags, VFS_NAME)
    };
    let connection = open().unwrap();
    ee_sqlite_vfs::reserve(&connection).unwrap();
    connection
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(connection);
    let count = || open()?.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
    FAILS.store(true, Ordering::SeqCst);
    let error = count().unwrap_err();
    FAILS.store(false, Ordering::SeqCst);
    assert_eq!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(SQLITE_IOERR_READ),
        "{error}"
    );
    assert_eq!(count().unwrap(), 1);
}
