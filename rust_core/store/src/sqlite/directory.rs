//! The data directory: its files and its locks.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::lock::{Lock, failed};
use super::watermark::{WatermarkFile, Watermarks};
use crate::{StoreError, StoreResult};

/// A data directory that this process has locked.
///
/// Besides the database it holds the watermarks, which show the loss of acknowledged writes.
pub(crate) struct Directory {
    path: PathBuf,
    watermark: WatermarkFile,
    /// On the directory and on its lock file.
    _locks: [Lock; 2],
    /// On the database file, once it exists.
    database_lock: OnceLock<Lock>,
}

/// Largest length of a data directory's path, in bytes: SQLite has 512 for a file in it.
const MAX_PATH: usize = 490;

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
        let watermark = WatermarkFile::read(open("watermark")?, &path.join("watermark"))?;
        let locked = Self {
            path: path.to_owned(),
            watermark,
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
            let lock = Lock::take_to_write(&self.database(), &self.path)?;
            let _ = self.database_lock.set(lock);
        }
        Ok(())
    }

    /// The database file, open for reading and for making holes in it.
    pub(crate) fn database_file(&self) -> StoreResult<&File> {
        self.lock_database()?;
        let lock = self.database_lock.get();
        Ok(&lock.ok_or(StoreError::Closed)?.file)
    }

    /// The watermarks of a directory that another process has locked.
    pub(crate) fn peek(path: &Path) -> StoreResult<Watermarks> {
        let watermark = path.join("watermark");
        let file = File::open(&watermark).map_err(|error| failed("read", &watermark, &error))?;
        Ok(WatermarkFile::read(file, &watermark)?.get())
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

    /// The file of watermarks.
    pub(crate) fn watermark(&self) -> &WatermarkFile {
        &self.watermark
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
    use crate::Owner;

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
        assert!(changed_by_creating(&third).is_empty());
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
}
