//! The file under a layer, for the time of one call.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use rusqlite::ffi::{
    SQLITE_IOERR, SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_READ, sqlite3_file, sqlite3_io_methods,
};

use crate::{Code, OK};

/// The file under a layer, for the time of one call.
pub struct Below<'a> {
    file: *mut sqlite3_file,
    call: PhantomData<&'a mut ()>,
}

impl Below<'_> {
    /// # Safety
    ///
    /// `file` is open, and no other thread uses it during the lifetime of the result.
    pub(crate) unsafe fn new(file: *mut sqlite3_file) -> Self {
        Self {
            file,
            call: PhantomData,
        }
    }

    /// Reads. Bytes beyond the end of the file are zero, and the result is then `SQLITE_IOERR_SHORT_READ`.
    ///
    /// A failing device (EIO) is an error of this read. SQLite has a code of its own for it, which it
    /// reports as "database disk image is malformed"; but data that cannot be read need not be damaged.
    pub fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Code {
        let Some(read) = self.methods().xRead else {
            return SQLITE_IOERR;
        };
        let (length, offset) = (buffer.len() as i32, offset.cast_signed());
        // SAFETY: the file is open, and the buffer has the given length.
        match unsafe { read(self.file, buffer.as_mut_ptr().cast(), length, offset) } {
            SQLITE_IOERR_CORRUPTFS => SQLITE_IOERR_READ,
            code => code,
        }
    }

    /// Writes.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Code {
        let Some(write) = self.methods().xWrite else {
            return SQLITE_IOERR;
        };
        let (length, offset) = (bytes.len() as i32, offset.cast_signed());
        // SAFETY: the file is open, and the given number of bytes can be read.
        unsafe { write(self.file, bytes.as_ptr().cast(), length, offset) }
    }

    /// Truncates.
    pub fn truncate(&mut self, size: u64) -> Code {
        let Some(truncate) = self.methods().xTruncate else {
            return SQLITE_IOERR;
        };
        // SAFETY: the file is open.
        unsafe { truncate(self.file, size.cast_signed()) }
    }

    /// Syncs.
    pub fn sync(&mut self, flags: i32) -> Code {
        let Some(sync) = self.methods().xSync else {
            return SQLITE_IOERR;
        };
        // SAFETY: the file is open.
        unsafe { sync(self.file, flags) }
    }

    /// The size of the file in bytes.
    pub fn size(&mut self) -> Result<u64, Code> {
        let Some(file_size) = self.methods().xFileSize else {
            return Err(SQLITE_IOERR);
        };
        let mut size = 0;
        // SAFETY: the file is open, and `size` can be written to.
        match unsafe { file_size(self.file, &raw mut size) } {
            OK => Ok(size.cast_unsigned()),
            code => Err(code),
        }
    }

    fn methods(&self) -> &sqlite3_io_methods {
        // SAFETY: an open file has methods, which its VFS never frees.
        unsafe { &*(*self.file).pMethods }
    }
}
