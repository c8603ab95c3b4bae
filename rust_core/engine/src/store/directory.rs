//! The data directory: its files, its lock and its marks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result};

/// A data directory that this process alone has.
///
/// Besides the database it holds the marks. The end of SQLite's write-ahead log can be lost
/// without an error (a damaged frame ends it), and an old copy of the database file is as good as
/// new to SQLite; the marks, in a file of their own, tell. They are written after what they speak
/// of is durable, so after a loss of power they may be behind, never ahead.
pub(crate) struct Directory {
    path: PathBuf,
    file: File,
    state: Mutex<MarksFile>,
    /// Locked as long as it is open.
    _lock: File,
}

/// What must be there when the directory is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Steps in the one order that have been acknowledged: the database with its log has them.
    pub(crate) acknowledged: u64,
    /// Steps that the database file had by itself when the log was last copied back wholly.
    pub(crate) copied: u64,
}

struct MarksFile {
    marks: Marks,
    /// Which slot is next: the one that does not hold the newest.
    next: u64,
}

/// Two slots, written in turn, so that a torn write leaves the one before.
const SLOTS: u64 = 2;
const SLOT_BYTES: usize = 24;

impl Directory {
    /// Takes the directory; makes it if there is none.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        make(path)?;
        let open = |name: &str| {
            let file = path.join(name);
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&file)
                .map_err(|error| failed("open", &file, &error))
        };
        let lock = open("lock")?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::DirectoryInUse {
                    directory: path.display().to_string(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, &error)),
        }
        let file = open("watermark")?;
        let state = read_marks(&file).map_err(|e| failed("read", &path.join("watermark"), &e))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            state: Mutex::new(state),
            _lock: lock,
        })
    }

    /// What must be in a directory that another process has.
    pub(crate) fn look(path: &Path) -> Result<Marks> {
        let watermark = path.join("watermark");
        let found = File::open(&watermark).and_then(|file| read_marks(&file));
        Ok(found
            .map_err(|error| failed("read", &watermark, &error))?
            .marks)
    }

    /// Holds a directory that is only read, so that no process takes it meanwhile.
    pub(crate) fn hold(path: &Path) -> Result<Option<File>> {
        let Ok(lock) = File::open(path.join("lock")) else {
            return Ok(None);
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Err(Error::DirectoryInUse {
                directory: path.display().to_string(),
            }),
            Err(TryLockError::Error(error)) => Err(failed("lock", path, &error)),
        }
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("effemb.db")
    }

    /// Whether the database file is missing, or empty.
    pub(crate) fn is_empty(&self) -> bool {
        fs::metadata(self.database()).map_or(true, |metadata| metadata.len() == 0)
    }

    /// What must be there.
    pub(crate) fn marks(&self) -> Marks {
        self.state.lock().marks
    }

    /// Marks steps as acknowledged, after their commit.
    pub(crate) fn mark_acknowledged(&self, sequence: u64) -> io::Result<()> {
        let copied = self.marks().copied;
        self.write(Marks {
            acknowledged: sequence,
            copied,
        })
    }

    /// Marks steps as copied into the database file, after it was synced and before the log is
    /// written anew. From then on the file has to do without the log, so the mark is durable
    /// before, and in both slots.
    pub(crate) fn mark_copied(&self, sequence: u64) -> io::Result<()> {
        let marks = Marks {
            copied: sequence,
            ..self.marks()
        };
        for _ in 0..SLOTS {
            self.write(marks)?;
        }
        self.file.sync_data()
    }

    fn write(&self, marks: Marks) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&marks.acknowledged.to_le_bytes());
        bytes[8..16].copy_from_slice(&marks.copied.to_le_bytes());
        let checksum = xxh3_64(&bytes[..16]);
        bytes[16..].copy_from_slice(&checksum.to_le_bytes());
        self.file
            .write_all_at(&bytes, state.next * SLOT_BYTES as u64)?;
        *state = MarksFile {
            marks,
            next: (state.next + 1) % SLOTS,
        };
        Ok(())
    }
}

/// Makes the directory, and its name in the one above durable.
fn make(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(|error| failed("create", path, &error))?;
    let above = fs::canonicalize(path).ok();
    let above = above.as_deref().and_then(Path::parent).unwrap_or(path);
    let synced = File::open(above).and_then(|above| above.sync_all());
    synced.map_err(|error| failed("sync", above, &error))
}

fn read_marks(file: &File) -> io::Result<MarksFile> {
    let mut newest = MarksFile {
        marks: Marks::default(),
        next: 0,
    };
    for slot in 0..SLOTS {
        let mut bytes = [0; SLOT_BYTES];
        match file.read_exact_at(&mut bytes, slot * SLOT_BYTES as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(error),
        }
        let ([acknowledged, copied, checksum], _) = bytes.as_chunks::<8>() else {
            continue;
        };
        let marks = Marks {
            acknowledged: u64::from_le_bytes(*acknowledged),
            copied: u64::from_le_bytes(*copied),
        };
        let newer =
            marks.acknowledged >= newest.marks.acknowledged && marks.copied >= newest.marks.copied;
        if xxh3_64(&bytes[..16]) == u64::from_le_bytes(*checksum) && newer {
            newest = MarksFile {
                marks,
                next: (slot + 1) % SLOTS,
            };
        }
    }
    Ok(newest)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::StoreFailed {
        cause: format!("cannot {what} {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_a_directory() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Directory::take(temporary.path()).unwrap();
        assert!(matches!(
            Directory::take(temporary.path()),
            Err(Error::DirectoryInUse { .. })
        ));
        drop(first);
        Directory::take(temporary.path()).unwrap();
    }

    #[test]
    fn torn_marks_leave_the_ones_before() {
        let temporary = tempfile::tempdir().unwrap();
        let reopen = || {
            let directory = Directory::take(temporary.path()).unwrap();
            directory.marks().acknowledged
        };
        let directory = Directory::take(temporary.path()).unwrap();
        assert_eq!(directory.marks(), Marks::default());
        for sequence in 1..=5 {
            directory.mark_acknowledged(sequence).unwrap();
        }
        let tear = |slot: u64| {
            let file = File::options()
                .write(true)
                .open(temporary.path().join("watermark"))
                .unwrap();
            file.write_all_at(&[0xff], slot * SLOT_BYTES as u64 + 3)
                .unwrap();
        };
        drop(directory);
        assert_eq!(reopen(), 5);
        tear(0);
        assert_eq!(reopen(), 4);
    }

    #[test]
    fn after_an_open_the_newest_slot_is_not_the_next_to_be_overwritten() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::take(temporary.path()).unwrap();
        directory.mark_acknowledged(7).unwrap();
        drop(directory);
        let directory = Directory::take(temporary.path()).unwrap();
        assert_eq!(directory.state.lock().next, 1);
    }
}
