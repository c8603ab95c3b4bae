//! The data directory: its files, its lock and its watermarks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

use crate::{Owner, StoreError, StoreResult};

/// A data directory that this process has locked.
///
/// Besides the database the directory holds the watermarks. SQLite takes a damaged frame for the end of
/// the WAL, and an old copy of the database file for a valid one, both without an error; the watermarks,
/// in a file of their own, show the loss. A watermark is written once the data that it vouches for is
/// durable, so after a power loss it may be behind, never ahead.
pub(crate) struct Directory {
    path: PathBuf,
    file: File,
    state: Mutex<WatermarkFile>,
    /// On the directory and on its lock file.
    _locks: [Lock; 2],
    /// On the database file, once it exists.
    database_lock: OnceLock<Lock>,
}

/// A file that this process has locked, until this is dropped.
///
/// The lock is of the kind `flock`, which does not meet SQLite's own locks. SQLite's locks end when
/// the process closes any descriptor of the database file, so a file that this process has locked
/// already is not opened again.
pub(super) struct Lock {
    file: File,
    key: Key,
}

/// A locked file: the process that locked it, its device and its number there.
type Key = (u32, u64, u64);

/// The paths that this process has locked, and the processes that it was forked from.
static LOCKED: Mutex<Vec<Key>> = Mutex::new(Vec::new());

impl Lock {
    /// Locks a file, or a directory, of a data directory.
    fn take(file: &Path, directory: &Path) -> StoreResult<Self> {
        let in_use = |by| StoreError::InUse {
            directory: directory.display().to_string(),
            by,
        };
        let mut locked = LOCKED.lock();
        let metadata = fs::metadata(file).map_err(|error| failed("lock", file, &error))?;
        let key = (process::id(), metadata.dev(), metadata.ino());
        if locked.contains(&key) {
            return Err(in_use(Owner::ThisProcess));
        }
        let opened = File::open(file).map_err(|error| failed("lock", file, &error))?;
        match opened.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(Owner::AnotherProcess)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", file, &error)),
        }
        locked.push(key);
        Ok(Self { file: opened, key })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked process shares the lock, which is the parent's. The parent, in turn, gives the
        // lock up by name, since the descriptor of a living child would keep it.
        if self.key.0 == process::id() {
            let _ = self.file.unlock();
            LOCKED.lock().retain(|key| *key != self.key);
        }
    }
}

/// The watermarks: the entries that the database must have when the directory is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermarks {
    /// Sequence of the last acknowledged entry: the database with its WAL has it.
    pub(crate) acknowledged: u64,
    /// Sequence that the database file had by itself at the last complete checkpoint.
    pub(crate) checkpointed: u64,
}

struct WatermarkFile {
    watermarks: Watermarks,
    /// The slot to write next: the one that does not hold the newest watermarks.
    next: u64,
}

/// Two slots, written in turn: a torn write leaves the previous watermarks.
const SLOTS: u64 = 2;

/// Largest length of a data directory's path, in bytes: SQLite has 512 for a file in it.
const MAX_PATH: usize = 490;

/// A slot: version, acknowledged, checkpointed, checksum of these, each 8 bytes, little-endian.
const SLOT_BYTES: usize = 32;

/// Version of a slot.
const VERSION: u64 = 1;

impl Directory {
    /// Locks the directory; creates it if it does not exist.
    pub(crate) fn lock(path: &Path) -> StoreResult<Self> {
        let path = &absolute(path)?;
        create(path)?;
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
        // A lock file can be deleted while it is locked; the directory stays.
        let directory = Lock::take(path, path)?;
        drop(open("lock")?);
        let lock = Lock::take(&path.join("lock"), path)?;
        let file = open("watermark")?;
        let state = read_watermarks(&file, &path.join("watermark"))?;
        let locked = Self {
            path: path.to_owned(),
            file,
            state: Mutex::new(state),
            _locks: [directory, lock],
            database_lock: OnceLock::new(),
        };
        if locked.database().exists() {
            locked.lock_database()?;
        }
        Ok(locked)
    }

    /// Locks the database file, which a link may lead to from elsewhere. Idempotent.
    pub(crate) fn lock_database(&self) -> StoreResult<()> {
        if self.database_lock.get().is_none() {
            let lock = Lock::take(&self.database(), &self.path)?;
            let _ = self.database_lock.set(lock);
        }
        Ok(())
    }

    /// The database file, open for reading.
    pub(crate) fn database_file(&self) -> StoreResult<&File> {
        self.lock_database()?;
        let lock = self.database_lock.get();
        Ok(&lock.ok_or(StoreError::Closed)?.file)
    }

    /// The watermarks of a directory that another process has locked.
    pub(crate) fn peek(path: &Path) -> StoreResult<Watermarks> {
        let watermark = path.join("watermark");
        let file = File::open(&watermark).map_err(|error| failed("read", &watermark, &error))?;
        Ok(read_watermarks(&file, &watermark)?.watermarks)
    }

    /// Locks a directory that is only read: what there is of the directory, its lock file and its
    /// database file.
    pub(super) fn lock_for_reading(path: &Path) -> StoreResult<Vec<Lock>> {
        let mut files = vec![path.to_owned(), path.join("lock"), path.join("effemb.db")];
        files.retain(|file| file.exists());
        files.iter().map(|file| Lock::take(file, path)).collect()
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("effemb.db")
    }

    /// Whether the database file is missing, or empty.
    pub(crate) fn is_empty(&self) -> bool {
        fs::metadata(self.database()).map_or(true, |metadata| metadata.len() == 0)
    }

    /// Whether the database has a WAL with anything in it.
    pub(crate) fn has_wal(&self) -> bool {
        let wal = self.path.join("effemb.db-wal");
        fs::metadata(wal).is_ok_and(|wal| wal.len() > 0)
    }

    /// The watermarks.
    pub(crate) fn watermarks(&self) -> Watermarks {
        self.state.lock().watermarks
    }

    /// Raises the mark of acknowledged entries, after their commit.
    pub(crate) fn mark_acknowledged(&self, sequence: u64) -> io::Result<()> {
        let checkpointed = self.watermarks().checkpointed;
        self.write(Watermarks {
            acknowledged: sequence,
            checkpointed,
        })
    }

    /// Raises the mark of checkpointed entries, after the database file was synced and before the
    /// WAL restarts. From then on the file has to do without the WAL, so the mark is made durable
    /// first, in both slots.
    pub(crate) fn mark_checkpointed(&self, sequence: u64) -> io::Result<()> {
        let watermarks = Watermarks {
            checkpointed: sequence,
            ..self.watermarks()
        };
        for _ in 0..SLOTS {
            self.write(watermarks)?;
        }
        self.file.sync_data()
    }

    fn write(&self, watermarks: Watermarks) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut bytes = [0; SLOT_BYTES];
        let fields = [VERSION, watermarks.acknowledged, watermarks.checkpointed];
        for (bytes, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
            *bytes = field.to_le_bytes();
        }
        let checksum = xxh3_64(&bytes[..SLOT_BYTES - 8]);
        bytes[SLOT_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
        self.file
            .write_all_at(&bytes, state.next * SLOT_BYTES as u64)?;
        *state = WatermarkFile {
            watermarks,
            next: (state.next + 1) % SLOTS,
        };
        Ok(())
    }
}

/// Creates the directory, and makes its name in the parent directory durable.
fn create(path: &Path) -> StoreResult<()> {
    if path.is_dir() {
        return Ok(());
    }
    let changed = changed_by_creating(path);
    fs::create_dir_all(path).map_err(|error| failed("create", path, &error))?;
    for directory in changed {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| failed("sync", directory, &error))?;
    }
    Ok(())
}

/// The directories that get an entry when a directory is created with its parents.
fn changed_by_creating(path: &Path) -> Vec<&Path> {
    let missing = path.ancestors().take_while(|directory| !directory.exists());
    missing.filter_map(Path::parent).collect()
}

fn read_watermarks(file: &File, path: &Path) -> StoreResult<WatermarkFile> {
    let mut newest = WatermarkFile {
        watermarks: Watermarks::default(),
        next: 0,
    };
    for slot in 0..SLOTS {
        let mut bytes = [0; SLOT_BYTES];
        match file.read_exact_at(&mut bytes, slot * SLOT_BYTES as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(failed("read", path, &error)),
        }
        let fields = [0, 8, 16, 24].map(|at| {
            let (field, _) = bytes[at..].as_chunks::<8>();
            u64::from_le_bytes(field[0])
        });
        let [version, acknowledged, checkpointed, checksum] = fields;
        if xxh3_64(&bytes[..SLOT_BYTES - 8]) != checksum {
            continue; // Torn.
        }
        if version != VERSION {
            return Err(StoreError::Newer {
                place: path.display().to_string(),
                what: format!(
                    "watermark: version {version} was written by a newer version of the software; \
                     this version reads up to {VERSION}"
                ),
            });
        }
        let watermarks = Watermarks {
            acknowledged,
            checkpointed,
        };
        let newer = watermarks.acknowledged >= newest.watermarks.acknowledged
            && watermarks.checkpointed >= newest.watermarks.checkpointed;
        if newer {
            newest = WatermarkFile {
                watermarks,
                next: (slot + 1) % SLOTS,
            };
        }
    }
    Ok(newest)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::failed(format!("cannot {what} {}: {error}", path.display()))
}

/// The path from the root. SQLite takes a relative path that begins with `file:` for a URI, and
/// cannot open a path that is longer than its buffer.
fn absolute(path: &Path) -> StoreResult<PathBuf> {
    let path = std::path::absolute(path).map_err(|error| failed("resolve", path, &error))?;
    let length = path.as_os_str().len();
    if length > MAX_PATH {
        return Err(StoreError::failed(format!(
            "the path of the data directory has {length} bytes, at most {MAX_PATH} can be opened"
        )));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_that_gets_an_entry_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, third] = ["a", "a/b", "a/b/c"].map(|name| folder.path().join(name));
        assert_eq!(
            changed_by_creating(&third),
            [second.as_path(), first.as_path(), folder.path()]
        );
        create(&third).unwrap();
        assert!(third.is_dir());
        assert_eq!(changed_by_creating(&third), [Path::new(""); 0]);
    }

    #[test]
    fn a_directory_is_locked_by_one_opener() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Directory::lock(temporary.path()).unwrap();
        assert!(matches!(
            Directory::lock(temporary.path()),
            Err(StoreError::InUse {
                by: Owner::ThisProcess,
                ..
            })
        ));
        drop(first);
        Directory::lock(temporary.path()).unwrap();
    }

    #[test]
    fn a_directory_stays_locked_without_its_lock_file() {
        let temporary = tempfile::tempdir().unwrap();
        let data = temporary.path().join("data");
        let renamed = temporary.path().join("renamed");
        let _first = Directory::lock(&data).unwrap();
        fs::remove_file(data.join("lock")).unwrap();
        fs::rename(&data, &renamed).unwrap();
        std::os::unix::fs::symlink(&renamed, &data).unwrap();
        for path in [&data, &renamed] {
            assert!(matches!(
                Directory::lock(path),
                Err(StoreError::InUse { .. })
            ));
            assert!(matches!(
                Directory::lock_for_reading(path),
                Err(StoreError::InUse { .. })
            ));
        }
    }

    #[test]
    fn a_database_is_locked_also_where_a_link_leads_to_it() {
        let temporary = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| temporary.path().join(name));
        let first = Directory::lock(&one).unwrap();
        fs::write(first.database(), "a database").unwrap();
        first.lock_database().unwrap();
        fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(first.database(), other.join("effemb.db")).unwrap();
        assert!(matches!(
            Directory::lock(&other),
            Err(StoreError::InUse { .. })
        ));
    }

    #[test]
    fn a_lock_that_another_open_file_shares_ends_with_the_owner() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Directory::lock(temporary.path()).unwrap();
        // As a forked process has it.
        let _shared = first
            ._locks
            .each_ref()
            .map(|lock| lock.file.try_clone().unwrap());
        drop(first);
        Directory::lock(temporary.path()).unwrap();
    }

    #[test]
    fn a_torn_slot_leaves_the_marks_before() {
        let temporary = tempfile::tempdir().unwrap();
        let reopen = || {
            let directory = Directory::lock(temporary.path()).unwrap();
            directory.watermarks().acknowledged
        };
        let directory = Directory::lock(temporary.path()).unwrap();
        assert_eq!(directory.watermarks(), Watermarks::default());
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
    fn the_newest_slot_is_not_overwritten_first_after_an_open() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = Directory::lock(temporary.path()).unwrap();
        directory.mark_acknowledged(7).unwrap();
        drop(directory);
        let directory = Directory::lock(temporary.path()).unwrap();
        assert_eq!(directory.state.lock().next, 1);
    }

    #[test]
    fn marks_of_a_newer_version_are_refused_by_name() {
        let temporary = tempfile::tempdir().unwrap();
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&2_u64.to_le_bytes());
        let checksum = xxh3_64(&bytes[..SLOT_BYTES - 8]);
        bytes[SLOT_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(temporary.path().join("watermark"), bytes).unwrap();
        let Err(StoreError::Newer { what, .. }) = Directory::lock(temporary.path()) else {
            panic!("it was read");
        };
        assert_eq!(
            what,
            "watermark: version 2 was written by a newer version of the software; this version \
             reads up to 1"
        );
    }
}
