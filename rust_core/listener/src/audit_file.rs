//! A file of lines that is appended to, and may be moved away meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

/// Appends whole lines. A line that fits only partly, on a full disk, is taken back.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    file: File,
    identity: (u64, u64),
}

impl AuditFile {
    /// Opens the file; a missing one is created, for its owner alone.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let options = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .clone();
        let file = options.open(&path)?;
        let found = file.metadata()?;
        let identity = (found.dev(), found.ino());
        Ok(Self {
            path,
            file,
            identity,
        })
    }

    /// Writes a line.
    pub(crate) fn append(&mut self, line: &str) -> io::Result<()> {
        self.reopen_if_moved()?;
        let content = [line.as_bytes(), b"\n"].concat();
        let mut written = 0;
        while written < content.len() {
            match self.file.write(&content[written..]) {
                Ok(0) => return Err(self.take_back(written, io::ErrorKind::WriteZero.into())),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(written, error)),
            }
        }
        Ok(())
    }

    fn take_back(&self, written: usize, error: io::Error) -> io::Error {
        if written == 0 {
            return error;
        }
        let end = self
            .file
            .metadata()
            .map(|found| (found.file_type(), found.len()));
        match end {
            Ok((kind, length)) if !kind.is_fifo() && !kind.is_char_device() => self
                .file
                .set_len(length - written as u64)
                .err()
                .unwrap_or(error),
            _ => error,
        }
    }

    fn reopen_if_moved(&mut self) -> io::Result<()> {
        let here = match std::fs::metadata(&self.path) {
            Ok(found) => Some((found.dev(), found.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if here != Some(self.identity) {
            *self = Self::open(self.path.clone())?;
        }
        Ok(())
    }
}
