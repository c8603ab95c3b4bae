//! Write coalescing: consecutive writes go to the disk in one piece.
//!
//! SQLite writes the WAL frame by frame, each frame in two parts, and checkpoints page by page. The
//! buffer is flushed before a sync and before a read of its bytes, at the latest.

use crate::fail_stop::FailStop;
use crate::{Below, Code, OK};

/// Largest size of the buffer in bytes: SQLite's own VFS writes less than 128 KiB at a time, and takes
/// a longer write for a full disk.
pub(crate) const MAX_BUFFERED: usize = 124 * 1024;

/// The last written bytes, which are not on the disk yet.
#[derive(Default)]
pub(crate) struct WriteBuffer {
    pub(crate) bytes: Vec<u8>,
    /// The offset of the first byte.
    pub(crate) at: u64,
}

impl WriteBuffer {
    /// Appends a write, and returns its bytes in the buffer.
    pub(crate) fn write(
        &mut self,
        fail_stop: &FailStop,
        below: &mut Below<'_>,
        offset: u64,
        bytes: &[u8],
    ) -> Result<&mut [u8], Code> {
        let goes_on = offset == self.end();
        if !goes_on || self.bytes.len() + bytes.len() > MAX_BUFFERED {
            match self.flush(fail_stop, below) {
                OK => self.at = offset,
                code => return Err(code),
            }
        }
        let kept = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Ok(&mut self.bytes[kept..])
    }

    /// Writes the buffer out.
    pub(crate) fn flush(&mut self, fail_stop: &FailStop, below: &mut Below<'_>) -> Code {
        if self.bytes.is_empty() {
            return OK;
        }
        let code = fail_stop.change(|| below.write(self.at, &self.bytes));
        self.at = self.end();
        self.bytes.clear();
        code
    }

    /// The offset behind the last written byte.
    pub(crate) fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}
