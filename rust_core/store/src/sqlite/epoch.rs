//! The epoch of a data directory: a random number that a directory gets when it is opened for the first
//! time, and that its backups do not have. So a directory that was replaced by a backup has another one
//! than before, however often it is replaced by the same backup.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;

/// The file in the data directory: 16 hexadecimal digits.
const FILE: &str = "epoch";

/// The epoch of a directory. One that has none, or whose file is damaged, gets a new one. If that
/// cannot be written, as on a full disk, it lasts until the directory is closed.
pub(super) fn epoch(directory: &Path) -> u64 {
    let stored = fs::read_to_string(directory.join(FILE)).unwrap_or_default();
    let stored = (stored.len() == 16).then(|| u64::from_str_radix(&stored, 16));
    if let Some(Ok(epoch)) = stored {
        return epoch;
    }
    // Keys of a hash table are random.
    let epoch = RandomState::new().hash_one(std::process::id());
    let _ = write(directory, epoch);
    epoch
}

/// Removes the epoch of a backup, so that each directory that it becomes gets its own.
pub fn forget_epoch(directory: &Path) -> io::Result<()> {
    match fs::remove_file(directory.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(directory: &Path, epoch: u64) -> io::Result<()> {
    let unfinished = directory.join("epoch.new");
    let mut file = File::create(&unfinished)?;
    write!(file, "{epoch:016x}")?;
    file.sync_all()?;
    fs::rename(unfinished, directory.join(FILE))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_stays_until_it_is_forgotten_or_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let mut seen = vec![epoch(directory.path())];
        assert_eq!(epoch(directory.path()), seen[0]);
        for damage in [
            "",
            "5f0c8e7a91d2b36",
            "5f0c8e7a91d2b36x",
            "+f0c8e7a91d2b364",
        ] {
            fs::write(directory.path().join(FILE), damage).unwrap();
            let next = epoch(directory.path());
            assert!(!seen.contains(&next));
            assert_eq!(epoch(directory.path()), next);
            seen.push(next);
        }
        forget_epoch(directory.path()).unwrap();
        forget_epoch(directory.path()).unwrap();
        assert!(!seen.contains(&epoch(directory.path())));
    }
}
