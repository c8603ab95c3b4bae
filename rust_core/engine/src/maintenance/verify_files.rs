//! Checking the files below all namespaces.

use crate::api::FilesReport;
use crate::store::{StoreError, queries};
use crate::{Engine, Error, Result};

impl Engine {
    /// Reads every page of the database and verifies its checksum, then compares indexes with
    /// tables, the pages that are still in the log included. Takes as long as reading the whole
    /// file; writes go on.
    pub fn check_files(&self) -> Result<FilesReport> {
        let mut findings = Vec::new();
        let database = self.shared.directory.database();
        let size = self
            .shared
            .readers
            .begin()
            .and_then(|reader| queries::page_size(&reader))
            .map_err(|error| self.shared.read_error(error.into()))?;
        let pages = ee_sqlite_vfs::check_pages(&database, size, |damage| findings.push(damage));
        let pages = pages.map_err(|error| Error::StoreFailed {
            cause: format!("the database file: {error}"),
        });
        let pages = pages.map_err(|error| self.shared.read_error(error))?;
        let checked = self
            .shared
            .readers
            .begin()
            .and_then(|reader| queries::check_integrity(&reader));
        match checked {
            Ok(mut more) => {
                more.retain(|each| !findings.contains(each));
                findings.append(&mut more);
            }
            // The first damaged page ends the comparison.
            Err(error @ StoreError::Sqlite(_)) => findings.push(Error::from(error).to_string()),
            Err(error) => return Err(self.shared.read_error(error.into())),
        }
        Ok(FilesReport { pages, findings })
    }
}
