//! Verifying the files of a data directory.

use std::fs::File;
use std::sync::Arc;

use super::integrity::{check_integrity, page_size};
use super::views::Views;
use crate::{FilesReport, StoreError, StoreResult};

/// Verifies the checksum of every page, and compares indexes with tables, the pages in the WAL
/// included.
pub(super) fn verify_files(database: &File, views: &Arc<Views>) -> StoreResult<FilesReport> {
    let mut findings = Vec::new();
    let size = page_size(&views.begin()?.connected().0)?;
    let pages = ee_sqlite_vfs::check_pages(database, size, |damage| findings.push(damage))
        .map_err(|error| StoreError::failed(format!("the database file: {error}")))?;
    let checked = views
        .begin()
        .and_then(|view| check_integrity(&view.connected().0));
    match checked {
        Ok(mut more) => {
            more.retain(|each| !findings.contains(each));
            findings.append(&mut more);
        }
        // The first damaged page ends the comparison.
        Err(error) if error.ends_transaction() => findings.push(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(FilesReport { pages, findings })
}
