//! A copy of a data directory, while another process may be writing to it.

use std::io;
use std::path::Path;

use super::copy::copy_database;
use super::database::{checkpointed_sequence, open_reader};
use super::directory::Directory;
use crate::{StoreError, StoreResult};

/// Copies a data directory, as of one moment, into `to`, an empty directory. The copy is a data
/// directory with watermarks of its own; it is not verified and not synced.
///
/// Another process may have the directory open, and continues to write; otherwise no process can open
/// the directory until the copy is done.
pub fn copy_directory(directory: &Path, to: &Path) -> StoreResult<()> {
    let source = directory.join("effemb.db");
    if !source.is_file() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(StoreError::failed(format!(
            "cannot find {}: {error}",
            source.display()
        )));
    }
    let (watermarks, _locked) = match Directory::lock(directory) {
        Ok(locked) => (locked.watermark().get(), Some(locked)),
        Err(StoreError::InUse { .. }) => (Directory::peek(directory)?, None),
        Err(error) => return Err(error),
    };
    let database = to.join("effemb.db");
    copy_database(&source, &database)?;
    let sequence = checkpointed_sequence(&database)
        .ok_or_else(|| StoreError::corrupted("backup", "the copy cannot be read"))?;
    // The copy must have every write that was acknowledged before it began.
    if sequence < watermarks.acknowledged {
        return Err(super::lost("the WAL", sequence, watermarks.acknowledged));
    }
    let copy = Directory::lock(to)?;
    copy.watermark()
        .raise_acknowledged(sequence)
        .and_then(|()| copy.watermark().raise_checkpointed(sequence))
        .map_err(|error| {
            let watermark = to.join("watermark");
            StoreError::failed(format!("cannot write {}: {error}", watermark.display()))
        })
}

/// The names of the active namespaces of a database that is not open, in order. Reads the index by
/// name alone, so a damaged row hides no other namespace.
pub fn namespace_names(database: &Path) -> StoreResult<Vec<String>> {
    let connection = open_reader(database)?;
    let sql =
        "SELECT name FROM namespaces INDEXED BY namespaces_by_name WHERE state = 0 ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
