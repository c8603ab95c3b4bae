//! A VFS that passes every call on to the VFS below it through a layer.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::{MaybeUninit, align_of, size_of};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use rusqlite::Connection;
use rusqlite::ffi::{
    SQLITE_BUSY, SQLITE_CHECKPOINT_NOOP, SQLITE_DBSTATUS_CACHE_USED, SQLITE_FCNTL_CKPT_DONE,
    SQLITE_FCNTL_RESERVE_BYTES, SQLITE_IOCAP_SUBPAGE_READ, SQLITE_IOERR, SQLITE_NOTFOUND,
    SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, sqlite3_db_status, sqlite3_file, sqlite3_file_control,
    sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
    sqlite3_wal_checkpoint_v2,
};

use crate::{Below, Code, File, Kind, Layer, OK};

/// The data of a registered VFS, which lives as long as the process.
struct Registered {
    below: *mut sqlite3_vfs,
    layer: Box<dyn Layer>,
}

/// An open file in SQLite's allocation: this structure, then that of the VFS below.
#[repr(C)]
struct Opened {
    base: sqlite3_file,
    file: MaybeUninit<Box<dyn File>>,
}

/// Offset of the file below: behind this structure, aligned for any type.
const BELOW: usize = size_of::<Opened>().next_multiple_of(16);
const _: () = assert!(align_of::<Opened>() <= 16);

/// Registers a layer under a name, above the current default VFS.
pub fn register(name: &'static CStr, layer: Box<dyn Layer>) -> Code {
    register_vfs(name, layer, false)
}

/// Registers a layer above the default VFS, and makes it the default.
pub fn register_as_default(name: &'static CStr, layer: Box<dyn Layer>) -> Code {
    register_vfs(name, layer, true)
}

fn register_vfs(name: &'static CStr, layer: Box<dyn Layer>, as_default: bool) -> Code {
    // SAFETY: a null name finds the default VFS, which stays registered.
    let below = unsafe { sqlite3_vfs_find(ptr::null()) };
    if below.is_null() {
        return SQLITE_NOTFOUND;
    }
    // SAFETY: a registered VFS is a valid structure that nobody writes to.
    let (size, longest) = unsafe { ((*below).szOsFile, (*below).mxPathname) };
    let registered = Box::leak(Box::new(Registered { below, layer }));
    let vfs = Box::leak(Box::new(sqlite3_vfs {
        iVersion: 2,
        szOsFile: BELOW as c_int + size,
        mxPathname: longest,
        pNext: ptr::null_mut(),
        zName: name.as_ptr(),
        pAppData: ptr::from_mut(registered).cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time_int64),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }));
    // SAFETY: the structure and everything that it points to live as long as the process.
    unsafe { sqlite3_vfs_register(vfs, c_int::from(as_default)) }
}

/// Reserves bytes at the end of each page of a database that is about to be created.
pub(crate) fn reserve(connection: &Connection, bytes: usize) -> Result<(), Code> {
    let mut bytes = bytes as c_int;
    // SAFETY: the handle is that of an open connection, and the operation reads and writes an int.
    let code = unsafe {
        sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            SQLITE_FCNTL_RESERVE_BYTES,
            ptr::from_mut(&mut bytes).cast(),
        )
    };
    if code == OK { Ok(()) } else { Err(code) }
}

/// Bytes of the pages that a connection keeps in its cache.
pub(crate) fn cached_bytes(connection: &Connection) -> Result<usize, Code> {
    let (mut now, mut most) = (0, 0);
    // SAFETY: the handle is that of an open connection, and the numbers can be written to.
    let code = unsafe {
        sqlite3_db_status(
            connection.handle(),
            SQLITE_DBSTATUS_CACHE_USED,
            &raw mut now,
            &raw mut most,
            0,
        )
    };
    if code == OK {
        Ok(now as usize)
    } else {
        Err(code)
    }
}

/// Frames in the WAL, and those of them that are in the database file; -1: not known. As
/// `PRAGMA wal_checkpoint(NOOP)`, which SQLite compiles anew at each use.
pub(crate) fn wal_frames(connection: &Connection) -> Result<(i32, i32), Code> {
    let (mut written, mut checkpointed) = (-1, -1);
    // SAFETY: the handle is that of an open connection, and the numbers can be written to.
    let code = unsafe {
        sqlite3_wal_checkpoint_v2(
            connection.handle(),
            c"main".as_ptr(),
            SQLITE_CHECKPOINT_NOOP,
            &raw mut written,
            &raw mut checkpointed,
        )
    };
    // Busy: another connection commits at this moment, and the numbers are those of the last look. The PRAGMA
    // takes this for no error either.
    if code == OK || code == SQLITE_BUSY {
        Ok((written, checkpointed))
    } else {
        Err(code)
    }
}

/// Methods of the layer's files. Version 2: with shared memory, but without memory mapping, whose reads
/// the layer would not see.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
///
/// `vfs` comes from `register_vfs`.
unsafe fn registered<'a>(vfs: *mut sqlite3_vfs) -> &'a Registered {
    // SAFETY: by the caller's promise; the data was leaked, and no mutable reference to it exists.
    unsafe { &*(*vfs).pAppData.cast() }
}

/// # Safety
///
/// `file` was allocated with the size that `register_vfs` has set.
unsafe fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the file below begins at this offset of the same allocation.
    unsafe { file.cast::<u8>().add(BELOW).cast() }
}

/// The layer's part in an open file, and the file below it.
///
/// # Safety
///
/// `file` was opened by `open`, and SQLite calls it from one thread at a time.
unsafe fn parts<'a>(file: *mut sqlite3_file) -> (&'a mut dyn File, Below<'a>) {
    // SAFETY: by the caller's promise; `open` has written both parts.
    unsafe {
        let opened = &mut *file.cast::<Opened>();
        (
            opened.file.assume_init_mut().as_mut(),
            Below::new(below(file)),
        )
    }
}

/// # Safety
///
/// `name` is null or a string that lives as long as the result.
unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    if name.is_null() {
        return Path::new("");
    }
    // SAFETY: by the caller's promise.
    Path::new(OsStr::from_bytes(
        unsafe { CStr::from_ptr(name) }.to_bytes(),
    ))
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with the registered VFS, a name that outlives the file, and memory of
    // the size that was asked for; pMethods is null until the file is open.
    unsafe {
        (*file).pMethods = ptr::null();
        let registered = registered(vfs);
        let kind = match flags {
            _ if flags & SQLITE_OPEN_MAIN_DB != 0 => Kind::Database,
            _ if flags & SQLITE_OPEN_WAL != 0 => Kind::Wal,
            _ => Kind::Other,
        };
        let layered = match registered.layer.open(path(name), kind) {
            Ok(layered) => layered,
            Err(code) => return code,
        };
        let Some(open) = (*registered.below).xOpen else {
            return SQLITE_IOERR;
        };
        (*below(file)).pMethods = ptr::null();
        let code = open(registered.below, name, below(file), flags, out_flags);
        if code == OK {
            (*file.cast::<Opened>()).file.write(layered);
            (*file).pMethods = &raw const METHODS;
        } else if let Some(methods) = (*below(file)).pMethods.as_ref()
            && let Some(close) = methods.xClose
        {
            close(below(file));
        }
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite calls with the registered VFS and a name.
    unsafe {
        let registered = registered(vfs);
        match (
            registered.layer.delete(path(name)),
            (*registered.below).xDelete,
        ) {
            (OK, Some(delete)) => delete(registered.below, name, sync),
            (OK, None) => SQLITE_IOERR,
            (code, _) => code,
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file was opened by `open`, and SQLite does not use it after this.
    unsafe {
        // Bytes that are still buffered need not be durable: SQLite would have synced them.
        let (layered, mut under) = parts(file);
        layered.flush(&mut under);
        (*file.cast::<Opened>()).file.assume_init_drop();
        let close = (*(*below(file)).pMethods).xClose;
        (*file).pMethods = ptr::null();
        close.map_or(SQLITE_IOERR, |close| close(below(file)))
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open, and the buffer has the given length.
    unsafe {
        // The layer may read bytes that a failed read has not written.
        ptr::write_bytes(buffer.cast::<u8>(), 0, length as usize);
        let buffer = std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length as usize);
        let (layered, mut below) = parts(file);
        layered.read(&mut below, offset.cast_unsigned(), buffer)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open, and the given number of bytes can be read.
    unsafe {
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize);
        let (layered, mut below) = parts(file);
        layered.write(&mut below, offset.cast_unsigned(), bytes)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    let (layered, mut below) = unsafe { parts(file) };
    layered.truncate(&mut below, size.cast_unsigned())
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let (layered, mut below) = unsafe { parts(file) };
    layered.sync(&mut below, flags)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: the file is open, and `size` is the caller's out parameter.
    unsafe {
        let (layered, mut below) = parts(file);
        match layered.flush(&mut below) {
            OK => file_size_below(file, size),
            code => code,
        }
    }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    // SAFETY: the file is open, and the argument is passed on as it came.
    unsafe {
        if op == SQLITE_FCNTL_CKPT_DONE {
            let (layered, mut below) = parts(file);
            layered.checkpointed(&mut below);
        }
        file_control_below(file, op, arg)
    }
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file is open.
    let below = unsafe { characteristics_below(file) };
    // A layer sees whole pages: SQLite must not read the rest of a long row directly.
    below & !SQLITE_IOCAP_SUBPAGE_READ
}

/// Passes a call on to the file or the VFS below.
macro_rules! pass_on {
    ($($name:ident => $method:ident($($arg:ident: $type:ty),*) $(-> $result:ty, $none:expr)?;)*) => {
        $(unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $arg: $type)*) $(-> $result)? {
            // SAFETY: the file is open, so the one below is; arguments are passed on as they came.
            unsafe {
                match (*(*below(file)).pMethods).$method {
                    Some(method) => method(below(file) $(, $arg)*),
                    None => pass_on!(@none $($none)?),
                }
            }
        })*
    };
    (@none $none:expr) => { $none };
    (@none) => { () };
    (vfs $($name:ident => $method:ident($($arg:ident: $type:ty),*);)*) => {
        $(unsafe extern "C" fn $name(vfs: *mut sqlite3_vfs $(, $arg: $type)*) -> c_int {
            // SAFETY: SQLite calls with the registered VFS; arguments are passed on as they came.
            unsafe {
                let below = registered(vfs).below;
                match (*below).$method {
                    Some(method) => method(below $(, $arg)*),
                    None => SQLITE_IOERR,
                }
            }
        })*
    };
}

pass_on! {
    file_size_below => xFileSize(size: *mut i64) -> c_int, SQLITE_IOERR;
    lock => xLock(level: c_int) -> c_int, SQLITE_IOERR;
    unlock => xUnlock(level: c_int) -> c_int, SQLITE_IOERR;
    check_reserved_lock => xCheckReservedLock(result: *mut c_int) -> c_int, SQLITE_IOERR;
    file_control_below => xFileControl(op: c_int, arg: *mut c_void) -> c_int, SQLITE_NOTFOUND;
    sector_size => xSectorSize() -> c_int, 4096;
    characteristics_below => xDeviceCharacteristics() -> c_int, 0;
    shm_map => xShmMap(
        page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void
    ) -> c_int, SQLITE_IOERR;
    shm_lock => xShmLock(offset: c_int, n: c_int, flags: c_int) -> c_int, SQLITE_IOERR;
    shm_barrier => xShmBarrier();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int, SQLITE_IOERR;
}

pass_on! { vfs
    access => xAccess(name: *const c_char, flags: c_int, result: *mut c_int);
    full_pathname => xFullPathname(name: *const c_char, length: c_int, out: *mut c_char);
    randomness => xRandomness(length: c_int, out: *mut c_char);
    sleep => xSleep(microseconds: c_int);
    current_time => xCurrentTime(out: *mut f64);
    last_error => xGetLastError(length: c_int, out: *mut c_char);
    current_time_int64 => xCurrentTimeInt64(out: *mut i64);
}
